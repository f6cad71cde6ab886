//! A store of sessions whose bodies are those of a Node package.
//!
//! The engine reads and writes records of its own format. This store translates: what it reads is taken apart into values
//! that are not decoded, and put together again with the `cookie` object and all other members as they were.

mod cookie_body;
mod memory;
mod node_session_body;
mod own_state;
mod scan;
mod translate;
mod writer;

use std::fmt;
use std::sync::Arc;

use cloakroom::format::Payload;
use cloakroom::store::{
    Body, BodyStore, Capabilities, CreateOutcome, Ended, Error, ErrorKind, Record, Replaced, Result, Store,
    StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};

pub use memory::MemoryBodies;

pub(crate) use cookie_body::{CookieBody, Passport};
pub(crate) use node_session_body::{NodeSessionBody, is_reserved as node_session_reserves};
pub(crate) use own_state::KEY as OWN_KEY;
pub(crate) use translate::{Read, Translate};

/// Keeps sessions as the bodies of a Node package, in `bodies`: the same sessions that the Node application uses.
///
/// A preset makes one, like [`Express::store`](crate::Express::store).
///
/// A write takes effect only if the body is still the one that was read, so that nothing that Node has written meanwhile is
/// lost; the engine merges and tries again. Node itself writes blindly: what it may undo is in the README.
#[derive(Clone)]
pub struct NodeStore {
    bodies: Arc<dyn BodyStore>,
    translate: Arc<dyn Translate>,
}

impl NodeStore {
    pub(crate) fn new(bodies: Arc<dyn BodyStore>, translate: Arc<dyn Translate>) -> Self {
        Self { bodies, translate }
    }

    fn record(&self, id: &str, body: &Body) -> Option<VersionedRecord> {
        let Read { payload, sliding, owner } = self.translate.read(id, body)?;
        let record = Record::new(payload, body.expires_at).with_sliding(sliding).with_owner(owner);
        Some(VersionedRecord::new(record, body.version))
    }

    fn body(&self, record: &Record) -> Result<Vec<u8>> {
        match Payload::decode(&record.payload) {
            Some(Payload::Session(facts, members)) => self.translate.write(&facts, &members, record),
            Some(Payload::Redirect(redirect)) => self.translate.write_other(redirect.payload(), record),
            // What a migration leaves in the place of a session, and what it puts there first.
            None if own_state::can_be_other(&record.payload) => {
                self.translate.write_other(&record.payload, record)
            }
            None => Err(Error::new(ErrorKind::Invalid, "the record is of no format that this store knows")),
        }
    }

    /// Removes the body, and leaves the mark of an end.
    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        self.bodies.end(id, expected).await
    }
}

/// Returns the id that a key is.
fn id_of(key: &StoreKey) -> Result<&str> {
    std::str::from_utf8(key.as_bytes())
        .map_err(|_| Error::new(ErrorKind::Invalid, "the key is not a session id of a Node package"))
}

/// What is gone as soon as it is written.
fn is_over(record: &Record) -> bool {
    record.payload.is_empty() || record.expires_at == Timestamp::EPOCH
}

#[async_trait]
impl Store for NodeStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        let id = id_of(key)?;
        let Some(body) = self.bodies.read(id).await? else { return Ok(None) };
        let Some(mut stored) = self.record(id, &body) else { return Ok(None) };
        if let Some(expires_at) = touch.and_then(|touch| touch.extended_expiry(&stored.record)) {
            if !self.bodies.touch(id, expires_at).await? {
                return Ok(None);
            }
            stored.record.expires_at = expires_at;
        }
        Ok(Some(stored))
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let id = id_of(key)?;
        if is_over(record) {
            return Ok(CreateOutcome::Created(Version::random()));
        }
        let made = self.bodies.insert(id, &self.body(record)?, record.expires_at).await?;
        Ok(made.map_or(CreateOutcome::AlreadyExists, CreateOutcome::Created))
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        let id = id_of(key)?;
        let there = if is_over(record) {
            match self.end(id, Some(expected)).await? {
                Ended::Ended(_) => return Ok(UpdateOutcome::Updated(Version::random())),
                Ended::Missing => return Ok(UpdateOutcome::NotFound),
                Ended::Changed(there) => there,
            }
        } else {
            match self.bodies.replace(id, expected, &self.body(record)?, record.expires_at).await? {
                Replaced::Replaced(version) => return Ok(UpdateOutcome::Updated(version)),
                Replaced::Missing => return Ok(UpdateOutcome::NotFound),
                Replaced::Changed(there) => there,
            }
        };
        Ok(self.record(id, &there).map_or(UpdateOutcome::NotFound, UpdateOutcome::Conflict))
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.bodies.touch(id_of(key)?, expires_at).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let id = id_of(key)?;
        match self.end(id, None).await? {
            Ended::Ended(body) => Ok(self.record(id, &body)),
            Ended::Changed(_) | Ended::Missing => Ok(None),
        }
    }

    fn capabilities(&self) -> Capabilities<'_> {
        let bodies = self.bodies.capabilities();
        let mut capabilities = Capabilities::NONE;
        if let Some(sweep) = bodies.sweep {
            capabilities = capabilities.with_sweep(sweep);
        }
        if bodies.ids.is_some() {
            capabilities = capabilities.with_scan(self);
        }
        capabilities
    }
}

impl fmt::Debug for NodeStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeStore").field("bodies", &self.bodies).field("format", &self.translate).finish()
    }
}
