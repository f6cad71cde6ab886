//! `encodeURIComponent` and its inverse.

use memchr::memchr;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;

/// What `encodeURIComponent` encodes: all but letters, digits and `-_.!~*'()`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Encodes like JavaScript's `encodeURIComponent`.
///
/// ```
/// assert_eq!(cloakroom_node::cookie::encode_uri_component("s:a+b/!"), "s%3Aa%2Bb%2F!");
/// ```
pub fn encode_uri_component(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, ENCODED).into()
}

/// Decodes like JavaScript's `decodeURIComponent`. Returns `None` where that throws: for a `%` without two
/// hexadecimal digits, and for bytes that are not UTF-8.
///
/// ```
/// # use cloakroom_node::cookie::decode_uri_component;
/// assert_eq!(decode_uri_component("s%3a%E2%98%95").as_deref(), Some("s:☕"));
/// assert_eq!(decode_uri_component("100%"), None);
/// ```
pub fn decode_uri_component(text: &str) -> Option<Cow<'_, str>> {
    let mut rest = text.as_bytes();
    let Some(first) = memchr(b'%', rest) else { return Some(Cow::Borrowed(text)) };
    let mut decoded = Vec::with_capacity(text.len());
    let mut percent = Some(first);
    while let Some(plain) = percent {
        decoded.extend_from_slice(&rest[..plain]);
        let (digits, after) = rest[plain + 1..].split_at_checked(2)?;
        decoded.push(hex(digits[0])? << 4 | hex(digits[1])?);
        rest = after;
        percent = memchr(b'%', rest);
    }
    decoded.extend_from_slice(rest);
    // A sequence that mixes encoded and plain bytes is never UTF-8: plain text starts with a first byte.
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{decode_uri_component, encode_uri_component};
    use proptest::prelude::proptest;

    #[test]
    fn what_javascript_cannot_decode_is_not_decoded() {
        for text in ["%", "%4", "%zz", "a%", "%ff", "%C3", "%C3é", "%ED%A0%BD", "%C0%AF"] {
            assert_eq!(decode_uri_component(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(text in ".*") {
            let encoded = encode_uri_component(&text);
            assert!(encoded.is_ascii());
            assert_eq!(decode_uri_component(&encoded).as_deref(), Some(&*text));
        }
    }
}
