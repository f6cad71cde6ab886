//! A moment, as every store can keep it.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Names a moment in whole microseconds since 1970-01-01T00:00:00Z.
///
/// Arithmetic saturates at [`Timestamp::EPOCH`] and [`Timestamp::NEVER`]: a clock that jumps or an absurd
/// duration gives an early or a late moment, never a wrapped one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The earliest moment: the Unix epoch.
    pub const EPOCH: Self = Self(0);
    /// The latest moment, 9999-12-31T23:59:59.999999Z: the expiry of a record that never expires.
    pub const NEVER: Self = Self(253_402_300_799_999_999);

    /// Makes a moment from microseconds since the epoch; later ones than [`NEVER`](Self::NEVER) become that.
    pub const fn from_micros(micros: u64) -> Self {
        if micros > Self::NEVER.0 { Self::NEVER } else { Self(micros) }
    }

    /// Makes a moment from milliseconds since the epoch, as JavaScript counts them.
    pub const fn from_millis(millis: u64) -> Self {
        Self::from_micros(millis.saturating_mul(1_000))
    }

    /// Reads the system's clock. Engine and stores take a [`Clock`](crate::Clock) instead.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Microseconds since the epoch; always fits an `i64`.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Returns whole milliseconds since the epoch, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Returns the time from `earlier` to this moment, or zero if `earlier` is not earlier.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(micros(span)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }
}

fn micros(span: Duration) -> u64 {
    span.as_secs().saturating_mul(1_000_000).saturating_add(span.subsec_micros().into())
}

impl From<SystemTime> for Timestamp {
    /// A time before 1970 becomes the epoch.
    fn from(time: SystemTime) -> Self {
        Self::EPOCH + time.duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

impl From<Timestamp> for SystemTime {
    fn from(moment: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_micros(moment.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Timestamp::EPOCH - Duration::from_secs(1), Timestamp::EPOCH);
        assert_eq!(Timestamp::NEVER + Duration::MAX, Timestamp::NEVER);
        assert_eq!(Timestamp::from_micros(u64::MAX), Timestamp::NEVER);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::NEVER), Duration::ZERO);
    }

    #[test]
    fn never_fits_the_signed_integer_of_every_database() {
        assert!(i64::try_from(Timestamp::NEVER.as_micros()).is_ok());
    }

    #[test]
    fn a_system_time_survives_the_round_trip_to_the_microsecond() {
        let moment = Timestamp::from_micros(1_767_225_600_123_456);
        assert_eq!(Timestamp::from(SystemTime::from(moment)), moment);
    }
}
