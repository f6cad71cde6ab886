//! The keys, and their rotation.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use crate::cipher::{NoRandom, Opener, PREAMBLE, Sealer};

/// The keys that seal: one seals, all open.
///
/// Clones share their keys, so keys that were given to a store or a layer can be rotated while it serves. Each purpose has
/// a cipher key of its own, so one `SealingKeys` may serve several.
///
/// # Rotation with several processes
/// A process must know a key before another one seals with it, or it cannot open what that one writes. So a rotation has three
/// steps, and each is done in every process before the next one begins:
///
/// 1. [`add_for_opening`](Self::add_for_opening): the new key opens, the old one still seals.
/// 2. [`rotate`](Self::rotate): the new key seals, the old one still opens.
/// 3. [`retire`](Self::retire), when the last session that the old key sealed is over: its absolute lifetime after step 2.
///
/// ```
/// use cloakroom_sealing::SealingKeys;
///
/// let (old, new) = ("a secret of at least 32 bytes, from a vault", "its successor, also at least 32 bytes long");
/// let (a, b) = (SealingKeys::new([old])?, SealingKeys::new([old])?); // in two processes
/// a.add_for_opening(new)?;
/// b.add_for_opening(new)?;
/// a.rotate(new)?; // what `a` seals from now on, `b` opens
/// b.rotate(new)?;
/// a.retire(); // what the old key sealed is refused from now on
/// b.retire();
/// assert!(SealingKeys::new(["too short"]).is_err());
/// # Ok::<(), cloakroom_sealing::WeakSecret>(())
/// ```
///
/// Where the secrets are configuration and a rotation is a deployment, the same steps are `[old, new]`, then
/// `[new, old]`, then `[new]`.
#[derive(Clone)]
pub struct SealingKeys(Arc<RwLock<Keys>>);

/// The newest key first. Those before `sealing` only open yet, those behind it only open still.
///
/// `sealing` is the place of a key at all times: there is always one.
struct Keys {
    all: Vec<Key>,
    sealing: usize,
}

/// A secret, as it is kept: what the cipher keys of all purposes are made of.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    root: [u8; 32],
    id: [u8; 4],
}

impl SealingKeys {
    /// The shortest secret, in bytes: 32.
    pub const MIN_SECRET: usize = 32;

    /// Makes keys of secrets; the first one seals.
    ///
    /// # Errors
    /// If there is no secret, one is shorter than [`MIN_SECRET`](Self::MIN_SECRET) or a repetition of few characters,
    /// or two are the same.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, WeakSecret> {
        let mut all = Vec::new();
        for secret in secrets {
            let key = Key::new(secret.as_ref())?;
            if all.contains(&key) {
                return Err(WeakSecret("a secret is given twice"));
            }
            all.push(key);
        }
        if all.is_empty() {
            return Err(WeakSecret("there has to be a secret"));
        }
        Ok(Self(Arc::new(RwLock::new(Keys { all, sealing: 0 }))))
    }

    /// Adds a secret that opens and does not seal: the first step of a rotation with several processes. One that is known
    /// stays as it is.
    ///
    /// # Errors
    /// If the secret is shorter than [`MIN_SECRET`](Self::MIN_SECRET) or a repetition of few characters.
    pub fn add_for_opening(&self, secret: impl AsRef<[u8]>) -> Result<(), WeakSecret> {
        let key = Key::new(secret.as_ref())?;
        let mut keys = self.write();
        if !keys.all.contains(&key) {
            keys.all.insert(0, key);
            keys.sealing += 1;
        }
        Ok(())
    }

    /// Seals with `secret` from now on, whether it was known or not; the others still open.
    ///
    /// With several processes, [`add_for_opening`](Self::add_for_opening) comes first, in all of them.
    ///
    /// # Errors
    /// As for [`add_for_opening`](Self::add_for_opening).
    pub fn rotate(&self, secret: impl AsRef<[u8]>) -> Result<(), WeakSecret> {
        let key = Key::new(secret.as_ref())?;
        let mut keys = self.write();
        if let Some(place) = keys.all.iter().position(|known| *known == key) {
            keys.all.remove(place);
            keys.sealing -= usize::from(place < keys.sealing);
        }
        let place = keys.sealing;
        keys.all.insert(place, key);
        Ok(())
    }

    /// Removes the oldest secret that only opens since a rotation, if there is one: what it sealed cannot be opened any more.
    pub fn retire(&self) {
        let mut keys = self.write();
        if keys.all.len() > keys.sealing + 1 {
            keys.all.pop();
        }
    }

    /// Begins to seal something, with a nonce of its own.
    ///
    /// `purpose` separates uses: what is sealed for one is never opened for another.
    ///
    /// # Errors
    /// If the operating system gives no random bytes.
    pub fn sealer(&self, purpose: &str) -> Result<Sealer, NoRandom> {
        let (cipher_key, id) = self.read(|keys| {
            let key = &keys.all[keys.sealing];
            (key.of_purpose(purpose), key.id)
        });
        Sealer::new(&cipher_key, id)
    }

    /// Returns what may open something with this beginning: one opener for each key of the name in it, so usually one.
    /// Empty if no key of that name is known.
    pub fn openers(&self, purpose: &str, preamble: &[u8; PREAMBLE]) -> Vec<Opener> {
        let id = &preamble[..4];
        self.read(|keys| {
            let named = keys.all.iter().filter(|key| key.id == id);
            named.map(|key| Opener::new(&key.of_purpose(purpose), preamble)).collect()
        })
    }

    fn read<T>(&self, f: impl FnOnce(&Keys) -> T) -> T {
        f(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self) -> RwLockWriteGuard<'_, Keys> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    fn new(secret: &[u8]) -> Result<Self, WeakSecret> {
        if secret.len() < SealingKeys::MIN_SECRET {
            return Err(WeakSecret("a secret has at least 32 bytes"));
        }
        let mut distinct = secret.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < 8 {
            return Err(WeakSecret("a secret repeats fewer than 8 different bytes"));
        }
        let root = blake3::derive_key("cloakroom v1: secret to sealing key", secret);
        let name = blake3::derive_key("cloakroom v1: secret to name of sealing key", secret);
        Ok(Self { root, id: [name[0], name[1], name[2], name[3]] })
    }

    fn of_purpose(&self, purpose: &str) -> [u8; 32] {
        blake3::keyed_hash(&self.root, purpose.as_bytes()).into()
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKeys({} keys)", self.read(|keys| keys.all.len()))
    }
}

