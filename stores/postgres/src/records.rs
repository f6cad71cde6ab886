//! Load, create, update, touch and delete: each is one statement, and so one atomic step and one trip.

use cloakroom_store::{
    CreateOutcome, Owner, Record, Result, StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord,
};
use sqlx::Row;

use crate::connections::Harmless;
use crate::error::Failure;
use crate::layout::{micros, number, stored};
use crate::owners::forget_mark_at;
use crate::statements::{Question, Statement};
use crate::store::PostgresStore;

/// How often an update looks again, while others write the same record between its two looks.
const TRIES: u32 = 64;

/// The result of an update.
enum Outcome {
    Final(UpdateOutcome),
    /// Others wrote the record while the statement ran.
    LookAgain,
    /// The record comes to another owner, or its owner logged in anew.
    NewOwner,
}

impl PostgresStore {
    pub(crate) async fn load_record(
        &self,
        key: &StoreKey,
        touch: Option<Touch>,
    ) -> Result<Option<VersionedRecord>> {
        let now = micros(self.now());
        let load = |statement: &Statement| statement.question().bind(key.as_bytes()).bind(now);
        let row = match touch {
            None => self.connections.one(Harmless::Yes, || load(&self.statements.load)).await?,
            Some(Touch { due_before, expires_at, .. }) => {
                let question = || {
                    let question = load(&self.statements.load_and_touch);
                    question.bind(micros(due_before)).bind(micros(expires_at))
                };
                match self.connections.one(Harmless::Yes, question).await {
                    // Perhaps the server can read and not write: a standby, a full disk.
                    Err(failure) if failure.is_of_server() => {
                        let row = self.connections.one(Harmless::Yes, || load(&self.statements.load)).await?;
                        self.missed_touches.record(failure.kind);
                        row
                    }
                    answer => answer?,
                }
            }
        };
        Ok(row.map(|row| stored(&row, 0)).transpose()?)
    }

    pub(crate) async fn create_record(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let write = Write { key, now: self.now(), version: Version::random(), record };
        match &record.owner {
            None => self.create_unowned(&write).await,
            Some(owner) => self.create_owned(&write, owner).await,
        }
    }

    async fn create_unowned(&self, write: &Write<'_>) -> Result<CreateOutcome> {
        let question = || write.ask(&self.statements.create);
        let row = self.connections.one(Harmless::No, question).await?;
        Ok(row.map_or(CreateOutcome::AlreadyExists, |_| CreateOutcome::Created(write.version)))
    }

    async fn create_owned(&self, write: &Write<'_>, owner: &Owner) -> Result<CreateOutcome> {
        let forget_at = micros(forget_mark_at(write.now));
        let question = || write.ask_for(&self.statements.create_owned, Some(owner)).bind(forget_at);
        Ok(match self.done_or_revoked(question).await? {
            (true, _) => CreateOutcome::Created(write.version),
            (_, true) => CreateOutcome::Revoked,
            _ => CreateOutcome::AlreadyExists,
        })
    }

    pub(crate) async fn update_record(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        let write = Write { key, now: self.now(), version: Version::random(), record };
        for _ in 0..TRIES {
            let outcome = match self.update_unmarked(&write, expected).await? {
                Outcome::NewOwner => self.update_marked(&write, expected).await?,
                outcome => outcome,
            };
            if let Outcome::Final(updated) = outcome {
                return Ok(updated);
            }
        }
        Err(Failure::CONTENDED.into())
    }

    async fn update_unmarked(&self, write: &Write<'_>, expected: Version) -> Result<Outcome> {
        let owner = write.record.owner.as_ref();
        let question = || write.ask_for(&self.statements.update, owner).bind(number(expected));
        let Some(row) = self.connections.one(Harmless::No, question).await? else {
            return Ok(Outcome::Final(UpdateOutcome::NotFound));
        };
        if row.try_get(0).map_err(Failure::from)? {
            return Ok(Outcome::Final(UpdateOutcome::Updated(write.version)));
        }
        let there = stored(&row, 1)?;
        Ok(if there.version != expected {
            Outcome::Final(UpdateOutcome::Conflict(there))
        } else if owner.is_some() && there.record.owner.as_ref() != owner {
            Outcome::NewOwner
        } else {
            Outcome::LookAgain
        })
    }

    async fn update_marked(&self, write: &Write<'_>, expected: Version) -> Result<Outcome> {
        let forget_at = micros(forget_mark_at(write.now));
        let question = || {
            let question = write.ask_for(&self.statements.update_owned, write.record.owner.as_ref());
            question.bind(number(expected)).bind(forget_at)
        };
        Ok(match self.done_or_revoked(question).await? {
            (true, _) => Outcome::Final(UpdateOutcome::Updated(write.version)),
            (_, true) => Outcome::Final(UpdateOutcome::Revoked),
            _ => Outcome::LookAgain,
        })
    }

    /// Returns whether the write was done, and whether the owner was revoked.
    async fn done_or_revoked(
        &self,
        question: impl Fn() -> Question<'static> + Send + Sync,
    ) -> Result<(bool, bool), Failure> {
        let row = self.connections.one(Harmless::No, question).await?.ok_or(Failure::DAMAGED_ROW)?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    pub(crate) async fn touch_record(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let now = micros(self.now());
        let question =
            || self.statements.touch.question().bind(key.as_bytes()).bind(now).bind(micros(expires_at));
        Ok(self.connections.one(Harmless::Yes, question).await?.is_some())
    }

    pub(crate) async fn delete_record(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let now = micros(self.now());
        let question = || self.statements.delete.question().bind(key.as_bytes()).bind(now);
        let row = self.connections.one(Harmless::No, question).await?;
        Ok(row.map(|row| stored(&row, 0)).transpose()?)
    }
}

/// What a create or an update writes.
struct Write<'a> {
    key: &'a StoreKey,
    now: Timestamp,
    version: Version,
    record: &'a Record,
}

impl Write<'_> {
    /// Returns the parameters that every write begins with.
    fn ask(&self, statement: &Statement) -> Question<'static> {
        let Self { key, now, version, record } = *self;
        let question = statement.question().bind(key.as_bytes()).bind(micros(now)).bind(number(version));
        question.bind(micros(record.expires_at)).bind(record.sliding).bind(&record.payload[..])
    }

    fn ask_for(&self, statement: &Statement, owner: Option<&Owner>) -> Question<'static> {
        let key = owner.map(|owner| owner.key.as_bytes());
        self.ask(statement).bind(key).bind(owner.map(|owner| micros(owner.logged_in_at)))
    }
}
