//! One clock for all machines, for the moments of log-ins and revocations: the store server's, if it tells the time.

use std::sync::{Mutex, MutexGuard, PoisonError};
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
    offset: ClockOffset,
}

/// How far the shared clock is ahead of this machine's, in microseconds: at least and at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClockOffset {
    least: i64,
    most: i64,
}

impl ClockOffset {
    /// Returns the moment by which a log-in is dated that begins when this machine's clock shows `own`: the earliest that the
    /// shared clock may show then.
    pub(crate) fn log_in(self, own: Timestamp) -> Timestamp {
        shifted(own, self.least)
    }

    /// Returns the moment by which a revocation is dated: the latest that the shared clock may show. So no log-in that began
    /// before it, on whatever machine, is taken for a later one.
    pub(crate) fn revocation(self, own: Timestamp) -> Timestamp {
        shifted(own, self.most)
    }

    /// Returns what this machine's clock has to show for a log-in to be dated by `shared`.
    pub(crate) fn own(self, shared: Timestamp) -> Timestamp {
        shifted(shared, self.least.saturating_neg())
    }

    /// Returns what an answer of the server says: its clock showed `server` at some moment between `sent` and `arrived` of this
    /// machine's.
    pub(crate) fn between(sent: Timestamp, server: Timestamp, arrived: Timestamp) -> Self {
        let (one, other) = (difference(server, arrived), difference(server, sent));
        Self { least: one.min(other), most: one.max(other) }
    }

    /// Returns whether both may be true.
    const fn agrees_with(self, other: Self) -> bool {
        self.least <= other.most && other.least <= self.most
    }

    const fn width(self) -> i64 {
        self.most.saturating_sub(self.least)
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
    pub(crate) fn known(&self, now: Timestamp) -> Option<ClockOffset> {
        let measured = (*self.lock())?;
        (measured.at <= now && now < measured.at + HOLDS).then_some(measured.offset)
    }

    /// Returns what was measured last, however long ago.
    pub(crate) fn last(&self) -> ClockOffset {
        self.lock().map_or(ClockOffset::default(), |measured| measured.offset)
    }

    /// Returns whether an answer leaves what was believed before as it is: so the moments of one machine keep their order.
    pub(crate) fn agrees(&self, answer: ClockOffset) -> bool {
        self.last().agrees_with(answer)
    }

    /// Takes in the answers of the server, which came until `now`. Where they contradict what was believed before, the one that
    /// was the quickest counts from now on.
    pub(crate) fn learn(&self, answers: &[ClockOffset], now: Timestamp) -> ClockOffset {
        let before = self.last();
        let quickest = answers.iter().copied().min_by_key(|answer| answer.width()).unwrap_or(before);
        let offset = if before.agrees_with(quickest) { before } else { quickest };
        *self.lock() = Some(Measured { at: now, offset });
        offset
    }

    fn lock(&self) -> MutexGuard<'_, Option<Measured>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    const fn offset(least: i64, most: i64) -> ClockOffset {
        ClockOffset { least: least * 1_000, most: most * 1_000 }
    }

    fn answer(sent: u64, server: u64, arrived: u64) -> ClockOffset {
        ClockOffset::between(at(sent), at(server), at(arrived))
    }

    #[test]
    fn a_clock_that_may_be_in_step_is_taken_to_be() {
        let clock = SharedClock::default();
        for answer in [answer(1_000, 1_004, 1_010), answer(1_000, 1_010, 1_010)] {
            assert!(clock.agrees(answer));
            assert_eq!(clock.learn(&[answer], at(1_010)), ClockOffset::default());
        }
    }

    #[test]
    fn a_log_in_is_never_dated_late_and_a_revocation_never_early() {
        let hour = 3_600_000;
        let found = answer(5_000, 5_005 + hour, 5_010);
        assert_eq!(
            (found.log_in(at(5_000)), found.revocation(at(5_000))),
            (at(4_995 + hour), at(5_005 + hour))
        );
        let found = answer(hour + 5_000, 5_005, hour + 5_010);
        assert_eq!((found.log_in(at(hour + 9)), found.revocation(at(hour))), (at(4), at(5)));
        assert_eq!(found.log_in(found.own(at(77))), at(77));
    }

    #[test]
    fn what_was_believed_stays_until_the_quickest_answer_contradicts_it() {
        let clock = SharedClock::default();
        let first = clock.learn(&[answer(0, 60, 40), answer(40, 95, 45), answer(50, 110, 70)], at(70));
        assert_eq!(first, offset(50, 55));
        assert_eq!(clock.learn(&[answer(100, 155, 110)], at(110)), first);
        assert_eq!(clock.learn(&[answer(200, 205, 210)], at(210)), offset(-5, 5));
    }

    #[test]
    fn a_measurement_holds_for_a_minute_unless_the_clock_is_set_back() {
        let clock = SharedClock::default();
        assert_eq!(clock.known(at(0)), None);
        let found = clock.learn(&[answer(1_000, 2_000, 1_000)], at(1_000));
        assert_eq!(clock.known(at(60_999)), Some(found));
        assert_eq!((clock.known(at(61_000)), clock.known(at(999))), (None, None));
        assert_eq!(clock.last(), found);
    }

    #[test]
    fn a_clock_that_jumps_while_the_server_answers_does_no_harm() {
        let clock = SharedClock::default();
        let jumped = answer(10_000, 5_000, 0);
        assert_eq!(clock.learn(&[jumped], at(0)), ClockOffset::default(), "it may still be in step");
        let far = ClockOffset::between(Timestamp::NEVER, at(5_000), Timestamp::EPOCH);
        clock.learn(&[far], Timestamp::EPOCH);
        assert!(clock.known(Timestamp::EPOCH).is_some());
    }
}
