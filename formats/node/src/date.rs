//! Dates as JavaScript writes and reads them.
//!
//! Times are milliseconds since 1970 and may be negative. JavaScript's dates reach 271,821 years to either side, more
//! than calendar crates support, so the calendar is implemented here. Times outside of that range are clamped.

/// The last millisecond that a JavaScript date can be; its negative is the first.
pub const LAST: i64 = 8_640_000_000_000_000;

const MS_A_DAY: i64 = 86_400_000;
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Writes a time as `Date.prototype.toUTCString` does: `Thu, 01 Jan 2026 00:00:00 GMT`.
///
/// Milliseconds are cut off.
///
/// ```
/// assert_eq!(cloakroom_node::date::to_utc_string(1_767_225_600_999), "Thu, 01 Jan 2026 00:00:00 GMT");
/// ```
pub fn to_utc_string(ms: i64) -> String {
    let Civil { year, month, day, weekday, hour, minute, second, .. } = Civil::of(ms);
    let mut out = String::with_capacity(32);
    out.push_str(DAYS[weekday]);
    out.push_str(", ");
    push_two(&mut out, day);
    out.push(' ');
    out.push_str(MONTHS[month - 1]);
    out.push(' ');
    if year < 0 {
        out.push('-');
    }
    match year.abs() {
        year @ 0..=9999 => push_four(&mut out, year),
        year => out.push_str(&year.to_string()),
    }
    out.push(' ');
    push_clock(&mut out, [hour, minute, second]);
    out.push_str(" GMT");
    out
}

/// Writes a time as `Date.prototype.toISOString` does: `2026-01-01T00:00:00.000Z`.
///
/// ```
/// assert_eq!(cloakroom_node::date::to_iso_string(1_767_225_600_123), "2026-01-01T00:00:00.123Z");
/// ```
pub fn to_iso_string(ms: i64) -> String {
    let mut out = String::with_capacity(32);
    push_iso(&mut out, ms);
    out
}

/// Appends what [`to_iso_string`] returns.
pub(crate) fn push_iso(out: &mut String, ms: i64) {
    let Civil { year, month, day, hour, minute, second, milli, .. } = Civil::of(ms);
    if !(0..=9999).contains(&year) {
        out.push(if year < 0 { '-' } else { '+' });
        push_two(out, year.abs() / 10_000);
    }
    push_four(out, year.abs());
    for number in [i64::try_from(month).unwrap_or_default(), day] {
        out.push('-');
        push_two(out, number);
    }
    out.push('T');
    push_clock(out, [hour, minute, second]);
    out.push('.');
    out.push(digit(milli / 100));
    push_two(out, milli);
    out.push('Z');
}

/// Appends three numbers with colons between them. Every session that is written has a date: no formatting machinery.
fn push_clock(out: &mut String, [hour, minute, second]: [i64; 3]) {
    push_two(out, hour);
    out.push(':');
    push_two(out, minute);
    out.push(':');
    push_two(out, second);
}

fn push_four(out: &mut String, number: i64) {
    push_two(out, number / 100);
    push_two(out, number);
}

/// Appends the last two digits.
fn push_two(out: &mut String, number: i64) {
    out.push(digit(number / 10));
    out.push(digit(number));
}

/// Returns the last digit of a number that is not negative.
#[expect(clippy::cast_sign_loss, reason = "0..=9")]
fn digit(number: i64) -> char {
    char::from(b'0' + (number % 10) as u8)
}

/// Reads a date in one of the ISO forms that JavaScript's `Date` reads, or as [`to_utc_string`] writes it.
///
/// As in V8: the time may be missing, seconds and fractions too; digits past the millisecond are cut off; the zone is
/// `Z`, `±hh:mm` or `±hhmm`; the 30th of February is a day in March; 24:00 is the next midnight. Returns `None` for
/// text that JavaScript cannot read, for a time of day without a zone (JavaScript uses the zone of the Node process,
/// which is unknown here), and for the other forms that V8 accepts but session packages do not write.
///
/// ```
/// # use cloakroom_node::date::parse;
/// assert_eq!(parse("2026-01-01T00:00:00.000Z"), Some(1_767_225_600_000));
/// assert_eq!(parse("2026-01-01T01:00:00+01:00"), Some(1_767_225_600_000));
/// assert_eq!(parse("tomorrow"), None);
/// ```
pub fn parse(text: &str) -> Option<i64> {
    let mut rest = Rest(text.as_bytes());
    let time = if text.as_bytes().get(3) == Some(&b',') { rest.utc_form()? } else { rest.iso_form()? };
    (rest.0.is_empty() && (-LAST..=LAST).contains(&time)).then_some(time)
}

