//! The keys that sign cookies.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use data_encoding::BASE64URL_NOPAD;

use crate::{ConfigError, SessionId};

/// The keys that sign cookies: one signs, all verify.
///
/// Clones share their keys, so a ring that was given to an engine can be rotated while it serves: the users stay
/// logged in for as long as the old key is in the ring.
///
/// A signature is BLAKE3 in keyed mode over the cookie's name, `=` and the id; the key is derived from the secret with
/// BLAKE3's key derivation. A signed id moved to a cookie of another name is refused.
///
/// # Rotation with several processes
/// A process must know a key before another one signs with it, or it refuses the cookie and the user is logged out.
/// So a rotation has three steps, and each is done in every process before the next one begins:
///
/// 1. [`add_for_verification`](Self::add_for_verification): the new key verifies, the old one still signs.
/// 2. [`rotate`](Self::rotate): the new key signs, the old one still verifies.
/// 3. [`retire`](Self::retire), when the last session that the old key signed is over: the
///    [absolute lifetime](crate::Config::absolute_timeout) after step 2.
///
/// ```
/// use cloakroom::KeyRing;
///
/// let (old, new) = ("a secret of at least 32 bytes, from a vault", "its successor, also at least 32 bytes long");
/// let (a, b) = (KeyRing::new([old])?, KeyRing::new([old])?); // in two processes
/// a.add_for_verification(new)?;
/// b.add_for_verification(new)?;
/// a.rotate(new)?; // what `a` signs from now on, `b` verifies
/// b.rotate(new)?;
/// a.retire(); // what the old key signed is refused from now on
/// b.retire();
/// assert!(KeyRing::new(["too short"]).is_err());
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
///
/// Where the secrets are configuration and a rotation is a deployment, the same steps are `[old, new]`, then
/// `[new, old]`, then `[new]`.
///
/// # Turning signing on or off
/// See [`Config::accept_unsigned`](crate::Config::accept_unsigned).
#[derive(Clone)]
pub struct KeyRing {
    keys: Arc<RwLock<Keys>>,
    /// Whether an id without a signature is read too.
    pub(super) accepts_unsigned: bool,
}

/// The newest key first. Those before `signing` only verify yet, those behind it only verify still.
///
/// `signing` is the place of a key as soon as there is one.
#[derive(Default)]
struct Keys {
    all: Vec<[u8; 32]>,
    signing: usize,
}

impl KeyRing {
    /// The shortest secret, in bytes.
    pub const MIN_SECRET: usize = 32;

    pub(crate) const SIGNATURE_LEN: usize = 43;

