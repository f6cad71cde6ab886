//! Every byte that a [`FileStore`](super::FileStore) writes, and every name that it gives.
//!
//! # The folder
//! | path | what it is |
//! |---|---|
//! | `cloakroom` | says that the folder is a store's and in which format: the text [`FORMAT`]. Empty until `locks`, `records`, `owners` and `damaged` exist |
//! | `locks/record-xx`, `locks/owner-xx` | empty; the process that holds the kernel's lock on it may change what is in `records/xx`, `owners/xx` |
//! | `records/xx/<name>` | a record |
//! | `records/xx/next` | a record that is being written; after a crash, waste that the next write replaces |
//! | `owners/xx/<owner>/<name>` | empty; the record of this name may belong to the owner |
//! | `owners/xx/<owner>/revoked` | a revocation |
//! | `owners/xx/<owner>/next` | a revocation that is being written |
//! | `damaged/<name>` | a file that was found unreadable, set aside for a person to look at |
//!
//! `<name>` is the BLAKE3 hash of the record's key, `<owner>` that of the owner's, both as 64 lower-case hexadecimal
//! digits; `xx` are its first two, and these folders and locks are made when they are needed. So no byte of a key reaches a path, every key fits, and names differ in
//! more than case. The key itself is in the file, and a file whose key has another name is damaged.
//!
//! Integers are little-endian, moments are microseconds since 1970-01-01T00:00:00Z, a *check of* bytes is the
//! first eight bytes of their BLAKE3 hash.
//!
//! # A record
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 7 | `cloak-r` |
//! | 7 | 1 | format version, 1 |
//! | 8 | 8 | expiry; with the next field the only bytes that are ever changed in place |
//! | 16 | 8 | check of the version (offset 24) and the expiry, in this order |
//! | 24 | 8 | version of the record |
//! | 32 | 1 | 1 if the record is sliding, 0 if not |
//! | 33 | 1 | *k*, length of the key, 1 to 255 |
//! | 34 | 1 | *o*, length of the owner, 0 without an owner |
//! | 35 | 1 | 0 |
//! | 36 | 4 | *p*, length of the payload |
//! | 40 | 8 | since when the record is the owner's, 0 without an owner |
//! | 48 | 8 | check of the payload |
//! | 56 | 8 | check of bytes 0 to 7, 24 to 55, the key and the owner, in this order |
//! | 64 | *k* | key |
//! | 64 + *k* | *o* | owner |
//! | 64 + *k* + *o* | *p* | payload; the file ends here |
//!
//! The expiry and its check are within the first 512 bytes, which disks write whole or not at all: a touch that a power
//! cut interrupts leaves the old expiry or the new one.
//!
//! # A revocation
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 7 | `cloak-m` |
//! | 7 | 1 | format version, 1 |
//! | 8 | 8 | the revocation's moment: what is not later is dead |
//! | 16 | 8 | when it was made |
//! | 24 | 32 | the name of the owner's folder, not in hexadecimal |
//! | 56 | 8 | check of bytes 0 to 55; the file ends here |

use cloakroom_store::{Bytes, Entry, Owner, OwnerKey, Record, StoreKey, Timestamp, Version, VersionedRecord};

use super::trouble::Trouble;

/// The content of the file `cloakroom`.
pub(super) const FORMAT: &str = "cloakroom file store, format 1\n";
/// So much of a file holds the head of any record.
pub(super) const HEAD_MOST: usize = FIXED + StoreKey::MAX_LEN + OwnerKey::MAX_LEN;
/// Where the expiry and its check are.
pub(super) const EXPIRY_AT: u64 = 8;

const FIXED: usize = 64;
const RECORD: [u8; 8] = *b"cloak-r\x01";
const MARK: [u8; 8] = *b"cloak-m\x01";
const MARK_LENGTH: usize = 64;

/// The name of a record's file or of an owner's folder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(blake3::Hash);

