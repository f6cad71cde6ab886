//! Keys and values: the only place that knows them.
//!
//! | key: the prefix, then | value |
//! |---|---|
//! | `r`, the record's key | the record, below |
//! | `o`, length of the owner (1 byte), owner, the record's key | the record, with no more than the first 512 bytes of its payload |
//! | `m`, length of the owner (1 byte), owner, moment (8 bytes) | empty: what the owner began until then is revoked |
//! | `life` | 16 random bytes: a process that finds other bytes there knows that all was lost meanwhile |
//!
//! A record:
//!
//! | size | field |
//! |---|---|
//! | 1 | format version: 1 |
//! | 1 | flags: 1 sliding, 2 the record has an owner |
//! | 8 | version: random, another one for each write |
//! | 8 | expiry, in microseconds |
//! | 1, …, 8 | with flag 2: length of the owner, owner, since when, in microseconds |
//! | rest | payload |
//!
//! Integers are big endian, so that keys stand in the order of their moments. A touch writes the record again with another
//! expiry and the same version. Each write is a transaction on condition of the revision that was seen, and changes the
//! keys of the owner in the same step; a write that brings an owner is also on condition that there is no `m` of that
//! owner from `since` on. So the keys of owners are exact, and a revocation is one transaction as well, which goes through
//! up to [`BATCH`] records at a time.
//!
//! All keys but `life` hang on leases that end a slack or two after the record: the server removes them, without a sweep.

use cloakroom_store::{
    Bytes, Entry, Owner, OwnerKey, Record, RecordHead, StoreKey, Timestamp, Version, VersionedRecord,
};

use crate::error::Failure;
use crate::messages::KeyValue;
use crate::transaction::Keys;

/// What keys begin with, unless another prefix is set.
pub(crate) const PREFIX: &str = "cloakroom/";

/// How many records a transaction removes, each with what lists it; etcd takes 128 operations unless it is configured for more.
pub(crate) const BATCH: usize = 60;

const FORMAT: u8 = 1;
const SLIDING: u8 = 1;
const OWNED: u8 = 2;

/// The names of keys, all under one prefix.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) prefix: String,
}

impl Layout {
    /// Returns the key of a record.
    pub(crate) fn record(&self, key: &StoreKey) -> Bytes {
        self.name(&[b"r", key.as_bytes()])
    }

    /// Returns the record's key, from the name of a key that begins with `start`.
    pub(crate) fn read_key(name: &[u8], start: &[u8]) -> Result<StoreKey, Failure> {
        let key = name.strip_prefix(start).ok_or(Failure::DAMAGED)?;
        StoreKey::from_bytes(key).map_err(|_| Failure::DAMAGED)
    }

    /// Returns what the keys of records begin with.
    pub(crate) fn records(&self) -> Bytes {
        self.name(&[b"r"])
    }

    /// Returns all records after this key, or from the first.
    pub(crate) fn records_after(&self, key: &[u8]) -> Keys {
        Keys::range(self.name(&[b"r", key, if key.is_empty() { b"" } else { b"\0" }]), self.name(&[b"s"]))
    }

    /// Returns the key that lists a record under its owner.
    pub(crate) fn owned(&self, owner: &Owner, key: &StoreKey) -> Bytes {
        self.name(&[b"o", &length(&owner.key), owner.key.as_bytes(), key.as_bytes()])
    }

    /// Returns what the owner's keys begin with.
    pub(crate) fn owner(&self, owner: &OwnerKey) -> Bytes {
        self.name(&[b"o", &length(owner), owner.as_bytes()])
    }

    /// Returns the owner's keys after that of the record under `key`, or from the first.
    pub(crate) fn owned_after(&self, owner: &OwnerKey, key: &[u8]) -> Keys {
        let start = self.owner(owner);
        let first = [&start[..], key, if key.is_empty() { b"" } else { b"\0" }].concat();
        // Longer than any key, and later than each.
        let end = [&start[..], &[0xff; StoreKey::MAX_LEN + 1]].concat();
        Keys::range(first, end)
    }

    /// Returns the key of the mark that a revocation leaves.
    pub(crate) fn mark(&self, owner: &OwnerKey, at: Timestamp) -> Bytes {
        self.name(&[b"m", &length(owner), owner.as_bytes(), &moment(at)])
    }

    /// Returns the marks that refuse what the owner began.
    pub(crate) fn refusing(&self, owner: &Owner) -> Keys {
        let end = self.name(&[b"m", &length(&owner.key), owner.key.as_bytes(), &[0xff; 8]]);
        Keys::range(self.mark(&owner.key, owner.logged_in_at), end)
    }

