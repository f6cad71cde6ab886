//! Finds where the members of a JSON object begin and end, and accepts exactly what `JSON.parse` accepts.
//!
//! One pass, no recursion: an open array or object costs one byte of memory.

use super::BodyError;
use super::plain::plain;
use std::ops::Range;

/// The longest body that is read, in bytes: 64 MiB.
pub const MAX_BYTES: usize = 64 << 20;

/// The byte ranges of a member in its object's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The key, quotes included.
    pub key: Range<usize>,
    /// The value, without surrounding whitespace.
    pub value: Range<usize>,
}

/// Returns the ranges of all members in the order of the text. Duplicate keys are all listed.
///
/// ```
/// let spans = cloakroom_node::body::spans(br#"{"a" : [1,{}]}"#)?;
/// assert_eq!((spans[0].key.clone(), spans[0].value.clone()), (1..4, 7..13));
/// # Ok::<(), cloakroom_node::body::BodyError>(())
/// ```
///
/// # Errors
/// [`BodyError::NotAnObject`] for other JSON, [`BodyError::Truncated`], [`BodyError::Syntax`] (also for what is not
/// UTF-8), [`BodyError::TooLarge`].
pub fn spans(text: &[u8]) -> Result<Vec<Span>, BodyError> {
    spans_of_text(as_text(text)?)
}

/// As [`spans`], where the text is known to be UTF-8.
pub(super) fn spans_of_text(text: &str) -> Result<Vec<Span>, BodyError> {
    let mut scanner = Scanner { text: text.as_bytes(), at: 0, open: Vec::new() };
    scanner.skip_space();
    if scanner.peek()? != b'{' {
        scanner.value()?;
        return scanner.end().and(Err(BodyError::NotAnObject));
    }
    scanner.at += 1;
    let mut spans = Vec::new();
    if scanner.skips_to_close(b'}')? {
        return scanner.end().map(|()| spans);
    }
    loop {
        let key = scanner.key()?;
        scanner.skip_space();
        let start = scanner.at;
        scanner.value()?;
        spans.push(Span { key, value: start..scanner.at });
        scanner.skip_space();
        match scanner.next()? {
            b',' => {}
            b'}' => return scanner.end().map(|()| spans),
            _ => return Err(scanner.unexpected_before()),
        }
    }
}

/// Checks that the text is one JSON value without surrounding whitespace.
pub(super) fn check_value(text: &str) -> Result<(), BodyError> {
    let mut scanner = Scanner { text: text.as_bytes(), at: 0, open: Vec::new() };
    scanner.value()?;
    if scanner.at == text.len() { Ok(()) } else { Err(BodyError::Syntax { at: scanner.at }) }
}

/// Returns the ranges of an array's items, or `None` for another type. The text is one checked JSON value.
pub(super) fn items(text: &str) -> Option<Vec<Range<usize>>> {
    let mut scanner = Scanner { text: text.as_bytes(), at: 1, open: Vec::new() };
    let mut items = Vec::new();
    if !text.starts_with('[') || scanner.skips_to_close(b']').ok()? {
        return text.starts_with('[').then_some(items);
    }
    loop {
        scanner.skip_space();
        let start = scanner.at;
        scanner.value().ok()?;
        items.push(start..scanner.at);
        scanner.skip_space();
        if scanner.next().ok()? != b',' {
            return Some(items);
        }
    }
}

/// Checks length and UTF-8.
pub(super) fn as_text(bytes: &[u8]) -> Result<&str, BodyError> {
    if bytes.len() > MAX_BYTES {
        return Err(BodyError::TooLarge { limit: MAX_BYTES });
    }
    str::from_utf8(bytes).map_err(|error| match error.error_len() {
        None => BodyError::Truncated,
        Some(_) => BodyError::Syntax { at: error.valid_up_to() },
    })
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// `{` or `[` for each that is open, the innermost last.
    open: Vec<u8>,
}

