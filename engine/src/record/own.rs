//! What one session has of its own, besides its values: options that few sessions have.

use std::time::Duration;

use cloakroom_store::Timestamp;

use super::{take, take_u64};
use crate::SameSite;

/// What one session has of its own; each `None` is as configured.
///
/// | size | field |
/// |---|---|
/// | 1 | which of the next fields follow: 1, 2, 4 (not with 2), 8, 16 |
/// | 8 | 1: how long the session lives at most, µs |
/// | 8 | 2: how long the cookie lasts from the moment when an id is made, µs |
/// | 8 | 4: when the cookie ends, µs since 1970 |
/// | 1 | 8: `SameSite`: 0 `Strict`, 1 `Lax`, 2 `None` |
/// | 4 | 16: the version of the program that wrote the session, not 0 |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnOptions {
    pub(crate) absolute: Option<Duration>,
    pub(crate) cookie: Option<CookieEnd>,
    pub(crate) same_site: Option<SameSite>,
    /// The version of the program that wrote the session; 0 where programs have none.
    pub(crate) schema: u32,
}

/// When the cookie of one session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieEnd {
    /// So long after an id was made.
    After(Duration),
    At(Timestamp),
}

const ABSOLUTE: u8 = 1;
const COOKIE_AFTER: u8 = 2;
const COOKIE_AT: u8 = 4;
const SAME_SITE: u8 = 8;
const SCHEMA: u8 = 16;

impl OwnOptions {
    pub(super) fn encoded_len(&self) -> usize {
        let moments = usize::from(self.absolute.is_some()) + usize::from(self.cookie.is_some());
        1 + 8 * moments + usize::from(self.same_site.is_some()) + if self.schema == 0 { 0 } else { 4 }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let cookie = match self.cookie {
            None => 0,
            Some(CookieEnd::After(_)) => COOKIE_AFTER,
            Some(CookieEnd::At(_)) => COOKIE_AT,
        };
        let absolute = if self.absolute.is_some() { ABSOLUTE } else { 0 };
        let same_site = if self.same_site.is_some() { SAME_SITE } else { 0 };
        let schema = if self.schema == 0 { 0 } else { SCHEMA };
        out.push(absolute | cookie | same_site | schema);
        if let Some(absolute) = self.absolute {
            out.extend_from_slice(&micros(absolute).to_le_bytes());
        }
        match self.cookie {
            None => {}
            Some(CookieEnd::After(span)) => out.extend_from_slice(&micros(span).to_le_bytes()),
            Some(CookieEnd::At(at)) => out.extend_from_slice(&at.as_micros().to_le_bytes()),
        }
        match self.same_site {
            None => {}
            Some(SameSite::Strict) => out.push(0),
            Some(SameSite::Lax) => out.push(1),
            Some(SameSite::None) => out.push(2),
        }
        if self.schema != 0 {
            out.extend_from_slice(&self.schema.to_le_bytes());
        }
    }

    /// Takes the options off the front of `bytes`; `None` if they are cut short or make no sense.
    pub(super) fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let [which] = take::<1>(bytes)?;
        if which >= 2 * SCHEMA || which & (COOKIE_AFTER | COOKIE_AT) == COOKIE_AFTER | COOKIE_AT {
            return None;
        }
        let mut own = Self::default();
        if which & ABSOLUTE != 0 {
            own.absolute = Some(Duration::from_micros(take_u64(bytes)?));
        }
        if which & COOKIE_AFTER != 0 {
            own.cookie = Some(CookieEnd::After(Duration::from_micros(take_u64(bytes)?)));
        }
        if which & COOKIE_AT != 0 {
            own.cookie = Some(CookieEnd::At(Timestamp::from_micros(take_u64(bytes)?)));
        }
        if which & SAME_SITE != 0 {
            own.same_site = Some(match take::<1>(bytes)? {
                [0] => SameSite::Strict,
                [1] => SameSite::Lax,
                [2] => SameSite::None,
                _ => return None,
            });
        }
        if which & SCHEMA != 0 {
            own.schema = u32::from_le_bytes(take(bytes)?);
        }
        Some(own)
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
