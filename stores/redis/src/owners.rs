//! Records by owner, and revocations.

use std::sync::Arc;

use cloakroom_store::{
    Cursor, Error, ErrorKind, HeadPage, OwnerKey, Owners, RecordHead, Result, StoreKey, Timestamp,
    async_trait,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use redis::{Value, cmd, pipe};

use crate::error::unexpected;
use crate::layout::{self, LISTED, decode_head, member, moment, owner_length, remembered};
use crate::link::Aim;
use crate::records::code;
use crate::register::ON_ITS_WAY;
use crate::server::{Effect, only, text};
use crate::store::{Inner, RedisStore};

/// How many records of an owner are asked for at once, each in its slot.
const AT_ONCE: usize = 64;
/// How many records a page has at most on one server, where a script reads them all: it holds up all others for 200
/// microseconds at most, 5 or 6 for each.
const LISTED_AT_ONCE: usize = 32;
/// How many records a step of a revocation removes there, for the same reason: 200 kB take 10 microseconds to free.
const ENDED_AT_ONCE: usize = 16;
/// How many members a page has where each record is looked at by a command of its own: in a cluster, and on one server from
/// the second page on. Other users' commands come in between, and it takes the server a third of the time for each.
const MEMBERS_AT_ONCE: usize = 250;
/// How many members of an index are looked at when it is tidied.
const TIDIED_AT_ONCE: usize = 64;

#[async_trait]
impl Owners for RedisStore {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        let after = after.map(Place::read).transpose()?.unwrap_or_default();
        if self.0.server.is_cluster() || after != Place::default() {
            return self.0.list_one_by_one(owner, &after, limit.clamp(1, MEMBERS_AT_ONCE)).await;
        }
        // Most users have a few sessions, and need one trip.
        self.0.list_here(owner, &after, limit.clamp(1, LISTED_AT_ONCE)).await
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        // It may be many steps: a future that is dropped must not leave some of them undone.
        let (store, owner) = (Arc::clone(&self.0), owner.clone());
        let revoked = tokio::spawn(async move {
            if store.server.is_cluster() {
                store.revoke_across(&owner, at).await
            } else {
                store.revoke_here(&owner, at).await
            }
        });
        revoked
            .await
            .map_err(|_| Error::new(ErrorKind::Unavailable, "the runtime ended during a revocation"))?
    }
}

/// A place in an index: after the member that was listed then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    /// In milliseconds, as text. Empty for the beginning.
    listed: String,
    member: String,
}

impl Place {
    fn read(cursor: &Cursor) -> Result<Self> {
        let text = std::str::from_utf8(cursor.as_bytes()).ok().and_then(|text| text.split_once(' '));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text {
            Some((listed, member)) if is_number(listed) && layout::key(member.as_bytes()).is_some() => {
                Ok(Self { listed: listed.into(), member: member.into() })
            }
            _ => Err(Error::new(ErrorKind::Invalid, "the cursor is of another store")),
        }
    }

    fn of(listed: Value, member: Value) -> Result<Self> {
        Ok(Self { listed: text(listed)?, member: text(member)? })
    }

    fn cursor(&self) -> Cursor {
        Cursor::new(format!("{} {}", self.listed, self.member))
    }
}

/// Returns whether a step that looked at `seen` of `most` members was the last.
fn is_last(seen: i64, most: usize) -> bool {
    usize::try_from(seen).unwrap_or_default() < most
}

/// On one server, each step at once.
impl Inner {
    async fn list_here(&self, owner: &OwnerKey, after: &Place, most: usize) -> Result<HeadPage> {
        let (index, now, records) = (self.layout.index(owner), self.now(), self.layout.records());
        let (most_text, end, length) = (most.to_string(), (LISTED - 1).to_string(), owner_length(owner));
        let arguments = [
            length.as_bytes(),
            owner.as_bytes(),
            records.as_bytes(),
            after.listed.as_bytes(),
            after.member.as_bytes(),
            most_text.as_bytes(),
            end.as_bytes(),
        ];
        let answer = self.server.run(&self.server.scripts.list, &[&index], &arguments, Effect::Looks).await?;
        let mut items = array(answer)?.into_iter();
        let (Some(seen), Some(listed), Some(last)) = (items.next(), items.next(), items.next()) else {
            return Err(unexpected());
        };
        let mut heads = Vec::with_capacity(items.len() / 2);
        while let (Some(member), Some(record)) = (items.next(), items.next()) {
            // The script looks at the owner only: a record that is damaged otherwise is as good as nothing.
            let head = decode_head(key(&member)?, bytes(record)?, owner);
            heads.extend(head.filter(|head| head.is_live(now)));
        }
        let last = if is_last(code(&seen)?, most) { None } else { Some(Place::of(listed, last)?) };
        Ok(HeadPage::new(heads, last.map(|place| place.cursor())))
    }

    /// Revokes in steps that are short. The first one leaves the mark, so that nothing that began before gets in from then on.
    async fn revoke_here(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let (revocation, index) = (self.layout.revocation(owner), self.layout.index(owner));
        let now = self.now();
        let (now_text, at_text, remembered) = (moment(now), moment(at), remembered(now, at));
        let (records, most) = (self.layout.records(), ENDED_AT_ONCE.to_string());
        let (mut ended, mut after) = (0, Place::default());
        loop {
            let arguments = [
                now_text.as_bytes(),
                owner.as_bytes(),
                at_text.as_bytes(),
                remembered.as_bytes(),
                records.as_bytes(),
                after.listed.as_bytes(),
                after.member.as_bytes(),
                most.as_bytes(),
            ];
            let revoke = &self.server.scripts.revoke;
            let answer = self.server.run(revoke, &[&revocation, &index], &arguments, Effect::Writes).await?;
            let Ok([removed, seen, listed, last]) = <[Value; 4]>::try_from(array(answer)?) else {
                return Err(unexpected());
            };
            ended += code(&removed)?.unsigned_abs();
            if is_last(code(&seen)?, ENDED_AT_ONCE) {
                return Ok(ended);
            }
            after = Place::of(listed, last)?;
        }
    }
}

