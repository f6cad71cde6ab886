//! Load, create, update, touch and delete, on one connection.
//!
//! memcached changes an item on condition of the number that it gave it (`cas`). So each method looks at the item, decides,
//! and writes or removes exactly what it saw; if something else is there by then, it begins again.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{
    Clock, CreateOutcome, Error, ErrorKind, Record, Result, StoreKey, Timestamp, Touch, UpdateOutcome,
    Version, VersionedRecord,
};

use crate::connection::Connection;
use crate::error::Failure;
use crate::layout::{name, read, write};
use crate::memory::{Glimpse, Memory};
use crate::protocol::{self, Answer, Condition, Seen, delete, get, set};

/// How often a method begins again because another wrote in between. Each time, the other has got on.
const TRIES: usize = 1000;

/// What the methods need besides a connection.
pub(crate) struct Rules {
    pub(crate) prefix: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) slack: Duration,
    pub(crate) largest_payload: usize,
    pub(crate) memory: Memory,
}

/// An operation on the item of one key, at one moment.
pub(crate) struct Operation<'a> {
    rules: &'a Rules,
    connection: &'a mut Connection,
    key: &'a StoreKey,
    name: String,
    now: Timestamp,
}

/// What is under a name.
enum Item {
    None,
    /// A record that has expired; memcached keeps it for a while.
    Expired(Seen),
    Live(VersionedRecord, Seen),
}

impl<'a> Operation<'a> {
    pub(crate) fn new(rules: &'a Rules, connection: &'a mut Connection, key: &'a StoreKey) -> Self {
        let (name, now) = (name(&rules.prefix, key), rules.clock.now());
        Self { rules, connection, key, name, now }
    }

    pub(crate) async fn load(mut self, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        for _ in 0..TRIES {
            let Item::Live(mut stored, seen) = self.look().await? else { return Ok(None) };
            let Some(later) = touch.and_then(|touch| touch.extended_expiry(&stored.record)) else {
                return Ok(Some(stored));
            };
            stored.record.expires_at = later;
            if self.put(&stored, Condition::Is(seen)).await? {
                return Ok(Some(stored));
            }
        }
        Err(Failure::CROWDED.into())
    }

    pub(crate) async fn create(mut self, record: &Record) -> Result<CreateOutcome> {
        self.check_size(record)?;
        let stored = versioned(record);
        let mut condition = Condition::Add;
        for _ in 0..TRIES {
            if self.put(&stored, condition).await? {
                return Ok(CreateOutcome::Created(stored.version));
            }
            condition = match self.look().await? {
                Item::Live(..) => return Ok(CreateOutcome::AlreadyExists),
                Item::Expired(seen) => Condition::Is(seen),
                Item::None => Condition::Add,
            };
        }
        Err(Failure::CROWDED.into())
    }

    pub(crate) async fn update(mut self, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.check_size(record)?;
        let stored = versioned(record);
        if let Some(seen) = self.recall(expected)
            && self.put(&stored, Condition::Is(seen)).await?
        {
            return Ok(UpdateOutcome::Updated(stored.version));
        }
        for _ in 0..TRIES {
            let Item::Live(there, seen) = self.look().await? else { return Ok(UpdateOutcome::NotFound) };
            if there.version != expected {
                return Ok(UpdateOutcome::Conflict(there));
            }
            if self.put(&stored, Condition::Is(seen)).await? {
                return Ok(UpdateOutcome::Updated(stored.version));
            }
        }
        Err(Failure::CROWDED.into())
    }

    pub(crate) async fn touch(mut self, expires_at: Timestamp) -> Result<bool> {
        for _ in 0..TRIES {
            let Item::Live(mut stored, seen) = self.look().await? else { return Ok(false) };
            if expires_at <= stored.record.expires_at {
                return Ok(true);
            }
            stored.record.expires_at = expires_at;
            if self.put(&stored, Condition::Is(seen)).await? {
                return Ok(true);
            }
        }
        Err(Failure::CROWDED.into())
    }

    pub(crate) async fn delete(mut self) -> Result<Option<VersionedRecord>> {
        for _ in 0..TRIES {
            // An item that has expired by our clock goes, too: the server keeps it a little longer.
            let (stored, seen) = match self.look().await? {
                Item::Live(stored, seen) => (Some(stored), seen),
                Item::Expired(seen) => (None, seen),
                Item::None => return Ok(None),
            };
            if let Answer::Done(_) = self.connection.ask(&delete(&self.name, seen)).await? {
                return Ok(stored);
            }
        }
        Err(Failure::CROWDED.into())
    }

    async fn look(&mut self) -> Result<Item, Failure> {
        let Answer::Value(item) = self.connection.ask(&get(&self.name)).await? else {
            return Ok(Item::None);
        };
        let protocol::Item { value, seen, .. } = item;
        let stored = read(self.key, &value)?;
        if !stored.record.is_live(self.now) {
            return Ok(Item::Expired(seen));
        }
        self.remember(&stored, seen);
        Ok(Item::Live(stored, seen))
    }

    /// Writes the item if the condition holds, and says whether it did.
    async fn put(&mut self, stored: &VersionedRecord, condition: Condition) -> Result<bool, Failure> {
        let exptime = self.connection.exptime(self.now, stored.record.expires_at, self.rules.slack);
        let command = set(&self.name, &write(self.key, stored), 0, exptime, condition);
        let Answer::Done(seen) = self.connection.ask(&command).await? else { return Ok(false) };
        if let Some(seen) = seen {
            self.remember(stored, seen);
        }
        Ok(true)
    }

    fn remember(&self, stored: &VersionedRecord, seen: Seen) {
        let (life, version, expires_at) = (self.connection.life, stored.version, stored.record.expires_at);
        self.rules.memory.keep(self.key, Glimpse { life, seen, version, expires_at });
    }

    /// Returns the number of the live item with this version, if it was seen in the server's present life.
    fn recall(&self, version: Version) -> Option<Seen> {
        let glimpse = self.rules.memory.recall(self.key)?;
        let holds = glimpse.version == version
            && glimpse.life == self.connection.life
            && self.now < glimpse.expires_at;
        holds.then_some(glimpse.seen)
    }

    /// What the server refuses as too large takes the old item with it, so it is never sent.
    fn check_size(&self, record: &Record) -> Result<()> {
        let most = self.connection.room().min(self.rules.largest_payload);
        let size = record.payload.len();
        if size <= most {
            return Ok(());
        }
        let message =
            format!("a payload has at most {most} bytes here, this one {size}; see the server's option -I");
        Err(Error::new(ErrorKind::TooLarge, message))
    }
}

/// Returns the record with a version out of 2^64: none that this key had is met again, not even after a restart.
fn versioned(record: &Record) -> VersionedRecord {
    VersionedRecord::new(record.clone(), Version::random())
}
