//! Documents: the only place that knows their fields.
//!
//! All documents are in one collection. A *slot* is what is kept under a key:
//!
//! | field | type | meaning |
//! |---|---|---|
//! | `_id` | binary | the key |
//! | `version` | int64 | random, another one for each write |
//! | `expires_at` | int64 | microseconds; 0 in a slot that never held a record |
//! | `sliding` | bool | |
//! | `payload` | binary | the payload, or its first 512 bytes: the server can read no part of a field |
//! | `rest` | binary | the rest of a longer payload |
//! | `owner`, `since` | binary, int64 | only if the record has an owner |
//! | `claims` | array of `{token, owner, since}` | writes under way that bring an owner, see below |
//! | `collect_at` | date | when the server's TTL index may remove the document; none if it never may |
//!
//! A *mark* is what is left of a revocation: `_id: {owner: binary}`, `revoked_at` (int64) and `collect_at`.
//!
//! # Expiry
//! `expires_at` is compared with the store's clock in every filter, so it is exact. `collect_at` is reckoned from the
//! server's clock (`$$NOW`), the time that the record has left, and a slack: the two clocks need not agree. It is
//! between one and two slacks after the expiry, and left alone as long as it is, so that its index is seldom written.
//!
//! # How a write is refused that a revocation must refuse
//! A revocation and a write meet in two documents, the mark and the slot, and only one is changed atomically. So a
//! write that brings an owner is one command of three statements, carried out in order:
//!
//! 1. *Claim*: add `{token, owner, since}` to the slot's `claims`. No reader takes a claim for a record.
//! 2. *Check*: find a mark of the owner with `revoked_at >= since`, and change its `_id`. The server refuses to, and
//!    the command ends there. Where no such mark is, nothing happens.
//! 3. *Write*: replace the slot whole, without claims, if the claim with this token is still there.
//!
//! A revocation first leaves its mark, then withdraws all claims of the owner that it ends, then deletes the records.
//! Either the check sees the mark; or the mark came after the claim, so the claim is withdrawn before the write, which
//! then does nothing, or after it, and then the record is there to be deleted. A write that keeps the owner and `since`
//! of the record that it replaces needs none of this: it is one statement whose filter names both.

use std::time::Duration;

use cloakroom_store::{
    Entry, Owner, OwnerKey, Record, RecordHead, StoreKey, Timestamp, Version, VersionedRecord,
};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document, doc};

use crate::error::Failure;

/// The collection, unless another is named.
pub(crate) const COLLECTION: &str = "cloakroom_records";
/// The database, unless one is named.
pub(crate) const DATABASE: &str = "cloakroom";

/// What the server says to the check of a write that is refused: `_id` cannot change.
pub(crate) const REFUSED: i32 = 66;

/// A slot remembers no more claims than this; an older one fails, and is made again.
const MOST_CLAIMS: i32 = 64;

/// Bytes as MongoDB keeps them.
pub(crate) fn binary(bytes: &[u8]) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() })
}

/// Returns a field of microseconds.
pub(crate) fn micros(moment: Timestamp) -> i64 {
    moment.as_micros().cast_signed() // a timestamp always fits
}

/// Returns a field that holds a version.
pub(crate) fn number(version: Version) -> i64 {
    version.get().cast_signed()
}

/// Finds a slot, whatever is in it.
pub(crate) fn slot(key: &StoreKey) -> Document {
    doc! { "_id": binary(key.as_bytes()) }
}

/// Finds a live record.
pub(crate) fn live(key: &StoreKey, now: Timestamp) -> Document {
    doc! { "_id": binary(key.as_bytes()), "expires_at": { "$gt": micros(now) } }
}

/// Finds a slot that no live record is in.
pub(crate) fn free(key: &StoreKey, now: Timestamp) -> Document {
    doc! { "_id": binary(key.as_bytes()), "expires_at": { "$lte": micros(now) } }
}

/// Finds the live record of one version.
pub(crate) fn exactly(key: &StoreKey, now: Timestamp, version: Version) -> Document {
    let mut filter = live(key, now);
    filter.insert("version", number(version));
    filter
}

/// Narrows a filter to records of this owner, since that moment.
pub(crate) fn with_owner(mut filter: Document, owner: &Owner) -> Document {
    filter.insert("owner", binary(owner.key.as_bytes()));
    filter.insert("since", micros(owner.logged_in_at));
    filter
}

/// Narrows a filter to slots that still have the claim.
pub(crate) fn with_claim(mut filter: Document, token: i64) -> Document {
    filter.insert("claims.token", token);
    filter
}

/// Where a record goes: what a write puts into a slot, with a version of its own.
pub(crate) struct Placed<'a> {
    pub(crate) record: &'a Record,
    pub(crate) version: Version,
    pub(crate) now: Timestamp,
    pub(crate) slack: Duration,
}

impl Placed<'_> {
    /// Returns the update that replaces a slot whole.
    pub(crate) fn replace(&self) -> Vec<Document> {
        let Self { record, version, now, slack } = *self;
        let (beginning, rest) = record.payload.split_at(record.payload.len().min(RecordHead::PAYLOAD_BYTES));
        let mut place = doc! {
            "_id": "$_id",
            "version": number(version),
            "expires_at": micros(record.expires_at),
            "sliding": record.sliding,
            "payload": binary(beginning),
            "collect_at": collect_at(now, record.expires_at, slack),
        };
        if !rest.is_empty() {
            place.insert("rest", binary(rest));
        }
        if let Some(owner) = &record.owner {
            place = with_owner(place, owner);
        }
        vec![doc! { "$replaceWith": place }]
    }
}

