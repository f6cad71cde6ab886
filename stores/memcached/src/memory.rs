//! What was seen of items, so that an update of what was just loaded needs no second look.
//!
//! An item's number stands for its whole content, the expiry included, for as long as the server's process lives. So
//! a write on condition of that number is right without a look, however old the memory is: if anything has changed, the
//! server says so.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, PoisonError};

use cloakroom_store::{StoreKey, Timestamp, Version};

use crate::connection::Life;
use crate::protocol::Seen;

/// How many items each of the two halves remembers.
const HALF: usize = 4096;

/// The younger and the older half of what was seen; when the younger is full, the older is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<[HashMap<StoreKey, Glimpse>; 2]>);

/// What was seen of an item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glimpse {
    pub(crate) life: Life,
    pub(crate) seen: Seen,
    pub(crate) version: Version,
    pub(crate) expires_at: Timestamp,
}

impl Memory {
    pub(crate) fn keep(&self, key: &StoreKey, glimpse: Glimpse) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if halves[0].len() >= HALF {
            halves.swap(0, 1);
            drop(mem::take(&mut halves[0]));
        }
        halves[0].insert(key.clone(), glimpse);
    }

    pub(crate) fn recall(&self, key: &StoreKey) -> Option<Glimpse> {
        let halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halves.iter().find_map(|half| half.get(key)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_youngest_glimpse_counts_and_old_ones_are_forgotten() {
        let memory = Memory::default();
        let key = |number: u32| {
            StoreKey::from_bytes(&number.to_be_bytes()).unwrap_or_else(|_| unreachable!("four bytes"))
        };
        let glimpse = |version| Glimpse {
            life: Life::default(),
            seen: Seen(1),
            version: Version::new(version),
            expires_at: Timestamp::NEVER,
        };
        memory.keep(&key(0), glimpse(1));
        memory.keep(&key(0), glimpse(2));
        assert_eq!(memory.recall(&key(0)).map(|glimpse| glimpse.version), Some(Version::new(2)));
        for number in 1..3 * HALF {
            memory.keep(&key(u32::try_from(number).unwrap_or_default()), glimpse(3));
        }
        assert!(memory.recall(&key(0)).is_none());
        assert!(memory.0.lock().is_ok_and(|halves| halves.iter().all(|half| half.len() <= HALF)));
    }
}