    /// Returns the marks that this one makes superfluous.
    pub(crate) fn marks_before(&self, owner: &OwnerKey, at: Timestamp) -> Keys {
        Keys::range(self.mark(owner, Timestamp::EPOCH), self.mark(owner, at))
    }

    /// Returns all keys that there can be.
    pub(crate) fn everything(&self) -> [Keys; 4] {
        let kind = |first: &[u8], end: &[u8]| Keys::range(self.name(&[first]), self.name(&[end]));
        [kind(b"r", b"s"), kind(b"o", b"p"), kind(b"m", b"n"), Keys::one(self.life())]
    }

    /// Returns the key whose value changes when all is lost.
    pub(crate) fn life(&self) -> Bytes {
        self.name(&[b"life"])
    }

    fn name(&self, parts: &[&[u8]]) -> Bytes {
        let mut name = self.prefix.clone().into_bytes();
        parts.iter().for_each(|part| name.extend(*part));
        name.into()
    }
}

/// Returns the record's key, at the end of a key of its owner.
fn listed(name: &[u8], owner: &[u8]) -> Result<StoreKey, Failure> {
    let rest = name.strip_prefix(owner).ok_or(Failure::DAMAGED)?;
    StoreKey::from_bytes(rest).map_err(|_| Failure::DAMAGED)
}

fn length(owner: &OwnerKey) -> [u8; 1] {
    [u8::try_from(owner.as_bytes().len()).unwrap_or(u8::MAX)] // an owner is no longer
}

fn moment(moment: Timestamp) -> [u8; 8] {
    moment.as_micros().to_be_bytes()
}

/// Returns what the value of a record begins with that has this version.
pub(crate) fn beginning(version: Version, sliding: bool, owned: bool) -> Vec<u8> {
    let flag = |flag: u8, set: bool| if set { flag } else { 0 };
    let mut value = vec![FORMAT, flag(SLIDING, sliding) | flag(OWNED, owned)];
    value.extend(version.get().to_be_bytes());
    value
}

/// Writes a record.
pub(crate) fn write(stored: &VersionedRecord) -> Bytes {
    let VersionedRecord { record, version, .. } = stored;
    let mut value = beginning(*version, record.sliding, record.owner.is_some());
    value.extend(moment(record.expires_at));
    if let Some(owner) = &record.owner {
        value.extend(length(&owner.key));
        value.extend(owner.key.as_bytes());
        value.extend(moment(owner.logged_in_at));
    }
    value.extend(&record.payload);
    value.into()
}

/// Writes what lists a record under its owner.
pub(crate) fn write_head(stored: &VersionedRecord) -> Bytes {
    let payload = &stored.record.payload;
    let payload = payload.slice(..payload.len().min(RecordHead::PAYLOAD_BYTES));
    write(&VersionedRecord::new(stored.record.clone().with_payload(payload), stored.version))
}

/// Reads what lists a record under its owner, whose keys begin with `start`.
pub(crate) fn read_head(listed_as: &KeyValue, start: &[u8]) -> Result<RecordHead, Failure> {
    let entry = Entry::new(listed(&listed_as.key, start)?, read(&listed_as.value)?);
    RecordHead::of(entry).ok_or(Failure::DAMAGED)
}

/// Reads a record.
pub(crate) fn read(value: &Bytes) -> Result<VersionedRecord, Failure> {
    let mut rest = Rest(value);
    let [format, flags] = rest.array()?;
    if format != FORMAT || flags & !(SLIDING | OWNED) != 0 {
        return Err(Failure::DAMAGED);
    }
    let version = Version::new(u64::from_be_bytes(rest.array()?));
    let expires_at = rest.timestamp()?;
    let owner = if flags & OWNED == 0 { None } else { Some(rest.owner()?) };
    let record =
        Record::new(value.slice_ref(rest.0), expires_at).with_sliding(flags & SLIDING != 0).with_owner(owner);
    Ok(VersionedRecord::new(record, version))
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, size: usize) -> Result<&'a [u8], Failure> {
        let (bytes, rest) = self.0.split_at_checked(size).ok_or(Failure::DAMAGED)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        self.take(N)?.try_into().map_err(|_| Failure::DAMAGED)
    }

    fn timestamp(&mut self) -> Result<Timestamp, Failure> {
        Ok(Timestamp::from_micros(u64::from_be_bytes(self.array()?)))
    }

    fn owner(&mut self) -> Result<Owner, Failure> {
        let [size] = self.array()?;
        let key = OwnerKey::new(self.take(usize::from(size))?).map_err(|_| Failure::DAMAGED)?;
        Ok(Owner::new(key, self.timestamp()?))
    }
}