/// A time in calendar fields, UTC.
struct Civil {
    year: i64,
    month: usize,
    day: i64,
    weekday: usize,
    hour: i64,
    minute: i64,
    second: i64,
    milli: i64,
}

impl Civil {
    /// Converts a time. Years are counted from March, so that the leap day is the last of its year; an era is 400
    /// years.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=6 and 1..=12")]
    fn of(ms: i64) -> Self {
        let ms = ms.clamp(-LAST, LAST);
        let (days, time) = (ms.div_euclid(MS_A_DAY), ms.rem_euclid(MS_A_DAY));
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: month as usize,
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            weekday: (days + 4).rem_euclid(7) as usize,
            hour: time / 3_600_000,
            minute: time / 60_000 % 60,
            second: time / 1000 % 60,
            milli: time % 1000,
        }
    }
}

/// Returns the days from 1970 to a date. The day may exceed its month's length.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let march_month = (month + 9) % 12;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * march_month + 2) / 5;
    era * 146_097 + day_of_era + day - 1 - 719_468
}

/// The unread input.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn eat(&mut self, wanted: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        first.eq_ignore_ascii_case(&wanted).then(|| self.0 = rest)
    }

    /// Reads a number of exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let number = digits
            .iter()
            .try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))?;
        self.0 = rest;
        Some(number)
    }

    fn iso_form(&mut self) -> Option<i64> {
        let year = self.year()?;
        let month = if self.eat(b'-').is_some() { Some(self.digits(2)?) } else { None };
        let day = match month {
            Some(_) if self.eat(b'-').is_some() => self.digits(2)?,
            _ => 1,
        };
        let month = month.unwrap_or(1);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let midnight = days_from_civil(year, month, day) * MS_A_DAY;
        if self.eat(b'T').is_none() && self.eat(b' ').is_none() {
            // A date alone is midnight in UTC; V8 takes `Z` after it, and no other zone.
            let _zone = self.eat(b'Z');
            return Some(midnight);
        }
        Some(midnight + self.time_of_day()? - self.zone()?)
    }

    /// Reads four digits, or a sign and six.
    fn year(&mut self) -> Option<i64> {
        if self.eat(b'+').is_some() {
            return self.digits(6);
        }
        if self.eat(b'-').is_some() {
            return self.digits(6).filter(|year| *year != 0).map(|year| -year);
        }
        self.digits(4)
    }

    fn time_of_day(&mut self) -> Option<i64> {
        let hour = self.digits(2)?;
        self.eat(b':')?;
        let minute = self.digits(2)?;
        let second = if self.eat(b':').is_some() { self.digits(2)? } else { 0 };
        let milli = if self.eat(b'.').is_some() { self.fraction()? } else { 0 };
        let time = hour * 3_600_000 + minute * 60_000 + second * 1000 + milli;
        (minute < 60 && second < 60 && time <= MS_A_DAY).then_some(time)
    }

    /// Reads one digit or more; the first three count.
    fn fraction(&mut self) -> Option<i64> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (read, rest) = self.0.split_at(digits);
        self.0 = rest;
        let digit = |at: usize| read.get(at).map_or(0, |digit| i64::from(digit - b'0'));
        (digits > 0).then(|| digit(0) * 100 + digit(1) * 10 + digit(2))
    }

    /// Reads a zone, and returns its offset from UTC in milliseconds.
    fn zone(&mut self) -> Option<i64> {
        if self.eat(b'Z').is_some() {
            return Some(0);
        }
        let sign = if self.eat(b'+').is_some() { 1 } else { self.eat(b'-').map(|()| -1)? };
        let hours = self.digits(2)?;
        let _colon = self.eat(b':');
        let minutes = self.digits(2)?;
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
    }

    /// Reads `Thu, 01 Jan 2026 00:00:00 GMT`. The day of the week need not match, as in V8.
    fn utc_form(&mut self) -> Option<i64> {
        let (weekday, rest) = self.0.split_at_checked(5)?;
        self.0 = rest;
        DAYS.iter().find(|name| weekday.starts_with(name.as_bytes()) && weekday.ends_with(b", "))?;
        let day = self.digits(2).filter(|day| (1..=31).contains(day))?;
        self.eat(b' ')?;
        let (name, rest) = self.0.split_at_checked(3)?;
        self.0 = rest;
        let month = (1..).zip(MONTHS).find(|(_, month)| month.as_bytes() == name)?.0;
        self.eat(b' ')?;
        let year = self.digits(4)?;
        self.eat(b' ')?;
        let time = self.time_of_day()?;
        let gmt = self.0.strip_prefix(b" GMT")?;
        self.0 = gmt;
        Some(days_from_civil(year, month, day) * MS_A_DAY + time)
    }
}

