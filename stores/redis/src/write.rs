//! The arguments of the scripts that keep a record.

use cloakroom_store::{Owner, Record, Result, StoreKey, Timestamp, Version, VersionedRecord};
use redis::{Value, cmd};

use crate::error::unexpected;
use crate::layout::{encode, index_lifetime, index_until, lifetime, member, moment, owner_end};
use crate::link::Aim;
use crate::scripts::Script;
use crate::server::Effect;
use crate::store::Inner;

/// A record on its way.
pub(crate) struct Write<'a> {
    pub(crate) version: Version,
    /// Until when the owner's index lasts if it is listed now.
    pub(crate) until: Timestamp,
    now: Timestamp,
    pub(crate) key: &'a StoreKey,
    /// Whether the record is past its expiry already, so that writing it removes what is there.
    is_over: bool,
    /// For scripts: in milliseconds, `0` for ever, empty if it is over.
    lifetime: String,
    bytes: Vec<u8>,
}

impl Inner {
    pub(crate) fn write<'a>(&self, key: &'a StoreKey, record: &Record) -> Write<'a> {
        let now = self.now();
        let until = index_until(now, record.expires_at);
        // Random for updates too: a server that comes back without its last writes must not meet a number twice.
        let version = Version::random();
        let is_over = !record.is_live(now);
        let lifetime = if is_over { String::new() } else { lifetime(now, record.expires_at) };
        Write { version, until, now, key, is_over, lifetime, bytes: encode(record, version, until) }
    }

    /// Writes a record without an owner where nothing is, and says whether nothing was: a plain command, which takes the
    /// server a third of what a script takes.
    pub(crate) async fn write_where_nothing_is(&self, write: &Write<'_>) -> Result<bool> {
        if write.is_over {
            return Ok(false);
        }
        let name = self.layout.record(write.key);
        let mut set = cmd("SET");
        set.arg(&name).arg(&write.bytes).arg("NX");
        if write.lifetime != "0" {
            set.arg("PX").arg(&write.lifetime);
        }
        match self.server.write(set, &Aim::key(&name), Effect::Writes).await? {
            Value::Okay => Ok(true),
            Value::Nil => Ok(false),
            _ => Err(unexpected()),
        }
    }

    /// Writes a record without an owner in the place of the one that was `seen`, if the server finds exactly that; says
    /// whether it did. If not, a script has to look why.
    pub(crate) async fn write_if_equal(
        &self,
        write: &Write<'_>,
        seen: Option<&VersionedRecord>,
    ) -> Result<bool> {
        let Some(seen) = seen.filter(|seen| seen.record.is_live(write.now) && !write.is_over) else {
            return Ok(false);
        };
        let (name, old) = (self.layout.record(write.key), encode(&seen.record, seen.version, write.until));
        let mut set = cmd("SET");
        set.arg(&name).arg(&write.bytes).arg("IFEQ").arg(old);
        if write.lifetime != "0" {
            set.arg("PX").arg(&write.lifetime);
        }
        match self.server.write_if_known(set, &Aim::key(&name)).await? {
            Some(Value::Okay) => Ok(true),
            Some(Value::Nil) => Ok(false),
            Some(_) => Err(unexpected()),
            None => {
                // After a failover, an older server is in its place.
                self.compare.set(false);
                Ok(false)
            }
        }
    }

    /// Writes a record whose owner's index is on the same server.
    pub(crate) async fn run_here(
        &self,
        script: &Script,
        write: &Write<'_>,
        expected: &[u8],
        owner: &Owner,
    ) -> Result<Value> {
        let (revocation, index) = (self.layout.revocation(&owner.key), self.layout.index(&owner.key));
        let (listed_at, lasts) = (write.now.as_millis().to_string(), index_lifetime(write.now, write.until));
        let (member, records, ends) = (member(write.key), self.layout.records(), owner_end(&owner.key));
        let arguments = [
            expected,
            ends.as_bytes(),
            member.as_bytes(),
            listed_at.as_bytes(),
            lasts.as_bytes(),
            records.as_bytes(),
        ];
        self.run_write(script, write, &[&revocation, &index], &arguments).await
    }

    /// Writes a record whose owner's index is in another slot.
    pub(crate) async fn run_fenced(
        &self,
        script: &Script,
        write: &Write<'_>,
        expected: &[u8],
        owner: &Owner,
        listed: bool,
    ) -> Result<Value> {
        let listed: &[u8] = if listed { b"1" } else { b"" };
        let ends = owner_end(&owner.key);
        let arguments = [expected, ends.as_bytes(), listed];
        self.run_write(script, write, &[&self.layout.fence(write.key)], &arguments).await
    }

    pub(crate) async fn run_write(
        &self,
        script: &Script,
        write: &Write<'_>,
        more_keys: &[&str],
        more_arguments: &[&[u8]],
    ) -> Result<Value> {
        let (name, now) = (self.layout.record(write.key), moment(write.now));
        let keys = [&[name.as_str()], more_keys].concat();
        let arguments = [&[now.as_bytes(), &write.bytes, write.lifetime.as_bytes()], more_arguments].concat();
        self.server.run(script, &keys, &arguments, Effect::Writes).await
    }
}
