//! What scripts that keep a record are told.

use cloakroom_store::{Error, ErrorKind, Owner, Record, Result, StoreKey, Timestamp, Version};
use redis::Value;

use crate::layout::{encode, index_lifetime, index_until, lifetime, member, moment};
use crate::scripts::Script;
use crate::server::Effect;
use crate::store::Inner;

/// A record on its way.
pub(crate) struct Write {
    pub(crate) version: Version,
    /// Until when the owner's index lasts if it is listed now.
    pub(crate) until: Timestamp,
    now: Timestamp,
    name: String,
    fence: String,
    member: String,
    lifetime: String,
    bytes: Vec<u8>,
}

impl Inner {
    pub(crate) fn write(&self, key: &StoreKey, record: &Record) -> Result<Write> {
        let now = self.now();
        let until = index_until(now, record.expires_at);
        let version = version()?;
        Ok(Write {
            version,
            until,
            now,
            name: self.layout.record(key),
            fence: self.layout.fence(key),
            member: member(key),
            lifetime: lifetime(now, record.expires_at),
            bytes: encode(record, version, until),
        })
    }

    /// Writes a record whose owner's index is on the same server.
    pub(crate) async fn run_here(
        &self,
        script: &Script,
        write: &Write,
        expected: &[u8],
        owner: &Owner,
    ) -> Result<Value> {
        let (revocation, index) = (self.layout.revocation(&owner.key), self.layout.index(&owner.key));
        let (listed_at, lasts) = (write.now.as_millis().to_string(), index_lifetime(write.now, write.until));
        let records = self.layout.records();
        let arguments =
            [expected, write.member.as_bytes(), listed_at.as_bytes(), lasts.as_bytes(), records.as_bytes()];
        self.run_write(script, write, &[&revocation, &index], &arguments).await
    }

    /// Writes a record whose owner's index is in another slot.
    pub(crate) async fn run_fenced(
        &self,
        script: &Script,
        write: &Write,
        expected: &[u8],
        listed: bool,
    ) -> Result<Value> {
        let listed: &[u8] = if listed { b"1" } else { b"" };
        self.run_write(script, write, &[&write.fence], &[expected, listed]).await
    }

    pub(crate) async fn run_write(
        &self,
        script: &Script,
        write: &Write,
        more_keys: &[&str],
        more_arguments: &[&[u8]],
    ) -> Result<Value> {
        let now = moment(write.now);
        let keys = [&[write.name.as_str()], more_keys].concat();
        let first: [&[u8]; 3] = [now.as_bytes(), &write.bytes, write.lifetime.as_bytes()];
        let arguments = [&first, more_arguments].concat();
        self.server.run(script, &keys, &arguments, Effect::Writes).await
    }
}

/// A number that the key has never had: random out of 2^64. Nothing has to be kept to know it, and a write that was sent
/// twice could be told from two writes.
fn version() -> Result<Version> {
    let random = getrandom::u64();
    random
        .map(Version::new)
        .map_err(|_| Error::new(ErrorKind::Unavailable, "the operating system gave no random number"))
}
