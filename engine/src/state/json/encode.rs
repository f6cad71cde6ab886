//! From the application's types to JSON and back. A value that would be read back differently is refused.

use std::cell::Cell;
use std::io;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use smallvec::SmallVec;

use super::exact::Exact;
use super::split;
use crate::{Error, ErrorKind, Result};

/// How many containers of a value can be inside each other, and how many names a path has: JSON readers stop at 128.
pub(crate) const MAX_DEPTH: usize = 127;

/// The text of a value while it is written. A short one then shares one allocation with the count of those that hold it.
#[derive(Default)]
struct Text(SmallVec<[u8; 64]>);

impl io::Write for Text {
    #[inline]
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a value that goes `levels` deep into the value of a key.
///
/// Runs the application's `Serialize`: never under a lock.
pub(crate) fn to_json(key: &str, levels: usize, value: &impl Serialize) -> Result<Bytes> {
    let refused = |message: String| Error::new(ErrorKind::Encode, message).of_key(key);
    let mut out = Text::default();
    let is_finite = Cell::new(true);
    let mut serializer = serde_json::Serializer::new(&mut out);
    let written = value.serialize(Exact::new(&mut serializer, &is_finite));
    if !is_finite.get() {
        return Err(refused(format!("the value for {key:?} holds a number that is NaN or infinite")));
    }
    written.map_err(|error| {
        let message = format!("the value for {key:?} cannot be written as JSON");
        Error::new(ErrorKind::Encode, message).with_source(error).of_key(key)
    })?;
    // Every level takes two bytes at least, so short values need no look.
    let room = MAX_DEPTH.saturating_sub(levels);
    if out.0.len() / 2 > room && split::depth(&out.0) > room {
        return Err(refused(format!("the value for {key:?} is nested more than {MAX_DEPTH} levels deep")));
    }
    Ok(Bytes::from_owner(out.0))
}

/// Reads a value.
///
/// Runs the application's `Deserialize`: never under a lock.
pub(crate) fn from_json<T: DeserializeOwned>(key: &str, json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| of_another_type(key, &error))
}

/// Says that a value is of another type than the one asked for.
pub(crate) fn of_another_type(key: &str, error: &serde_json::Error) -> Error {
    // Serde's message quotes the value: only its position is safe to repeat.
    let place = format!("line {} column {}", error.line(), error.column());
    Error::new(ErrorKind::Decode, format!("the value of {key:?} is of another type ({place})")).of_key(key)
}
