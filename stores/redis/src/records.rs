//! Load, create, update, touch and delete.

use std::sync::Arc;

use cloakroom_store::{
    CreateOutcome, Error, ErrorKind, Owner, Record, Result, StoreKey, Timestamp, Touch, UpdateOutcome,
    Version, VersionedRecord,
};
use redis::{Value, cmd};

use crate::error::unexpected;
use crate::layout::{self, decode, index_until, lifetime, moment};
use crate::link::Aim;
use crate::register::Registered;
use crate::server::Effect;
use crate::store::Inner;
use crate::write::Write;

/// How often a touch is tried whose record gets another owner each time in between.
const TRIES: usize = 4;

/// What a script that keeps a record answers if its owner was revoked since its log-in began.
const REVOKED: i64 = -1;
/// And if the record would get an owner in whose index it is not.
const NOT_LISTED: i64 = -2;

impl Inner {
    pub(crate) async fn load(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let name = self.layout.record(key);
        let answer = self.server.look_at(cmd("GET").arg(&name).take(), &Aim::key(&name)).await?;
        let found = self.live(answer)?;
        found.iter().for_each(|stored| self.compare.keep(key, stored));
        Ok(found)
    }

    /// Returns the record in an answer that is one or nothing, if it has not expired.
    fn live(&self, answer: Value) -> Result<Option<VersionedRecord>> {
        let now = self.now();
        Ok(found(answer)?.filter(|stored| stored.record.is_live(now)))
    }

    /// Loads, and touches if what is there says that a touch is due: in the usual case, a plain command.
    pub(crate) async fn load_and_touch(
        &self,
        key: &StoreKey,
        touch: Touch,
    ) -> Result<Option<VersionedRecord>> {
        match self.load(key).await? {
            Some(stored) if touch.extended_expiry(&stored.record).is_some() => {
                // Once in a part of the idle time, and a large future.
                let touched = Box::pin(self.touch_and_load(key, touch, &stored)).await;
                touched.iter().flatten().for_each(|stored| self.compare.keep(key, stored));
                Ok(self.missed_touches.or_unmoved(touched, stored))
            }
            loaded => Ok(loaded),
        }
    }

    async fn touch_and_load(
        &self,
        key: &StoreKey,
        touch: Touch,
        seen: &VersionedRecord,
    ) -> Result<Option<VersionedRecord>> {
        let answer = self.look_and_touch(key, touch, seen.version, (b"", b"")).await?;
        match to_be_listed(&answer)? {
            None => self.moved(answer, seen),
            Some(first) => self.list_and_touch(key, touch, first).await,
        }
    }

    /// Returns the record in an answer to `look_and_touch`, which does not repeat what was `seen`.
    fn moved(&self, answer: Value, seen: &VersionedRecord) -> Result<Option<VersionedRecord>> {
        let expires_at = match &answer {
            Value::BulkString(bytes) => layout::expiry_alone(bytes),
            _ => None,
        };
        let Some(expires_at) = expires_at else { return self.live(answer) };
        Ok(Some(VersionedRecord::new(seen.record.clone().with_expires_at(expires_at), seen.version)))
    }

    /// Sends the script that loads. It does not touch a record whose owner's index would end before it, and answers with the
    /// expiry alone if the record is of the version that was seen: a payload may be long.
    async fn look_and_touch(
        &self,
        key: &StoreKey,
        touch: Touch,
        seen: Version,
        (listed_until, owner): (&[u8], &[u8]),
    ) -> Result<Value> {
        let (name, now) = (self.layout.record(key), self.now());
        let (now_text, lifetime) = (moment(now), lifetime(now, touch.expires_at));
        let (due_before, expires_at) = (moment(touch.due_before), moment(touch.expires_at));
        let seen = layout::version(seen);
        let arguments = [
            now_text.as_bytes(),
            due_before.as_bytes(),
            expires_at.as_bytes(),
            lifetime.as_bytes(),
            listed_until,
            owner,
            seen.as_bytes(),
        ];
        self.server.run(&self.server.scripts.load, &[&name], &arguments, Effect::Looks).await
    }

    async fn list_and_touch(
        &self,
        key: &StoreKey,
        touch: Touch,
        mut there: VersionedRecord,
    ) -> Result<Option<VersionedRecord>> {
        for _ in 0..TRIES {
            let Some(listed) = self.list_until(key, &there, touch.expires_at).await? else {
                // The owner was revoked this moment, and the revocation is about to remove the record.
                return Ok(Some(there));
            };
            let index = (&listed.until[..], &listed.owner[..]);
            let answer = self.look_and_touch(key, touch, there.version, index).await?;
            match to_be_listed(&answer)? {
                None => return self.moved(answer, &there),
                Some(other) => there = other,
            }
        }
        self.load(key).await
    }

