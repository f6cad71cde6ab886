//! The names of items, and the bytes in them: the only place that knows both.
//!
//! An item's name is the prefix, `k`, and the key in base64url without padding. A key of more than [`LONGEST_IN_NAME`]
//! bytes does not fit: its name is the prefix, `h`, and the BLAKE3 hash of the key, and the key is in the value.
//!
//! | size | field of the value |
//! |---|---|
//! | 1 | format version: 1 |
//! | 1 | flags: 1 sliding, 2 the record has an owner, 4 the key is here |
//! | 8 | version: random, another one for each write |
//! | 8 | expiry, in microseconds |
//! | 1, … | with flag 4: length of the key, key |
//! | 1, …, 8 | with flag 2: length of the owner, owner, since when, in microseconds |
//! | rest | payload |
//!
//! Integers are little endian. A touch writes the value again with another expiry and the same version.

use cloakroom_store::{Bytes, Owner, OwnerKey, Record, StoreKey, Timestamp, Version, VersionedRecord};
use data_encoding::BASE64URL_NOPAD;

use crate::error::Failure;

/// What names begin with, unless another prefix is set.
pub(crate) const PREFIX: &str = "cloakroom:";
/// A name has at most 250 bytes: a prefix of up to 48, a letter, and 200 for the key.
pub(crate) const LONGEST_PREFIX: usize = 48;
/// The longest key, in bytes, whose name has all of it.
const LONGEST_IN_NAME: usize = 150;

const FORMAT: u8 = 1;
const SLIDING: u8 = 1;
const OWNED: u8 = 2;
const KEYED: u8 = 4;

/// What an item has besides its payload, at most: memcached's own header, the name, and ours.
pub(crate) const OVERHEAD: usize = 1024;

/// Returns the name of a key's item.
pub(crate) fn name(prefix: &str, key: &StoreKey) -> String {
    if key.as_bytes().len() <= LONGEST_IN_NAME {
        return format!("{prefix}k{}", BASE64URL_NOPAD.encode(key.as_bytes()));
    }
    format!("{prefix}h{}", BASE64URL_NOPAD.encode(blake3::hash(key.as_bytes()).as_bytes()))
}

/// Writes an item's value.
pub(crate) fn write(key: &StoreKey, stored: &VersionedRecord) -> Vec<u8> {
    let VersionedRecord { record, version, .. } = stored;
    let keyed = key.as_bytes().len() > LONGEST_IN_NAME;
    let flag = |flag: u8, set: bool| if set { flag } else { 0 };
    let flags = flag(SLIDING, record.sliding) | flag(OWNED, record.owner.is_some()) | flag(KEYED, keyed);
    let mut value = Vec::with_capacity(OVERHEAD.min(128) + record.payload.len());
    value.extend([FORMAT, flags]);
    value.extend(version.get().to_le_bytes());
    value.extend(record.expires_at.as_micros().to_le_bytes());
    if keyed {
        put(&mut value, key.as_bytes());
    }
    if let Some(owner) = &record.owner {
        put(&mut value, owner.key.as_bytes());
        value.extend(owner.logged_in_at.as_micros().to_le_bytes());
    }
    value.extend(&record.payload);
    value
}

/// Writes up to 255 bytes, their number first.
fn put(value: &mut Vec<u8>, bytes: &[u8]) {
    value.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX)); // keys and owners are no longer
    value.extend(bytes);
}

/// Reads an item's value.
pub(crate) fn read(key: &StoreKey, value: &Bytes) -> Result<VersionedRecord, Failure> {
    let mut rest = Rest(value);
    let [format, flags] = rest.array()?;
    if format != FORMAT || flags & !(SLIDING | OWNED | KEYED) != 0 {
        return Err(Failure::DAMAGED);
    }
    let version = Version::new(u64::from_le_bytes(rest.array()?));
    let expires_at = rest.timestamp()?;
    if flags & KEYED != 0 && rest.short()? != key.as_bytes() {
        return Err(Failure::DAMAGED);
    }
    let owner = if flags & OWNED == 0 { None } else { Some(rest.owner()?) };
    let payload = value.slice_ref(rest.0);
    let record = Record::new(payload, expires_at).with_sliding(flags & SLIDING != 0).with_owner(owner);
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

    fn short(&mut self) -> Result<&'a [u8], Failure> {
        let [size] = self.array()?;
        self.take(usize::from(size))
    }

    fn timestamp(&mut self) -> Result<Timestamp, Failure> {
        Ok(Timestamp::from_micros(u64::from_le_bytes(self.array()?)))
    }

    fn owner(&mut self) -> Result<Owner, Failure> {
        let key = OwnerKey::new(self.short()?).map_err(|_| Failure::DAMAGED)?;
        Ok(Owner::new(key, self.timestamp()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(owner: Option<Owner>) -> VersionedRecord {
        let mut record = Record::new("coat", Timestamp::from_micros(0x0102_0304));
        record.owner = owner;
        VersionedRecord::new(record, Version::new(0x0506))
    }

    fn alice() -> Owner {
        let key = OwnerKey::new("al").unwrap_or_else(|_| unreachable!());
        Owner::new(key, Timestamp::from_micros(7))
    }

    #[test]
    fn these_are_the_bytes() {
        let key = StoreKey::from_hash([0xff; 32]);
        assert_eq!(name(PREFIX, &key), "cloakroom:k__________________________________________8");
        let value = write(&key, &stored(Some(alice())));
        let due = [
            &[1, 3][..],
            &[6, 5, 0, 0, 0, 0, 0, 0],
            &[4, 3, 2, 1, 0, 0, 0, 0],
            &[2, b'a', b'l', 7, 0, 0, 0, 0, 0, 0, 0],
            b"coat",
        ];
        assert_eq!(value, due.concat());
    }

    #[test]
    fn every_length_of_a_key_comes_back_and_fits_memcached() {
        for length in [1, LONGEST_IN_NAME, LONGEST_IN_NAME + 1, StoreKey::MAX_LEN] {
            let key = StoreKey::from_bytes(&vec![0; length]).unwrap_or_else(|_| unreachable!());
            assert!(name(&"p".repeat(LONGEST_PREFIX), &key).len() <= 250);
            for owner in [None, Some(alice())] {
                let stored = stored(owner);
                assert_eq!(read(&key, &write(&key, &stored).into()).ok(), Some(stored));
            }
        }
    }

    #[test]
    fn a_value_that_is_cut_or_foreign_is_damaged() {
        let key = StoreKey::from_bytes(&[7; StoreKey::MAX_LEN]).unwrap_or_else(|_| unreachable!());
        let other = StoreKey::from_bytes(&[8; StoreKey::MAX_LEN]).unwrap_or_else(|_| unreachable!());
        let value: Bytes = write(&key, &stored(Some(alice()))).into();
        let header = value.len() - "coat".len();
        assert!((0..header).all(|size| read(&key, &value.slice(..size)).is_err()));
        assert!(read(&other, &value).is_err());
        assert!(read(&key, &Bytes::from_static(b"\x02\0...")).is_err());
    }
}