/// Returns the update that moves an expiry later.
pub(crate) fn later(now: Timestamp, expires_at: Timestamp, slack: Duration) -> Vec<Document> {
    let moves = doc! { "$lt": ["$expires_at", micros(expires_at)] };
    let collect_at = collect_at(now, expires_at, slack);
    vec![doc! { "$set": {
        "expires_at": { "$max": ["$expires_at", micros(expires_at)] },
        "collect_at": { "$cond": [moves, collect_at, "$collect_at"] },
    } }]
}

/// Returns the update that adds a claim, to a slot that is there or not.
pub(crate) fn claim(token: i64, owner: &Owner, slack: Duration) -> Vec<Document> {
    let claim = with_owner(doc! { "token": token }, owner);
    let claims = doc! { "$concatArrays": [{ "$ifNull": ["$claims", []] }, [claim]] };
    let made = doc! { "$eq": [{ "$type": "$expires_at" }, "missing"] };
    let collect_at = doc! { "$add": ["$$NOW", millis(slack)] };
    vec![doc! { "$set": {
        "claims": { "$slice": [claims, -MOST_CLAIMS] },
        "collect_at": { "$cond": [made, collect_at, "$collect_at"] },
        "expires_at": { "$ifNull": ["$expires_at", 0_i64] },
    } }]
}

/// Finds the mark of an owner.
pub(crate) fn mark(owner: &OwnerKey) -> Document {
    doc! { "_id": { "owner": binary(owner.as_bytes()) } }
}

/// Finds the mark that refuses what this owner began.
pub(crate) fn refusing_mark(owner: &Owner) -> Document {
    let mut filter = mark(&owner.key);
    filter.insert("revoked_at", doc! { "$gte": micros(owner.logged_in_at) });
    filter
}

/// Returns the update that no mark lets happen.
pub(crate) fn impossible() -> Vec<Document> {
    vec![doc! { "$set": { "_id": 0 } }]
}

/// Returns the update that makes a mark, or moves it later.
pub(crate) fn remember(at: Timestamp, kept: Duration) -> Vec<Document> {
    vec![doc! { "$set": {
        "revoked_at": { "$max": ["$revoked_at", micros(at)] },
        "collect_at": { "$max": ["$collect_at", { "$add": ["$$NOW", millis(kept)] }] },
    } }]
}

/// Finds the claims that a revocation ends.
pub(crate) fn claims_of(owner: &OwnerKey, at: Timestamp) -> Document {
    doc! { "claims": { "$elemMatch": began_before(owner, at) } }
}

/// Returns the update that withdraws them.
pub(crate) fn withdraw(owner: &OwnerKey, at: Timestamp) -> Document {
    doc! { "$pull": { "claims": began_before(owner, at) } }
}

/// Finds what the owner began until then: records, or claims.
pub(crate) fn began_before(owner: &OwnerKey, at: Timestamp) -> Document {
    doc! { "owner": binary(owner.as_bytes()), "since": { "$lte": micros(at) } }
}

/// Returns when the server may remove a document: an expression.
fn collect_at(now: Timestamp, expires_at: Timestamp, slack: Duration) -> Bson {
    if expires_at == Timestamp::NEVER {
        return "$$REMOVE".into();
    }
    let earliest = expires_at.since(now) + slack;
    let date = |after: Duration| doc! { "$add": ["$$NOW", millis(after)] };
    let (earliest, latest) = (date(earliest), date(earliest + slack));
    let stays = doc! { "$and": [
        { "$gte": ["$collect_at", earliest] },
        { "$lte": ["$collect_at", latest.clone()] },
    ] };
    doc! { "$cond": [stays, "$collect_at", latest] }.into()
}

/// Whole milliseconds, as dates are counted in.
fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Reads a slot with a record in it.
pub(crate) fn stored(mut document: Document) -> Result<VersionedRecord, Failure> {
    let owner = document.remove("owner").zip(document.remove("since"));
    let mut payload = bytes(document.remove("payload"))?;
    if let Some(rest) = document.remove("rest") {
        payload.extend(bytes(Some(rest))?);
    }
    let record = Record::new(payload, timestamp(document.remove("expires_at"))?)
        .with_sliding(document.get_bool("sliding").map_err(|_| Failure::DAMAGED)?)
        .with_owner(owner.map(|(key, since)| read_owner(key, since)).transpose()?);
    let version = document.get_i64("version").map_err(|_| Failure::DAMAGED)?;
    Ok(VersionedRecord::new(record, Version::new(version.cast_unsigned())))
}

/// Reads a slot with a record in it, and its key.
pub(crate) fn entry(mut document: Document) -> Result<Entry, Failure> {
    let key = bytes(document.remove("_id"))?;
    let key = StoreKey::from_bytes(&key).map_err(|_| Failure::DAMAGED)?;
    Ok(Entry::new(key, stored(document)?))
}

/// Reads the moment of a mark; `None` if the document is not a mark.
pub(crate) fn revoked_at(document: &Document) -> Option<Timestamp> {
    document.get("revoked_at").cloned().and_then(|at| timestamp(Some(at)).ok())
}

fn read_owner(key: Bson, since: Bson) -> Result<Owner, Failure> {
    let key = OwnerKey::new(bytes(Some(key))?).map_err(|_| Failure::DAMAGED)?;
    Ok(Owner::new(key, timestamp(Some(since))?))
}

fn bytes(field: Option<Bson>) -> Result<Vec<u8>, Failure> {
    match field {
        Some(Bson::Binary(Binary { bytes, .. })) => Ok(bytes),
        _ => Err(Failure::DAMAGED),
    }
}

fn timestamp(field: Option<Bson>) -> Result<Timestamp, Failure> {
    let micros = field.and_then(|field| field.as_i64()).ok_or(Failure::DAMAGED)?;
    u64::try_from(micros).map(Timestamp::from_micros).map_err(|_| Failure::DAMAGED)
}
