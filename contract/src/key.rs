//! The names of records and of owners.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::{Error, ErrorKind, Result};

/// Names a record in a store: between 1 and 255 bytes of any value.
///
/// The engine makes keys by hashing session ids (32 bytes); the formats of the Node packages use the id itself.
/// A store must keep every key apart from every other, whatever its bytes: escape it for the medium (a path, a
/// query, a protocol line) and never cut it.
///
/// `Debug` prints no byte of it, and there is no `Display`: a key of a Node format contains the session id.
#[derive(Clone)]
pub struct StoreKey(Repr);

/// A hash is kept in place, so that naming a record allocates nothing.
#[derive(Clone)]
enum Repr {
    Hash([u8; 32]),
    Other(Box<[u8]>),
}

impl StoreKey {
    /// The longest key, in bytes.
    pub const MAX_LEN: usize = 255;

    /// Makes a key from a hash.
    pub const fn from_hash(hash: [u8; 32]) -> Self {
        Self(Repr::Hash(hash))
    }

    /// Makes a key from any bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if `bytes` is empty or longer than [`MAX_LEN`](Self::MAX_LEN).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        check_length("a store key", bytes.len(), Self::MAX_LEN)?;
        Ok(Self(match bytes.try_into() {
            Ok(hash) => Repr::Hash(hash),
            Err(_) => Repr::Other(bytes.into()),
        }))
    }

    /// Returns the key's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Hash(hash) => hash,
            Repr::Other(bytes) => bytes,
        }
    }
}

impl PartialEq for StoreKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}
impl Eq for StoreKey {}

impl PartialOrd for StoreKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for StoreKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for StoreKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(..)")
    }
}

/// Names the user that a record belongs to: between 1 and 255 bytes, usually the application's user id as text.
///
/// Kept in clear by stores, so that operators can look a user up. Use an opaque user id, not an e-mail address,
/// if the store's readers must not learn who has sessions. `Debug` prints no byte of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerKey(Box<[u8]>);

impl OwnerKey {
    /// The longest owner key, in bytes.
    pub const MAX_LEN: usize = 255;

    /// Makes an owner key.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is empty or longer than [`MAX_LEN`](Self::MAX_LEN).
    pub fn new(owner: impl AsRef<[u8]>) -> Result<Self> {
        let owner = owner.as_ref();
        check_length("an owner key", owner.len(), Self::MAX_LEN)?;
        Ok(Self(owner.into()))
    }

    /// Returns the owner's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the owner as text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for OwnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnerKey(..)")
    }
}

fn check_length(what: &str, length: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&length) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Invalid, format!("{what} has 1 to {most} bytes, this one {length}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_bytes_however_it_was_made() {
        assert_eq!(StoreKey::from_hash([7; 32]), StoreKey::from_bytes(&[7; 32]).unwrap());
        assert_ne!(StoreKey::from_bytes(b"a").unwrap(), StoreKey::from_bytes(b"a\0").unwrap());
    }

    #[test]
    fn an_empty_or_too_long_key_is_refused() {
        for length in [0, StoreKey::MAX_LEN + 1] {
            assert_eq!(StoreKey::from_bytes(&vec![1; length]).unwrap_err().kind(), ErrorKind::Invalid);
            assert_eq!(OwnerKey::new(vec![1; length]).unwrap_err().kind(), ErrorKind::Invalid);
        }
        assert!(StoreKey::from_bytes(&[0; StoreKey::MAX_LEN]).is_ok());
    }

    #[test]
    fn debug_shows_no_byte_of_a_key_or_an_owner() {
        assert_eq!(format!("{:?}", StoreKey::from_bytes(b"secret").unwrap()), "StoreKey(..)");
        assert_eq!(format!("{:?}", OwnerKey::new("alice").unwrap()), "OwnerKey(..)");
    }
}
