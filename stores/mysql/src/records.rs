//! Load, create, update, touch and delete: each takes effect in one statement, or not at all.

use cloakroom_store::{
    CreateOutcome, Owner, Record, Result, StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord,
};

use crate::connections::Harmless;
use crate::error::Failure;
use crate::layout::{micros, number, stored};
use crate::statements::{Question, Statement};
use crate::store::MysqlStore;

/// How often an operation looks again, while others write the same record between its two looks.
const TRIES: u32 = 64;

impl MysqlStore {
    pub(crate) async fn load_record(
        &self,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let Some(mut stored) = self.look(key, self.now()).await? else { return Ok(None) };
        let later = touch.and_then(|touch| touch.extended_expiry(&stored.record));
        // Rare: most loads find that no touch is due yet.
        if let Some(later) = later {
            match self.move_expiry(key, &stored, later).await {
                Ok(true) => stored.record.expires_at = later,
                Ok(false) => {}
                // Perhaps the server can read and not write: a replica, a full disk.
                Err(failure) => self.missed_touches.record(failure.kind),
            }
        }
        Ok(Some(stored))
    }

    /// Returns the live record under `key`.
    async fn look(&self, key: &StoreKey, now: Timestamp) -> Result<Option<VersionedRecord>, Failure> {
        let question = || self.statements.load.question().bind(key.as_bytes()).bind(micros(now));
        let row = self.connections.one(Harmless::Yes, question).await?;
        row.map(|row| stored(&row, 0)).transpose()
    }

    /// Moves the expiry if the record is as it was seen; if not, another write had the last word.
    async fn move_expiry(
        &self,
        key: &StoreKey,
        seen: &VersionedRecord,
        later: Timestamp,
    ) -> Result<bool, Failure> {
        let question = || seen_as(self.statements.move_expiry.question().bind(micros(later)), key, seen);
        Ok(self.connections.write(Harmless::Yes, question).await? > 0)
    }

    pub(crate) async fn create_record(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let (now, version) = (self.now(), Version::random());
        let question = || match &record.owner {
            None => insert(&self.statements.create, key, version, record),
            Some(owner) => {
                let question = insert(&self.statements.create_owned, key, version, record);
                owned_by(owned_by(question, owner), owner)
            }
        };
        for _ in 0..TRIES {
            match self.connections.write(Harmless::No, question).await {
                Ok(0) => return Ok(CreateOutcome::Revoked),
                Ok(_) => return Ok(CreateOutcome::Created(version)),
                Err(failure) if !failure.is_duplicate() => return Err(failure.into()),
                Err(_) => {}
            }
            if self.look(key, now).await?.is_some() {
                return Ok(CreateOutcome::AlreadyExists);
            }
            self.remove_expired(key, now).await?;
        }
        Err(Failure::CONTENDED.into())
    }

    /// Makes room for a new record. Removing the expired one is invisible: it did not exist any more.
    async fn remove_expired(&self, key: &StoreKey, now: Timestamp) -> Result<(), Failure> {
        let question = || self.statements.remove_expired.question().bind(key.as_bytes()).bind(micros(now));
        self.connections.write(Harmless::Yes, question).await.map(drop)
    }

    pub(crate) async fn update_record(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        let write = Write { key, now: self.now(), expected, version: Version::random(), record };
        for _ in 0..TRIES {
            if self.update_unmarked(&write).await? {
                return Ok(UpdateOutcome::Updated(write.version));
            }
            let Some(there) = self.look(key, write.now).await? else { return Ok(UpdateOutcome::NotFound) };
            if there.version != expected {
                return Ok(UpdateOutcome::Conflict(there));
            }
            match &record.owner {
                // The record comes to another owner, or its owner logged in anew.
                Some(owner) if there.record.owner.as_ref() != Some(owner) => {
                    if let Some(updated) = self.update_owned(&write, owner).await? {
                        return Ok(updated);
                    }
                }
                _ => {}
            }
        }
        Err(Failure::CONTENDED.into())
    }

    async fn update_unmarked(&self, write: &Write<'_>) -> Result<bool, Failure> {
        let owner = write.record.owner.as_ref();
        let question = || {
            let key = owner.map(|owner| owner.key.as_bytes());
            let question = write.ask(&self.statements.update).bind(key).bind(key);
            question.bind(owner.map(|owner| micros(owner.logged_in_at)))
        };
        Ok(self.connections.write(Harmless::No, question).await? > 0)
    }

    /// Answers if the record is still as it was seen, in which case only a revocation is in the way.
    async fn update_owned(&self, write: &Write<'_>, owner: &Owner) -> Result<Option<UpdateOutcome>, Failure> {
        let question = || owned_by(write.ask(&self.statements.update_owned), owner);
        if self.connections.write(Harmless::No, question).await? > 0 {
            return Ok(Some(UpdateOutcome::Updated(write.version)));
        }
        let there = self.look(write.key, write.now).await?;
        Ok(there.filter(|there| there.version == write.expected).map(|_| UpdateOutcome::Revoked))
    }

    pub(crate) async fn touch_record(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let now = micros(self.now());
        let question =
            || self.statements.touch.question().bind(micros(expires_at)).bind(key.as_bytes()).bind(now);
        Ok(self.connections.write(Harmless::Yes, question).await? > 0)
    }

    pub(crate) async fn delete_record(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let now = self.now();
        for _ in 0..TRIES {
            let Some(there) = self.look(key, now).await? else { return Ok(None) };
            let question = || seen_as(self.statements.delete.question(), key, &there);
            if self.connections.write(Harmless::No, question).await? > 0 {
                return Ok(Some(there));
            }
        }
        Err(Failure::CONTENDED.into())
    }
}

/// What an update writes.
struct Write<'a> {
    key: &'a StoreKey,
    now: Timestamp,
    expected: Version,
    version: Version,
    record: &'a Record,
}

impl Write<'_> {
    /// Returns the parameters that every update begins with.
    fn ask(&self, statement: &Statement) -> Question<'static> {
        let Self { key, now, expected, version, record } = *self;
        let (owner, expires_at) = (record.owner.as_ref(), micros(record.expires_at));
        let question = statement.question().bind(number(version)).bind(expires_at).bind(expires_at);
        let question = question.bind(record.sliding).bind(&record.payload[..]);
        let question = question.bind(owner.map(|owner| owner.key.as_bytes()));
        let question = question.bind(owner.map(|owner| micros(owner.logged_in_at)));
        question.bind(key.as_bytes()).bind(number(expected)).bind(micros(now))
    }
}

/// Returns the parameters that every create begins with.
fn insert(statement: &Statement, key: &StoreKey, version: Version, record: &Record) -> Question<'static> {
    let expires_at = micros(record.expires_at);
    let question = statement.question().bind(key.as_bytes()).bind(number(version)).bind(expires_at);
    question.bind(expires_at).bind(record.sliding).bind(&record.payload[..])
}

fn owned_by(question: Question<'static>, owner: &Owner) -> Question<'static> {
    question.bind(owner.key.as_bytes()).bind(micros(owner.logged_in_at))
}

/// Returns the parameters that name a record in one state.
fn seen_as(question: Question<'static>, key: &StoreKey, seen: &VersionedRecord) -> Question<'static> {
    question.bind(key.as_bytes()).bind(number(seen.version)).bind(micros(seen.record.expires_at))
}
