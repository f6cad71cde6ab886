//! The bytes of a sealed payload (`docs/wire.md`). The only place that knows them.

use cloakroom_sealing::{NoRandom, Opener, PREAMBLE, SealingKeys, TAG};
use cloakroom_store::{Bytes, Owner, OwnerKey, RecordHead, StoreKey, Timestamp};

/// What separates records from everything else that the keys seal.
const PURPOSE: &str = "cloakroom v1: records";

/// How a sealed payload begins, and no payload of Cloakroom or of a Node package.
const MAGIC: [u8; 3] = [0xe5, 0x73, 0x6c];
const VERSION: u8 = 1;

/// The payload is longer than the first part, or the owner's name is kept: there is a second part.
const HAS_REST: u8 = 1;
/// The second part begins with the owner's name.
const HAS_OWNER: u8 = 2;

/// Magic, version, flags, length of the first part.
const PREFIX: usize = 3 + 1 + 1 + 2;
const FIRST: usize = PREFIX + PREAMBLE;

/// How many bytes of a payload are in the first part: with it, they are what a list shows of a record.
pub(crate) const SHOWN: usize = RecordHead::PAYLOAD_BYTES - FIRST - TAG;
const _: () = assert!(SHOWN >= RecordHead::LEAST_PAYLOAD_BYTES, "fewer than a list has to show");

/// The most that sealing adds to a payload.
pub(crate) const MOST_ADDED: usize = FIRST + TAG + 1 + OwnerKey::MAX_LEN + TAG;

/// Where a record is, and what of it the server can change: the payload opens only with exactly this.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) key: &'a StoreKey,
    /// As the store has it.
    pub(crate) owner: Option<(&'a OwnerKey, Timestamp)>,
    pub(crate) sliding: bool,
}

impl<'a> Place<'a> {
    pub(crate) fn new(key: &'a StoreKey, owner: Option<&'a Owner>, sliding: bool) -> Self {
        Self { key, owner: owner.map(|owner| (&owner.key, owner.logged_in_at)), sliding }
    }

    /// Returns all that a payload is bound to, each part with its length or of a fixed one.
    fn bound_to(&self, prefix: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PREFIX + 64);
        bytes.extend_from_slice(prefix);
        bytes.push(self.sliding.into());
        put_short(self.key.as_bytes(), &mut bytes);
        if let Some((owner, logged_in_at)) = self.owner {
            put_short(owner.as_bytes(), &mut bytes);
            bytes.extend_from_slice(&logged_in_at.as_micros().to_le_bytes());
        }
        bytes
    }
}

/// Appends up to 255 bytes, after their number.
fn put_short(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(bytes);
}

/// Why a payload cannot be opened. Its bytes stay where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is not sealed.
    Plain,
    /// A newer release sealed it.
    Newer,
    /// No key of the name that it carries is known.
    UnknownKey,
    /// It was changed, cut, or moved from another place.
    Forged,
}

/// What was sealed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) payload: Bytes,
    /// The owner's name, if the store has a blinded one.
    pub(crate) owner: Option<OwnerKey>,
}

/// Returns whether a payload looks as if this crate had sealed it.
pub(crate) fn is_sealed(payload: &[u8]) -> bool {
    payload.starts_with(&MAGIC)
}

/// Seals a payload. `owner` is the name that the store must not see, if it has a blinded one.
pub(crate) fn seal(
    keys: &SealingKeys,
    place: Place<'_>,
    payload: &[u8],
    owner: Option<&OwnerKey>,
) -> Result<Bytes, NoRandom> {
    let sealer = keys.sealer(PURPOSE)?;
    let (shown, more) = payload.split_at(payload.len().min(SHOWN));
    let has_rest = owner.is_some() || !more.is_empty();
    let flags = if has_rest { HAS_REST } else { 0 } | if owner.is_some() { HAS_OWNER } else { 0 };
    let length = u16::try_from(shown.len()).unwrap_or(u16::MAX).to_le_bytes();
    let mut out = Vec::with_capacity(MOST_ADDED + payload.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[VERSION, flags, length[0], length[1]]);
    let bound_to = place.bound_to(&out);
    out.extend_from_slice(&sealer.preamble());
    sealer.seal(0, &bound_to, shown, &mut out);
    if has_rest {
        let mut rest = Vec::with_capacity(1 + OwnerKey::MAX_LEN + more.len());
        if let Some(owner) = owner {
            put_short(owner.as_bytes(), &mut rest);
        }
        rest.extend_from_slice(more);
        sealer.seal(1, &bound_to, &rest, &mut out);
    }
    Ok(out.into())
}

/// Opens a whole payload.
pub(crate) fn open(keys: &SealingKeys, place: Place<'_>, sealed: &[u8]) -> Result<Opened, Refused> {
    let Beginning { flags, bound_to, opener, shown, rest } = begin(keys, place, sealed)?;
    if flags & HAS_REST == 0 {
        let whole = rest.is_empty() && flags & HAS_OWNER == 0;
        return whole.then(|| Opened { payload: shown.into(), owner: None }).ok_or(Refused::Forged);
    }
    let rest = opener.open(1, &bound_to, rest).ok_or(Refused::Forged)?;
    let (owner, more) = match flags & HAS_OWNER {
        0 => (None, rest.as_slice()),
        _ => {
            let (length, rest) = rest.split_first().ok_or(Refused::Forged)?;
            let (owner, more) = rest.split_at_checked(usize::from(*length)).ok_or(Refused::Forged)?;
            (Some(OwnerKey::new(owner).map_err(|_| Refused::Forged)?), more)
        }
    };
    let mut payload = shown;
    payload.extend_from_slice(more);
    Ok(Opened { payload: payload.into(), owner })
}

/// Opens what a list shows of a payload.
pub(crate) fn open_head(keys: &SealingKeys, place: Place<'_>, head: &[u8]) -> Result<Bytes, Refused> {
    begin(keys, place, head).map(|beginning| beginning.shown.into())
}

struct Beginning<'a> {
    flags: u8,
    bound_to: Vec<u8>,
    opener: Opener,
    /// The first part, opened.
    shown: Vec<u8>,
    /// The second part, sealed, as far as it is here.
    rest: &'a [u8],
}

/// Opens the first part, with the key that it names.
fn begin<'a>(keys: &SealingKeys, place: Place<'_>, sealed: &'a [u8]) -> Result<Beginning<'a>, Refused> {
    let Some((prefix, behind)) = sealed.split_first_chunk::<PREFIX>().filter(|_| is_sealed(sealed)) else {
        return Err(if is_sealed(sealed) { Refused::Forged } else { Refused::Plain });
    };
    let [.., version, flags, low, high] = *prefix;
    if version != VERSION {
        return Err(Refused::Newer);
    }
    let length = usize::from(u16::from_le_bytes([low, high])) + TAG;
    let (preamble, text) = behind.split_first_chunk::<PREAMBLE>().ok_or(Refused::Forged)?;
    let (first, rest) = text.split_at_checked(length).ok_or(Refused::Forged)?;
    let openers = keys.openers(PURPOSE, preamble);
    if openers.is_empty() {
        return Err(Refused::UnknownKey);
    }
    let bound_to = place.bound_to(prefix);
    let opened = |opener: Opener| opener.open(0, &bound_to, first).map(|shown| (opener, shown));
    let (opener, shown) = openers.into_iter().find_map(opened).ok_or(Refused::Forged)?;
    Ok(Beginning { flags, bound_to, opener, shown, rest })
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
