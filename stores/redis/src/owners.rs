//! Records by owner, and revocations.

use std::sync::Arc;

use cloakroom_store::{
    Entry, Error, ErrorKind, OwnerKey, Owners, Result, StoreKey, Stored, Timestamp, async_trait,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use redis::{Value, cmd};

use crate::error::unexpected;
use crate::layout::{self, decode, member, moment, remembered};
use crate::link::Aim;
use crate::records::code;
use crate::register::ON_ITS_WAY;
use crate::server::Effect;
use crate::store::{Inner, RedisStore};

/// How many records of an owner are asked for at once, each in its slot.
const AT_ONCE: usize = 64;

#[async_trait]
impl Owners for RedisStore {
    async fn list(&self, owner: &OwnerKey) -> Result<Vec<Entry>> {
        if self.0.server.is_cluster() {
            return self.0.list_across(owner).await;
        }
        self.0.list_here(owner).await
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        if !self.0.server.is_cluster() {
            return self.0.revoke_here(owner, at).await;
        }
        // Many steps: a future that is dropped must not leave some of them undone.
        let (store, owner) = (Arc::clone(&self.0), owner.clone());
        let revoked = tokio::spawn(async move { store.revoke_across(&owner, at).await });
        revoked
            .await
            .map_err(|_| Error::new(ErrorKind::Unavailable, "the runtime ended during a revocation"))?
    }
}

/// On one server, in one step.
impl Inner {
    async fn list_here(&self, owner: &OwnerKey) -> Result<Vec<Entry>> {
        let (index, now, records) = (self.layout.index(owner), moment(self.now()), self.layout.records());
        let arguments = [now.as_bytes(), owner.as_bytes(), records.as_bytes()];
        let answer = self.server.run(&self.server.scripts.list, &[&index], &arguments, Effect::Looks).await?;
        let mut items = array(answer)?.into_iter();
        let mut entries = Vec::with_capacity(items.len() / 2);
        while let (Some(member), Some(record)) = (items.next(), items.next()) {
            entries.push(Entry { key: key(&member)?, stored: decode(bytes(record)?)? });
        }
        Ok(entries)
    }

    async fn revoke_here(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let (revocation, index) = (self.layout.revocation(owner), self.layout.index(owner));
        let now = self.now();
        let (now_text, at_text, remembered) = (moment(now), moment(at), remembered(now, at));
        let records = self.layout.records();
        let arguments = [
            now_text.as_bytes(),
            owner.as_bytes(),
            at_text.as_bytes(),
            remembered.as_bytes(),
            records.as_bytes(),
        ];
        let revoke = &self.server.scripts.revoke;
        let answer = self.server.run(revoke, &[&revocation, &index], &arguments, Effect::Writes).await?;
        Ok(code(&answer)?.unsigned_abs())
    }
}

/// In a cluster: a step in the owner's slot, then one for each record, in its own.
impl Inner {
    pub(crate) async fn list_across(&self, owner: &OwnerKey) -> Result<Vec<Entry>> {
        let index = self.layout.index(owner);
        let now = self.now();
        let members = cmd("ZRANGE").arg(&index).arg(0).arg(-1).take();
        let members = array(self.server.look_at(members, &Aim::key(&index)).await?)?;
        let looks = stream::iter(members).map(|member| self.member(member)).buffer_unordered(AT_ONCE);
        let looks: Vec<_> = looks.try_collect().await?;
        let (mut entries, mut dead) = (Vec::new(), Vec::new());
        for (key, stored) in looks {
            match stored.filter(|stored| is_of(stored, owner)) {
                Some(stored) if stored.record.is_live(now) => entries.push(Entry { key, stored }),
                Some(_) => {}
                None => dead.push(member(&key)),
            }
        }
        self.unlist(&index, now - ON_ITS_WAY, &dead).await?;
        Ok(entries)
    }

    /// The record of a member of an index, expired or not.
    async fn member(&self, member: Value) -> Result<(StoreKey, Option<Stored>)> {
        let key = key(&member)?;
        let name = self.layout.record(&key);
        match self.server.look_at(cmd("GET").arg(&name).take(), &Aim::key(&name)).await {
            Ok(Value::Nil) => Ok((key, None)),
            Ok(answer) => Ok((key, decode(bytes(answer)?).ok())),
            Err(error) if error.kind() == ErrorKind::Corrupt => Ok((key, None)),
            Err(error) => Err(error),
        }
    }

    /// Forgets members that were listed by a moment.
    async fn unlist(&self, index: &str, by: Timestamp, members: &[String]) -> Result<()> {
        if members.is_empty() {
            return Ok(());
        }
        let by = by.as_millis().to_string();
        let arguments: Vec<&[u8]> =
            std::iter::once(by.as_bytes()).chain(members.iter().map(|member| member.as_bytes())).collect();
        self.server.run(&self.server.scripts.unlist, &[index], &arguments, Effect::Looks).await.map(drop)
    }

    async fn revoke_across(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let (revocation, index) = (self.layout.revocation(owner), self.layout.index(owner));
        let now = self.now();
        let (at_text, remembered) = (moment(at), remembered(now, at));
        let arguments = [at_text.as_bytes(), remembered.as_bytes()];
        let mark = &self.server.scripts.mark;
        let members = self.server.run(mark, &[&revocation, &index], &arguments, Effect::WritesAgain).await?;
        let ends = stream::iter(array(members)?).map(|member| async move {
            let key = key(&member)?;
            self.fence(&key, owner, at, now).await
        });
        ends.buffer_unordered(AT_ONCE).try_fold(0, |sum, ended| async move { Ok(sum + ended) }).await
    }

    /// Ends a record if it is the owner's, and refuses what is on its way to it; says how many live ones there were.
    async fn fence(&self, key: &StoreKey, owner: &OwnerKey, at: Timestamp, now: Timestamp) -> Result<u64> {
        let (record, fence) = (self.layout.record(key), self.layout.fence(key));
        let (now_text, at_text, lasts) = (moment(now), moment(at), remembered(now, at));
        let arguments = [now_text.as_bytes(), owner.as_bytes(), at_text.as_bytes(), lasts.as_bytes()];
        let script = &self.server.scripts.fence;
        let answer = self.server.run(script, &[&record, &fence], &arguments, Effect::Writes).await?;
        Ok(code(&answer)?.unsigned_abs())
    }
}

fn is_of(stored: &Stored, owner: &OwnerKey) -> bool {
    stored.record.owner.as_ref().is_some_and(|of| of.key == *owner)
}

fn key(member: &Value) -> Result<StoreKey> {
    match member {
        Value::BulkString(bytes) => layout::key(bytes).ok_or_else(layout::damaged),
        _ => Err(unexpected()),
    }
}

pub(crate) fn array(answer: Value) -> Result<Vec<Value>> {
    match answer {
        Value::Array(items) => Ok(items),
        _ => Err(unexpected()),
    }
}

pub(crate) fn bytes(answer: Value) -> Result<Vec<u8>> {
    match answer {
        Value::BulkString(bytes) => Ok(bytes),
        _ => Err(unexpected()),
    }
}
