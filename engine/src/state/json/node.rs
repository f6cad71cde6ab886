//! A JSON value, parsed only along the paths of changes.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::array::Array;
use super::object::Object;
use super::split;
use crate::state::change::Path;

/// A JSON value, parsed only as far as changes have led into it. Clones share what neither side changes.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// Text that no change has led into, perhaps with white space around it.
    Raw(Bytes),
    Array(Arc<Array>),
    Object(Arc<Object>),
}

/// A container that a change leads into.
pub(super) enum Opened<'a> {
    Array(&'a mut Array),
    Object(&'a mut Object),
    /// Neither an array nor an object.
    Leaf,
}

impl Node {
    /// Returns its text, which shares memory with what it was made of if it was not parsed.
    pub(crate) fn text(&self) -> Bytes {
        match self {
            Self::Raw(text) => {
                let trimmed = text.trim_ascii();
                if trimmed.len() == text.len() { text.clone() } else { text.slice_ref(trimmed) }
            }
            Self::Array(_) | Self::Object(_) => self.bytes().into_owned().into(),
        }
    }

    /// Returns its text, without a part in the memory of what it was made of.
    pub(crate) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Raw(text) => Cow::Borrowed(text.trim_ascii()),
            Self::Array(_) | Self::Object(_) => {
                let mut out = Vec::new();
                self.write(&mut out);
                Cow::Owned(out)
            }
        }
    }

    /// Appends its text, with the white space around it.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Raw(text) => {
                #[cfg(test)]
                super::work::add(text.len());
                out.extend_from_slice(text);
            }
            Self::Array(array) => array.write(out),
            Self::Object(object) => object.write(out),
        }
    }

    /// Returns an estimate of how long its text is; for text that was not parsed it is exact.
    pub(crate) fn len_hint(&self) -> usize {
        if let Self::Raw(text) = self { text.len() } else { 256 }
    }

    pub(crate) const fn is_parsed(&self) -> bool {
        !matches!(self, Self::Raw(_))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Raw(text) if text.trim_ascii() == b"null")
    }

    /// Returns whether both are written with the same bytes, but for white space around them.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        #[cfg(test)]
        super::work::add(1);
        match (self, other) {
            (Self::Raw(a), Self::Raw(b)) => a.trim_ascii() == b.trim_ascii(),
            _ => self.text() == other.text(),
        }
    }

    /// Returns the text of the value at `path` below it. Numbers name places in arrays.
    pub(crate) fn find(&self, path: Path<'_>) -> Option<Bytes> {
        let Some((name, rest)) = path.split_first() else { return Some(self.text()) };
        match self {
            Self::Raw(text) => find_in_text(text, path),
            Self::Array(array) => array.get(name)?.find(rest),
            Self::Object(object) => object.get(name)?.find(rest),
        }
    }

    /// Returns the container to change it in place. The text must be valid JSON: see [`is_json`].
    pub(super) fn open(&mut self) -> Opened<'_> {
        if let Self::Raw(text) = self {
            let text = text.slice_ref(text.trim_ascii());
            match text.first() {
                Some(b'[') => *self = Self::Array(Arc::new(Array::of(&text))),
                Some(b'{') => *self = Self::Object(Arc::new(Object::of(&text))),
                _ => {}
            }
        }
        match self {
            Self::Raw(_) => Opened::Leaf,
            Self::Array(array) => Opened::Array(Arc::make_mut(array)),
            Self::Object(object) => Opened::Object(Arc::make_mut(object)),
        }
    }

    /// Returns an object of one member.
    pub(super) fn object_of(name: &str, value: Self) -> Self {
        let mut object = Object::default();
        object.append(name, value);
        Self::Object(Arc::new(object))
    }
}

/// Returns whether `text` is one JSON value. Nesting, however deep, needs no recursion.
pub(crate) fn is_json(text: &[u8]) -> bool {
    #[cfg(test)]
    super::work::add(text.len());
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Finds a value in text that may be anything; in text that is not JSON it finds nothing.
fn find_in_text(text: &Bytes, path: Path<'_>) -> Option<Bytes> {
    #[cfg(test)]
    super::work::add(text.len());
    serde_json::from_slice::<&RawValue>(text).ok()?;
    let mut text = text.slice_ref(text.trim_ascii());
    let mut path = path;
    while let Some((name, rest)) = path.split_first() {
        let child = match text.first()? {
            b'[' => {
                let place = name.parse::<usize>().ok()?;
                text.slice(split::parts(&text).into_iter().nth(place)?)
            }
            b'{' => Object::find_in_text(&text, name)?,
            _ => return None,
        };
        text = child.slice_ref(child.trim_ascii());
        path = rest;
    }
    Some(text)
}
