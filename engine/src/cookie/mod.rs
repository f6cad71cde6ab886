//! The cookie: its attributes, its value plain or signed, and how both are read and written.

mod attributes;
mod domain;
mod header;
mod key_ring;

pub use attributes::{SameSite, Secure};
pub use key_ring::KeyRing;

pub(crate) use attributes::{Attributes, Template, is_cookie_name};
pub(crate) use header::{before_comma, values_behind_commas, values_of};

use crate::SessionId;

/// The longest name and value together that browsers keep, in bytes (RFC 6265bis, section 5.6).
pub(crate) const MAX_PAIR: usize = 4096;
/// The longest attribute value that browsers read, in bytes (RFC 6265bis, section 5.6).
pub(crate) const MAX_ATTRIBUTE: usize = 1024;
/// The longest lifetime that browsers grant: 400 days, in seconds (RFC 6265bis, section 5.5).
pub(crate) const MAX_AGE: u64 = 400 * 24 * 60 * 60;

/// How an id is written as a cookie value, and read back.
#[derive(Debug)]
pub(crate) enum Codec {
    /// The id alone: 256 random bits need no signature.
    Plain,
    /// The id, a dot and a signature, so that forged cookies cost no store trip.
    Signed(KeyRing),
    /// An id of the application's own, with or without a dot and a signature.
    Chosen(Option<KeyRing>),
}

/// Why a value of our cookie cannot be an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAnId {
    Malformed,
    Forged,
}

impl Codec {
    pub(crate) fn read(&self, name: &str, value: &[u8]) -> Result<SessionId, NotAnId> {
        match self {
            Self::Plain => SessionId::parse(without_signature(value)).ok_or(NotAnId::Malformed),
            Self::Signed(keys) if keys.accepts_unsigned && value.len() == SessionId::LEN => {
                SessionId::parse(value).ok_or(NotAnId::Malformed)
            }
            Self::Signed(keys) => {
                let (id, dotted) = value.split_at_checked(SessionId::LEN).ok_or(NotAnId::Malformed)?;
                let signature = dotted.strip_prefix(b".").ok_or(NotAnId::Malformed)?;
                let id = SessionId::parse(id).ok_or(NotAnId::Malformed)?;
                if keys.verify(name, &id, signature) { Ok(id) } else { Err(NotAnId::Forged) }
            }
            Self::Chosen(keys) => read_chosen(keys.as_ref(), name, value),
        }
    }

    pub(crate) const fn is_signed(&self) -> bool {
        matches!(self, Self::Signed(_) | Self::Chosen(Some(_)))
    }

    pub(crate) fn write(&self, name: &str, id: &SessionId, out: &mut String) {
        out.push_str(id.expose());
        if let Self::Signed(keys) | Self::Chosen(Some(keys)) = self {
            out.push('.');
            keys.sign(name, id, out);
        }
    }

    /// Returns how long values are at most, in bytes; all are as long, but those of the application's own ids.
    pub(crate) const fn length(&self) -> usize {
        match self {
            Self::Plain => SessionId::LEN,
            Self::Signed(_) => SessionId::LEN + 1 + KeyRing::SIGNATURE_LEN,
            Self::Chosen(None) => SessionId::MOST_CHOSEN,
            Self::Chosen(Some(_)) => SessionId::MOST_CHOSEN + 1 + KeyRing::SIGNATURE_LEN,
        }
    }
}

/// Reads an id of the application's own. It may hold dots: the signature is counted from the end.
fn read_chosen(keys: Option<&KeyRing>, name: &str, value: &[u8]) -> Result<SessionId, NotAnId> {
    let read = |text| SessionId::chosen(text).ok_or(NotAnId::Malformed);
    let Some(keys) = keys else { return read(value) };
    let parts = value.len().checked_sub(KeyRing::SIGNATURE_LEN + 1).map(|length| value.split_at(length));
    match parts {
        Some((id, [b'.', signature @ ..])) => {
            let id = read(id)?;
            if keys.verify(name, &id, signature) {
                Ok(id)
            } else if keys.accepts_unsigned {
                read(value)
            } else {
                Err(NotAnId::Forged)
            }
        }
        _ if keys.accepts_unsigned => read(value),
        _ => Err(NotAnId::Malformed),
    }
}

/// Takes off what has the form of a signature. An engine that does not sign needs none, and takes ids as they are; so
/// cookies that were signed before signing was turned off, or are signed elsewhere already, keep their sessions.
fn without_signature(value: &[u8]) -> &[u8] {
    match value.split_at_checked(SessionId::LEN) {
        Some((id, [b'.', signature @ ..])) if signature.len() == KeyRing::SIGNATURE_LEN => id,
        _ => value,
    }
}

#[cfg(test)]
mod deployments;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod properties;
