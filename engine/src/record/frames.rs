//! The values of a session: frames that are found and copied without being parsed.

use std::ops::Range;

use bytes::Bytes;

use super::Header;

/// The values of a session, in the order in which they were first inserted.
///
/// | size | field of each frame |
/// |---|---|
/// | 1 | tag: 0 a value, 1 a flash value, 2 the name of the user's device |
/// | varint | length of the key |
/// | … | key, UTF-8 |
/// | varint | flash values only: number of the commit that they were born under |
/// | varint | length of the value |
/// | … | value, JSON (tag 2: UTF-8 text) |
///
/// Lengths were checked once, when the record was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames(Bytes);

/// What kind of frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Value,
    Flash { born: u64 },
    Device,
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
        let mut at = 0;
        while at < bytes.len() {
            at = read_frame(&bytes, at)?.whole.end;
        }
        Some(Self(bytes))
    }

    /// The frames of a payload that this process has just written with `header`.
    pub(crate) fn of(payload: &Bytes, header: &Header) -> Self {
        Self(payload.slice(2 + header.encoded_len()..))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Frame<'_>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let frame = if at < self.0.len() { read_frame(&self.0, at) } else { None };
            if let Some(frame) = &frame {
                at = frame.whole.end;
            }
            frame
        })
    }

    /// The frame of the value or flash value `key`.
    pub(crate) fn find(&self, key: &str) -> Option<Frame<'_>> {
        self.iter().find(|frame| frame.key == key.as_bytes() && frame.tag != Tag::Device)
    }

    /// A slice of the frames that shares their memory.
    pub(crate) fn share(&self, range: Range<usize>) -> Bytes {
        self.0.slice(range)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[inline]
fn read_frame(bytes: &[u8], start: usize) -> Option<Frame<'_>> {
    let mut at = start;
    let tag = *bytes.get(at)?;
    at += 1;
    let key = read_slice(bytes, &mut at)?;
    let tag = match tag {
        0 => Tag::Value,
        1 => Tag::Flash { born: read_varint(bytes, &mut at)? },
        2 => Tag::Device,
        _ => return None,
    };
    let value = read_slice(bytes, &mut at)?;
    Some(Frame { tag, key: &bytes[key], value, whole: start..at })
}

#[inline]
fn read_slice(bytes: &[u8], at: &mut usize) -> Option<Range<usize>> {
    let length = usize::try_from(read_varint(bytes, at)?).ok()?;
    let start = *at;
    let end = start.checked_add(length).filter(|end| *end <= bytes.len())?;
    *at = end;
    Some(start..end)
}

/// Nearly every length is below 128 and one byte long.
#[inline]
fn read_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let byte = *bytes.get(*at)?;
    if byte < 0x80 {
        *at += 1;
        return Some(u64::from(byte));
    }
    read_long_varint(bytes, at)
}

#[cold]
fn read_long_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
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
