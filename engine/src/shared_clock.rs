//! One clock for all machines, for the moments of log-ins and revocations: the store server's, if it tells the time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cloakroom_store::Timestamp;

/// How long a measurement holds, by this machine's clock.
const HOLDS: Duration = Duration::from_secs(60);

/// How far the server's clock is ahead of this machine's, as it was last measured.
#[derive(Debug, Default)]
pub(crate) struct SharedClock(Mutex<Option<Measured>>);

#[derive(Clone, Copy, Debug)]
struct Measured {
    at: Timestamp,
    ahead: Ahead,
}

/// How far the shared clock is ahead of this machine's, in microseconds: at least and at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ahead {
    least: i64,
    most: i64,
}

impl Ahead {
    /// Returns the earliest moment that the shared clock may show when this machine's shows `own`. A revocation is dated by
    /// it: no log-in that begins later is taken for an earlier one.
    pub(crate) fn earliest(self, own: Timestamp) -> Timestamp {
        shifted(own, self.least)
    }

    /// Returns the latest moment that it may show. A log-in is dated by it.
    pub(crate) fn latest(self, own: Timestamp) -> Timestamp {
        shifted(own, self.most)
    }

    /// Returns when this machine's clock showed what a log-in has to be dated from, if the shared clock is to show `latest`.
    pub(crate) fn own(self, latest: Timestamp) -> Timestamp {
        shifted(latest, self.most.saturating_neg())
    }

    /// Returns what is known after the server has answered: its clock showed `server` at some moment between `sent` and
    /// `arrived` of this machine's. What was believed before stays unless the answer contradicts it, so that the moments of
    /// one machine keep their order.
    fn measured(self, sent: Timestamp, server: Timestamp, arrived: Timestamp) -> Self {
        let (one, other) = (difference(server, arrived), difference(server, sent));
        let new = Self { least: one.min(other), most: one.max(other) };
        let agrees = self.least <= new.most && new.least <= self.most;
        if agrees { self } else { new }
    }
}

fn shifted(moment: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_micros(moment.as_micros().saturating_add_signed(micros))
}

fn difference(one: Timestamp, other: Timestamp) -> i64 {
    let micros = |at: Timestamp| i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
    micros(one).saturating_sub(micros(other))
}

impl SharedClock {
    /// Returns what was measured, unless that was too long before `now`, or this machine's clock was set back since.
    pub(crate) fn known(&self, now: Timestamp) -> Option<Ahead> {
        let measured = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        (measured.at <= now && now < measured.at + HOLDS).then_some(measured.ahead)
    }

    /// Returns what was measured last, however long ago.
    pub(crate) fn last(&self) -> Ahead {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .map_or(Ahead::default(), |measured| measured.ahead)
    }

    /// Takes in an answer of the server.
    pub(crate) fn measure(&self, sent: Timestamp, server: Timestamp, arrived: Timestamp) -> Ahead {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.map_or(Ahead::default(), |measured| measured.ahead);
        let ahead = before.measured(sent, server, arrived);
        *last = Some(Measured { at: arrived, ahead });
        ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    const fn ahead(least: i64, most: i64) -> Ahead {
        Ahead { least: least * 1_000, most: most * 1_000 }
    }

    #[test]
    fn a_clock_that_may_be_in_step_is_taken_to_be() {
        let clock = SharedClock::default();
        assert_eq!(clock.measure(at(1_000), at(1_004), at(1_010)), Ahead::default());
        assert_eq!(clock.measure(at(1_000), at(1_010), at(1_010)), Ahead::default());
    }

    #[test]
    fn a_clock_that_is_ahead_or_behind_is_known_to_within_the_time_of_an_answer() {
        let (one, other) = (SharedClock::default(), SharedClock::default());
        let hour = 3_600_000;
        let found = one.measure(at(5_000), at(5_005 + hour), at(5_010));
        assert_eq!(
            (found.earliest(at(5_000)), found.latest(at(5_000))),
            (at(4_995 + hour), at(5_005 + hour))
        );
        let found = other.measure(at(hour + 5_000), at(5_005), at(hour + 5_010));
        assert_eq!(
            (found.earliest(at(hour + 9)), found.latest(at(hour)), found.own(at(5))),
            (at(4), at(5), at(hour))
        );
    }

    #[test]
    fn what_was_believed_stays_until_an_answer_contradicts_it() {
        let clock = SharedClock::default();
        let first = clock.measure(at(0), at(60), at(10));
        assert_eq!(first, ahead(50, 60));
        assert_eq!(clock.measure(at(100), at(155), at(110)), first);
        assert_eq!(clock.measure(at(200), at(205), at(210)), ahead(-5, 5));
    }

    #[test]
    fn a_measurement_holds_for_a_minute_unless_the_clock_is_set_back() {
        let clock = SharedClock::default();
        assert_eq!(clock.known(at(0)), None);
        let found = clock.measure(at(1_000), at(2_000), at(1_000));
        assert_eq!(clock.known(at(60_999)), Some(found));
        assert_eq!((clock.known(at(61_000)), clock.known(at(999))), (None, None));
        assert_eq!(clock.last(), found);
    }

    #[test]
    fn a_clock_that_jumps_while_the_server_answers_does_no_harm() {
        let clock = SharedClock::default();
        clock.measure(at(10_000), at(5_000), at(0));
        assert_eq!(clock.last(), Ahead::default(), "it may still be in step");
        clock.measure(Timestamp::NEVER, at(5_000), Timestamp::EPOCH);
        assert!(clock.known(Timestamp::EPOCH).is_some());
    }
}
