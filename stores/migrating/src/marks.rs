//! The bytes of copies and marks, which exist while a record moves. The only place that knows them.
//!
//! | size | field |
//! |---|---|
//! | 16 | [`MAGIC`] |
//! | 1 | kind: 1 arriving, 2 left |
//! | 8 | number of the move, little endian |
//! | 8 | kind 1: version that the copy has in the old store, little endian |
//! | 1 | kind 1: whether the record slides, 0 or 1 |
//! | rest | kind 1: the payload |

use std::time::Duration;

use cloakroom_store::Bytes;
use cloakroom_store::{Record, Timestamp, Version, VersionedRecord};

/// Begins every payload that belongs to a move; random, and no format's beginning.
pub(super) const MAGIC: [u8; 16] = *b"\x67\x61\x01\x62\xf8\x4b\x41\xe0\x8d\x21\x88\x07\x39\xcf\xaa\x7c";

const ARRIVING: u8 = 1;
const LEFT: u8 = 2;
const HEAD: usize = MAGIC.len() + 1 + 8;
const COPY: usize = HEAD + 8 + 1;

/// How much longer than its record a mark lives, so that none is missed while the copy is there.
const OUTLIVES: Duration = Duration::from_secs(3_600);

/// What is under a key in one of the two stores.
#[derive(Debug)]
pub(super) enum Found {
    /// A record as the engine wrote it.
    Plain(VersionedRecord),
    /// In the new store: a copy that counts once its mark is left in the old one.
    Arriving(Copy),
    /// In the old store: the record has moved.
    Left {
        number: u64,
        version: Version,
        /// When the record expires that has moved.
        expires_at: Timestamp,
    },
}

/// A copy in the new store that no reader may see yet.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) number: u64,
    /// The version in the old store that it is a copy of.
    pub(super) of: Version,
    /// The version that the copy itself has in the new store.
    pub(super) version: Version,
    pub(super) record: Record,
}

impl Copy {
    /// Returns the copy with the later expiry of its own and this one: a touch may have come in between.
    pub(super) fn lasting_until(mut self, expires_at: Timestamp) -> Self {
        self.record.expires_at = self.record.expires_at.max(expires_at);
        self
    }
}

/// Returns whether a payload could be taken for a mark.
pub(super) fn is_reserved(payload: &[u8]) -> bool {
    payload.starts_with(&MAGIC)
}

/// Returns the copy of `stored` that the move `number` puts into the new store.
pub(super) fn arriving(stored: &VersionedRecord, number: u64) -> Record {
    let record = &stored.record;
    let mut payload = begin(ARRIVING, number, COPY + record.payload.len());
    payload.extend_from_slice(&stored.version.get().to_le_bytes());
    payload.push(u8::from(record.sliding));
    payload.extend_from_slice(&record.payload);
    record.clone().with_payload(payload).with_sliding(false)
}

/// Returns the mark that the move `number` leaves in the place of `record`.
pub(super) fn left(record: &Record, number: u64) -> Record {
    let payload = begin(LEFT, number, HEAD);
    Record::new(payload, record.expires_at + OUTLIVES).with_sliding(false)
}

fn begin(kind: u8, number: u64, length: usize) -> Vec<u8> {
    let mut payload = Vec::with_capacity(length);
    payload.extend_from_slice(&MAGIC);
    payload.push(kind);
    payload.extend_from_slice(&number.to_le_bytes());
    payload
}

/// Reads what a store returned; a mark that is cut short does not count, and is taken for a plain record.
pub(super) fn read(stored: VersionedRecord) -> Found {
    match parse(&stored) {
        Some(found) => found,
        None => Found::Plain(stored),
    }
}

fn parse(stored: &VersionedRecord) -> Option<Found> {
    let payload = &stored.record.payload;
    if !is_reserved(payload) {
        return None;
    }
    let number = number_at(payload, MAGIC.len() + 1)?;
    match payload[MAGIC.len()] {
        LEFT => {
            let expires_at = match stored.record.expires_at {
                Timestamp::NEVER => Timestamp::NEVER,
                mark => mark - OUTLIVES,
            };
            Some(Found::Left { number, version: stored.version, expires_at })
        }
        ARRIVING => {
            let of = Version::new(number_at(payload, HEAD)?);
            let sliding = *payload.get(COPY - 1)? != 0;
            let record = stored.record.clone().with_payload(payload.slice(COPY..)).with_sliding(sliding);
            Some(Found::Arriving(Copy { number, of, version: stored.version, record }))
        }
        _ => None,
    }
}

fn number_at(payload: &Bytes, at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(payload.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_store::Timestamp;

    fn stored() -> VersionedRecord {
        let record = Record::new("coat", Timestamp::from_millis(1_000));
        VersionedRecord::new(record, Version::new(7))
    }

    #[test]
    fn the_bytes_of_a_copy_are_these() {
        let copy = arriving(&stored(), 0x0102);
        let mut due = MAGIC.to_vec();
        due.extend_from_slice(b"\x01\x02\x01\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x01coat");
        assert_eq!(copy.payload, due);
        assert!(!copy.sliding, "a copy is not touched by a load");
    }

    #[test]
    fn the_bytes_of_a_mark_are_these() {
        let mark = left(&stored().record, 3);
        let mut due = MAGIC.to_vec();
        due.extend_from_slice(b"\x02\x03\0\0\0\0\0\0\0");
        assert_eq!((mark.payload, mark.owner), (due.into(), None));
        assert!(mark.expires_at > stored().record.expires_at);
    }

    #[test]
    fn a_copy_is_read_back_as_the_record_it_copies() {
        let copy = VersionedRecord::new(arriving(&stored(), 9), Version::new(8));
        let Found::Arriving(copy) = read(copy) else { panic!("a copy is a copy") };
        assert_eq!((copy.number, copy.of, copy.version), (9, Version::new(7), Version::new(8)));
        assert_eq!(copy.record, stored().record);
    }

    #[test]
    fn a_mark_that_is_cut_short_does_not_count() {
        let whole = arriving(&stored(), 9).payload;
        for length in 0..COPY {
            let record = Record::new(whole.slice(..length), Timestamp::NEVER);
            let found = read(VersionedRecord::new(record, Version::new(1)));
            assert!(matches!(found, Found::Plain(_)), "{length} bytes");
        }
    }
}