/// A step in the owner's slot, then one for each record, in its own.
impl Inner {
    async fn list_one_by_one(&self, owner: &OwnerKey, after: &Place, most: usize) -> Result<HeadPage> {
        let index = self.layout.index(owner);
        let now = self.now();
        let (members, next) = self.members(&index, after, most).await?;
        let (mut heads, dead) = self.heads(members, owner).await?;
        self.unlist(&index, now - ON_ITS_WAY, &dead).await?;
        heads.retain(|head| head.is_live(now));
        Ok(HeadPage::new(heads, next.map(|place| place.cursor())))
    }

    /// Forgets dead members of the owner's index, of some that are drawn by lot.
    pub(crate) async fn tidy(&self, owner: &OwnerKey) -> Result<()> {
        let index = self.layout.index(owner);
        let now = self.now();
        let drawn = cmd("ZRANDMEMBER").arg(&index).arg(TIDIED_AT_ONCE).take();
        let members = array(self.server.look_at(drawn, &Aim::key(&index)).await?)?;
        let (_, dead) = self.heads(members, owner).await?;
        self.unlist(&index, now - ON_ITS_WAY, &dead).await
    }

    /// Returns a page of the members of an index, and where the next one begins.
    async fn members(&self, index: &str, after: &Place, most: usize) -> Result<(Vec<Value>, Option<Place>)> {
        let most_text = most.to_string();
        let arguments = [after.listed.as_bytes(), after.member.as_bytes(), most_text.as_bytes()];
        let script = &self.server.scripts.members;
        let mut items =
            array(self.server.run(script, &[index], &arguments, Effect::Looks).await?)?.into_iter();
        let (mut members, mut last) = (Vec::with_capacity(most), None);
        while let (Some(member), Some(listed)) = (items.next(), items.next()) {
            last = Some((listed, member.clone()));
            members.push(member);
        }
        let last = last.filter(|_| members.len() == most);
        Ok((members, last.map(|(listed, member)| Place::of(listed, member)).transpose()?))
    }

    /// Returns the heads of the members that are the owner's, expired or not, and the other members.
    async fn heads(&self, members: Vec<Value>, owner: &OwnerKey) -> Result<(Vec<RecordHead>, Vec<String>)> {
        let looks = if self.server.is_cluster() {
            let looks = stream::iter(members).map(|member| self.head(member)).buffer_unordered(AT_ONCE);
            looks.try_collect().await?
        } else {
            self.beginnings(members).await?
        };
        let (mut heads, mut dead) = (Vec::new(), Vec::new());
        for (key, bytes) in looks {
            match decode_head(key.clone(), bytes, owner) {
                Some(head) => heads.push(head),
                None => dead.push(member(&key)),
            }
        }
        Ok((heads, dead))
    }

    /// Returns the beginnings of the records of members, in one trip to the one server; empty without a record.
    async fn beginnings(&self, members: Vec<Value>) -> Result<Vec<(StoreKey, Vec<u8>)>> {
        let keys = members.iter().map(key).collect::<Result<Vec<_>>>()?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut looks = pipe();
        for key in &keys {
            looks.cmd("GETRANGE").arg(self.layout.record(key)).arg(0).arg(LISTED - 1);
        }
        let answers = self.server.send(&looks, &Aim::Anyone).await?;
        let read = |(key, answer)| Ok((key, beginning(only(vec![answer]))?));
        keys.into_iter().zip(answers).map(read).collect()
    }

    /// Returns the beginning of the record of a member of an index; empty without a record.
    async fn head(&self, member: Value) -> Result<(StoreKey, Vec<u8>)> {
        let key = key(&member)?;
        let name = self.layout.record(&key);
        let head = cmd("GETRANGE").arg(&name).arg(0).arg(LISTED - 1).take();
        Ok((key, beginning(self.server.look_at(head, &Aim::key(&name)).await)?))
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
        self.server.run(mark, &[&revocation], &arguments, Effect::WritesAgain).await?;
        let (mut ended, mut after) = (0, Some(Place::default()));
        while let Some(place) = after {
            let (members, next) = self.members(&index, &place, MEMBERS_AT_ONCE).await?;
            let ends = stream::iter(members).map(|member| async move {
                let key = key(&member)?;
                self.fence(&key, owner, at, now).await
            });
            let ends = ends.buffer_unordered(AT_ONCE);
            ended += ends.try_fold(0, |sum, ended| async move { Ok(sum + ended) }).await?;
            after = next;
        }
        Ok(ended)
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

fn key(member: &Value) -> Result<StoreKey> {
    match member {
        Value::BulkString(bytes) => layout::key(bytes).ok_or_else(layout::damaged),
        _ => Err(unexpected()),
    }
}

/// Returns the bytes in an answer; something else than a string under the key of a record is as good as nothing.
fn beginning(answer: Result<Value>) -> Result<Vec<u8>> {
    match answer {
        Ok(answer) => bytes(answer),
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(Vec::new()),
        Err(error) => Err(error),
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