impl Scanner<'_> {
    fn peek(&self) -> Result<u8, BodyError> {
        self.text.get(self.at).copied().ok_or(BodyError::Truncated)
    }

    fn next(&mut self) -> Result<u8, BodyError> {
        let byte = self.peek()?;
        self.at += 1;
        Ok(byte)
    }

    fn unexpected(&self) -> BodyError {
        BodyError::Syntax { at: self.at }
    }

    fn unexpected_before(&self) -> BodyError {
        BodyError::Syntax { at: self.at - 1 }
    }

    fn skip_space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Expects only whitespace up to the end.
    fn end(&mut self) -> Result<(), BodyError> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Skips space, and the closing bracket if it comes next.
    fn skips_to_close(&mut self, close: u8) -> Result<bool, BodyError> {
        self.skip_space();
        let closes = self.peek()? == close;
        self.at += usize::from(closes);
        Ok(closes)
    }

    /// Scans a key and the colon after it, and returns the key's range.
    fn key(&mut self) -> Result<Range<usize>, BodyError> {
        self.skip_space();
        let start = self.at;
        if self.peek()? != b'"' {
            return Err(self.unexpected());
        }
        self.string()?;
        let key = start..self.at;
        self.skip_space();
        if self.next()? != b':' {
            return Err(self.unexpected_before());
        }
        Ok(key)
    }

    /// Scans one value, nested values included.
    fn value(&mut self) -> Result<(), BodyError> {
        loop {
            self.skip_space();
            let opened = self.opens_or_scalar()?;
            if !opened && self.close()? {
                return Ok(());
            }
        }
    }

    /// Skips a scalar or an empty array or object, or enters one with members, up to its first value.
    fn opens_or_scalar(&mut self) -> Result<bool, BodyError> {
        let (bracket, close) = match self.peek()? {
            b'{' => (b'{', b'}'),
            b'[' => (b'[', b']'),
            _ => return self.scalar().map(|()| false),
        };
        self.at += 1;
        if self.skips_to_close(close)? {
            return Ok(false);
        }
        self.open.push(bracket);
        if bracket == b'{' {
            self.key()?;
        }
        Ok(true)
    }

    /// After a value: closes what ends here. Returns whether all is closed; if not, another value follows.
    fn close(&mut self) -> Result<bool, BodyError> {
        while let Some(innermost) = self.open.last() {
            let is_object = *innermost == b'{';
            self.skip_space();
            match self.next()? {
                b',' => {
                    if is_object {
                        self.key()?;
                    }
                    return Ok(false);
                }
                b'}' if is_object => {}
                b']' if !is_object => {}
                _ => return Err(self.unexpected_before()),
            }
            self.open.pop();
        }
        Ok(true)
    }

    fn scalar(&mut self) -> Result<(), BodyError> {
        match self.peek()? {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => Err(self.unexpected()),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), BodyError> {
        for wanted in word {
            if self.next()? != *wanted {
                return Err(self.unexpected_before());
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), BodyError> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let b'+' | b'-' = self.peek()? {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Scans at least one digit.
    fn digits(&mut self) -> Result<(), BodyError> {
        if !self.peek()?.is_ascii_digit() {
            return Err(self.unexpected());
        }
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        Ok(())
    }

    fn string(&mut self) -> Result<(), BodyError> {
        self.at += 1;
        loop {
            self.at += plain(&self.text[self.at..]);
            match self.next()? {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                _ => return Err(self.unexpected_before()),
            }
        }
    }

    fn escape(&mut self) -> Result<(), BodyError> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                for _ in 0..4 {
                    if !self.next()?.is_ascii_hexdigit() {
                        return Err(self.unexpected_before());
                    }
                }
                Ok(())
            }
            _ => Err(self.unexpected_before()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BodyError, MAX_BYTES, spans};
    use proptest::prelude::{any, prop, proptest};

    fn parses(text: &str) -> Result<usize, BodyError> {
        spans(text.as_bytes()).map(|spans| spans.len())
    }

    #[test]
    fn a_text_that_ends_too_early_is_truncated_wherever_it_ends() {
        let whole = r#"{"a":[-1.5e+3,{"b\u00e9":"\\ é"},true,null],"c":{}}"#;
        assert_eq!(parses(whole), Ok(2));
        for end in 0..whole.len() {
            assert_eq!(spans(&whole.as_bytes()[..end]), Err(BodyError::Truncated), "{end}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused_where_it_stops_being_json() {
        for (text, at) in [
            ("{a:1}", 1),
            ("{\"a\":01}", 6),
            ("{\"a\":1,}", 7),
            ("{\"a\":.5}", 5),
            ("{\"a\":+1}", 5),
            ("{\"a\":1.}", 7),
            ("{\"a\":1e}", 7),
            ("{\"a\":tru}", 8),
            ("{\"a\":'b'}", 5),
            ("{\"a\":\"\t\"}", 6),
            ("{\"a\":\"\\x41\"}", 7),
            ("{\"a\":\"\\u12g4\"}", 10),
            ("{\"a\":[1}", 7),
            ("{\"a\":{\"b\":1]", 11),
            ("{\"a\" 1}", 5),
            ("{} {}", 3),
            ("{}\u{a0}", 2),
            ("\u{feff}{}", 0),
            ("{\"a\":NaN}", 5),
        ] {
            assert_eq!(parses(text), Err(BodyError::Syntax { at }), "{text}");
        }
        assert_eq!(spans(b"{\"\xff\":1}"), Err(BodyError::Syntax { at: 2 }));
    }

    #[test]
    fn other_json_is_told_apart_from_what_is_not_json() {
        for text in ["null", "[1]", "\"s\"", "5", " true "] {
            assert_eq!(parses(text), Err(BodyError::NotAnObject), "{text}");
        }
        assert_eq!(parses("[1] 2"), Err(BodyError::Syntax { at: 4 }));
    }

    #[test]
    fn what_other_parsers_stumble_over_passes() {
        let text = r#"{"lone":"\ud83d","neg":-0,"big":9007199254740993,"exp":1e+21,"huge":1e999,"":0,"":1}"#;
        assert_eq!(parses(text), Ok(7));
    }

    #[test]
    fn depth_and_length_cost_neither_stack_nor_patience() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(parses(&deep), Ok(1));
        let long = format!("{{\"a\":\"{}\"}}", "é\\n".repeat(2_500_000));
        assert_eq!(parses(&long), Ok(1));
        assert_eq!(spans(&vec![b' '; MAX_BYTES + 1]), Err(BodyError::TooLarge { limit: MAX_BYTES }));
    }

    proptest! {
        #[test]
        fn what_serde_json_takes_for_an_object_is_one_and_the_other_way_round(
            text in r#"[{}\[\]",:\\ue0-9.+\- \ntrf]{0,24}|\{"a[\\u]?":[\[\]{}0-9eE.+\-",:]{0,12}\}"#
        ) {
            let theirs: Result<serde_json::Value, _> = serde_json::from_str(&text);
            match theirs {
                Ok(value) if value.is_object() => assert!(parses(&text).is_ok()),
                Ok(_) => assert_eq!(parses(&text), Err(BodyError::NotAnObject)),
                // It refuses lone surrogates and numbers that are infinite, which JSON.parse takes.
                Err(error) if error.to_string().contains("surrogate") => {}
                Err(error) if error.to_string().contains("hex escape") => {}
                Err(error) if error.to_string().contains("out of range") => {}
                Err(_) => assert!(parses(&text).is_err(), "{text}"),
            }
        }

        #[test]
        fn any_bytes_are_scanned_without_a_panic(text in prop::collection::vec(any::<u8>(), 0..60)) {
            let _spans = spans(&text);
        }
    }
}
