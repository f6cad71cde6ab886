//! The bytes of copies and marks in the fast tier (`docs/wire.md`). The only place that knows them.

use cloakroom_store::{Bytes, Record, Timestamp, Version, VersionedRecord};

/// The format version that this release writes, and the only one that it reads.
const FORMAT: u8 = 1;
const COPY: u8 = 1;
const MARK: u8 = 2;
/// Format, kind, three numbers, whether it slides.
const HEAD: usize = 2 + 3 * 8 + 1;

/// A record of the durable tier, as it was asked for at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copy {
    /// When asking began: the record was at least as new as that.
    pub(super) asked_at: Timestamp,
    pub(super) stored: VersionedRecord,
}

impl Copy {
    /// Returns the record that the fast tier keeps until `expires_at`. It names the same owner, so that a revocation
    /// there ends it.
    pub(super) fn encode(&self, expires_at: Timestamp) -> Record {
        let VersionedRecord { record, version, .. } = &self.stored;
        let mut bytes = Vec::with_capacity(HEAD + record.payload.len());
        bytes.extend([FORMAT, COPY]);
        for number in [self.asked_at.as_micros(), version.get(), record.expires_at.as_micros()] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.push(record.sliding.into());
        bytes.extend(&record.payload);
        Record::new(bytes, expires_at).with_sliding(false).with_owner(record.owner.clone())
    }

    /// Reads what the fast tier has; `None` if that is a mark, or nothing that this release has written.
    pub(super) fn decode(kept: &Record) -> Option<Self> {
        let head = kept.payload.get(..HEAD).filter(|head| head[..2] == [FORMAT, COPY])?;
        let number = |at: usize| head[at..at + 8].try_into().map(u64::from_le_bytes).ok();
        let record = Record::new(kept.payload.slice(HEAD..), Timestamp::from_micros(number(18)?))
            .with_sliding(head[26] != 0)
            .with_owner(kept.owner.clone());
        let stored = VersionedRecord::new(record, Version::new(number(10)?));
        Some(Self { asked_at: Timestamp::from_micros(number(2)?), stored })
    }
}

/// Returns the record that marks a write: copies that were read before it are outdated.
pub(super) fn mark(expires_at: Timestamp) -> Record {
    let payload = Bytes::from_static(&[FORMAT, MARK]);
    Record::new(payload, expires_at).with_sliding(false)
}

#[cfg(test)]
mod tests {
    use cloakroom_store::{Owner, OwnerKey};

    use super::*;

    fn copy() -> Copy {
        let owner = Owner::new(OwnerKey::new("alice").unwrap(), Timestamp::from_micros(5));
        let record = Record::new("coat", Timestamp::from_micros(0x0102)).with_owner(owner);
        Copy {
            asked_at: Timestamp::from_micros(0x0304),
            stored: VersionedRecord::new(record, Version::new(u64::MAX - 1)),
        }
    }

    #[test]
    fn the_bytes_of_a_copy_stand_still() {
        let kept = copy().encode(Timestamp::from_micros(9));
        let mut golden = vec![1, 1, 4, 3, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 255];
        golden.extend([2, 1, 0, 0, 0, 0, 0, 0, 1]);
        golden.extend(b"coat");
        assert_eq!(kept.payload, golden);
        assert_eq!((kept.expires_at, kept.sliding), (Timestamp::from_micros(9), false));
        assert_eq!(Copy::decode(&kept), Some(copy()));
    }

    #[test]
    fn a_mark_and_foreign_bytes_are_not_copies() {
        let kept = copy().encode(Timestamp::NEVER);
        assert_eq!(mark(Timestamp::NEVER).payload, [1, 2][..]);
        assert_eq!(Copy::decode(&mark(Timestamp::NEVER)), None);
        for length in 0..HEAD {
            let cut = kept.clone().with_payload(kept.payload.slice(..length));
            assert_eq!(Copy::decode(&cut), None, "{length}");
        }
        let newer = [&[2], &kept.payload[1..]].concat();
        let newer = kept.with_payload(newer);
        assert_eq!(Copy::decode(&newer), None);
    }
}
