//! A client that does what a browser does: it keeps cookies, follows redirects and sends the forms of a page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::Result;

/// A browser that visits one server.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    address: String,
    jar: BTreeMap<String, String>,
}

/// A page, after all redirects.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Browser {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), jar: BTreeMap::new() }
    }

    /// The same browser, later, when the server has another address.
    pub(crate) fn at(self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self }
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Page> {
        self.follow("GET", path, "")
    }

    /// Fills in and sends the form of `page` that has this action.
    pub(crate) fn submit(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Result<Page> {
        let token = page.token(action)?;
        self.submit_with_token(action, token, fields)
    }

    pub(crate) fn submit_with_token(
        &mut self,
        action: &str,
        token: &str,
        fields: &[(&str, &str)],
    ) -> Result<Page> {
        let mut body = format!("_csrf={}", encoded(token));
        for (name, value) in fields {
            let _ = write!(body, "&{name}={}", encoded(value));
        }
        self.follow("POST", action, &body)
    }

    fn follow(&mut self, method: &str, path: &str, body: &str) -> Result<Page> {
        let (mut method, mut path, mut body) = (method, path.to_owned(), body);
        for _ in 0..5 {
            let (head, text) = self.ask(method, &path, body)?;
            let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
            let Some(next) = header(&head, "location").next() else { return Ok(Page { status, path, text }) };
            (method, path, body) = ("GET", next.to_owned(), "");
        }
        Err("redirected too often".into())
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<(String, String)> {
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: close\r\nContent-Length: {}\r\n\
            Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
            self.address,
            cookies.join("; "),
            body.len(),
        );
        let mut stream = TcpStream::connect(&self.address)?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, text) = answer.split_once("\r\n\r\n").ok_or("no HTTP answer")?;
        for cookie in header(head, "set-cookie") {
            self.keep(cookie);
        }
        Ok((head.to_owned(), text.to_owned()))
    }

    fn keep(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let Some((name, value)) = pair.split_once('=') else { return };
        let attributes = attributes.to_ascii_lowercase();
        if attributes.contains("01 jan 1970") || attributes.contains("max-age=0") {
            self.jar.remove(name);
        } else {
            self.jar.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl Page {
    /// Returns the hidden token of the form that has this action.
    pub(crate) fn token(&self, action: &str) -> Result<&str> {
        let form = self.text.split_once(&format!("action=\"{action}\""));
        let (_, form) = form.ok_or_else(|| format!("no form {action} in {self:?}"))?;
        let (_, token) = form.split_once("name=\"_csrf\" value=\"").ok_or("a form without a token")?;
        Ok(token.split('"').next().unwrap_or_default())
    }

    /// Fails unless the page has this text.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        assert!(self.status == 200 && self.text.contains(text), "no {text:?} in {self:?}");
    }
}

fn header<'a>(head: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
