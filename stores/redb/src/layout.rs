//! Tables and bytes: the only place that knows them. `docs/wire.md` describes them.

use cloakroom_store::{
    Entry, Owner, OwnerKey, Record, RecordHead, StoreKey, Timestamp, Version, VersionedRecord,
};
use redb::TableDefinition;

use crate::error::Failure;

/// The format that this version reads and writes.
pub(crate) const FORMAT: u64 = 1;

type Bytes = &'static [u8];

/// What this file is: its format, and how many transactions it has seen.
pub(crate) const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("cloakroom");
/// Key → head and payload.
pub(crate) const RECORDS: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("cloakroom_records");
/// When a sweep has to look at a record, and its key.
pub(crate) const DUE: TableDefinition<'_, (u64, Bytes), ()> = TableDefinition::new("cloakroom_due");
/// Owner and key of each record that has an owner.
pub(crate) const OWNERS: TableDefinition<'_, (Bytes, Bytes), ()> = TableDefinition::new("cloakroom_owners");
/// Owner → revoked at, to be forgotten at.
pub(crate) const REVOCATIONS: TableDefinition<'_, Bytes, (u64, u64)> =
    TableDefinition::new("cloakroom_revocations");
/// When a revocation is to be forgotten, and its owner.
pub(crate) const FORGET: TableDefinition<'_, (u64, Bytes), ()> = TableDefinition::new("cloakroom_forget");

/// In [`ABOUT`].
pub(crate) const FORMAT_OF_FILE: &str = "format";
/// In [`ABOUT`]: tells whether a transaction is in the file whose commit failed.
pub(crate) const TRANSACTIONS: &str = "transactions";

/// Version, expiry, when it is due, whether it slides, length of the owner.
const FIXED: usize = 3 * 8 + 2;

/// What is kept before a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: u64,
    pub(crate) expires_at: Timestamp,
    /// Where it stands in [`DUE`]: never later than the expiry.
    pub(crate) due_at: Timestamp,
    pub(crate) sliding: bool,
    pub(crate) owner: Option<Owner>,
}

impl Head {
    pub(crate) fn of(record: &Record, version: u64, due_at: Timestamp) -> Self {
        let Record { expires_at, sliding, ref owner, .. } = *record;
        Self { version, expires_at, due_at, sliding, owner: owner.clone() }
    }

    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Returns the value that is kept for a record.
    pub(crate) fn encode(&self, payload: &[u8]) -> Vec<u8> {
        let owner = self.owner.as_ref().map_or(&[][..], |owner| owner.key.as_bytes());
        let mut bytes = Vec::with_capacity(FIXED + owner.len() + 8 + payload.len());
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.expires_at.as_micros().to_le_bytes());
        bytes.extend(self.due_at.as_micros().to_le_bytes());
        bytes.push(self.sliding.into());
        bytes.push(owner.len().to_le_bytes()[0]); // 255 at most
        bytes.extend(owner);
        if let Some(owner) = &self.owner {
            bytes.extend(owner.logged_in_at.as_micros().to_le_bytes());
        }
        bytes.extend(payload);
        bytes
    }

    /// Reads a head, and the payload behind it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Failure> {
        let (version, bytes) = number(bytes)?;
        let (expires_at, bytes) = number(bytes)?;
        let (due_at, bytes) = number(bytes)?;
        let [sliding @ (0 | 1), length, bytes @ ..] = bytes else { return Err(Failure::DAMAGED) };
        let (owner, payload) = match *length {
            0 => (None, bytes),
            length => {
                let (key, bytes) = bytes.split_at_checked(length.into()).ok_or(Failure::DAMAGED)?;
                let (since, bytes) = number(bytes)?;
                let key = OwnerKey::new(key).map_err(|_| Failure::DAMAGED)?;
                (Some(Owner::new(key, Timestamp::from_micros(since))), bytes)
            }
        };
        let (expires_at, due_at) = (Timestamp::from_micros(expires_at), Timestamp::from_micros(due_at));
        Ok((Self { version, expires_at, due_at, sliding: *sliding == 1, owner }, payload))
    }

    pub(crate) fn stored(self, payload: &[u8]) -> VersionedRecord {
        let Self { version, expires_at, sliding, owner, .. } = self;
        let record = Record::new(payload.to_vec(), expires_at).with_sliding(sliding).with_owner(owner);
        VersionedRecord::new(record, Version::new(version))
    }
}

/// Reads an entry, whatever its state.
pub(crate) fn entry(key: &[u8], value: &[u8]) -> Result<Entry, Failure> {
    let (head, payload) = Head::decode(value)?;
    let key = StoreKey::from_bytes(key).map_err(|_| Failure::DAMAGED)?;
    Ok(Entry::new(key, head.stored(payload)))
}

/// Reads the head of an entry with an owner, whatever its state.
pub(crate) fn head(key: &[u8], value: &[u8]) -> Result<RecordHead, Failure> {
    let (Head { version, expires_at, sliding, owner, .. }, payload) = Head::decode(value)?;
    let key = StoreKey::from_bytes(key).map_err(|_| Failure::DAMAGED)?;
    let since = owner.ok_or(Failure::DAMAGED)?.logged_in_at;
    let beginning = payload[..payload.len().min(RecordHead::PAYLOAD_BYTES)].to_vec().into();
    Ok(RecordHead::new(key, Version::new(version), since, expires_at, sliding, beginning))
}

fn number(bytes: &[u8]) -> Result<(u64, &[u8]), Failure> {
    let (number, rest) = bytes.split_first_chunk().ok_or(Failure::DAMAGED)?;
    Ok((u64::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        let owner = Owner::new(OwnerKey::new("alice").unwrap(), Timestamp::from_micros(4));
        Head {
            version: 0x0102,
            expires_at: Timestamp::from_micros(3),
            due_at: Timestamp::from_micros(2),
            sliding: true,
            owner: Some(owner),
        }
    }

    #[test]
    fn the_bytes_of_a_record_stand_still() {
        let mut golden = vec![2, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 5];
        golden.extend(b"alice\x04\0\0\0\0\0\0\0coat");
        assert_eq!(head().encode(b"coat"), golden);
        assert_eq!(Head::decode(&golden).unwrap(), (head(), &b"coat"[..]));
        let nobody = Head { owner: None, ..head() };
        golden.truncate(25);
        golden.push(0);
        assert_eq!(nobody.encode(b""), golden);
        assert_eq!(Head::decode(&golden).unwrap(), (nobody, &b""[..]));
    }

    #[test]
    fn a_cut_head_is_damaged() {
        let whole = head().encode(b"");
        for length in 0..whole.len() {
            assert!(Head::decode(&whole[..length]).is_err(), "{length}");
        }
    }
}
