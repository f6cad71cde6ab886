//! Items and attributes: the only place that knows them. `docs/wire.md` describes them.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use cloakroom_store::{
    Entry, Owner, OwnerKey, Record, RecordHead, StoreKey, Timestamp, Version, VersionedRecord,
};

use crate::error::Failure;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Names of attributes. Short, because they are paid for with each item.
pub(crate) const PARTITION: &str = "pk";
pub(crate) const SORT: &str = "sk";
pub(crate) const VERSION: &str = "v";
pub(crate) const EXPIRES: &str = "e";
pub(crate) const SLIDING: &str = "sl";
pub(crate) const OWNER: &str = "ow";
pub(crate) const SINCE: &str = "os";
/// Until when, at least, the owner's note of this record stays.
pub(crate) const NOTED: &str = "x";
/// The payload, or its first 512 bytes: a list reads no more, and DynamoDB can read no part of an attribute.
pub(crate) const PAYLOAD: &str = "p";
/// The rest of a longer payload.
pub(crate) const REST: &str = "pr";
pub(crate) const REVOKED: &str = "r";
/// When DynamoDB may collect the item, in seconds by its own clock.
pub(crate) const TTL: &str = "t";

/// What a list reads of a record's item.
pub(crate) const LISTED: &str = "pk, v, e, sl, ow, os, p";

/// The sort key of a record.
pub(crate) const RECORD: &[u8] = b"r";
/// The sort key of an owner's revocation.
pub(crate) const MARK: &[u8] = b"m";
/// What the sort key of an owner's note of a record begins with: three bytes, so that the emulator finds them in base64.
pub(crate) const NOTE: &[u8] = b"key";

/// How much longer than a record its item stays: clocks differ.
const SLACK: Duration = Duration::from_hours(1);
/// How much longer than a record its owner's note of it stays, so that a touch need not write both.
const NOTE_SLACK: Duration = Duration::from_hours(7 * 24);

pub(crate) fn bytes(bytes: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

pub(crate) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn moment(moment: Timestamp) -> AttributeValue {
    number(moment.as_micros())
}

fn key(kind: u8, name: &[u8], sort: Vec<u8>) -> Item {
    let partition = [&[kind], name].concat();
    [(PARTITION.into(), bytes(partition)), (SORT.into(), bytes(sort))].into()
}

/// Returns the key of a record's item.
pub(crate) fn record_key(name: &StoreKey) -> Item {
    key(b'r', name.as_bytes(), RECORD.to_vec())
}

/// Returns the key of an owner's revocation.
pub(crate) fn mark_key(owner: &OwnerKey) -> Item {
    key(b'o', owner.as_bytes(), MARK.to_vec())
}

/// Returns the key of an owner's note of a record.
pub(crate) fn note_key(owner: &OwnerKey, name: &StoreKey) -> Item {
    key(b'o', owner.as_bytes(), [NOTE, name.as_bytes()].concat())
}

/// Returns the partition of an owner.
pub(crate) fn partition_of(owner: &OwnerKey) -> AttributeValue {
    bytes([b"o", owner.as_bytes()].concat())
}

/// Returns until when the owner's note of a record is to stay, by the store's clock.
pub(crate) fn noted_until(expires_at: Timestamp) -> Timestamp {
    expires_at + NOTE_SLACK
}

/// Returns when DynamoDB may collect what expires at `expires_at`: in the time that is left by the store's clock, and
/// some more. `None` for what never expires.
pub(crate) fn ttl(now: Timestamp, expires_at: Timestamp) -> Option<AttributeValue> {
    if expires_at == Timestamp::NEVER {
        return None;
    }
    let left = expires_at.since(now) + SLACK;
    let server = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(number((server + left).as_secs()))
}

/// Returns the whole item of a record.
pub(crate) fn record_item(name: &StoreKey, record: &Record, version: Version, now: Timestamp) -> Item {
    let mut item = record_key(name);
    let mut set = |name: &str, value| item.insert(name.into(), value);
    set(VERSION, number(version.get()));
    set(EXPIRES, moment(record.expires_at));
    set(SLIDING, AttributeValue::Bool(record.sliding));
    let (beginning, rest) = halves(&record.payload);
    set(PAYLOAD, bytes(beginning));
    if !rest.is_empty() {
        set(REST, bytes(rest));
    }
    if let Some(owner) = &record.owner {
        set(OWNER, bytes(owner.key.as_bytes()));
        set(SINCE, moment(owner.logged_in_at));
        set(NOTED, moment(noted_until(record.expires_at)));
    }
    if let Some(ttl) = ttl(now, record.expires_at) {
        set(TTL, ttl);
    }
    item
}

/// Returns what a list reads of a payload, and the rest.
pub(crate) fn halves(payload: &[u8]) -> (&[u8], &[u8]) {
    payload.split_at(payload.len().min(RecordHead::PAYLOAD_BYTES))
}

/// Returns an owner's note of a record.
pub(crate) fn note_item(owner: &OwnerKey, name: &StoreKey, expires_at: Timestamp, now: Timestamp) -> Item {
    let mut item = note_key(owner, name);
    item.extend(ttl(now, noted_until(expires_at)).map(|ttl| (TTL.into(), ttl)));
    item
}

/// Reads the item of a record, dead or alive.
pub(crate) fn stored(item: &Item) -> Result<VersionedRecord, Failure> {
    let rest = if item.contains_key(REST) { blob(item, REST)? } else { &[] };
    let record = Record::new(
        [blob(item, PAYLOAD)?, rest].concat(),
        Timestamp::from_micros(read_number(item, EXPIRES)?),
    )
    .with_sliding(*item.get(SLIDING).and_then(|value| value.as_bool().ok()).ok_or(Failure::DAMAGED)?)
    .with_owner(if item.contains_key(OWNER) { Some(read_owner(item)?) } else { None });
    Ok(VersionedRecord::new(record, Version::new(read_number(item, VERSION)?)))
}

/// Reads the item of a record, if it is live at `now`.
pub(crate) fn live(item: Option<&Item>, now: Timestamp) -> Result<Option<VersionedRecord>, Failure> {
    let stored = item.map(stored).transpose()?;
    Ok(stored.filter(|stored| stored.record.is_live(now)))
}

/// Reads the item of a record, and its key.
pub(crate) fn entry(item: &Item) -> Result<Entry, Failure> {
    let name = blob(item, PARTITION)?.strip_prefix(b"r").ok_or(Failure::DAMAGED)?;
    let key = StoreKey::from_bytes(name).map_err(|_| Failure::DAMAGED)?;
    Ok(Entry::new(key, stored(item)?))
}

/// Returns the key of the record that an owner's note is about.
pub(crate) fn noted(item: &Item) -> Result<StoreKey, Failure> {
    let name = blob(item, SORT)?.strip_prefix(NOTE).ok_or(Failure::DAMAGED)?;
    StoreKey::from_bytes(name).map_err(|_| Failure::DAMAGED)
}

fn read_owner(item: &Item) -> Result<Owner, Failure> {
    let key = OwnerKey::new(blob(item, OWNER)?).map_err(|_| Failure::DAMAGED)?;
    Ok(Owner::new(key, Timestamp::from_micros(read_number(item, SINCE)?)))
}

pub(crate) fn blob<'a>(item: &'a Item, name: &str) -> Result<&'a [u8], Failure> {
    let value = item.get(name).and_then(|value| value.as_b().ok());
    value.map(|blob| blob.as_ref()).ok_or(Failure::DAMAGED)
}

