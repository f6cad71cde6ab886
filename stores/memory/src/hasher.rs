//! How keys are hashed.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher as _};

use cloakroom_store::{OwnerKey, StoreKey};
use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

/// Hashes keys with a seed of its own, which clients cannot know: in the formats of the Node packages, a key may be
/// whatever a client sent, and must not be able to fall on one heap with others.
#[derive(Clone)]
pub(super) struct Hasher(SeedableRandomState);

impl Hasher {
    /// Takes its seed from the operating system's randomness, as the standard library's hash maps get it.
    pub(super) fn new() -> Self {
        if cfg!(shuttle) {
            // A schedule that failed must fail again.
            return Self(SeedableRandomState::fixed());
        }
        let seed = RandomState::new().build_hasher().finish();
        Self(SeedableRandomState::with_seed(seed, SharedSeed::global_random()))
    }

    /// Returns a hasher for the standard library's maps.
    pub(super) fn state(&self) -> SeedableRandomState {
        self.0.clone()
    }

    /// Returns the hash of a key.
    #[inline]
    pub(super) fn key(&self, key: &StoreKey) -> u64 {
        let mut state = self.0.build_hasher();
        match words(key) {
            Some(words) => words.into_iter().for_each(|word| state.write_u64(word)),
            None => state.write(key.as_bytes()),
        }
        state.finish()
    }

    /// Returns the hash of an owner.
    pub(super) fn owner(&self, owner: &OwnerKey) -> u64 {
        self.0.hash_one(owner)
    }
}

/// Returns which of `parts`, a power of two, a hash belongs to: by bits that the tables within the parts do not look at,
/// which are the lowest ones and the seven highest.
#[inline]
pub(super) fn part(hash: u64, parts: usize) -> usize {
    usize::try_from(hash >> 40).unwrap_or_default() & (parts - 1)
}

/// Says whether a key is this one.
#[inline]
pub(super) fn is(key: &StoreKey) -> impl Fn(&StoreKey) -> bool {
    let sought = words(key);
    move |other| match (sought, words(other)) {
        (Some(one), Some(other)) => one.into_iter().zip(other).fold(0, |odd, (a, b)| odd | (a ^ b)) == 0,
        _ => key == other,
    }
}

/// Returns the four words of a key that is a hash, as nearly all are: four words are hashed and compared in a third of the time.
#[inline]
fn words(key: &StoreKey) -> Option<[u64; 4]> {
    let ([a, b, c, d], []) = key.as_bytes().as_chunks() else { return None };
    Some([a, b, c, d].map(|word| u64::from_ne_bytes(*word)))
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_length_are_distinguished_and_spread_over_all_parts() {
        let hasher = Hasher::new();
        let keys = (1..=255).map(|length| StoreKey::from_bytes(&vec![7; length]).unwrap());
        let keys: Vec<_> = keys.chain((0..255).map(|byte| StoreKey::from_hash([byte; 32]))).collect();
        let mut seen: Vec<_> = keys.iter().map(|key| hasher.key(key)).collect();
        let parts: std::collections::HashSet<_> = seen.iter().map(|hash| part(*hash, 16)).collect();
        seen.sort_unstable();
        seen.dedup();
        // [7; 32] is among both kinds.
        assert_eq!((seen.len(), parts.len()), (keys.len() - 1, 16));
        assert!(keys.iter().all(|one| keys.iter().all(|other| is(one)(other) == (one == other))));
    }

    #[test]
    fn two_stores_hash_with_two_seeds() {
        let key = StoreKey::from_hash([7; 32]);
        assert_ne!(Hasher::new().key(&key), Hasher::new().key(&key));
    }
}