/// Says why secrets cannot be keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeakSecret(&'static str);

impl fmt::Display for WeakSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for WeakSecret {}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "the quick brown fox jumps over the lazy dog";
    const NEW: &str = "pack my box with five dozen liquor jugs, now";

    /// Seals a text.
    fn sealed(keys: &SealingKeys, purpose: &str) -> ([u8; PREAMBLE], Vec<u8>) {
        let (sealer, mut out) = (keys.sealer(purpose).unwrap(), Vec::new());
        sealer.seal(0, b"here", b"a coat", &mut out);
        (sealer.preamble(), out)
    }

    fn opens(keys: &SealingKeys, purpose: &str, (preamble, text): &([u8; PREAMBLE], Vec<u8>)) -> bool {
        let mut openers = keys.openers(purpose, preamble).into_iter();
        openers.any(|opener| opener.open(0, b"here", text).is_some_and(|text| text == b"a coat"))
    }

    #[test]
    fn the_first_secret_seals_and_every_secret_opens() {
        let old = sealed(&SealingKeys::new([OLD]).unwrap(), "p");
        let keys = SealingKeys::new([NEW, OLD]).unwrap();
        assert!(opens(&keys, "p", &old));
        assert!(opens(&SealingKeys::new([NEW]).unwrap(), "p", &sealed(&keys, "p")));
        keys.retire();
        assert!(!opens(&keys, "p", &old));
    }

    #[test]
    fn a_key_that_was_added_opens_and_seals_only_when_it_is_rotated_in() {
        let (just_old, just_new) = (SealingKeys::new([OLD]).unwrap(), SealingKeys::new([NEW]).unwrap());
        let keys = SealingKeys::new([OLD]).unwrap();
        keys.add_for_opening(NEW).unwrap();
        keys.add_for_opening(NEW).unwrap();
        keys.retire();
        assert!(opens(&keys, "p", &sealed(&just_new, "p")), "what only opens yet is not the oldest");
        assert!(opens(&just_old, "p", &sealed(&keys, "p")));
        keys.rotate(NEW).unwrap();
        keys.rotate(NEW).unwrap();
        assert!(opens(&just_new, "p", &sealed(&keys, "p")));
        assert!(opens(&keys, "p", &sealed(&just_old, "p")));
        keys.rotate(OLD).unwrap();
        assert!(opens(&just_old, "p", &sealed(&keys, "p")), "a rotation can be taken back");
        keys.rotate(NEW).unwrap();
        keys.retire();
        keys.retire();
        assert!(!opens(&keys, "p", &sealed(&just_old, "p")));
        assert!(opens(&keys, "p", &sealed(&just_new, "p")));
    }

    #[test]
    fn what_is_sealed_for_one_purpose_is_not_opened_for_another() {
        let keys = SealingKeys::new([OLD]).unwrap();
        assert!(!opens(&keys, "records", &sealed(&keys, "cookies")));
    }

    #[test]
    fn clones_share_their_keys() {
        let keys = SealingKeys::new([OLD]).unwrap();
        let clone = keys.clone();
        keys.rotate(NEW).unwrap();
        assert!(opens(&SealingKeys::new([NEW]).unwrap(), "p", &sealed(&clone, "p")));
    }

    #[test]
    fn weak_secrets_are_not_keys() {
        for secrets in [vec![], vec!["short"], vec!["abababababababababababababababababab"], vec![OLD, OLD]] {
            assert!(SealingKeys::new(&secrets).is_err(), "{secrets:?}");
        }
    }

    #[test]
    fn the_keys_of_a_secret_stand_still() {
        let key = Key::new(OLD.as_bytes()).unwrap();
        assert_eq!(
            (key.id, &key.of_purpose("records")[..8]),
            ([119, 158, 122, 218], [167, 66, 222, 196, 19, 74, 211, 58].as_slice())
        );
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", SealingKeys::new([OLD]).unwrap()), "SealingKeys(1 keys)");
    }
}