impl Name {
    /// Returns the name for a key's bytes.
    pub(super) fn of(key: &[u8]) -> Self {
        Self(blake3::hash(key))
    }

    /// Reads a name of this store's in a folder; `None` for any other file.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let name = Self(blake3::Hash::from_hex(text).ok()?);
        (name.text().as_str() == text).then_some(name)
    }

    /// Returns the name as it is in a folder.
    pub(super) fn text(&self) -> String {
        self.0.to_hex().as_str().to_owned()
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Returns which of the 256 sub-folders and locks it belongs to.
    pub(super) fn shard(&self) -> u8 {
        self.0.as_bytes()[0]
    }
}

/// All of a record but its payload.
#[derive(Clone)]
pub(super) struct Head {
    pub(super) key: StoreKey,
    pub(super) version: Version,
    pub(super) expires_at: Timestamp,
    pub(super) owner: Option<Owner>,
    pub(super) sliding: bool,
    /// Where the payload begins and ends; the end is the file's.
    payload: std::ops::Range<usize>,
    payload_check: [u8; 8],
}

impl Head {
    /// Reads the head of a file of `length` bytes, of which `bytes` are the first, [`HEAD_MOST`] at least or all.
    pub(super) fn decode(bytes: &[u8], length: u64, name: &Name) -> Result<Self, Trouble> {
        let fixed: &[u8; FIXED] = bytes.first_chunk().ok_or(Trouble::Damaged)?;
        check_format(&fixed[..8], RECORD)?;
        let (k, o, p) = (usize::from(fixed[33]), usize::from(fixed[34]), number::<4>(fixed, 36));
        let start = FIXED + k + o;
        let names = bytes.get(FIXED..start).ok_or(Trouble::Damaged)?;
        let version = &fixed[24..32];
        let whole = start as u64 + p == length
            && fixed[32] <= 1
            && fixed[35] == 0
            && fixed[56..] == check(&[&fixed[..8], &fixed[24..56], names])
            && fixed[16..24] == check(&[version, &fixed[8..16]]);
        if !whole || Name::of(&names[..k]) != *name {
            return Err(Trouble::Damaged);
        }
        let since = Timestamp::from_micros(number::<8>(fixed, 40));
        Ok(Self {
            key: StoreKey::from_bytes(&names[..k]).map_err(|_| Trouble::Damaged)?,
            version: Version::new(number::<8>(fixed, 24)),
            expires_at: Timestamp::from_micros(number::<8>(fixed, 8)),
            owner: owner(&names[k..])?.map(|key| Owner::new(key, since)),
            sliding: fixed[32] == 1,
            payload: start..usize::try_from(length).map_err(|_| Trouble::Damaged)?,
            payload_check: part(fixed, 48),
        })
    }

    /// Returns how long the whole file is.
    pub(super) fn file_length(&self) -> usize {
        self.payload.end
    }

    /// Returns as much of the payload as there is in the beginning of the file.
    pub(super) fn payload_in(&self, beginning: Vec<u8>) -> Bytes {
        let end = self.payload.end.min(beginning.len());
        Bytes::from(beginning).slice(self.payload.start.min(end)..end)
    }

    /// Checks that the payload in the whole `file` is as it was written.
    pub(super) fn check_payload(&self, file: &[u8]) -> Result<(), Trouble> {
        match file.get(self.payload.clone()) {
            Some(payload) if check(&[payload]) == self.payload_check => Ok(()),
            _ => Err(Trouble::Damaged),
        }
    }

    /// Adds the payload from the whole `file`.
    pub(super) fn with_payload(self, file: Vec<u8>) -> Result<Entry, Trouble> {
        self.check_payload(&file)?;
        let payload = Bytes::from(file).slice(self.payload);
        let record = Record::new(payload, self.expires_at).with_sliding(self.sliding).with_owner(self.owner);
        Ok(Entry::new(self.key, VersionedRecord::new(record, self.version)))
    }
}

