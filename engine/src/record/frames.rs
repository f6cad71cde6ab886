//! The values of a session: frames that are found and copied without being parsed.

use std::ops::Range;

use bytes::Bytes;

use super::{Header, take};

/// The values of a session, in the order in which they were first inserted.
///
/// | size | field of each frame |
/// |---|---|
/// | 1 | tag: 0 a value, 1 a flash value, 2 the name of the user's device, 3 a member of a foreign format |
/// | varint | length of the key |
/// | … | key, UTF-8 |
/// | varint | flash values only: number of the commit that they were born under |
/// | varint | length of the value |
/// | … | value, JSON (tag 2: UTF-8 text) |
///
/// Lengths were checked once, when the record was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames {
    bytes: Bytes,
    /// Whether one of them is a flash value, if that is known.
    flash: Option<bool>,
}

/// What kind of frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Value,
    Flash {
        born: u64,
    },
    Device,
    /// What another package keeps beside the values, like the `cookie` object of express-session: carried along, and seen
    /// by no handler. Only in memory: a store of another package's layout makes it when it reads a body.
    Member,
}

impl Tag {
    /// Returns whether handlers see it under its key.
    pub(crate) const fn is_value(self) -> bool {
        matches!(self, Self::Value | Self::Flash { .. })
    }
}

/// One frame of a payload, and where it stands.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) tag: Tag,
    pub(crate) key: &'a [u8],
    pub(crate) value: Range<usize>,
    pub(crate) whole: Range<usize>,
}

impl Frames {
    /// Walks all frames once; `None` if a length leads outside or a tag is unknown.
    pub(super) fn check(bytes: Bytes) -> Option<Self> {
        let (mut rest, mut flash) = (&bytes[..], false);
        while !rest.is_empty() {
            flash |= matches!(take_frame(&mut rest)?.0, Tag::Flash { .. });
        }
        Some(Self { bytes, flash: Some(flash) })
    }

    /// Returns the frames of a payload that may be cut short; a walk ends before the frame that is not whole.
    pub(super) fn beginning(bytes: Bytes) -> Self {
        Self { bytes, flash: None }
    }

    /// Returns a member of another package's format, and nothing else.
    pub(crate) fn of_member(name: &str, value: &str) -> Self {
        let mut bytes = Vec::with_capacity(name.len() + value.len() + 8);
        write_frame(&mut bytes, Tag::Member, name, value.as_bytes());
        Self { bytes: bytes.into(), flash: Some(false) }
    }

    /// Returns the frames of a payload that this process has just written with `header`.
    pub(crate) fn of(payload: &Bytes, header: &Header) -> Self {
        Self { bytes: payload.slice(2 + header.encoded_len()..), flash: None }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Frame<'_>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let frame = if at < self.bytes.len() { read_frame(&self.bytes, at) } else { None };
            if let Some(frame) = &frame {
                at = frame.whole.end;
            }
            frame
        })
    }

    /// Returns the frame of the value or flash value `key`.
    pub(crate) fn find(&self, key: &str) -> Option<Frame<'_>> {
        let mut rest = &self.bytes[..];
        while !rest.is_empty() {
            let frame = next_frame(&self.bytes, &mut rest)?;
            if frame.key == key.as_bytes() && frame.tag.is_value() {
                return Some(frame);
            }
        }
        None
    }

    /// Returns the frame that begins at `place`.
    pub(crate) fn at(&self, place: usize) -> Option<Frame<'_>> {
        read_frame(&self.bytes, place)
    }

    /// Returns the key of the frame that begins at `place`.
    pub(crate) fn key_at(&self, place: usize) -> &[u8] {
        self.at(place).map_or(b"", |frame| frame.key)
    }

    /// Returns a slice of the frames that shares their memory.
    pub(crate) fn share(&self, range: Range<usize>) -> Bytes {
        self.bytes.slice(range)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns whether one of them is a flash value.
    pub(crate) fn has_flash(&self) -> bool {
        let is_flash = |frame: Frame<'_>| matches!(frame.tag, Tag::Flash { .. });
        self.flash.unwrap_or_else(|| self.iter().any(is_flash))
    }
}

fn read_frame(bytes: &[u8], start: usize) -> Option<Frame<'_>> {
    next_frame(bytes, &mut bytes.get(start..)?)
}

/// Takes a frame off the front of what is left of `bytes`.
#[expect(clippy::inline_always, reason = "as of `take_frame`")]
#[inline(always)]
fn next_frame<'a>(bytes: &[u8], rest: &mut &'a [u8]) -> Option<Frame<'a>> {
    let start = bytes.len() - rest.len();
    let (tag, key, value) = take_frame(rest)?;
    let end = bytes.len() - rest.len();
    Some(Frame { tag, key, value: end - value.len()..end, whole: start..end })
}

/// Takes a frame off the front: its tag, its key and its value.
#[expect(
    clippy::inline_always,
    reason = "every request walks its frames; a call would cost more than a frame"
)]
#[inline(always)]
fn take_frame<'a>(rest: &mut &'a [u8]) -> Option<(Tag, &'a [u8], &'a [u8])> {
    let [tag] = take(rest)?;
    let key = take_slice(rest)?;
    let tag = match tag {
        0 => Tag::Value,
        1 => Tag::Flash { born: take_varint(rest)? },
        2 => Tag::Device,
        3 => Tag::Member,
        _ => return None,
    };
    Some((tag, key, take_slice(rest)?))
}

#[inline]
fn take_slice<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_varint(rest)?).ok()?;
    let (slice, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(slice)
}

/// Nearly every length is below 128 and one byte long.
#[inline]
fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    match **rest {
        [byte, ref behind @ ..] if byte < 0x80 => {
            *rest = behind;
            Some(byte.into())
        }
        _ => take_long_varint(rest),
    }
}

#[cold]
fn take_long_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = take(rest)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Appends one frame.
pub(crate) fn write_frame(out: &mut Vec<u8>, tag: Tag, key: &str, value: &[u8]) {
    out.push(match tag {
        Tag::Value => 0,
        Tag::Flash { .. } => 1,
        Tag::Device => 2,
        Tag::Member => 3,
    });
    write_varint(out, key.len() as u64);
    out.extend_from_slice(key.as_bytes());
    if let Tag::Flash { born } = tag {
        write_varint(out, born);
    }
    write_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn write_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        #[expect(clippy::cast_possible_truncation, reason = "seven bits are taken")]
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "less than 0x80")]
    out.push(number as u8);
}
