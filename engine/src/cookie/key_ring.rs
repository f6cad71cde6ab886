//! The keys that sign cookies.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use data_encoding::BASE64URL_NOPAD;

use crate::{ConfigError, SessionId};

/// The keys that sign cookies: the first signs, all verify.
///
/// Clones share their keys, so a ring that was given to an engine can be rotated while it serves: nobody is logged
/// out for as long as the old key is in the ring.
///
/// A signature is BLAKE3 in keyed mode over the cookie's name, `=` and the id; the key is derived from the secret with
/// BLAKE3's key derivation. A signed id moved to a cookie of another name is refused.
///
/// ```
/// use cloakroom::KeyRing;
///
/// let ring = KeyRing::new(["a secret of at least 32 bytes, from a vault"])?;
/// ring.rotate("its successor, also at least 32 bytes long")?; // signs from now on; the old one still verifies
/// ring.retire(); // the last one no longer verifies
/// assert!(KeyRing::new(["too short"]).is_err());
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct KeyRing(Arc<RwLock<Vec<[u8; 32]>>>);

impl KeyRing {
    /// The shortest secret, in bytes.
    pub const MIN_SECRET: usize = 32;

    pub(crate) const SIGNATURE_LEN: usize = 43;

    /// Makes a ring; the first secret signs.
    ///
    /// # Errors
    /// If there is no secret, one is shorter than [`MIN_SECRET`](Self::MIN_SECRET) or a repetition of few characters,
    /// or two are the same.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, ConfigError> {
        let ring = Self(Arc::default());
        for secret in secrets {
            let key = ring.derive(secret.as_ref())?;
            ring.write().push(key);
        }
        if ring.write().is_empty() {
            return Err(ConfigError::new(&["secrets"], "a key ring needs at least one secret"));
        }
        Ok(ring)
    }

    /// Puts a new secret in front: it signs from now on, and the others still verify.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn rotate(&self, secret: impl AsRef<[u8]>) -> Result<(), ConfigError> {
        let key = self.derive(secret.as_ref())?;
        self.write().insert(0, key);
        Ok(())
    }

    /// Removes the oldest secret, unless it is the only one: cookies that it signed are refused from now on.
    pub fn retire(&self) {
        let mut keys = self.write();
        if keys.len() > 1 {
            keys.pop();
        }
    }

    fn derive(&self, secret: &[u8]) -> Result<[u8; 32], ConfigError> {
        if secret.len() < Self::MIN_SECRET {
            let message =
                format!("a secret has at least {} bytes, this one {}", Self::MIN_SECRET, secret.len());
            return Err(ConfigError::new(&["secrets"], message));
        }
        let mut distinct = secret.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < 8 {
            return Err(ConfigError::new(&["secrets"], "a secret repeats fewer than 8 different bytes"));
        }
        let key = blake3::derive_key("cloakroom v1: secret to cookie signing key", secret);
        if self.read(|keys| keys.contains(&key)) {
            return Err(ConfigError::new(&["secrets"], "a secret is in the ring twice"));
        }
        Ok(key)
    }

    pub(super) fn sign(&self, name: &str, id: &SessionId, out: &mut String) {
        self.read(|keys| {
            if let Some(key) = keys.first() {
                BASE64URL_NOPAD.encode_append(mac(key, name, id).as_bytes(), out);
            }
        });
    }

    pub(super) fn verify(&self, name: &str, id: &SessionId, signature: &[u8]) -> bool {
        let mut given = [0; 32];
        if signature.len() != Self::SIGNATURE_LEN
            || BASE64URL_NOPAD.decode_mut(signature, &mut given).is_err()
        {
            return false;
        }
        // Comparing `Hash`es takes the same time wherever they differ.
        let given = blake3::Hash::from_bytes(given);
        self.read(|keys| keys.iter().any(|key| mac(key, name, id) == given))
    }

    fn read<T>(&self, f: impl FnOnce(&[[u8; 32]]) -> T) -> T {
        f(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Vec<[u8; 32]>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mac(key: &[u8; 32], name: &str, id: &SessionId) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(name.as_bytes()).update(b"=").update(id.expose().as_bytes());
    hasher.finalize()
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys)", self.read(<[_]>::len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "the quick brown fox jumps over the lazy dog";
    const NEW: &str = "pack my box with five dozen liquor jugs, now";

    fn signed(ring: &KeyRing, id: &SessionId) -> String {
        let mut out = String::new();
        ring.sign("id", id, &mut out);
        out
    }

    #[test]
    fn b5_the_first_secret_signs_and_every_secret_verifies() {
        let id = SessionId::from_random(&[7; 32]);
        let old = signed(&KeyRing::new([OLD]).unwrap(), &id);
        let ring = KeyRing::new([NEW, OLD]).unwrap();
        assert!(ring.verify("id", &id, old.as_bytes()));
        assert_eq!(signed(&ring, &id), signed(&KeyRing::new([NEW]).unwrap(), &id));
        ring.retire();
        assert!(!ring.verify("id", &id, old.as_bytes()));
    }

    #[test]
    fn r30_a_signature_that_differs_anywhere_is_refused() {
        let ring = KeyRing::new([OLD]).unwrap();
        let id = SessionId::from_random(&[7; 32]);
        let good = signed(&ring, &id).into_bytes();
        assert!(ring.verify("id", &id, &good));
        assert!(!ring.verify("other", &id, &good), "bound to the cookie's name");
        assert!(!ring.verify("id", &SessionId::from_random(&[8; 32]), &good));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(!ring.verify("id", &id, &bad), "byte {at}");
        }
        assert!(!ring.verify("id", &id, &good[..42]) && !ring.verify("id", &id, b""));
    }

    #[test]
    fn weak_secrets_do_not_make_a_ring() {
        for secrets in [vec![], vec!["short"], vec!["abababababababababababababababababab"], vec![OLD, OLD]] {
            assert_eq!(KeyRing::new(&secrets).unwrap_err().options(), ["secrets"], "{secrets:?}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", KeyRing::new([OLD]).unwrap()), "KeyRing(1 keys)");
    }
}
