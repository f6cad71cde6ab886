//! Changes inside a JSON value that leave every other byte of it as it was.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{Error, ErrorKind, Result};

/// The members of a JSON object, in order, unparsed.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<Name<'de>, _>()? {
                    members.push((member.0.0, member.1));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// How deep a path may lead: what is made there can still be read whole, as JSON readers stop at 128 levels. A path may come
/// from a client, and an edit goes down it by recursion.
const DEEPEST: usize = 127;

/// Makes of the value at a path another one, or none.
type Change<'a> = dyn FnMut(Option<&[u8]>) -> Result<Option<Vec<u8>>> + 'a;

/// A member's name, borrowed unless it holds an escape.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The value at `path` below `json`, or `None` if there is none. Numbers name places in arrays.
pub(super) fn find<'a>(json: &'a [u8], path: &[Box<str>]) -> Option<&'a [u8]> {
    path.iter().try_fold(json, |json, name| child(json, name))
}

fn child<'a>(json: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let child = match json.first()? {
        b'{' => {
            let Object(members) = serde_json::from_slice(json).ok()?;
            members.into_iter().rev().find(|(other, _)| **other == *name)?.1
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_slice(json).ok()?;
            *items.get(name.parse::<usize>().ok()?)?
        }
        _ => return None,
    };
    Some(child.get().as_bytes())
}

/// Replaces the value at `path` by what `change` makes of it (`None`: removes it); parents that are missing are made.
pub(super) fn edit(
    json: Option<&[u8]>,
    path: &[Box<str>],
    change: &mut Change<'_>,
) -> Result<Option<Vec<u8>>> {
    let Some((first, rest)) = path.split_first() else { return change(json) };
    if path.len() > DEEPEST {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("a path has {DEEPEST} names at most after its key"),
        ));
    }
    let json = json.filter(|json| *json != b"null");
    match json.map_or(b'{', |json| json.first().copied().unwrap_or(b'{')) {
        b'{' => edit_member(json, first, rest, change).map(Some),
        b'[' => edit_item(json.unwrap_or(b"[]"), first, rest, change).map(Some),
        _ => Err(Error::new(ErrorKind::Mismatch, format!("{first:?} is asked of a value that is no object"))),
    }
}

fn edit_member(
    json: Option<&[u8]>,
    name: &str,
    rest: &[Box<str>],
    change: &mut Change<'_>,
) -> Result<Vec<u8>> {
    let Object(members) = json.map_or(Ok(Object(Vec::new())), serde_json::from_slice).map_err(not_json)?;
    let place = members.iter().rposition(|(other, _)| other == name);
    let old = place.map(|place| members[place].1.get().as_bytes());
    let new = edit(old, rest, change)?;
    let mut out = vec![b'{'];
    let mut put = |name: &str, value: &[u8]| -> Result<()> {
        if out.len() > 1 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, name).map_err(not_json)?;
        out.push(b':');
        out.extend_from_slice(value);
        Ok(())
    };
    for (at, (other, value)) in members.iter().enumerate() {
        match (&new, Some(at) == place) {
            (Some(new), true) => put(other, new)?,
            (None, true) => {}
            (_, false) => put(other, value.get().as_bytes())?,
        }
    }
    if let (Some(new), None) = (&new, place) {
        put(name, new)?;
    }
    out.push(b'}');
    Ok(out)
}

fn edit_item(json: &[u8], name: &str, rest: &[Box<str>], change: &mut Change<'_>) -> Result<Vec<u8>> {
    let items: Vec<&RawValue> = serde_json::from_slice(json).map_err(not_json)?;
    let place = name.parse::<usize>().ok().filter(|place| *place < items.len()).ok_or_else(|| {
        Error::new(ErrorKind::Mismatch, format!("{name:?} is no place in a list of {}", items.len()))
    })?;
    let new = edit(Some(items[place].get().as_bytes()), rest, change)?;
    let kept = items.iter().enumerate().filter_map(|(at, item)| match (&new, at == place) {
        (new, true) => new.as_deref(),
        (_, false) => Some(item.get().as_bytes()),
    });
    let mut out = vec![b'['];
    for item in kept {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(item);
    }
    out.push(b']');
    Ok(out)
}

