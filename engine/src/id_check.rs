//! Whether an id that the application made can be guessed.

use crate::{Error, ErrorKind, Result, SessionId, SessionManager};

/// How many random bits an id has at least, unless the application wants fewer.
const LEAST_BITS: f64 = 128.0;

/// How many different characters a random id of that many bits has at least: fewer are a pattern.
const LEAST_VARIETY: usize = 6;

/// How many random bits a UUID has at most, whatever its length seems to say.
const BITS_OF_UUID: f64 = 122.0;

impl SessionManager {
    /// Reads an id that the application made.
    ///
    /// # Errors
    /// [`ErrorKind::Hook`] if it cannot be an id, or could be guessed.
    pub(crate) fn read_made_id(&self, text: &str) -> Result<SessionId> {
        let wrong = |message: &str| {
            Err(Error::new(
                ErrorKind::Hook,
                format!("the application's function id_generator returned {message}"),
            ))
        };
        if !self.config().hooks.allow_weak_ids && most_bits(text) < LEAST_BITS {
            return wrong("an id of fewer than 128 random bits");
        }
        let id = match self.format() {
            Some(_) => SessionId::foreign(text),
            None => SessionId::chosen(text.as_bytes()),
        };
        id.map_or_else(|| wrong("an id that is empty, too long or has bytes that no cookie holds"), Ok)
    }
}

/// Returns how many random bits a text has at most, by its length and the kinds of its characters.
fn most_bits(text: &str) -> f64 {
    let mut seen = [false; 256];
    text.bytes().for_each(|byte| seen[usize::from(byte)] = true);
    if seen.iter().filter(|seen| **seen).count() < LEAST_VARIETY {
        return 0.0;
    }
    let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
    let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte.to_ascii_lowercase());
    let letters = |kind: fn(&u8) -> bool, beyond_f: fn(&u8) -> bool| match (has(beyond_f), has(kind)) {
        (true, _) => 26,
        (false, true) => 6,
        (false, false) => 0,
    };
    let alphabet = if has(u8::is_ascii_digit) { 10 } else { 0 }
        + letters(u8::is_ascii_lowercase, |byte| (b'g'..=b'z').contains(byte))
        + letters(u8::is_ascii_uppercase, |byte| (b'G'..=b'Z').contains(byte))
        + if has(|byte| !byte.is_ascii_alphanumeric()) { 2 } else { 0 };
    let is_uuid = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => is_hex(&byte),
        })
        || text.len() == 32
            && text.bytes().all(|byte| is_hex(&byte))
            && text.as_bytes()[12] == b'4'
            && b"89abAB".contains(&text.as_bytes()[16]);
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let bits = f64::from(length) * f64::from(alphabet).log2();
    if is_uuid { bits.min(BITS_OF_UUID) } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b6_an_id_of_fewer_than_128_random_bits_is_weak() {
        let strong = [
            "Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf",
            "0123456789abcdef0123456789abcdef",
            "AAECAwQFBgcICQoLDA0ODw",
            "340282366920938463463374607431768211457",
        ];
        for id in strong {
            assert!(most_bits(id) >= LEAST_BITS, "{id} has {}", most_bits(id));
        }
        let weak = [
            "",
            "1",
            "apple",
            "0123456789abcdef0123456789abcde",
            "AAECAwQFBgcICQoLDA0OD",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "ababababababababababababababababababababababab",
            "f81d4fae-7dec-41d0-a765-00a0c91e6bf6",
            "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
        ];
        for id in weak {
            assert!(most_bits(id) < LEAST_BITS, "{id} has {}", most_bits(id));
        }
    }
}