/// Returns the file for a record; its payload must be shorter than 4 GiB.
pub(super) fn encode_record(key: &StoreKey, record: &Record, version: Version) -> Result<Vec<u8>, Trouble> {
    let payload = &record.payload;
    let length = u32::try_from(payload.len()).map_err(|_| Trouble::TooLarge)?;
    let (key, owner) = (key.as_bytes(), record.owner.as_ref());
    let owner_key = owner.map_or(&[][..], |owner| owner.key.as_bytes());
    let since = owner.map_or(0, |owner| owner.logged_in_at.as_micros());
    let one_byte = |bytes: &[u8]| u8::try_from(bytes.len()).map_err(|_| Trouble::TooLarge);

    let mut file = Vec::with_capacity(FIXED + key.len() + owner_key.len() + payload.len());
    file.extend_from_slice(&RECORD);
    file.extend_from_slice(&encode_expiry(version, record.expires_at));
    file.extend_from_slice(&version.get().to_le_bytes());
    file.extend_from_slice(&[u8::from(record.sliding), one_byte(key)?, one_byte(owner_key)?, 0]);
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&since.to_le_bytes());
    file.extend_from_slice(&check(&[payload]));
    let head_check = check(&[&file[..8], &file[24..56], key, owner_key]);
    for part in [&head_check[..], key, owner_key, payload] {
        file.extend_from_slice(part);
    }
    Ok(file)
}

/// Returns the bytes at [`EXPIRY_AT`]: an expiry and its check.
pub(super) fn encode_expiry(version: Version, expires_at: Timestamp) -> [u8; 16] {
    let expiry = expires_at.as_micros().to_le_bytes();
    let mut field = [0; 16];
    field[..8].copy_from_slice(&expiry);
    field[8..].copy_from_slice(&check(&[&version.get().to_le_bytes(), &expiry]));
    field
}

/// What is remembered of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Records that are not later than this are dead.
    pub(super) at: Timestamp,
    pub(super) made_at: Timestamp,
}

impl Mark {
    /// Returns the file for it in the owner folder `name`.
    pub(super) fn encode(self, name: &Name) -> Vec<u8> {
        let mut file = Vec::with_capacity(MARK_LENGTH);
        file.extend_from_slice(&MARK);
        file.extend_from_slice(&self.at.as_micros().to_le_bytes());
        file.extend_from_slice(&self.made_at.as_micros().to_le_bytes());
        file.extend_from_slice(name.as_bytes());
        let check = check(&[&file]);
        file.extend_from_slice(&check);
        file
    }

    /// Reads the file in the owner folder `name`.
    pub(super) fn decode(file: &[u8], name: &Name) -> Result<Self, Trouble> {
        let file: &[u8; MARK_LENGTH] = file.try_into().map_err(|_| Trouble::Damaged)?;
        check_format(&file[..8], MARK)?;
        if file[56..] != check(&[&file[..56]]) || file[24..56] != name.as_bytes()[..] {
            return Err(Trouble::Damaged);
        }
        let moment = |at| Timestamp::from_micros(number::<8>(file, at));
        Ok(Self { at: moment(8), made_at: moment(16) })
    }
}

fn check_format(bytes: &[u8], expected: [u8; 8]) -> Result<(), Trouble> {
    match bytes.split_last() {
        Some((version, magic)) if *magic == expected[..7] => {
            if *version == expected[7] {
                Ok(())
            } else {
                Err(Trouble::OtherFormat)
            }
        }
        _ => Err(Trouble::Damaged),
    }
}

fn owner(bytes: &[u8]) -> Result<Option<OwnerKey>, Trouble> {
    if bytes.is_empty() {
        return Ok(None);
    }
    OwnerKey::new(bytes).map(Some).map_err(|_| Trouble::Damaged)
}

fn check(parts: &[&[u8]]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    part(hasher.finalize().as_bytes(), 0)
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[at + i])
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + N].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
