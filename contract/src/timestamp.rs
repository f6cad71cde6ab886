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

/// Shows the moment as RFC 3339 in UTC, to the microsecond: `2026-01-01T00:00:00.000000Z`.
///
/// ```
/// use cloakroom_store::Timestamp;
///
/// let moment = Timestamp::from_millis(1_767_225_600_500);
/// assert_eq!(moment.to_string(), "2026-01-01T00:00:00.500000Z");
/// ```
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let (year, month, day) = date(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

/// Returns year, month and day of a day since 1970.
///
/// Years are counted from March, so that a leap day is the last day of its year; 400 years have 146,097 days.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + if month <= 2 { 1 } else { 0 }, month, day)
}

/// Serializes as the text that [`Display`](fmt::Display) shows.
#[cfg(feature = "serde")]
impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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
    fn f27_a_moment_is_shown_as_rfc_3339() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (951_868_800_000_000, "2000-03-01T00:00:00.000000Z"),
            (1_709_164_800_000_001, "2024-02-29T00:00:00.000001Z"),
            (1_767_225_600_123_456, "2026-01-01T00:00:00.123456Z"),
            (4_107_542_399_000_000, "2100-02-28T23:59:59.000000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (Timestamp::NEVER.0, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Timestamp(micros).to_string(), text);
        }
    }

    #[test]
    fn f27_every_day_to_the_year_10000_follows_the_day_before() {
        let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..=Timestamp::NEVER.0 / 86_400_000_000 {
            assert_eq!(date(days), (year, month, day));
            let length = match month {
                2 if is_leap(year) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!((year, month, day), (10_000, 1, 1));
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
