//! The payload of a record, byte by byte: the only place that knows our own format.
//!
//! All numbers are little endian; `varint` is unsigned LEB128. `docs/wire.md` describes the same bytes in words.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 1 | format version: [`FORMAT`]; [`FORMAT_WITH_OWN`] of a session with options of its own |
//! | 1 | 1 | kind: 1 a session, 2 an id that was renewed, 3 an id that a log-in replaced |
//! | 2 | … | a [`Header`] and [`Frames`] (kind 1) or a [`Redirect`] (kinds 2 and 3) |

mod frames;
mod header;
mod own;
mod redirect;

use bytes::Bytes;
use cloakroom_store::{Record, Timestamp};

pub(crate) use frames::{Frame, Frames, Tag, write_frame};
pub(crate) use header::Header;
pub(crate) use own::{CookieEnd, OwnOptions};
pub(crate) use redirect::Redirect;

/// The version byte of what this release writes.
pub(crate) const FORMAT: u8 = 1;

/// The version byte of a session with options of its own, which releases before it do not know: they leave the record
/// alone.
pub(crate) const FORMAT_WITH_OWN: u8 = 2;

pub(crate) const SESSION: u8 = 1;
const RENEWED: u8 = 2;
const REPLACED: u8 = 3;

/// The content of a record's payload.
#[derive(Debug)]
pub(crate) enum Payload {
    /// A session.
    Session(Header, Frames),
    /// A redirect under an old id: where the session went, unless a log-in replaced it.
    Redirect(Redirect),
}

/// Why a payload cannot be read. Its bytes stay where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Written by a newer release, or by something else.
    Format,
    /// Cut short, or lengths that lead outside.
    Damaged,
}

impl Payload {
    #[inline]
    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, Unreadable> {
        let [format, kind, ..] = bytes[..] else { return Err(Unreadable::Damaged) };
        match (format, kind) {
            (FORMAT | FORMAT_WITH_OWN, SESSION) => {
                let (header, length) = Header::decode(&bytes[2..]).ok_or(Unreadable::Damaged)?;
                let frames = Frames::check(bytes.slice(2 + length..)).ok_or(Unreadable::Damaged)?;
                Ok(Self::Session(header, frames))
            }
            (FORMAT, RENEWED | REPLACED) => {
                Redirect::decode(kind == RENEWED, &bytes[2..]).map(Self::Redirect).ok_or(Unreadable::Damaged)
            }
            _ => Err(Unreadable::Format),
        }
    }
}

/// Reads the beginning of a session's payload: its header, and the name of its device if that frame is whole.
/// `None` if the payload is not a session's, or too little of it is there.
pub(crate) fn read_head(bytes: &Bytes) -> Option<(Header, Option<String>)> {
    let [FORMAT | FORMAT_WITH_OWN, SESSION, ..] = bytes[..] else { return None };
    let (header, length) = Header::decode(&bytes[2..])?;
    let frames = Frames::beginning(bytes.slice(2 + length..));
    let device = frames.iter().find(|frame| frame.tag == Tag::Device);
    let device =
        device.map(|frame| String::from_utf8_lossy(&frames.bytes()[frame.value.clone()]).into_owned());
    Some((header, device))
}

/// Begins the payload of a session; frames follow.
pub(crate) fn begin_session(header: &Header, room: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + header.encoded_len() + room);
    out.extend_from_slice(&[header.format(), SESSION]);
    header.encode(&mut out);
    out
}

impl Header {
    /// Returns the record of a session that goes on as it is, with these values.
    pub(crate) fn record(&self, frames: &Frames) -> Record {
        let mut payload = begin_session(self, frames.bytes().len());
        payload.extend_from_slice(frames.bytes());
        Record::new(payload, Timestamp::EPOCH).with_sliding(self.own_idle().is_none())
    }
}

/// Encodes the whole payload of a redirect.
pub(crate) fn redirect_payload(redirect: &Redirect) -> Bytes {
    let kind = if redirect.to.is_some() { RENEWED } else { REPLACED };
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(&[FORMAT, kind]);
    redirect.encode(&mut out);
    out.into()
}

/// Takes `N` bytes off the front.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes).map(u64::from_le_bytes)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
