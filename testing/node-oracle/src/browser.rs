//! A client with a cookie jar, for two applications behind one name.

use std::collections::BTreeMap;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;

/// A client that keeps cookies, whichever application sets them.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    jar: BTreeMap<String, String>,
}

/// A response.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The values of all `Set-Cookie` headers.
    pub set_cookies: Vec<String>,
    /// The body.
    pub body: String,
}

impl Browser {
    /// Makes a client without cookies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the cookies that it has.
    pub const fn jar(&self) -> &BTreeMap<String, String> {
        &self.jar
    }

    /// Sends a GET request, and keeps the cookies of the answer.
    ///
    /// # Errors
    /// The application does not answer.
    pub async fn get(&mut self, port: u16, path: &str) -> Result<Answer> {
        self.send("GET", port, path, "").await
    }

    /// Returns the body of a GET request.
    ///
    /// # Errors
    /// The application does not answer with 200.
    pub async fn text(&mut self, port: u16, path: &str) -> Result<String> {
        let answer = self.get(port, path).await?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(format!("{path}: {status} {}", answer.body).into()),
        }
    }

    /// Sends an empty POST request with one more header line.
    ///
    /// # Errors
    /// The application does not answer.
    pub async fn post(&mut self, port: u16, path: &str, header: &str) -> Result<Answer> {
        self.send("POST", port, path, header).await
    }

    async fn send(&mut self, method: &str, port: u16, path: &str, header: &str) -> Result<Answer> {
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies =
            if cookies.is_empty() { String::new() } else { format!("Cookie: {}\r\n", cookies.join("; ")) };
        let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\n{cookies}{header}Content-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        let answer = Answer::read(&String::from_utf8_lossy(&bytes)).ok_or("no HTTP answer")?;
        answer.set_cookies.iter().for_each(|cookie| self.keep(cookie));
        Ok(answer)
    }

    fn keep(&mut self, set_cookie: &str) {
        let (pair, attributes) = set_cookie.split_once(';').unwrap_or((set_cookie, ""));
        let Some((name, value)) = pair.split_once('=') else { return };
        let attributes = attributes.to_ascii_lowercase();
        if attributes.contains("01 jan 1970") || attributes.contains("max-age=0") {
            self.jar.remove(name);
        } else {
            self.jar.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl Answer {
    fn read(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let set_cookies = lines
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            .map(|(_, value)| value.to_owned())
            .collect();
        Some(Self { status, set_cookies, body: body.to_owned() })
    }
}
