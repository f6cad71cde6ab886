//! Spans of time in words.

use std::time::Duration;

/// Formats a duration, rounded to the nearest whole unit: `a moment`, `3 minutes`, `2 hours`, `5 days`.
pub(super) fn about(span: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = span.as_secs();
    // A unit begins where the one below would be rounded up to it.
    let (unit, name) = match seconds {
        0..10 => return "a moment".to_owned(),
        10..MINUTE => (1, "second"),
        MINUTE..3_570 => (MINUTE, "minute"),
        3_570..84_600 => (HOUR, "hour"),
        _ => (DAY, "day"),
    };
    let count = (seconds + unit / 2) / unit;
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_people_say_them() {
        for (seconds, expected) in [
            (0, "a moment"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (1_799, "30 minutes"),
            (3_599, "1 hour"),
            (7_200, "2 hours"),
            (86_399, "1 day"),
        ] {
            assert_eq!(about(Duration::from_secs(seconds)), expected);
        }
    }
}