#[cfg(test)]
mod tests {
    use super::{LAST, parse, to_iso_string, to_utc_string};
    use proptest::prelude::{any, proptest};
    use std::time::{Duration, UNIX_EPOCH};

    const NEW_YEAR: i64 = 1_767_225_600_000;

    #[test]
    fn forms_that_v8_reads_are_read_as_v8_reads_them() {
        for (text, ms) in [
            ("2026-01-01", NEW_YEAR),
            ("2026-01", NEW_YEAR),
            ("2026", NEW_YEAR),
            ("2026-01-01Z", NEW_YEAR),
            ("2026-01-01T00:00Z", NEW_YEAR),
            ("2026T00:00Z", NEW_YEAR),
            ("2026-01-01t00:00:00z", NEW_YEAR),
            ("2026-01-01 00:00:00Z", NEW_YEAR),
            ("+002026-01-01T00:00:00Z", NEW_YEAR),
            ("2026-01-01T24:00:00Z", 1_767_312_000_000),
            ("2026-02-30T00:00:00Z", 1_772_409_600_000),
            ("2026-01-01T00:00:00.1Z", NEW_YEAR + 100),
            ("2026-01-01T00:00:00.9999Z", NEW_YEAR + 999),
            ("2026-01-01T00:00:00+0130", 1_767_220_200_000),
            ("2026-01-01T00:00:00-23:59", 1_767_311_940_000),
            ("-000001-01-01T00:00:00.000Z", -62_198_755_200_000),
            ("+275760-09-13T00:00:00.000Z", LAST),
            ("Thu, 01 Jan 2026 00:01:00 GMT", NEW_YEAR + 60_000),
        ] {
            assert_eq!(parse(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn forms_that_v8_refuses_are_refused() {
        for text in [
            "",
            "nope",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-02-32",
            "2026-01-01T24:00:01Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00,5Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+01",
            "2026-01-01+01:00",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00 Z",
            " 2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z ",
            "2026-01-01T0:00:00Z",
            "-000000-01-01T00:00:00.000Z",
            "+275760-09-13T00:00:00.001Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_of_day_without_a_zone_is_refused_because_the_zone_is_not_known() {
        assert_eq!(parse("2026-01-01T00:00"), None);
    }

    #[test]
    fn years_of_more_than_four_digits_and_before_the_year_zero_are_written_as_v8_writes_them() {
        assert_eq!(to_iso_string(253_402_300_800_000), "+010000-01-01T00:00:00.000Z");
        assert_eq!(to_utc_string(LAST), "Sat, 13 Sep 275760 00:00:00 GMT");
        assert_eq!(to_utc_string(-62_167_219_200_001), "Fri, 31 Dec -0001 23:59:59 GMT");
        assert_eq!(to_iso_string(i64::MIN), to_iso_string(-LAST));
    }

    proptest! {
        #[test]
        fn a_written_date_reads_back(ms in -LAST..=LAST) {
            assert_eq!(parse(&to_iso_string(ms)), Some(ms));
        }

        #[test]
        fn dates_of_cookies_are_those_of_httpdate(seconds in 0..253_402_300_800_u64) {
            let expected = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
            let ms = i64::try_from(seconds * 1000).unwrap();
            assert_eq!(to_utc_string(ms + 999), expected);
            assert_eq!(parse(&expected), Some(ms));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,40}", ms in any::<i64>()) {
            let _parsed = parse(&text);
            let _written = (to_iso_string(ms), to_utc_string(ms));
        }
    }
}
