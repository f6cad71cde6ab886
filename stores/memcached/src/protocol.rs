//! The commands of memcached's meta protocol that the store needs, and their answers.

use cloakroom_store::Bytes;

use crate::error::{Failure, told};

/// What a write does where something is, or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Writes whatever is there.
    Any,
    /// Writes where nothing is.
    Add,
    /// Replaces exactly the item that was seen.
    Is(Seen),
}

/// The number that the server gave an item when it was written: another one for each write, as long as it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen(pub(crate) u64);

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Here is the item.
    Value(Item),
    /// Done; with a write, the number of what was written.
    Done(Option<Seen>),
    /// Nothing is there.
    Missing,
    /// Something is there, or something else.
    Other,
}

/// An item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) value: Bytes,
    pub(crate) seen: Seen,
    /// The seconds that the server keeps it, if it was asked for them; `None` for ever.
    pub(crate) left: Option<u64>,
}

/// The first line of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// A value of so many bytes follows, of an item with this number and this time.
    Value(usize, Seen, Option<u64>),
    Whole(Answer),
}

/// Reads an item.
pub(crate) fn get(name: &str) -> Vec<u8> {
    format!("mg {name} v c\r\n").into_bytes()
}

/// Reads an item, and the time that the server keeps it.
pub(crate) fn get_with_time(name: &str) -> Vec<u8> {
    format!("mg {name} v c t\r\n").into_bytes()
}

/// Asks whether there is an item.
pub(crate) fn look(name: &str) -> Vec<u8> {
    format!("mg {name} c\r\n").into_bytes()
}

/// Writes an item; `exptime` as memcached counts it, `flags` as clients tell kinds of values apart.
pub(crate) fn set(name: &str, value: &[u8], flags: u32, exptime: u64, condition: Condition) -> Vec<u8> {
    let size = value.len();
    let condition = match condition {
        Condition::Any => String::new(),
        Condition::Add => " ME".to_owned(),
        Condition::Is(Seen(number)) => format!(" C{number}"),
    };
    let head = format!("ms {name} {size} c F{flags} T{exptime}{condition}\r\n");
    [head.as_bytes(), value, b"\r\n"].concat()
}

/// Removes whatever is there.
pub(crate) fn delete_any(name: &str) -> Vec<u8> {
    format!("md {name}\r\n").into_bytes()
}

/// Removes exactly the item that was seen.
pub(crate) fn delete(name: &str, Seen(number): Seen) -> Vec<u8> {
    format!("md {name} C{number}\r\n").into_bytes()
}

/// Authenticates, if the server asks for it.
pub(crate) fn authenticate(user: &str, password: &str) -> Vec<u8> {
    let size = user.len() + 1 + password.len();
    format!("set auth 0 0 {size}\r\n{user} {password}\r\n").into_bytes()
}

/// Reads the first line of an answer to one of the commands above, without its end.
pub(crate) fn head(line: &[u8]) -> Result<Head, Failure> {
    let mut words = line.split(|byte| *byte == b' ');
    let answer = match words.next().unwrap_or_default() {
        b"VA" => {
            let size = words.next().and_then(number).ok_or(Failure::FOREIGN)?;
            let size = usize::try_from(size).map_err(|_| Failure::FOREIGN)?;
            let flags: Vec<_> = words.collect();
            let seen = seen(flags.iter().copied()).ok_or(Failure::FOREIGN)?;
            return Ok(Head::Value(size, seen, flag(flags.into_iter(), b"t")));
        }
        b"HD" => Answer::Done(seen(words)),
        b"EN" | b"NF" => Answer::Missing,
        b"NS" | b"EX" => Answer::Other,
        b"STORED" => Answer::Done(None),
        _ => return Err(told(line)),
    };
    Ok(Head::Whole(answer))
}

/// Finds the flag `c` with the item's number.
fn seen<'a>(words: impl Iterator<Item = &'a [u8]>) -> Option<Seen> {
    flag(words, b"c").map(Seen)
}

/// Finds the number behind a flag. What is for ever has no number.
fn flag<'a>(mut words: impl Iterator<Item = &'a [u8]>, flag: &[u8]) -> Option<u64> {
    words.find_map(|word| number(word.strip_prefix(flag)?))
}

/// Reads a number.
pub(crate) fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_memcached_sends_them() {
        let whole = |line: &str| match head(line.as_bytes()) {
            Ok(Head::Whole(answer)) => Some(answer),
            _ => None,
        };
        assert_eq!(head(b"VA 3 c7"), Ok(Head::Value(3, Seen(7), None)));
        assert_eq!(head(b"VA 3 c7 t60"), Ok(Head::Value(3, Seen(7), Some(60))));
        assert_eq!(head(b"VA 3 c7 t-1"), Ok(Head::Value(3, Seen(7), None)));
        assert_eq!(whole("HD c18446744073709551615"), Some(Answer::Done(Some(Seen(u64::MAX)))));
        assert_eq!(whole("HD"), Some(Answer::Done(None)));
        assert_eq!(whole("EN"), Some(Answer::Missing));
        assert_eq!(whole("NF c0"), Some(Answer::Missing));
        assert_eq!(whole("EX c0"), Some(Answer::Other));
        assert_eq!(whole("NS c0"), Some(Answer::Other));
    }

    #[test]
    fn bytes_that_are_not_an_answer_are_an_error() {
        for line in ["", "VA", "VA x c1", "VA 3", "-ERR unknown command", "HTTP/1.1 400 Bad Request", "ERROR"]
        {
            assert_eq!(head(line.as_bytes()), Err(Failure::FOREIGN), "{line}");
        }
    }
}
