//! Load, create, update, touch and delete.

use std::sync::Arc;

use cloakroom_store::{
    Created, Error, ErrorKind, Record, Result, StoreKey, Stored, Timestamp, Touch, Updated, Version,
};
use redis::{Value, cmd};

use crate::error::unexpected;
use crate::layout::{self, decode, index_until, lifetime, moment};
use crate::link::Aim;
use crate::register::Registered;
use crate::server::Effect;
use crate::store::Inner;

/// How often a touch is tried whose record gets another owner each time in between.
const TRIES: usize = 4;

impl Inner {
    pub(crate) async fn load(&self, key: &StoreKey) -> Result<Option<Stored>> {
        let name = self.layout.record(key);
        let answer = self.server.look_at(cmd("GET").arg(&name).take(), &Aim::key(&name)).await?;
        let now = self.now();
        Ok(found(answer)?.filter(|stored| stored.record.is_live(now)))
    }

    pub(crate) async fn load_and_touch(&self, key: &StoreKey, touch: Touch) -> Result<Option<Stored>> {
        let name = self.layout.record(key);
        let (due_before, expires_at) = (moment(touch.due_before), moment(touch.expires_at));
        let mut listed = Listed::default();
        for _ in 0..TRIES {
            let now = self.now();
            let (now_text, lifetime) = (moment(now), lifetime(now, touch.expires_at));
            let arguments = [
                now_text.as_bytes(),
                due_before.as_bytes(),
                expires_at.as_bytes(),
                lifetime.as_bytes(),
                listed.until.as_bytes(),
                &listed.owner,
            ];
            let answer =
                self.server.run(&self.server.scripts.load, &[&name], &arguments, Effect::Looks).await?;
            let Some(first) = to_be_listed(&answer)? else { return found(answer) };
            match self.list_until(key, &first, touch.expires_at).await? {
                Some(now_listed) => listed = now_listed,
                // The owner was revoked this moment: whoever did that is about to remove the record.
                None => return Ok(Some(first)),
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
                listed.until.as_bytes(),
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
        stored: &Stored,
        expires_at: Timestamp,
    ) -> Result<Option<Listed>> {
        let owner = stored.record.owner.as_ref().ok_or_else(unexpected)?;
        let until = index_until(self.now(), expires_at);
        match self.register(key, owner, until).await? {
            Registered::Revoked => Ok(None),
            Registered::Members(_) => {
                Ok(Some(Listed { until: moment(until), owner: owner.key.as_bytes().to_vec() }))
            }
        }
    }

    pub(crate) async fn create(self: &Arc<Self>, key: &StoreKey, record: &Record) -> Result<Created> {
        let write = self.write(key, record)?;
        let answer = match &record.owner {
            None => self.run_write(&self.server.scripts.create_here, &write, &[], &[]).await?,
            Some(owner) if self.server.is_cluster() => match self.register(key, owner, write.until).await? {
                Registered::Revoked => return Ok(Created::Revoked),
                Registered::Members(count) => {
                    self.tidy_sometimes(&owner.key, count);
                    self.run_fenced(&self.server.scripts.create_fenced, &write, b"", true).await?
                }
            },
            Some(owner) => self.run_here(&self.server.scripts.create_here, &write, b"", owner).await?,
        };
        match code(&answer)? {
            1 => Ok(Created::Created(write.version)),
            0 => Ok(Created::Taken),
            -1 => Ok(Created::Revoked),
            _ => Err(unexpected()),
        }
    }

    pub(crate) async fn update(
        self: &Arc<Self>,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<Updated> {
        let write = self.write(key, record)?;
        let expected = layout::version(expected);
        let expected = expected.as_bytes();
        let scripts = &self.server.scripts;
        let mut answer = match &record.owner {
            None => self.run_write(&scripts.update_here, &write, &[], &[expected]).await?,
            Some(_) if self.server.is_cluster() => {
                self.run_fenced(&scripts.update_fenced, &write, expected, false).await?
            }
            Some(owner) => self.run_here(&scripts.update_here, &write, expected, owner).await?,
        };
        if let (Value::Int(-2), Some(owner)) = (&answer, &record.owner) {
            match self.register(key, owner, write.until).await? {
                Registered::Revoked => return Ok(Updated::Revoked),
                Registered::Members(count) => self.tidy_sometimes(&owner.key, count),
            }
            answer = self.run_fenced(&scripts.update_fenced, &write, expected, true).await?;
        }
        match answer {
            Value::Int(1) => Ok(Updated::Updated(write.version)),
            Value::Int(-1) => Ok(Updated::Revoked),
            Value::Nil => Ok(Updated::Gone),
            Value::BulkString(bytes) => Ok(Updated::Conflict(decode(bytes)?)),
            _ => Err(unexpected()),
        }
    }

    pub(crate) async fn delete(&self, key: &StoreKey) -> Result<Option<Stored>> {
        let (name, now) = (self.layout.record(key), moment(self.now()));
        let delete = &self.server.scripts.delete;
        found(self.server.run(delete, &[&name], &[now.as_bytes()], Effect::Writes).await?)
    }
}

/// What a touch tells about the index that it had made last longer.
#[derive(Default)]
struct Listed {
    until: String,
    owner: Vec<u8>,
}

/// The record in an answer that is a record or nothing.
fn found(answer: Value) -> Result<Option<Stored>> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => decode(bytes).map(Some),
        _ => Err(unexpected()),
    }
}

/// The record in an answer that says that it has to be listed first.
fn to_be_listed(answer: &Value) -> Result<Option<Stored>> {
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