    pub(crate) async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let name = self.layout.record(key);
        let expires = moment(expires_at);
        let mut listed = Listed::default();
        for _ in 0..TRIES {
            let now = self.now();
            let (now_text, lifetime) = (moment(now), lifetime(now, expires_at));
            let arguments = [
                now_text.as_bytes(),
                expires.as_bytes(),
                lifetime.as_bytes(),
                &listed.until[..],
                &listed.owner,
            ];
            let answer =
                self.server.run(&self.server.scripts.touch, &[&name], &arguments, Effect::Looks).await?;
            let Some(first) = to_be_listed(&answer)? else { return Ok(code(&answer)? == 1) };
            match self.list_until(key, &first, expires_at).await? {
                Some(now_listed) => listed = now_listed,
                None => return Ok(true),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "the record changes its owner again and again"))
    }

    /// Makes the index of the record's owner last as long as the record is going to.
    async fn list_until(
        &self,
        key: &StoreKey,
        stored: &VersionedRecord,
        expires_at: Timestamp,
    ) -> Result<Option<Listed>> {
        let owner = stored.record.owner.as_ref().ok_or_else(unexpected)?;
        let until = index_until(self.now(), expires_at);
        match self.register(key, owner, until).await? {
            Registered::Revoked => Ok(None),
            Registered::Members(_) => Ok(Some(Listed {
                until: moment(until).as_bytes().into(),
                owner: owner.key.as_bytes().to_vec(),
            })),
        }
    }

    pub(crate) async fn create(self: &Arc<Self>, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let write = self.write(key, record);
        let answer = match &record.owner {
            None if self.write_where_nothing_is(&write).await? => Value::Int(1),
            None => self.run_write(&self.server.scripts.create, &write, &[], &[]).await?,
            Some(owner) => Box::pin(self.create_owned(&write, owner)).await?,
        };
        match code(&answer)? {
            1 => Ok(CreateOutcome::Created(write.version)),
            0 => Ok(CreateOutcome::AlreadyExists),
            REVOKED => Ok(CreateOutcome::Revoked),
            _ => Err(unexpected()),
        }
    }

    async fn create_owned(self: &Arc<Self>, write: &Write<'_>, owner: &Owner) -> Result<Value> {
        let scripts = &self.server.scripts;
        if !self.server.is_cluster() {
            return self.run_here(&scripts.create_here, write, b"", owner).await;
        }
        if !self.list_first(write, owner).await? {
            return Ok(Value::Int(REVOKED));
        }
        self.run_fenced(&scripts.create_fenced, write, b"", owner, true).await
    }

    pub(crate) async fn update(
        self: &Arc<Self>,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome> {
        let seen = self.compare.take(key, expected);
        let (write, expected) = (self.write(key, record), layout::version(expected));
        let answer = match &record.owner {
            None => {
                if self.write_if_equal(&write, seen.as_ref()).await? {
                    self.compare.keep(key, &VersionedRecord::new(record.clone(), write.version));
                    return Ok(UpdateOutcome::Updated(write.version));
                }
                let update = &self.server.scripts.update;
                self.run_write(update, &write, &[], &[expected.as_bytes()]).await?
            }
            Some(owner) => Box::pin(self.update_owned(&write, expected.as_bytes(), owner)).await?,
        };
        match answer {
            Value::Int(1) => Ok(UpdateOutcome::Updated(write.version)),
            Value::Int(REVOKED) => Ok(UpdateOutcome::Revoked),
            Value::Nil => Ok(UpdateOutcome::NotFound),
            Value::BulkString(bytes) => Ok(UpdateOutcome::Conflict(decode(bytes)?)),
            _ => Err(unexpected()),
        }
    }

    async fn update_owned(
        self: &Arc<Self>,
        write: &Write<'_>,
        expected: &[u8],
        owner: &Owner,
    ) -> Result<Value> {
        let scripts = &self.server.scripts;
        if !self.server.is_cluster() {
            return self.run_here(&scripts.update_here, write, expected, owner).await;
        }
        let answer = self.run_fenced(&scripts.update_fenced, write, expected, owner, false).await?;
        if answer != Value::Int(NOT_LISTED) {
            return Ok(answer);
        }
        if !self.list_first(write, owner).await? {
            return Ok(Value::Int(REVOKED));
        }
        self.run_fenced(&scripts.update_fenced, write, expected, owner, true).await
    }

    /// Lists a record before it is written; whether it may be: its owner was not revoked.
    async fn list_first(self: &Arc<Self>, write: &Write<'_>, owner: &Owner) -> Result<bool> {
        match self.register(write.key, owner, write.until).await? {
            Registered::Revoked => Ok(false),
            Registered::Members(count) => {
                self.tidy_sometimes(&owner.key, count);
                Ok(true)
            }
        }
    }

    pub(crate) async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let (name, now) = (self.layout.record(key), moment(self.now()));
        let delete = &self.server.scripts.delete;
        found(self.server.run(delete, &[&name], &[now.as_bytes()], Effect::Writes).await?)
    }
}

/// What a touch tells about the index that it had made last longer.
#[derive(Default)]
struct Listed {
    until: Vec<u8>,
    owner: Vec<u8>,
}

/// Returns the record in an answer that is a record or nothing.
fn found(answer: Value) -> Result<Option<VersionedRecord>> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => decode(bytes).map(Some),
        _ => Err(unexpected()),
    }
}

/// Returns the record in an answer that says that it has to be listed first.
fn to_be_listed(answer: &Value) -> Result<Option<VersionedRecord>> {
    match answer {
        Value::Array(items) => match items.first() {
            Some(Value::BulkString(bytes)) => decode(bytes.clone()).map(Some),
            _ => Err(unexpected()),
        },
        _ => Ok(None),
    }
}

pub(crate) fn code(answer: &Value) -> Result<i64> {
    match answer {
        Value::Int(code) => Ok(*code),
        _ => Err(unexpected()),
    }
}
