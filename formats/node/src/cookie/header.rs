//! Finds a cookie in `Cookie` headers, like each of the three parsers that the packages use. Node decodes a header as
//! Latin-1 and joins several headers by `; `, so the first cookie of a name counts, in whichever header it is.

use super::uri::decode_uri_component;
use memchr::memchr;
use std::borrow::Cow;

/// Returns the value of a cookie as the npm package `cookie` (0.4 and later) reads it: express-session, Fastify. The
/// first cookie of a name counts. Surrounding spaces and tabs and one pair of quotes are removed. A value that does
/// not percent-decode stays as it is.
///
/// ```
/// # use cloakroom_node::cookie::get;
/// let headers: [&[u8]; 2] = [b"a=1; sid = \"s%3Ax\"", b"sid=second"];
/// assert_eq!(get(headers, "sid").as_deref(), Some("s:x"));
/// ```
pub fn get<'h>(headers: impl IntoIterator<Item = &'h [u8]>, name: &str) -> Option<String> {
    let value = find(headers, |pair| {
        let (key, value) = split_at_equals(pair)?;
        (trim(key, is_blank) == name.as_bytes()).then(|| trim(value, is_blank))
    })?;
    let unquoted = match value {
        [b'"', inside @ .., b'"'] => inside,
        // A single quote is both the first and the last.
        [b'"'] => &[],
        plain => plain,
    };
    Some(decoded(unquoted))
}

/// Returns the value of a cookie as the package `cookie` 0.1.5 reads it: node-session. It trims all JavaScript
/// whitespace, and if the value starts with a quote it removes the first and the last character.
pub(super) fn get_by_0_1<'h>(headers: impl IntoIterator<Item = &'h [u8]>, name: &str) -> Option<String> {
    let value = find(headers, |pair| {
        let (key, value) = split_at_equals(pair)?;
        (trim(key, is_space) == name.as_bytes()).then(|| trim(value, is_space))
    })?;
    Some(decoded(without_quotes(value)))
}

/// Returns the value of a cookie as the package `cookies` reads it: Koa.
///
/// Only spaces before the name are skipped, and nothing is decoded.
pub(super) fn get_by_cookies<'h>(headers: impl IntoIterator<Item = &'h [u8]>, name: &str) -> Option<String> {
    let value = find(headers, |pair| {
        let start = pair.iter().position(|byte| *byte != b' ')?;
        pair[start..].strip_prefix(name.as_bytes())?.strip_prefix(b"=")
    })?;
    Some(latin1(without_quotes(value)).into_owned())
}

/// Removes the first and the last character of a value that starts with a quote.
fn without_quotes(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inside @ .., _] => inside,
        [b'"'] => &[],
        plain => plain,
    }
}

/// Returns the first value that `value_of` finds in one of the pairs.
fn find<'h>(
    headers: impl IntoIterator<Item = &'h [u8]>,
    value_of: impl Fn(&'h [u8]) -> Option<&'h [u8]>,
) -> Option<&'h [u8]> {
    for mut rest in headers {
        while let Some(end) = memchr(b';', rest) {
            if let Some(value) = value_of(&rest[..end]) {
                return Some(value);
            }
            rest = &rest[end + 1..];
        }
        if let Some(value) = value_of(rest) {
            return Some(value);
        }
    }
    None
}

fn split_at_equals(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = memchr(b'=', pair)?;
    Some((&pair[..equals], &pair[equals + 1..]))
}

fn decoded(value: &[u8]) -> String {
    let text = latin1(value);
    match decode_uri_component(&text) {
        Some(Cow::Owned(decoded)) => decoded,
        _ => text.into_owned(),
    }
}

fn latin1(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(ascii) if bytes.is_ascii() => Cow::Borrowed(ascii),
        _ => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

fn trim(bytes: &[u8], blank: fn(u8) -> bool) -> &[u8] {
    let start = bytes.iter().position(|byte| !blank(*byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !blank(*byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Returns whether JavaScript's `trim` removes this Latin-1 character.
fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ' | 0xa0)
}

#[cfg(test)]
mod tests {
    use super::{get, get_by_0_1, get_by_cookies};
    use proptest::prelude::{any, prop, proptest};

    fn one(header: &str, name: &str) -> Option<String> {
        get([header.as_bytes()], name)
    }

    #[test]
    fn the_first_cookie_of_a_name_decides() {
        assert_eq!(one("a=1; b=2; a=3", "a").as_deref(), Some("1"));
        assert_eq!(get([&b"b=1"[..], b"a=2", b"a=3"], "a").as_deref(), Some("2"));
        assert_eq!(one("a=; a=3", "a").as_deref(), Some(""));
    }

    #[test]
    fn names_are_compared_with_regard_to_case() {
        assert_eq!(one("A=1", "a"), None);
    }

    #[test]
    fn a_pair_without_an_equals_sign_is_passed_over() {
        assert_eq!(one("a; junk; a=1;;", "a").as_deref(), Some("1"));
    }

    #[test]
    fn a_value_that_does_not_decode_stays_as_it_is() {
        assert_eq!(one("a=%zz%3A", "a").as_deref(), Some("%zz%3A"));
    }

    #[test]
    fn quotes_are_taken_off_by_each_parser_in_its_own_way() {
        assert_eq!(one("a=\"x\"", "a").as_deref(), Some("x"));
        assert_eq!(one("a=\"x", "a").as_deref(), Some("\"x"));
        assert_eq!(one("a=\"", "a").as_deref(), Some(""));
        assert_eq!(get_by_0_1([&b"a=\"xy"[..]], "a").as_deref(), Some("x"));
        assert_eq!(get_by_cookies([&b"a=\"xy"[..]], "a").as_deref(), Some("x"));
    }

    #[test]
    fn koa_trims_only_spaces_before_the_name_and_decodes_nothing() {
        assert_eq!(get_by_cookies([&b"b=1;  a=%41 "[..]], "a").as_deref(), Some("%41 "));
        assert_eq!(get_by_cookies([&b"b=1;\ta=2"[..]], "a"), None);
        assert_eq!(get_by_cookies([&b"a =2"[..]], "a"), None);
    }

    #[test]
    fn bytes_are_taken_for_latin1_as_node_does() {
        assert_eq!(get([&b"a=\xe9"[..]], "a").as_deref(), Some("é"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(header in prop::collection::vec(any::<u8>(), 0..60)) {
            let all = [&*header];
            let _found = (get(all, "a"), get_by_0_1(all, "a"), get_by_cookies(all, "a"));
        }
    }
}
