//! A client that keeps its cookie: a request, an answer, the end of the connection.

use std::io::{Read, Write};
use std::net::TcpStream;

use cloakroom_services::Result;

/// A browser with an empty jar.
#[derive(Default)]
pub(crate) struct Browser {
    cookie: Option<String>,
}

impl Browser {
    pub(crate) fn get(&mut self, address: &str, path: &str) -> Result {
        self.send(address, &format!("GET {path}"), "").map(drop)
    }

    /// Runs steps on the session.
    pub(crate) fn run(&mut self, address: &str, steps: &str) -> Result {
        self.send(address, "POST /api/do", &format!(r#"{{"do": [{steps}]}}"#)).map(drop)
    }

    /// What is at a path of another server.
    pub(crate) fn read(address: &str, path: &str) -> Result<String> {
        Self::default().send(address, &format!("GET {path}"), "")
    }

    fn send(&mut self, address: &str, line: &str, body: &str) -> Result<String> {
        let cookie = self.cookie.as_ref().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "{line} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n{cookie}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if !answer.starts_with("HTTP/1.0 200") {
            return Err(format!("{line} was answered with {answer}").into());
        }
        if let Some(set) = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")) {
            self.cookie = set.split(';').next().map(str::to_owned);
        }
        Ok(answer)
    }
}
