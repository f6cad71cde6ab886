//! A cache of the revisions of records, so that an update after a load needs no second read.
//!
//! A revision stands for the whole content of a key, as long as the server keeps its data. A transaction on condition of that
//! revision, and of the value of `life`, is right without a look, however old the memory is. A server that was restored
//! from a snapshot gives revisions a second time; so the version, which is random, has to be there as well.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, PoisonError};

use cloakroom_store::{Bytes, Owner, StoreKey, Timestamp, Version};

/// How many records each of the two halves remembers.
const HALF: usize = 4096;

/// The younger and the older half of what was seen; when the younger is full, the older is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<[HashMap<StoreKey, Glimpse>; 2]>);

/// What was seen of a record.
#[derive(Clone, Debug)]
pub(crate) struct Glimpse {
    pub(crate) life: Bytes,
    pub(crate) revision: i64,
    pub(crate) version: Version,
    pub(crate) sliding: bool,
    pub(crate) expires_at: Timestamp,
    pub(crate) owner: Option<Owner>,
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
        halves.iter().find_map(|half| half.get(key)).cloned()
    }
}