pub(crate) fn read_number(item: &Item, name: &str) -> Result<u64, Failure> {
    let value = item.get(name).and_then(|value| value.as_n().ok());
    value.and_then(|number| number.parse().ok()).ok_or(Failure::DAMAGED)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn record() -> Record {
        let owner = Owner::new(OwnerKey::new("alice").unwrap(), NOW);
        Record::new("coat", NOW + Duration::from_mins(1)).with_owner(owner)
    }

    #[test]
    fn a_record_comes_back_as_it_went_in() {
        let name = StoreKey::from_bytes(&[0, 255]).unwrap();
        let long = record().with_payload(vec![7; 513]);
        for record in [record(), long, record().with_owner(None), Record::new("", Timestamp::NEVER)] {
            let item = record_item(&name, &record, Version::new(u64::MAX), NOW);
            let entry = entry(&item).unwrap();
            assert_eq!((entry.key, entry.stored.record), (name.clone(), record));
            assert_eq!(entry.stored.version, Version::new(u64::MAX));
        }
    }

    #[test]
    fn the_attributes_of_a_record_stand_still() {
        let item = record_item(&StoreKey::from_bytes(b"k").unwrap(), &record(), Version::new(7), NOW);
        let mut names: Vec<_> = item.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["e", "os", "ow", "p", "pk", "sk", "sl", "t", "v", "x"]);
        assert_eq!(item["pk"], bytes(*b"rk"));
        assert_eq!(item["sk"], bytes(*b"r"));
        assert_eq!(item["e"], AttributeValue::N("1800000060000000".into()));
    }

    #[test]
    fn what_never_expires_is_never_collected() {
        assert_eq!(ttl(NOW, Timestamp::NEVER), None);
        let server = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let Some(AttributeValue::N(ttl)) = ttl(NOW, NOW + Duration::from_mins(1)) else { panic!() };
        let left = ttl.parse::<u64>().unwrap() - server;
        assert!((3660..3665).contains(&left), "{left}");
    }

    #[test]
    fn an_item_of_another_application_is_damaged() {
        assert!(stored(&record_key(&StoreKey::from_bytes(b"k").unwrap())).is_err());
        assert!(entry(&mark_key(&OwnerKey::new("alice").unwrap())).is_err());
    }
}
