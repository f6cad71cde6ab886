//! Parses durations such as `1h30m`.

use std::time::Duration;

/// Reads `30m`, `12h`, `1h30m`, `250ms` or `0`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "a span of time is written as 30m, 12h, 1h30m, 10s, 250ms, 7d or 0".to_owned();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err(wrong());
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = split(rest, |letter| letter.is_ascii_digit());
        let (unit, after) = split(after, |letter| letter.is_ascii_alphabetic());
        let part = number.parse().ok().and_then(|count| unit_of(unit)?.checked_mul(count));
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = after;
    }
    Ok(total)
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !belongs(letter)).unwrap_or(text.len()))
}

fn unit_of(name: &str) -> Option<Duration> {
    Some(match name {
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(60 * 60),
        "d" => Duration::from_secs(24 * 60 * 60),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, millis) in
            [("0", 0), ("0s", 0), ("10s", 10_000), ("30m", 1_800_000), ("12h", 43_200_000), ("250ms", 250)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse("1h30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(parse("7d"), Ok(Duration::from_secs(604_800)));
    }

    #[test]
    fn an_invalid_span_is_refused() {
        for text in ["", "5", "m", "1x", "-1s", "1.5h", "1h ", "0s0", "9999999999999999999s", "4294967295d1x"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
