//! The steps of a body store, on one connection.
//!
//! As for records: each step looks at the body, decides, and writes exactly over what it saw; if something else is there by
//! then, it begins again. What has ended never has the number that it had before, so a write on condition of a number that
//! was seen earlier needs no look at the mark.

use std::time::Duration;

use cloakroom_store::{Body, Ended, Error, ErrorKind, Replaced, Result, Timestamp, Version};

use super::{Inner, Names};
use crate::connection::Connection;
use crate::error::Failure;
use crate::memory::Glimpse;
use crate::protocol::{Answer, Condition, Item, Seen, delete, delete_any, get_with_time, look, set};

/// How often a step begins again because another wrote in between. Each time, the other has got on.
const TRIES: usize = 1000;
/// The flags of what Node's client reads as JSON.
const JSON: u32 = 2;
/// What is in the place of a body whose session ends: no session to Node, and no body of a session.
const NULL: &[u8] = b"null";
/// How long the mark of an end stays after it was last needed.
const MARKED: Duration = Duration::from_secs(24 * 60 * 60);

/// A step on the body of one id, at one moment.
pub(super) struct Operation<'a> {
    inner: &'a Inner,
    connection: &'a mut Connection,
    names: &'a Names,
    now: Timestamp,
}

/// What is under an id.
enum Found {
    Nothing,
    /// What is there was written back after the end of its session, or is half-way to it.
    Ended,
    There(Body, Seen),
}

impl<'a> Operation<'a> {
    pub(super) fn new(inner: &'a Inner, connection: &'a mut Connection, names: &'a Names) -> Self {
        let now = inner.clock.now();
        Self { inner, connection, names, now }
    }

    pub(super) async fn read(mut self) -> Result<Option<Body>> {
        Ok(self.look_and_tidy().await?.map(|(body, _)| body))
    }

