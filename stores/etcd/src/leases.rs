//! Leases, shared by the keys that end at about the same time: one for each would double the trips and burden the server.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The leases of this process, by the moment when they end at the earliest.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<BTreeMap<Instant, i64>>);

impl Leases {
    /// Returns a lease that ends between `least` and `most` from now.
    pub(crate) fn find(&self, least: Duration, most: Duration) -> Option<i64> {
        let now = Instant::now();
        let mut leases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *leases = leases.split_off(&now);
        let (first, last) = (now.checked_add(least)?, now.checked_add(most)?);
        leases.range((Bound::Included(first), Bound::Included(last))).next().map(|(_, id)| *id)
    }

    /// Remembers a lease; `asked` is when the server was asked for it.
    pub(crate) fn keep(&self, id: i64, asked: Instant, lasts: Duration) {
        let Some(end) = asked.checked_add(lasts) else { return };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(end, id);
    }

    /// Takes out all.
    pub(crate) fn take(&self) -> Vec<i64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_values().collect()
    }

    /// Forgets all: the server has.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_shared_by_those_whom_it_outlives_by_little() {
        let leases = Leases::default();
        let minutes = |number: u64| Duration::from_secs(60 * number);
        leases.keep(7, Instant::now(), minutes(60));
        assert_eq!(leases.find(minutes(30), minutes(90)), Some(7));
        assert_eq!(leases.find(minutes(61), minutes(120)), None, "it would end too early");
        assert_eq!(leases.find(minutes(1), minutes(50)), None, "it would end too late");
        leases.forget();
        assert_eq!(leases.find(minutes(30), minutes(90)), None);
    }
}
