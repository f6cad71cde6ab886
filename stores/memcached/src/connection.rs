//! A connection, and what it knows of the server at its other end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use cloakroom_store::{Bytes, Timestamp};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::net::TcpStream;

use crate::address::{Address, Place};
use crate::error::{Failure, told};
use crate::layout::OVERHEAD;
use crate::protocol::{Answer, Head, Item, authenticate, head, number};

/// A longer relative time means a moment to memcached.
const LONGEST_RELATIVE: u64 = 30 * 24 * 60 * 60;
/// No line of an answer is longer.
const LONGEST_LINE: u64 = 2048;

/// A TCP or Unix stream.
trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// One question at a time. A caller that drops a question before its answer drops the connection too.
pub(crate) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    pub(crate) life: Life,
    /// The server's clock, in seconds since 1970, and when it was read.
    clock: (u64, Instant),
    /// The largest item that the server keeps, in bytes.
    item_size_max: usize,
}

/// Which process of the server it is: one that was started again counts its items from 1 again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life {
    process: u64,
    started: u64,
}

impl Connection {
    /// Connects, authenticates, and asks the server for its version and settings.
    pub(crate) async fn open(address: &Address) -> Result<Self, Failure> {
        let stream: Box<dyn Stream> = match &address.place {
            Place::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            #[cfg(unix)]
            Place::Unix(path) => Box::new(tokio::net::UnixStream::connect(path).await?),
        };
        let stream = BufReader::new(stream);
        let mut connection =
            Self { stream, life: Life::default(), clock: (0, Instant::now()), item_size_max: 0 };
        if let Some((user, password)) = &address.credentials {
            connection.ask(&authenticate(user, password)).await?;
        }
        connection.introduce().await?;
        Ok(connection)
    }

    /// Returns whether the connection is open and has no unread bytes.
    pub(crate) fn is_open(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream).poll_fill_buf(&mut context).is_pending()
    }

    /// Returns the largest payload that the server keeps, whatever is around it.
    pub(crate) fn room(&self) -> usize {
        self.item_size_max.saturating_sub(OVERHEAD)
    }

    /// Sends a command and reads its answer.
    pub(crate) async fn ask(&mut self, command: &[u8]) -> Result<Answer, Failure> {
        self.send(command).await?;
        self.answer().await
    }

    /// Sends two commands in one trip, which the server carries out in this order, and reads their answers.
    pub(crate) async fn ask_both(&mut self, first: &[u8], second: &[u8]) -> Result<[Answer; 2], Failure> {
        self.send(&[first, second].concat()).await?;
        Ok([self.answer().await?, self.answer().await?])
    }

    async fn answer(&mut self) -> Result<Answer, Failure> {
        match head(&self.line().await?)? {
            Head::Whole(answer) => Ok(answer),
            Head::Value(size, seen, left) => {
                let mut value = vec![0; size + 2];
                self.stream.read_exact(&mut value).await?;
                value.truncate(size);
                Ok(Answer::Value(Item { value: Bytes::from(value), seen, left }))
            }
        }
    }

    /// Returns the expiry to send to the server: its own clock's, and by `expiry_margin` later than ours. 0 means never.
    pub(crate) fn exptime(&self, now: Timestamp, expires_at: Timestamp, slack: Duration) -> u64 {
        if expires_at == Timestamp::NEVER {
            return 0;
        }
        self.exptime_in((expires_at.since(now) + slack).as_secs() + 1)
    }

    /// Returns the expiry to send to the server for what it keeps for so many seconds. 0 means never.
    pub(crate) fn exptime_in(&self, left: u64) -> u64 {
        if left <= LONGEST_RELATIVE {
            return left;
        }
        let (seconds, read_at) = self.clock;
        let moment = seconds + read_at.elapsed().as_secs() + left;
        // Beyond that memcached cannot count.
        if i32::try_from(moment).is_ok() { moment } else { 0 }
    }

    async fn introduce(&mut self) -> Result<(), Failure> {
        let [process, uptime, time] = self.stats(b"stats\r\n", ["pid", "uptime", "time"]).await?;
        let [item_size_max] = self.stats(b"stats settings\r\n", ["item_size_max"]).await?;
        self.life = Life { process, started: time.saturating_sub(uptime) };
        self.clock = (time, Instant::now());
        self.item_size_max = usize::try_from(item_size_max).unwrap_or(usize::MAX);
        Ok(())
    }

    /// Asks for statistics and reads the numbers of these names.
    async fn stats<const N: usize>(&mut self, command: &[u8], names: [&str; N]) -> Result<[u64; N], Failure> {
        self.send(command).await?;
        let mut found = [None; N];
        loop {
            let line = self.line().await?;
            let mut words = line.split(|byte| *byte == b' ');
            match (words.next(), words.next(), words.next()) {
                (Some(b"STAT"), Some(name), value) => {
                    if let Some(at) = names.iter().position(|wanted| wanted.as_bytes() == name) {
                        found[at] = value.and_then(number);
                    }
                }
                (Some(b"END"), ..) => break,
                _ => return Err(told(&line)),
            }
        }
        if found.iter().all(Option::is_some) {
            Ok(found.map(Option::unwrap_or_default))
        } else {
            Err(Failure::FOREIGN)
        }
    }

    async fn send(&mut self, command: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(command).await?;
        Ok(self.stream.flush().await?)
    }

    /// Reads a line, without its end.
    async fn line(&mut self) -> Result<Vec<u8>, Failure> {
        let mut line = Vec::new();
        (&mut self.stream).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        match line.strip_suffix(b"\r\n") {
            Some(whole) => Ok(whole.to_vec()),
            None if line.len() as u64 == LONGEST_LINE || line.ends_with(b"\n") => Err(Failure::FOREIGN),
            None => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }
}
