//! Reads JSON from left to right and accepts exactly what `JSON.parse` accepts.
//!
//! One pass, no recursion: an open array or object costs one bit of memory.
//!
//! Every byte of every body goes through here. So places are plain numbers, which the compiler keeps in registers, and what
//! reads a token is inlined into the one loop.
#![expect(
    clippy::inline_always,
    reason = "half of the instructions were calls, and places that went through memory"
)]

use super::BodyError;
use super::nesting::{Bracket, Nesting};
use super::plain::plain_in_word;

/// A text that is read. Methods are given the place where they begin, and return the one behind what they read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text.as_bytes())
    }

    /// Skips whitespace. Returns the next byte and its place.
    #[inline(always)]
    pub(super) fn token(self, mut at: usize) -> (u8, usize) {
        loop {
            let byte = self.byte(at);
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return (byte, at);
            }
            at += 1;
        }
    }

    /// Expects only whitespace up to the end.
    pub(super) fn end(self, at: usize) -> Result<(), BodyError> {
        let (_, at) = self.token(at);
        if at == self.0.len() { Ok(()) } else { Err(self.unexpected(at)) }
    }

    /// Reads a key and the colon after it. Returns where the key ends, and where its value begins.
    #[inline(always)]
    pub(super) fn key(self, at: usize) -> Result<(usize, usize), BodyError> {
        if self.byte(at) != b'"' {
            return Err(self.unexpected(at));
        }
        let end = self.string(at + 1)?;
        let (colon, at) = self.token(end);
        if colon == b':' { Ok((end, self.token(at + 1).1)) } else { Err(self.unexpected(at)) }
    }

    /// Reads one value, with all that is nested in it.
    pub(super) fn value(self, mut at: usize) -> Result<usize, BodyError> {
        let mut open = Nesting::default();
        loop {
            at = match self.byte(at) {
                b'"' => self.string(at + 1)?,
                b'{' => match self.token(at + 1) {
                    (b'}', close) => close + 1,
                    (_, key) => {
                        open.push(Bracket::Object);
                        at = self.key(key)?.1;
                        continue;
                    }
                },
                b'[' => match self.token(at + 1) {
                    (b']', close) => close + 1,
                    (_, item) => {
                        open.push(Bracket::Array);
                        at = item;
                        continue;
                    }
                },
                b'-' | b'0'..=b'9' => self.number(at)?,
                _ => self.word(at)?,
            };
            match self.close(at, &mut open)? {
                (true, next) => at = next,
                (false, end) => return Ok(end),
            }
        }
    }

    /// Closes what ends behind a value. Returns whether another value follows, and where.
    #[inline(always)]
    fn close(self, mut at: usize, open: &mut Nesting) -> Result<(bool, usize), BodyError> {
        while let Some(innermost) = open.last() {
            let (byte, place) = self.token(at);
            match (byte, innermost) {
                (b',', Bracket::Object) => {
                    let (_, key) = self.token(place + 1);
                    return Ok((true, self.key(key)?.1));
                }
                (b',', Bracket::Array) => return Ok((true, self.token(place + 1).1)),
                (b'}', Bracket::Object) | (b']', Bracket::Array) => open.pop(),
                _ => return Err(self.unexpected(place)),
            }
            at = place + 1;
        }
        Ok((false, at))
    }

    /// Reads the rest of a string, behind its opening quote.
    #[inline(always)]
    fn string(self, mut at: usize) -> Result<usize, BodyError> {
        while let Some(bytes) = self.0.get(at..).and_then(<[u8]>::first_chunk) {
            let Some(plain) = plain_in_word(*bytes) else {
                at += 8;
                continue;
            };
            at += plain;
            match self.byte(at) {
                b'"' => return Ok(at + 1),
                b'\\' => at = self.escape(at + 1)?,
                _ => return Err(self.unexpected(at)),
            }
        }
        self.last_string(at)
    }

    /// Reads the rest of a string near the end of the text.
    #[cold]
    fn last_string(self, mut at: usize) -> Result<usize, BodyError> {
        loop {
            match self.byte(at) {
                b'"' => return Ok(at + 1),
                b'\\' => at = self.escape(at + 1)?,
                0..0x20 => return Err(self.unexpected(at)),
                _ => at += 1,
            }
        }
    }

    fn escape(self, at: usize) -> Result<usize, BodyError> {
        match self.byte(at) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 1),
            b'u' => match (at + 1..at + 5).find(|digit| !self.byte(*digit).is_ascii_hexdigit()) {
                None => Ok(at + 5),
                Some(other) => Err(self.unexpected(other)),
            },
            _ => Err(self.unexpected(at)),
        }
    }

    #[inline(always)]
    fn number(self, at: usize) -> Result<usize, BodyError> {
        let first = at + usize::from(self.byte(at) == b'-');
        let end = if self.byte(first) == b'0' { first + 1 } else { self.digits(first)? };
        match self.byte(end) {
            b'.' | b'e' | b'E' => self.fraction_and_exponent(end),
            _ => Ok(end),
        }
    }

    fn fraction_and_exponent(self, mut at: usize) -> Result<usize, BodyError> {
        if self.byte(at) == b'.' {
            at = self.digits(at + 1)?;
        }
        if let b'e' | b'E' = self.byte(at) {
            at += 1;
            at = self.digits(at + usize::from(matches!(self.byte(at), b'+' | b'-')))?;
        }
        Ok(at)
    }

    /// Reads at least one digit.
    #[inline(always)]
    fn digits(self, start: usize) -> Result<usize, BodyError> {
        let mut at = start;
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        if at > start { Ok(at) } else { Err(self.unexpected(at)) }
    }

    /// Reads `true`, `false` or `null`.
    fn word(self, at: usize) -> Result<usize, BodyError> {
        let word: &[u8] = match self.byte(at) {
            b't' => b"true",
            b'f' => b"false",
            b'n' => b"null",
            _ => return Err(self.unexpected(at)),
        };
        match (at..).zip(word).find(|(place, wanted)| self.byte(*place) != **wanted) {
            None => Ok(at + word.len()),
            Some((other, _)) => Err(self.unexpected(other)),
        }
    }

    /// Returns a byte, or 0 at the end: JSON has none, so that what expects a byte meets an unexpected one.
    #[inline(always)]
    fn byte(self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or(0)
    }

    /// Returns the error for a byte that cannot be here, or for the end.
    #[cold]
    pub(super) fn unexpected(self, at: usize) -> BodyError {
        if at < self.0.len() { BodyError::Syntax { at } } else { BodyError::Truncated }
    }
}
