//! One JSON value as text, and JSON strings.

use super::plain::plain;
use super::scan::{as_text, check_value, items};
use super::{BodyError, Object};
use std::borrow::Cow;
use std::fmt;

/// Holds one JSON value as its original text, checked but not decoded. `Debug` never shows it.
///
/// ```
/// # use cloakroom_node::body::Json;
/// assert_eq!(Json::parse("1e+21")?.as_str(), "1e+21");
/// assert_eq!(Json::string("a \"b\"\n").as_str(), r#""a \"b\"\n""#);
/// assert!(Json::parse("1, 2").is_err());
/// # Ok::<(), cloakroom_node::body::BodyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Json<'a>(Cow<'a, str>);

impl<'a> Json<'a> {
    /// The value `null`.
    pub const NULL: Json<'static> = Json(Cow::Borrowed("null"));

    /// Checks that a text is one JSON value. Surrounding whitespace is removed.
    ///
    /// # Errors
    /// [`BodyError::Truncated`], [`BodyError::Syntax`] and [`BodyError::TooLarge`].
    pub fn parse(text: &'a str) -> Result<Self, BodyError> {
        let trimmed = as_text(text.as_bytes())?.trim_matches([' ', '\t', '\n', '\r']);
        check_value(trimmed)?;
        Ok(Self(Cow::Borrowed(trimmed)))
    }

    /// Wraps a text that was already scanned.
    pub(super) fn scanned(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Wraps a text that was written as JSON.
    pub(super) fn written(text: String) -> Json<'static> {
        Json(Cow::Owned(text))
    }

    /// Writes a string as `JSON.stringify` does.
    pub fn string(text: &str) -> Json<'static> {
        let mut json = String::with_capacity(text.len() + 2);
        push_string(&mut json, text);
        Json(Cow::Owned(json))
    }

    /// Writes a whole number.
    pub fn number(number: i64) -> Json<'static> {
        Json(Cow::Owned(number.to_string()))
    }

    /// Writes `true` or `false`.
    pub fn bool(value: bool) -> Json<'static> {
        Json(Cow::Borrowed(if value { "true" } else { "false" }))
    }

    /// Writes an array.
    pub fn array<'i>(items: impl IntoIterator<Item = &'i Json<'i>>) -> Json<'static> {
        let items: Vec<&str> = items.into_iter().map(Json::as_str).collect();
        Json(Cow::Owned(format!("[{}]", items.join(","))))
    }

    /// Writes an object.
    pub fn object(object: &Object<'_>) -> Json<'static> {
        Json(Cow::Owned(object.to_text().into_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a number as JavaScript reads it, or `None` for another type. A number that is too large is infinite.
    pub fn as_number(&self) -> Option<f64> {
        let is_number = self.0.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if is_number { self.0.parse().ok() } else { None }
    }

    /// Returns a number truncated to whole milliseconds, or `None` for another type.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is out of range is taken as the end of the range"
    )]
    pub fn as_millis(&self) -> Option<i64> {
        // JavaScript's numbers are exact up to 2^53, and most are whole.
        match self.0.parse::<i64>() {
            Ok(whole) if whole.unsigned_abs() <= 1 << 53 => Some(whole),
            _ => self.as_number().map(|number| number as i64),
        }
    }

    /// Returns a string's content, or `None` for another type and for a string with a lone surrogate.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match unescape(self.0.strip_prefix('"')?.strip_suffix('"')?) {
            Text::Unicode(text) => Some(text),
            Text::LoneSurrogates(_) => None,
        }
    }

    /// Returns an array's items, or `None` for another type.
    pub fn as_array(&self) -> Option<Vec<Json<'_>>> {
        Some(items(&self.0)?.into_iter().map(|item| Json::scanned(&self.0[item])).collect())
    }

    /// Returns an object's members, or `None` for another type.
    pub fn as_object(&self) -> Option<Object<'_>> {
        if self.0.starts_with('{') { Object::split(&self.0).ok() } else { None }
    }

    /// Returns whether the value is truthy in JavaScript: all but `false`, `null`, 0 and the empty string.
    pub fn is_truthy(&self) -> bool {
        !matches!(self.as_str(), "false" | "null" | "\"\"") && self.as_number() != Some(0.0)
    }

    /// Copies the value so that it no longer borrows from the text.
    pub fn into_owned(self) -> Json<'static> {
        Json(Cow::Owned(self.0.into_owned()))
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.0.len())
    }
}

/// Appends a string as `JSON.stringify` writes it.
pub(crate) fn push_string(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(plain(rest.as_bytes()));
        json.push_str(plain);
        let Some(letter) = special.bytes().next() else { break };
        push_escaped(json, letter);
        rest = &special[1..];
    }
    json.push('"');
}

/// Appends a quote, a backslash or a control character.
fn push_escaped(json: &mut String, letter: u8) {
    json.push_str(match letter {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        8 => "\\b",
        12 => "\\f",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        control => {
            json.push_str("\\u00");
            json.extend(
                [control >> 4, control & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])),
            );
            return;
        }
    });
}

/// The content of a string literal. Two are equal if they hold the same characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Text<'a> {
    Unicode(Cow<'a, str>),
    /// UTF-8 in which a lone surrogate has three bytes of its own, so that different keys stay different.
    LoneSurrogates(Vec<u8>),
}

