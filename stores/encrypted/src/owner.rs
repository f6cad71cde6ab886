//! The names of users, as the store sees them.

use std::fmt;

use cloakroom_sealing::{SealingKeys, WeakSecret};
use cloakroom_store::{Error, ErrorKind, OwnerKey, Result};

/// Turns the names of users into names that tell a reader of the store nothing, always the same ones.
#[derive(Clone)]
pub(crate) struct Blinding([u8; 32]);

impl Blinding {
    pub(crate) fn new(secret: &[u8]) -> Result<Self, WeakSecret> {
        // The same demands as on a secret that seals.
        SealingKeys::new([secret])?;
        Ok(Self(blake3::derive_key("cloakroom v1: secret to blinding of owners", secret)))
    }

    pub(crate) fn blind(&self, owner: &OwnerKey) -> Result<OwnerKey> {
        let hash = blake3::keyed_hash(&self.0, owner.as_bytes());
        OwnerKey::new(hash.as_bytes()).map_err(|_| Error::new(ErrorKind::Invalid, "an owner has no name"))
    }
}

impl fmt::Debug for Blinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blinding(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blinded_name_of_an_owner_stands_still() {
        let blinding = Blinding::new(b"the quick brown fox jumps over the lazy dog").unwrap();
        let blinded = blinding.blind(&OwnerKey::new("alice").unwrap()).unwrap();
        assert_eq!(
            (blinded.as_bytes().len(), &blinded.as_bytes()[..8]),
            (32, [231, 80, 53, 127, 157, 106, 13, 134].as_slice())
        );
        assert!(Blinding::new(b"short").is_err());
    }
}
