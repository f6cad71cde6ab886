//! Load, create, update, touch and delete, on one connection inside a transaction.

use cloakroom_store::{
    CreateOutcome, Owner, Record, StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord,
};
use rusqlite::params;
use rusqlite::types::ToSqlOutput;

use crate::database::Database;
use crate::error::Failure;
use crate::layout::{Layout, micros, number, stored};

impl Database {
    pub(crate) fn load(&self, key: &StoreKey) -> Result<Option<VersionedRecord>, Failure> {
        self.live(|layout| &layout.load, key)
    }

    /// Loads, and moves the expiry if the touch is due: decided here again, in the transaction that moves it.
    pub(crate) fn load_and_touch(
        &self,
        key: &StoreKey,
        touch: Touch,
    ) -> Result<Option<VersionedRecord>, Failure> {
        let Some(mut stored) = self.load(key)? else { return Ok(None) };
        if let Some(later) = touch.extended_expiry(&stored.record)
            && self.touch(key, later)?
        {
            stored.record.expires_at = later;
        }
        Ok(Some(stored))
    }

    pub(crate) fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome, Failure> {
        if self.is_revoked(record.owner.as_ref())? {
            return Ok(if self.load(key)?.is_some() {
                CreateOutcome::AlreadyExists
            } else {
                CreateOutcome::Revoked
            });
        }
        let version = Version::random();
        let now = micros(self.now());
        let (owner, since) = owner_columns(record);
        let created = self.statement(|layout| &layout.create)?.execute(params![
            key.as_bytes(),
            now,
            number(version),
            micros(record.expires_at),
            record.sliding,
            owner,
            since,
            &record.payload[..],
        ])?;
        Ok(match created {
            0 => CreateOutcome::AlreadyExists,
            _ => CreateOutcome::Created(version),
        })
    }

    pub(crate) fn update(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome, Failure> {
        let now = self.now();
        let revoked = self.is_revoked(record.owner.as_ref())?;
        let update = Update { key, now, expected, version: Version::random(), record };
        if !revoked && self.replace(|layout| &layout.update, &update)? {
            return Ok(UpdateOutcome::Updated(update.version));
        }
        match self.live_at(|layout| &layout.load, key, now)? {
            None => Ok(UpdateOutcome::NotFound),
            Some(stored) if stored.version != expected => Ok(UpdateOutcome::Conflict(stored)),
            Some(_) if revoked => Ok(UpdateOutcome::Revoked),
            Some(_) if self.replace(|layout| &layout.update_indexed, &update)? => {
                Ok(UpdateOutcome::Updated(update.version))
            }
            Some(_) => Err(Failure::DAMAGED_ROW), // the row was there a statement ago
        }
    }

    pub(crate) fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool, Failure> {
        let now = micros(self.now());
        let touched = self.statement(|layout| &layout.touch)?.execute(params![
            key.as_bytes(),
            now,
            micros(expires_at)
        ])?;
        Ok(touched > 0)
    }

    pub(crate) fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>, Failure> {
        self.live(|layout| &layout.delete, key)
    }

    fn live(&self, sql: fn(&Layout) -> &String, key: &StoreKey) -> Result<Option<VersionedRecord>, Failure> {
        self.live_at(sql, key, self.now())
    }

    fn live_at(
        &self,
        sql: fn(&Layout) -> &String,
        key: &StoreKey,
        now: Timestamp,
    ) -> Result<Option<VersionedRecord>, Failure> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(params![key.as_bytes(), micros(now)])?;
        let found = rows.next()?.map(stored).transpose()?;
        // A DELETE is done only when its rows are read to the end.
        while rows.next()?.is_some() {}
        Ok(found)
    }

    fn replace(&self, sql: fn(&Layout) -> &String, update: &Update<'_>) -> Result<bool, Failure> {
        let Update { key, now, expected, version, record } = *update;
        let (owner, since) = owner_columns(record);
        let replaced = self.statement(sql)?.execute(params![
            key.as_bytes(),
            micros(now),
            number(expected),
            number(version),
            micros(record.expires_at),
            record.sliding,
            owner,
            since,
            &record.payload[..],
        ])?;
        Ok(replaced > 0)
    }
}

/// The parameters of an update statement.
struct Update<'a> {
    key: &'a StoreKey,
    now: Timestamp,
    expected: Version,
    version: Version,
    record: &'a Record,
}

fn owner_columns(record: &Record) -> (Option<ToSqlOutput<'_>>, Option<i64>) {
    let owner = record.owner.as_ref();
    (
        owner.map(|Owner { key, .. }| ToSqlOutput::from(key.as_bytes())),
        owner.map(|owner| micros(owner.logged_in_at)),
    )
}
