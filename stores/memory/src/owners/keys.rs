//! The keys of one owner.

use std::collections::BTreeSet;
use std::ops::Bound;

use cloakroom_store::StoreKey;

/// A set of keys that takes little while there are few, and stays quick when there are many.
#[derive(Debug)]
pub(super) enum Keys {
    Few(Vec<StoreKey>),
    /// In order, so that a page of any number of keys takes time for its own keys only.
    Many(BTreeSet<StoreKey>),
}

/// How many keys are looked through one by one.
const FEW: usize = 8;

impl Keys {
    pub(super) const NONE: Self = Self::Few(Vec::new());

    pub(super) fn insert(&mut self, key: &StoreKey) {
        match self {
            Self::Few(few) if few.contains(key) => {}
            Self::Few(few) if few.len() < FEW => {
                few.reserve_exact(1);
                few.push(key.clone());
            }
            Self::Few(few) => {
                *self = Self::Many(few.drain(..).chain([key.clone()]).collect());
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
                    *self = Self::Few(std::mem::take(many).into_iter().collect());
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Few(few) if few.is_empty())
    }

    /// Returns up to `most` keys in their order, those after `after` or the first.
    pub(super) fn page(&self, after: Option<&StoreKey>, most: usize) -> Vec<StoreKey> {
        match self {
            Self::Few(few) => {
                let rest = few.iter().filter(|key| after.is_none_or(|after| *key > after));
                let mut rest: Vec<_> = rest.cloned().collect();
                rest.sort_unstable();
                rest.truncate(most);
                rest
            }
            Self::Many(many) => {
                let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
                many.range((begin, Bound::Unbounded)).take(most).cloned().collect()
            }
        }
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
        let mut keys = Keys::NONE;
        let key = |number: u32| StoreKey::from_bytes(&number.to_be_bytes()).unwrap();
        for number in (0..100).chain(0..100) {
            keys.insert(&key(number));
        }
        let mut all = keys.to_vec();
        all.sort();
        assert_eq!(all, (0..100).map(key).collect::<Vec<_>>());
        assert_eq!(keys.page(Some(&key(3)), 2), [key(4), key(5)]);
        assert_eq!(keys.page(None, 1), [key(0)]);
        for number in 0..97 {
            keys.remove(&key(number));
        }
        assert_eq!(keys.page(Some(&key(97)), 9), [key(98), key(99)]);
        for number in 97..99 {
            keys.remove(&key(number));
        }
        assert_eq!(keys.to_vec(), [key(99)]);
        keys.remove(&key(99));
        assert!(keys.is_empty());
    }
}
