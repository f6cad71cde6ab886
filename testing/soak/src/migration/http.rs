//! Requests to two processes, on connections that stay open.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::Result;
use crate::migration::processes::Addresses;

/// How long a process may take to come back, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// A connection to each process.
#[derive(Debug)]
pub(crate) struct Browser {
    addresses: Addresses,
    connections: [Option<Connection>; 2],
}

#[derive(Debug)]
struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
}

/// An answer: whatever its status, it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `name=value`, if a cookie was set.
    pub(crate) cookie: Option<String>,
    pub(crate) body: Value,
}

impl Browser {
    pub(crate) fn new(addresses: &Addresses) -> Self {
        Self { addresses: addresses.clone(), connections: [None, None] }
    }

    /// Sends a request to one of the two processes. An error means that it is dead, and what it has done is unknown.
    pub(crate) async fn ask(
        &mut self,
        which: usize,
        line: &str,
        cookie: &str,
        body: &Value,
    ) -> Result<Answer> {
        let address = self.addresses.of(which);
        let kept = self.connections[which].take().filter(|connection| connection.address == address);
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.connect(which).await?,
        };
        let answer = connection.exchange(line, cookie, &body.to_string()).await?;
        self.connections[which] = Some(connection);
        Ok(answer)
    }

    /// Waits for a process that was killed and is not back yet: nothing was asked of it, so everything is known.
    async fn connect(&self, which: usize) -> Result<Connection> {
        let began = Instant::now();
        loop {
            match Connection::open(self.addresses.of(which)).await {
                Err(_) if began.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
                opened => return opened,
            }
        }
    }
}

impl Connection {
    async fn open(address: String) -> Result<Self> {
        let stream = TcpStream::connect(&address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream: BufReader::new(stream) })
    }

    async fn exchange(&mut self, line: &str, cookie: &str, body: &str) -> Result<Answer> {
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let status = self.line().await?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("no status")?;
        let (mut cookie, mut length) = (None, 0);
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(": ") else { break };
            match name {
                "set-cookie" => cookie = value.split(';').next().map(str::to_owned),
                "content-length" => length = value.parse()?,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Answer { status, cookie, body: serde_json::from_slice(&body)? })
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err("the connection ended".into());
        }
        Ok(line.trim_end().to_owned())
    }
}