impl Text<'_> {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Unicode(text) => text.as_bytes(),
            Self::LoneSurrogates(bytes) => bytes,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Unicode(text) => Some(text),
            Self::LoneSurrogates(_) => None,
        }
    }

    pub(super) fn into_owned(self) -> Text<'static> {
        match self {
            Self::Unicode(text) => Text::Unicode(Cow::Owned(text.into_owned())),
            Self::LoneSurrogates(bytes) => Text::LoneSurrogates(bytes),
        }
    }
}

/// Decodes the inside of a string literal. Borrows if nothing is escaped.
#[inline]
pub(super) fn unescape(inside: &str) -> Text<'_> {
    if plain(inside.as_bytes()) == inside.len() {
        return Text::Unicode(Cow::Borrowed(inside));
    }
    match String::from_utf8(unescaped(inside)) {
        Ok(text) => Text::Unicode(Cow::Owned(text)),
        Err(error) => Text::LoneSurrogates(error.into_bytes()),
    }
}

fn unescaped(inside: &str) -> Vec<u8> {
    let mut content = Vec::with_capacity(inside.len());
    let mut parts = inside.split('\\');
    content.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    // A high surrogate that a low one may follow at once.
    let mut high = None;
    while let Some(part) = parts.next() {
        let escape = part.as_bytes().first().copied().unwrap_or(b'\\');
        let mut rest = part.get(1..).unwrap_or_default();
        let unit = match escape {
            b'u' => {
                let unit = part.get(1..5).and_then(|digits| u16::from_str_radix(digits, 16).ok());
                rest = part.get(5..).unwrap_or_default();
                unit.unwrap_or_default()
            }
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            other => u16::from(other),
        };
        // An escaped backslash leaves an empty part, and what follows it is not an escape.
        if part.is_empty() {
            rest = parts.next().unwrap_or_default();
        }
        push_unit(&mut content, unit, high.take());
        high = (rest.is_empty() && (0xd800..0xdc00).contains(&unit)).then_some(unit);
        content.extend_from_slice(rest.as_bytes());
    }
    content
}

/// Appends one UTF-16 unit. A low surrogate right after a high one replaces the high one's three bytes by the pair.
fn push_unit(content: &mut Vec<u8>, unit: u16, high: Option<u16>) {
    let units = [high.unwrap_or_default(), unit];
    if let (Some(_), Ok(pair)) = (high, String::from_utf16(&units)) {
        content.truncate(content.len() - 3);
        content.extend_from_slice(pair.as_bytes());
        return;
    }
    match char::from_u32(u32::from(unit)) {
        Some(letter) => content.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            let [first, second] = [(unit >> 6) & 0x3f, unit & 0x3f].map(|bits| 0x80 | bits.to_le_bytes()[0]);
            content.extend_from_slice(&[0xed, first, second]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, unescape};
    use proptest::prelude::proptest;

    #[test]
    fn escapes_are_read_as_javascript_reads_them() {
        for (json, text) in [
            (r#""\u00e9\/\b\f\n\r\t\"\\""#, "é/\u{8}\u{c}\n\r\t\"\\"),
            (r#""\\u0041\\""#, "\\u0041\\"),
            (r#""\ud83d\ude00\u0041""#, "😀A"),
            (r#""\\\\n""#, "\\\\n"),
        ] {
            assert_eq!(Json::parse(json).unwrap().as_text().as_deref(), Some(text), "{json}");
        }
    }

    #[test]
    fn lone_surrogates_are_kept_apart_and_are_not_text() {
        for json in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83dx\ude00""#, r#""\ud83d\ud83d""#] {
            assert_eq!(Json::parse(json).unwrap().as_text(), None, "{json}");
        }
        assert!(unescape(r"\ud83d") != unescape(r"\ud83e"));
        assert_eq!(unescape(r"\ud83d\ud83d\ude00").as_bytes(), b"\xed\xa0\xbd\xf0\x9f\x98\x80");
    }

    #[test]
    fn numbers_are_cut_to_milliseconds() {
        for (json, ms) in
            [("3600000", 3_600_000), ("1500.9", 1500), ("-0", 0), ("1e3", 1000), ("1e999", i64::MAX)]
        {
            assert_eq!(Json::parse(json).unwrap().as_millis(), Some(ms), "{json}");
        }
        assert_eq!(Json::NULL.as_millis(), None);
    }

    #[test]
    fn arrays_are_cut_into_items() {
        let items = |json: &str| -> Option<Vec<String>> {
            let json = Json::parse(json).unwrap().into_owned();
            Some(json.as_array()?.iter().map(|item| item.as_str().to_owned()).collect())
        };
        assert_eq!(items(r#"[ 1 , [2,3],"],"]"#).unwrap(), ["1", "[2,3]", "\"],\""]);
        assert_eq!(items("[ ]").unwrap(), [""; 0]);
        assert_eq!(items("{}"), None);
    }

    proptest! {
        #[test]
        fn a_written_string_reads_back_and_is_what_serde_json_writes(text in "\\PC*|[\\x00-\\x7f]*") {
            let json = Json::string(&text);
            assert_eq!(json.as_text().as_deref(), Some(&*text));
            assert_eq!(json.as_str(), serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn escapes_are_read_as_serde_json_reads_them(json in r#""([a-z]|\\["\\/bfnrt]|\\u[0-9a-f]{4}){0,8}""#) {
            if let Ok(expected) = serde_json::from_str::<String>(&json) {
                assert_eq!(Json::parse(&json).unwrap().as_text().as_deref(), Some(&*expected));
            }
        }
    }
}