    pub(super) async fn insert(mut self, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        self.check_size(body)?;
        let version = version_of(body);
        let Some(exptime) = self.exptime(expires_at) else { return Ok(Some(version)) };
        let add = set(&self.names.body, body, JSON, exptime, Condition::Add);
        match self.connection.ask_both(&add, &look(&self.names.mark)).await? {
            [Answer::Done(seen), Answer::Missing] => {
                self.remember(version, seen);
                Ok(Some(version))
            }
            // Nothing of ours has seen it: the session had ended.
            [Answer::Done(_), _] => {
                self.finish_end().await?;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    pub(super) async fn replace(
        mut self,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced> {
        self.check_size(body)?;
        if let Some(seen) = self.recall(expected)
            && self.put(body, expires_at, seen).await?
        {
            return Ok(Replaced::Replaced(version_of(body)));
        }
        for _ in 0..TRIES {
            let Some((there, seen)) = self.look_and_tidy().await? else { return Ok(Replaced::Missing) };
            if there.version != expected {
                return Ok(Replaced::Changed(there));
            }
            if self.put(body, expires_at, seen).await? {
                return Ok(Replaced::Replaced(version_of(body)));
            }
        }
        Err(Failure::CROWDED.into())
    }

    pub(super) async fn touch(mut self, expires_at: Timestamp) -> Result<bool> {
        for _ in 0..TRIES {
            let Some((there, seen)) = self.look_and_tidy().await? else { return Ok(false) };
            if expires_at <= there.expires_at || self.put(&there.bytes, expires_at, seen).await? {
                return Ok(true);
            }
        }
        Err(Failure::CROWDED.into())
    }

    pub(super) async fn end(mut self, expected: Option<Version>) -> Result<Ended> {
        for _ in 0..TRIES {
            let Some((there, seen)) = self.look_and_tidy().await? else { return Ok(Ended::Missing) };
            if expected.is_some_and(|expected| expected != there.version) {
                return Ok(Ended::Changed(there));
            }
            let null = set(&self.names.body, NULL, JSON, MARKED.as_secs(), Condition::Is(seen));
            if let Answer::Done(_) = self.connection.ask(&null).await? {
                self.finish_end().await?;
                return Ok(Ended::Ended(there));
            }
        }
        Err(Failure::CROWDED.into())
    }

    async fn look_and_tidy(&mut self) -> Result<Option<(Body, Seen)>, Failure> {
        match self.look().await? {
            Found::Nothing => Ok(None),
            Found::Ended => self.finish_end().await.map(|()| None),
            Found::There(body, seen) => Ok(Some((body, seen))),
        }
    }

    async fn look(&mut self) -> Result<Found, Failure> {
        let (body, mark) = (get_with_time(&self.names.body), look(&self.names.mark));
        Ok(match self.connection.ask_both(&body, &mark).await? {
            [Answer::Value(Item { value, seen, left }), Answer::Missing] if value != NULL => {
                let version = version_of(&value);
                self.remember(version, Some(seen));
                let expires_at =
                    left.map_or(Timestamp::NEVER, |seconds| self.now + Duration::from_secs(seconds));
                Found::There(Body::new(value, expires_at, version), seen)
            }
            [Answer::Value(_), _] => Found::Ended,
            _ => Found::Nothing,
        })
    }

    /// Leaves the mark of an end, or keeps it for longer, and removes what is there.
    async fn finish_end(&mut self) -> Result<(), Failure> {
        let mark = set(&self.names.mark, b"1", 0, MARKED.as_secs(), Condition::Any);
        match self.connection.ask_both(&mark, &delete_any(&self.names.body)).await? {
            [Answer::Done(_), Answer::Done(_) | Answer::Missing] => Ok(()),
            _ => Err(Failure::FOREIGN),
        }
    }

    /// Writes a body over the one that was seen, and says whether that was there still.
    async fn put(&mut self, body: &[u8], expires_at: Timestamp, seen: Seen) -> Result<bool, Failure> {
        let Some(exptime) = self.exptime(expires_at) else {
            // What has expired is gone as soon as it is written.
            let answer = self.connection.ask(&delete(&self.names.body, seen)).await?;
            return Ok(matches!(answer, Answer::Done(_)));
        };
        let command = set(&self.names.body, body, JSON, exptime, Condition::Is(seen));
        let Answer::Done(seen) = self.connection.ask(&command).await? else { return Ok(false) };
        self.remember(version_of(body), seen);
        Ok(true)
    }

    /// Returns the expiry to send to the server; `None` if it has passed.
    fn exptime(&self, expires_at: Timestamp) -> Option<u64> {
        if expires_at == Timestamp::NEVER {
            return Some(0);
        }
        if expires_at <= self.now {
            return None;
        }
        // To the server, none is for ever.
        Some(self.connection.exptime_in(expires_at.since(self.now).as_secs().max(1)))
    }

    fn remember(&self, version: Version, seen: Option<Seen>) {
        let (life, expires_at) = (self.connection.life, Timestamp::NEVER);
        if let Some(seen) = seen {
            self.inner.memory.keep(&self.names.key, Glimpse { life, seen, version, expires_at });
        }
    }

    /// Returns the number of the item with this body, if it was seen in the server's present life.
    fn recall(&self, version: Version) -> Option<Seen> {
        let glimpse = self.inner.memory.recall(&self.names.key)?;
        (glimpse.version == version && glimpse.life == self.connection.life).then_some(glimpse.seen)
    }

    /// What the server refuses as too large takes the old item with it, so it is never sent.
    fn check_size(&self, body: &[u8]) -> Result<()> {
        let (size, most) = (body.len(), self.connection.room().min(self.inner.largest));
        if size <= most {
            return Ok(());
        }
        let message =
            format!("a body has at most {most} bytes here, this one {size}; see the server's option -I");
        Err(Error::new(ErrorKind::TooLarge, message))
    }
}

/// Returns what stands for a body: the first eight bytes of its hash.
fn version_of(body: &[u8]) -> Version {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(body).as_bytes()[..8]);
    Version::new(u64::from_be_bytes(first))
}