    /// Makes a ring; the first secret signs.
    ///
    /// # Errors
    /// If there is no secret, one is shorter than [`MIN_SECRET`](Self::MIN_SECRET) or a repetition of few characters,
    /// or two are the same.
    ///
    /// ```
    /// use cloakroom::{Config, KeyRing};
    ///
    /// let secret = "32 bytes or more, from a vault and not from the source"; // std::env::var("COOKIE_SECRET")
    /// let config = Config::default().signed(KeyRing::new([secret])?);
    /// assert!(KeyRing::new(["password"]).is_err());
    /// # let _ = config;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, ConfigError> {
        let mut all = Vec::new();
        for secret in secrets {
            let key = derive(secret.as_ref())?;
            if all.contains(&key) {
                return Err(ConfigError::new(&["secrets"], "a secret is in the ring twice"));
            }
            all.push(key);
        }
        if all.is_empty() {
            return Err(ConfigError::new(&["secrets"], "a key ring needs at least one secret"));
        }
        let keys = Arc::new(RwLock::new(Keys { all, signing: 0 }));
        Ok(Self { keys, accepts_unsigned: false })
    }

    /// Adds a secret that verifies and does not sign: the first step of a rotation with several processes. One that is
    /// in the ring stays as it is.
    ///
    /// # Errors
    /// If the secret is shorter than [`MIN_SECRET`](Self::MIN_SECRET) or a repetition of few characters.
    ///
    /// ```
    /// # use cloakroom::KeyRing;
    /// # let [secret, next] = ["the secret that signs cookies at present", "the secret of the release after this one"];
    /// let keys = KeyRing::new([secret])?;
    /// keys.add_for_verification(next)?; // other processes may begin to sign with it
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn add_for_verification(&self, secret: impl AsRef<[u8]>) -> Result<(), ConfigError> {
        let key = derive(secret.as_ref())?;
        let mut keys = self.write();
        if !keys.all.contains(&key) {
            keys.all.insert(0, key);
            keys.signing += 1;
        }
        Ok(())
    }

    /// Signs with `secret` from now on, whether it was in the ring or not; the others still verify.
    ///
    /// With several processes, [`add_for_verification`](Self::add_for_verification) comes first, in all of them.
    ///
    /// # Errors
    /// As for [`add_for_verification`](Self::add_for_verification).
    ///
    /// ```
    /// # use cloakroom::{Config, KeyRing};
    /// # let [secret, next] = ["the secret that signs cookies at present", "the secret of the release after this one"];
    /// let keys = KeyRing::new([secret])?;
    /// let config = Config::default().signed(keys.clone()); // the manager and this function share the keys
    /// keys.rotate(next)?;
    /// # let _ = config;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn rotate(&self, secret: impl AsRef<[u8]>) -> Result<(), ConfigError> {
        let key = derive(secret.as_ref())?;
        let mut keys = self.write();
        if let Some(place) = keys.all.iter().position(|known| *known == key) {
            keys.all.remove(place);
            keys.signing -= usize::from(place < keys.signing);
        }
        let place = keys.signing;
        keys.all.insert(place, key);
        Ok(())
    }

    /// Removes the oldest secret that only verifies since a rotation, if there is one: cookies that it signed are
    /// refused from now on.
    ///
    /// ```
    /// # use cloakroom::KeyRing;
    /// # let [secret, old] = ["the secret that signs cookies at present", "the secret of the release before this one"];
    /// let keys = KeyRing::new([secret, old])?;
    /// keys.retire(); // no session is left that `old` signed
    /// assert_eq!(format!("{keys:?}"), "KeyRing(1 keys)");
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn retire(&self) {
        let mut keys = self.write();
        if keys.all.len() > keys.signing + 1 {
            keys.all.pop();
        }
    }

    /// Returns a ring with the same keys, for an engine that accepts ids without a signature, or does not.
    pub(crate) fn accepting_unsigned(self, accept: bool) -> Self {
        Self { accepts_unsigned: accept, ..self }
    }

    pub(super) fn sign(&self, name: &str, id: &SessionId, out: &mut String) {
        self.read(|keys| {
            if let Some(key) = keys.all.get(keys.signing) {
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
        self.read(|keys| keys.all.iter().any(|key| mac(key, name, id) == given))
    }

    fn read<T>(&self, f: impl FnOnce(&Keys) -> T) -> T {
        f(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Keys> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn derive(secret: &[u8]) -> Result<[u8; 32], ConfigError> {
    if secret.len() < KeyRing::MIN_SECRET {
        let message =
            format!("a secret has at least {} bytes, this one {}", KeyRing::MIN_SECRET, secret.len());
        return Err(ConfigError::new(&["secrets"], message));
    }
    let mut distinct = secret.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 8 {
        return Err(ConfigError::new(&["secrets"], "a secret repeats fewer than 8 different bytes"));
    }
    Ok(blake3::derive_key("cloakroom v1: secret to cookie signing key", secret))
}

fn mac(key: &[u8; 32], name: &str, id: &SessionId) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(name.as_bytes()).update(b"=").update(id.expose().as_bytes());
    hasher.finalize()
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys)", self.read(|keys| keys.all.len()))
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
    fn f20_a_key_that_was_added_verifies_and_signs_only_when_it_is_rotated_in() {
        let id = SessionId::from_random(&[7; 32]);
        let (by_old, by_new) =
            (signed(&KeyRing::new([OLD]).unwrap(), &id), signed(&KeyRing::new([NEW]).unwrap(), &id));
        let ring = KeyRing::new([OLD]).unwrap();
        ring.add_for_verification(NEW).unwrap();
        ring.add_for_verification(NEW).unwrap();
        ring.retire();
        assert!(ring.verify("id", &id, by_new.as_bytes()), "what only verifies yet is not the oldest");
        assert_eq!(signed(&ring, &id), by_old);
        ring.rotate(NEW).unwrap();
        ring.rotate(NEW).unwrap();
        assert_eq!(signed(&ring, &id), by_new);
        assert!(ring.verify("id", &id, by_old.as_bytes()));
        ring.rotate(OLD).unwrap();
        assert_eq!(signed(&ring, &id), by_old, "a rotation can be taken back");
        ring.rotate(NEW).unwrap();
        ring.retire();
        ring.retire();
        assert!(!ring.verify("id", &id, by_old.as_bytes()));
        assert!(ring.verify("id", &id, by_new.as_bytes()));
    }

    #[test]
    fn f20_of_several_keys_that_wait_any_may_be_the_next() {
        let third = "sphinx of black quartz, judge my vow, please";
        let ring = KeyRing::new([OLD]).unwrap();
        ring.add_for_verification(NEW).unwrap();
        ring.add_for_verification(third).unwrap();
        ring.rotate(NEW).unwrap();
        ring.retire();
        let id = SessionId::from_random(&[7; 32]);
        assert_eq!(signed(&ring, &id), signed(&KeyRing::new([NEW]).unwrap(), &id));
        assert!(ring.verify("id", &id, signed(&KeyRing::new([third]).unwrap(), &id).as_bytes()));
        assert!(!ring.verify("id", &id, signed(&KeyRing::new([OLD]).unwrap(), &id).as_bytes()));
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
