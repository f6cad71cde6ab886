//! Finds where the members of a JSON object begin and end.

use super::BodyError;
use super::reader::Reader;
use std::ops::Range;

/// The longest body that is read, in bytes: 64 MiB.
pub const MAX_BYTES: usize = 64 << 20;

/// The byte ranges of a member in its object's text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
    let mut spans = Vec::new();
    each_member(as_text(text)?, |span| spans.push(span))?;
    Ok(spans)
}

/// Calls `each` with the ranges of all members in the order of the text. Fails as [`spans`], after some of the calls.
#[inline]
pub(super) fn each_member(text: &str, mut each: impl FnMut(Span)) -> Result<(), BodyError> {
    let reader = Reader::new(text);
    let (first, at) = reader.token(0);
    if first != b'{' {
        return reader.end(reader.value(at)?).and(Err(BodyError::NotAnObject));
    }
    let (first, mut start) = reader.token(at + 1);
    if first == b'}' {
        return reader.end(start + 1);
    }
    loop {
        let (end, value) = reader.key(start)?;
        let behind = reader.value(value)?;
        each(Span { key: start..end, value: value..behind });
        match reader.token(behind) {
            (b',', comma) => (_, start) = reader.token(comma + 1),
            (b'}', close) => return reader.end(close + 1),
            (_, other) => return Err(reader.unexpected(other)),
        }
    }
}

/// Checks that the text is one JSON value without surrounding whitespace.
pub(super) fn check_value(text: &str) -> Result<(), BodyError> {
    let at = Reader::new(text).value(0)?;
    if at == text.len() { Ok(()) } else { Err(BodyError::Syntax { at }) }
}

/// Returns the ranges of an array's items, or `None` for another type. The text is one checked JSON value.
pub(super) fn items(text: &str) -> Option<Vec<Range<usize>>> {
    let (reader, mut items) = (Reader::new(text), Vec::new());
    if !text.starts_with('[') {
        return None;
    }
    let (mut first, mut at) = reader.token(1);
    while first != b']' {
        let end = reader.value(at).ok()?;
        items.push(at..end);
        (first, at) = reader.token(end);
        if first == b',' {
            (first, at) = reader.token(at + 1);
        }
    }
    Some(items)
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
    fn other_json_is_distinguished_from_what_is_not_json() {
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
