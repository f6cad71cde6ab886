//! From JSON to a document. Whatever would come back as another value is refused.

use std::collections::HashMap;
use std::fmt;

use cloakroom_store::{Error, ErrorKind, Result};
use mongodb::bson::{Bson, DateTime, Document};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::read::{text_of, text_of_foreign};

/// The server takes no document of more levels than about 180, and each level here is gone through once for each above it.
const MOST_LEVELS: u32 = 100;
/// The integers that a double has all of are doubles, as MongoDB's client for Node writes them.
const LARGEST_DOUBLE: u64 = 1 << 53;

/// Makes a document of a session's text.
pub(super) fn session(text: &str, before: Option<&Bson>) -> Result<Bson> {
    if !text.trim_start().starts_with('{') {
        return Err(invalid("a session is not an object"));
    }
    let session = value(text, before, Level { depth: 0, is_cookie: false })?;
    if let Some(before) = before {
        check_foreign(before, &session)?;
    }
    Ok(session)
}

/// Where a value is.
#[derive(Clone, Copy)]
struct Level {
    depth: u32,
    is_cookie: bool,
}

fn value(text: &str, before: Option<&Bson>, level: Level) -> Result<Bson> {
    let text = text.trim_ascii();
    if let Some(before) = before
        && text_of(before).is_ok_and(|old| old == text)
    {
        return Ok(before.clone());
    }
    if level.depth > MOST_LEVELS {
        return Err(invalid("a session has more than 100 levels"));
    }
    match text.as_bytes().first() {
        Some(b'{') => object(text, before.and_then(Bson::as_document), level),
        Some(b'[') => list(text, before.and_then(Bson::as_array), level),
        Some(b'"') => parsed(text).map(Bson::String),
        Some(b't' | b'f') => parsed(text).map(Bson::Boolean),
        Some(b'n') => parsed(text).map(|()| Bson::Null),
        _ => number(text),
    }
}

fn object(text: &str, before: Option<&Document>, level: Level) -> Result<Bson> {
    let Members(members) = parsed(text)?;
    let mut made = Document::new();
    for (key, raw) in members {
        let before = before.and_then(|before| before.get(&key));
        let is_cookie = level.depth == 0 && key == "cookie";
        let mut new = value(raw.get(), before, Level { depth: level.depth + 1, is_cookie })?;
        // connect-mongo has a date here.
        if level.is_cookie && key == "expires" {
            new = dated(new);
        }
        if key.contains('\0') {
            return Err(invalid("a key has a zero byte, which a document cannot have"));
        }
        if made.insert(key, new).is_some() {
            return Err(invalid("a key is there twice, which a document cannot have"));
        }
    }
    Ok(Bson::Document(made))
}

/// An item that is not as its predecessor at the same place may have come from another place.
fn list(text: &str, before: Option<&Vec<Bson>>, level: Level) -> Result<Bson> {
    let items: Vec<&RawValue> = parsed(text)?;
    let before = before.map_or(&[][..], Vec::as_slice);
    let texts = before.iter().map(text_of).collect::<Result<Vec<_>>>()?;
    let places: HashMap<&str, usize> = texts.iter().enumerate().map(|(at, text)| (&**text, at)).collect();
    let level = Level { depth: level.depth + 1, is_cookie: false };
    let made = items.iter().enumerate().map(|(at, raw)| {
        let at = if texts.get(at).is_some_and(|text| text == raw.get()) {
            at
        } else {
            places.get(raw.get()).copied().unwrap_or(at)
        };
        value(raw.get(), before.get(at), level)
    });
    made.collect::<Result<Vec<_>>>().map(Bson::Array)
}

fn number(text: &str) -> Result<Bson> {
    let not_exact = || invalid("a session has a number that MongoDB cannot keep exactly");
    if text.contains(['.', 'e', 'E']) || text == "-0" {
        let number: f64 = text.parse().map_err(|_| no_json())?;
        return if number.is_finite() { Ok(Bson::Double(number)) } else { Err(not_exact()) };
    }
    let integer: i64 = match text.parse() {
        Ok(integer) => integer,
        Err(_) if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
            return Err(not_exact());
        }
        Err(_) => return Err(no_json()),
    };
    Ok(match i32::try_from(integer) {
        Ok(small) => Bson::Int32(small),
        #[expect(clippy::cast_precision_loss, reason = "a double has all of them")]
        Err(_) if integer.unsigned_abs() <= LARGEST_DOUBLE => Bson::Double(integer as f64),
        Err(_) => Bson::Int64(integer),
    })
}

/// Makes a date of a text that is one as JavaScript writes it.
fn dated(value: Bson) -> Bson {
    let Bson::String(text) = &value else { return value };
    match DateTime::parse_rfc3339_str(text) {
        Ok(date) if text_of_foreign(&Bson::DateTime(date)).as_ref() == Some(text) => Bson::DateTime(date),
        _ => value,
    }
}

/// Fails if a date or an object id has become the string that stands for it: it was moved and changed at once.
fn check_foreign(before: &Bson, after: &Bson) -> Result<()> {
    let (mut old, mut new) = (Counts::new(), Counts::new());
    count(before, &mut old);
    count(after, &mut new);
    let none = Count::default();
    let is_lost = old.iter().any(|(text, old)| {
        let new = new.get(text).unwrap_or(&none);
        new.foreign < old.foreign && new.strings > old.strings
    });
    if is_lost {
        return Err(invalid("a date or an object id of Node's was moved, and what it is in was changed"));
    }
    Ok(())
}

type Counts = HashMap<String, Count>;

/// How often a text is there.
#[derive(Default)]
struct Count {
    /// As a date or an object id.
    foreign: usize,
    strings: usize,
}

fn count(value: &Bson, counts: &mut Counts) {
    match value {
        Bson::Document(members) => members.iter().for_each(|(_, value)| count(value, counts)),
        Bson::Array(items) => items.iter().for_each(|item| count(item, counts)),
        Bson::String(text) => counts.entry(text.clone()).or_default().strings += 1,
        other => {
            if let Some(text) = text_of_foreign(other) {
                counts.entry(text).or_default().foreign += 1;
            }
        }
    }
}

/// The members of an object in their order, with the text of each value.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            members.push((key, map.next_value()?));
        }
        Ok(Members(members))
    }
}

/// Reads JSON. Its own error would quote the text.
fn parsed<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| no_json())
}

fn no_json() -> Error {
    invalid("a session is not JSON, or has a text that is not Unicode, which a document cannot have")
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, message)
}
