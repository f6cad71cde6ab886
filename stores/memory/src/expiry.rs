//! A record's expiry, which moves while others read it.

use cloakroom_store::Timestamp;

use super::sync::{AtomicU64, Ordering};

/// When a record expires; changed through a shared reference, so that a touch needs no write lock.
///
/// A record that was seen expired is *sealed* by the thread that saw it: the expiry becomes the epoch. A touch that looked
/// at the clock earlier and writes later then finds it dead, and cannot revive what others know to be gone.
///
/// The value stands for itself alone, so its accesses need no order among others: all are relaxed.
#[derive(Debug)]
pub(super) struct Expiry(AtomicU64);

impl Expiry {
    pub(super) fn new(expires_at: Timestamp) -> Self {
        Self(AtomicU64::new(expires_at.as_micros()))
    }

    /// Returns the moment that was last set; the epoch if sealed.
    #[inline]
    pub(super) fn peek(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }

    /// Returns the expiry if it is not reached at `now`.
    #[inline]
    pub(super) fn live_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.advance(now, |_| None)
    }

    /// Moves the expiry to `later(present)`, if that is `Some`, and returns the expiry in force.
    /// `None` if the present one is reached at `now`.
    #[inline]
    pub(super) fn advance(
        &self,
        now: Timestamp,
        mut later: impl FnMut(Timestamp) -> Option<Timestamp>,
    ) -> Option<Timestamp> {
        let mut present = self.peek();
        loop {
            let live = now < present;
            let next =
                if live { later(present) } else { Some(Timestamp::EPOCH).filter(|seal| *seal != present) };
            let Some(next) = next else { return live.then_some(present) };
            match self.0.compare_exchange_weak(
                present.as_micros(),
                next.as_micros(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return live.then_some(next),
                Err(moved) => present = Timestamp::from_micros(moved),
            }
        }
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    const TEN: Timestamp = Timestamp::from_millis(10);

    #[test]
    fn an_expiry_is_reached_to_the_microsecond() {
        let before = Timestamp::from_micros(9_999);
        assert_eq!(Expiry::new(TEN).live_at(before), Some(TEN));
        assert_eq!(Expiry::new(TEN).live_at(TEN), None);
    }

    #[test]
    fn who_saw_it_expired_ends_it_for_those_whose_clock_is_behind() {
        let expiry = Expiry::new(TEN);
        assert_eq!(expiry.live_at(TEN), None);
        let late = expiry.advance(Timestamp::EPOCH, |_| Some(Timestamp::NEVER));
        assert_eq!((late, expiry.live_at(Timestamp::EPOCH)), (None, None));
    }
}
