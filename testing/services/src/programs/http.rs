//! As much of HTTP as it takes to see that a server answers.

use std::io::{self, Read, Write};

use super::connect;

/// Sends a request and hands out the whole response, head and body, as text.
pub(super) fn ask(port: u16, method: &str, path: &str, headers: &str, body: &str) -> io::Result<String> {
    let mut stream = connect(port)?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n{headers}content-length: \
         {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}

/// Returns whether this response says 200.
pub(super) fn is_ok(response: &str) -> bool {
    response.split(' ').nth(1) == Some("200")
}
