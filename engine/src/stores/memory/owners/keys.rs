//! The keys of one owner.

use std::collections::HashSet;

use cloakroom_store::StoreKey;
use foldhash::quality::SeedableRandomState;

/// A set of keys that takes little while there are few, and stays quick when there are many.
#[derive(Debug)]
pub(super) enum Keys {
    Few(Vec<StoreKey>),
    #[expect(clippy::box_collection, reason = "unboxed, it would make every owner's few keys twice as large")]
    Many(Box<HashSet<StoreKey, SeedableRandomState>>),
}

/// How many keys are looked through one by one.
const FEW: usize = 8;

impl Keys {
    pub(super) const NONE: Self = Self::Few(Vec::new());

    pub(super) fn insert(&mut self, key: &StoreKey, hasher: &SeedableRandomState) {
        match self {
            Self::Few(few) if few.contains(key) => {}
            Self::Few(few) if few.len() < FEW => {
                few.reserve_exact(1);
                few.push(key.clone());
            }
            Self::Few(few) => {
                let mut many = HashSet::with_hasher(hasher.clone());
                many.extend(few.drain(..).chain([key.clone()]));
                *self = Self::Many(Box::new(many));
            }
            Self::Many(many) => {
                many.insert(key.clone());
            }
        }
    }

    pub(super) fn remove(&mut self, key: &StoreKey) {
        match self {
            Self::Few(few) => few.retain(|other| other != key),
            Self::Many(many) => {
                many.remove(key);
                if many.len() <= FEW / 2 {
                    *self = Self::Few(many.drain().collect());
                } else if many.capacity() > many.len() * 8 {
                    many.shrink_to(many.len() * 2);
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Few(few) if few.is_empty())
    }

    pub(super) fn to_vec(&self) -> Vec<StoreKey> {
        match self {
            Self::Few(few) => few.clone(),
            Self::Many(many) => many.iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    #[test]
    fn keys_are_a_set_while_they_are_few_and_when_they_are_many() {
        let hasher = SeedableRandomState::default();
        let mut keys = Keys::NONE;
        let key = |number: u32| StoreKey::from_bytes(&number.to_be_bytes()).unwrap();
        for number in (0..100).chain(0..100) {
            keys.insert(&key(number), &hasher);
        }
        let mut all = keys.to_vec();
        all.sort();
        assert_eq!(all, (0..100).map(key).collect::<Vec<_>>());
        for number in 0..99 {
            keys.remove(&key(number));
        }
        assert_eq!(keys.to_vec(), [key(99)]);
        keys.remove(&key(99));
        assert!(keys.is_empty());
    }
}