/// Appends `item` to the list `json` (a missing one is empty) and says how long it is now.
pub(super) fn push(json: Option<&[u8]>, item: &[u8]) -> Result<(Vec<u8>, usize)> {
    let json = json.filter(|json| *json != b"null").unwrap_or(b"[]");
    let items: Vec<&RawValue> = serde_json::from_slice(json)
        .map_err(|_| Error::new(ErrorKind::Mismatch, "what is pushed onto is no list"))?;
    let mut out = Vec::with_capacity(json.len() + item.len() + 1);
    out.extend_from_slice(json.trim_ascii_end());
    out.pop();
    if !items.is_empty() {
        out.push(b',');
    }
    out.extend_from_slice(item);
    out.push(b']');
    Ok((out, items.len() + 1))
}

/// Adds `by` to the whole number `json` (a missing one is 0).
pub(super) fn increment(json: Option<&[u8]>, by: i64) -> Result<(Vec<u8>, i64)> {
    let now = match json.filter(|json| *json != b"null") {
        None => 0,
        Some(json) => std::str::from_utf8(json)
            .ok()
            .and_then(|text| text.parse::<i64>().ok())
            .ok_or_else(|| Error::new(ErrorKind::Mismatch, "what is incremented is no whole number"))?,
    };
    let sum = now
        .checked_add(by)
        .ok_or_else(|| Error::new(ErrorKind::Mismatch, "the counter would leave the range of an i64"))?;
    Ok((itoa::Buffer::new().format(sum).as_bytes().to_vec(), sum))
}

fn not_json(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Decode, "a stored value is not JSON").with_source(error)
}

#[cfg(test)]
#[path = "json_properties.rs"]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<Box<str>> {
        text.split('.').map(Into::into).collect()
    }

    fn set(json: Option<&str>, at: &str, value: &str) -> Result<String> {
        let new = edit(json.map(str::as_bytes), &path(at), &mut |_| Ok(Some(value.into())))?;
        Ok(String::from_utf8(new.unwrap()).unwrap())
    }

    #[test]
    fn an_edit_leaves_every_other_byte_as_it_was() {
        let json = r#"{"z":1e+21,"a":{"b":-0,"é":"\ud83d"},"n":9007199254740993}"#;
        assert_eq!(
            set(Some(json), "a.b", "2").unwrap(),
            r#"{"z":1e+21,"a":{"b":2,"é":"\ud83d"},"n":9007199254740993}"#
        );
    }

    #[test]
    fn missing_parents_are_made() {
        assert_eq!(set(None, "a.b.c", "1").unwrap(), r#"{"a":{"b":{"c":1}}}"#);
        assert_eq!(set(Some("{\"x\":null}"), "x.y", "1").unwrap(), r#"{"x":{"y":1}}"#);
    }

    #[test]
    fn a_parent_that_is_no_object_is_a_mismatch_and_nothing_is_lost() {
        assert_eq!(set(Some("3"), "a", "1").unwrap_err().kind(), ErrorKind::Mismatch);
        assert_eq!(set(Some("[1]"), "1", "2").unwrap_err().kind(), ErrorKind::Mismatch);
        assert_eq!(set(Some("[1,2]"), "1", "7").unwrap(), "[1,7]");
    }

    #[test]
    fn deep_json_is_walked_without_recursion_into_it() {
        let deep = format!("{{\"a\":{}{},\"b\":1}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(find(deep.as_bytes(), &path("b")), Some(&b"1"[..]));
    }

    #[test]
    fn a_path_that_is_too_deep_is_refused_and_one_that_is_not_can_be_read_whole() {
        let deep = |names: usize| vec!["a"; names].join(".");
        let made = set(None, &deep(DEEPEST), "1").unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&made).is_ok());
        for names in [DEEPEST + 1, 100_000] {
            assert_eq!(set(None, &deep(names), "1").unwrap_err().kind(), ErrorKind::Invalid);
            assert_eq!(find(made.as_bytes(), &path(&deep(names))), None);
        }
    }

    #[test]
    fn pushing_makes_a_list_and_refuses_what_is_none() {
        assert_eq!(push(None, b"1").unwrap(), (b"[1]".to_vec(), 1));
        assert_eq!(push(Some(b"[ 1 ]"), b"2").unwrap(), (b"[ 1 ,2]".to_vec(), 2));
        assert_eq!(push(Some(b"{}"), b"2").unwrap_err().kind(), ErrorKind::Mismatch);
    }

    #[test]
    fn counting_stops_at_the_end_of_the_range() {
        assert_eq!(increment(None, 3).unwrap().1, 3);
        assert_eq!(increment(Some(b"-5"), 3).unwrap().1, -2);
        for wrong in ["1.5", "\"1\"", "9223372036854775807", "[]"] {
            assert_eq!(
                increment(Some(wrong.as_bytes()), 1).unwrap_err().kind(),
                ErrorKind::Mismatch,
                "{wrong}"
            );
        }
    }
}
