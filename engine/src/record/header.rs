//! What a session knows about itself besides its values.

use std::time::Duration;

use cloakroom_store::Timestamp;

use super::{take, take_u64};

/// How many commits a record remembers.
pub(crate) const RING: usize = 16;

/// How long a commit is remembered: longer than any engine goes on retrying one.
const REMEMBERED: Duration = Duration::from_secs(120);

/// What a session knows about itself. Its owner and its expiry are the store's to know.
///
/// | size | field |
/// |---|---|
/// | 1 | flags: 1 the cookie ends with the browser, 2 the cookie outlives the browser, 4 an idle time of its own |
/// | 8 | start of the absolute clock, µs since 1970 |
/// | 8 | when the id was made, µs |
/// | 8 | last log-in, µs; 0 = none |
/// | 16 | handle |
/// | 16 | CSRF secret |
/// | 8 | idle time of its own, µs; 0 without flag 4 |
/// | 8 | commit number |
/// | 8 | when that commit was made, µs |
/// | 1 | how many nonces follow: 1 to 16 |
/// | 8 each | nonces of the last commits, newest first |
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) started_at: Timestamp,
    pub(crate) renewed_at: Timestamp,
    pub(crate) authenticated_at: Option<Timestamp>,
    pub(crate) handle: [u8; 16],
    pub(crate) csrf: [u8; 16],
    /// `None`: as configured.
    pub(crate) idle: Option<Duration>,
    /// Whether the cookie outlives the browser; `None`: as configured.
    pub(crate) persistent: Option<bool>,
    /// Counts the commits of this session; flash values are born under one.
    pub(crate) number: u64,
    committed_at: Timestamp,
    nonces: Ring,
}

/// The nonces of the last commits as they are written, the newest first.
#[derive(Clone, Copy, Debug)]
struct Ring {
    length: u8,
    nonces: [[u8; 8]; RING],
}

const ENDS_WITH_BROWSER: u8 = 1;
const OUTLIVES_BROWSER: u8 = 2;
const OWN_IDLE: u8 = 4;

impl Header {
    const FIXED_LEN: usize = 82;

    pub(super) fn encoded_len(&self) -> usize {
        Self::FIXED_LEN + 8 * usize::from(self.nonces.length)
    }

    /// The header of a session that begins now and was never committed.
    pub(crate) fn new(now: Timestamp, handle: [u8; 16], csrf: [u8; 16]) -> Self {
        Self {
            started_at: now,
            renewed_at: now,
            authenticated_at: None,
            handle,
            csrf,
            idle: None,
            persistent: None,
            number: 0,
            committed_at: now,
            nonces: Ring { length: 0, nonces: [[0; 8]; RING] },
        }
    }

    /// Becomes the header that the commit `nonce` writes.
    pub(crate) fn commit(&mut self, nonce: u64, now: Timestamp) {
        self.number += 1;
        let ring = &mut self.nonces;
        if now.since(self.committed_at) > REMEMBERED {
            ring.length = 0;
        }
        self.committed_at = now;
        ring.push(nonce);
    }

    pub(crate) fn committed_at(&self) -> Timestamp {
        self.committed_at
    }

    /// Whether this record holds what the commit `nonce` wrote.
    pub(crate) fn remembers(&self, nonce: u64) -> bool {
        self.nonces.newest_first().contains(&nonce.to_le_bytes())
    }

    /// Whether a commit made at `at`, on top of commit number `base`, could have been forgotten since.
    pub(crate) fn may_have_forgotten(&self, base: u64, at: Timestamp) -> bool {
        let since = usize::try_from(self.number.saturating_sub(base)).unwrap_or(usize::MAX);
        let remembered = usize::from(self.nonces.length);
        // A ring that is not full has lost only what was old already when one of the later commits was made.
        since > remembered && (remembered == RING || self.committed_at.since(at) > REMEMBERED)
    }

    /// Reads a header and says how long it is.
    #[inline]
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        // As an array, so that no field's length is checked again.
        let (fixed, mut ring) = bytes.split_first_chunk::<{ Self::FIXED_LEN - 1 }>()?;
        let mut rest = &fixed[..];
        let [flags] = take(&mut rest)?;
        let started_at = take_time(&mut rest)?;
        let renewed_at = take_time(&mut rest)?;
        let authenticated_at = Some(take_time(&mut rest)?).filter(|time| *time != Timestamp::EPOCH);
        let handle = take(&mut rest)?;
        let csrf = take(&mut rest)?;
        let idle = take_u64(&mut rest).map(Duration::from_micros)?;
        let number = take_u64(&mut rest)?;
        let committed_at = take_time(&mut rest)?;
        let nonces = Ring::decode(&mut ring)?;
        let header = Self {
            started_at,
            renewed_at,
            authenticated_at,
            handle,
            csrf,
            idle: (flags & OWN_IDLE != 0).then_some(idle),
            persistent: match flags & (ENDS_WITH_BROWSER | OUTLIVES_BROWSER) {
                ENDS_WITH_BROWSER => Some(false),
                OUTLIVES_BROWSER => Some(true),
                _ => None,
            },
            number,
            committed_at,
            nonces,
        };
        Some((header, bytes.len() - ring.len()))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let lifetime = match self.persistent {
            None => 0,
            Some(false) => ENDS_WITH_BROWSER,
            Some(true) => OUTLIVES_BROWSER,
        };
        let own_idle = if self.idle.is_some() { OWN_IDLE } else { 0 };
        out.push(lifetime | own_idle);
        put_time(out, self.started_at);
        put_time(out, self.renewed_at);
        put_time(out, self.authenticated_at.unwrap_or_default());
        out.extend_from_slice(&self.handle);
        out.extend_from_slice(&self.csrf);
        let idle = self.idle.unwrap_or_default().as_micros();
        out.extend_from_slice(&u64::try_from(idle).unwrap_or(u64::MAX).to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        put_time(out, self.committed_at);
        self.nonces.encode(out);
    }
}

impl Ring {
    fn decode(rest: &mut &[u8]) -> Option<Self> {
        let [length] = take(rest)?;
        let mut nonces = [[0; 8]; RING];
        let places = nonces.get_mut(..usize::from(length))?.as_flattened_mut();
        let (bytes, behind) = rest.split_at_checked(places.len())?;
        places.copy_from_slice(bytes);
        *rest = behind;
        Some(Self { length, nonces })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.length);
        out.extend_from_slice(self.newest_first().as_flattened());
    }

    fn newest_first(&self) -> &[[u8; 8]] {
        &self.nonces[..usize::from(self.length).min(RING)]
    }

    fn push(&mut self, nonce: u64) {
        let kept = usize::from(self.length).min(RING - 1);
        self.nonces.copy_within(..kept, 1);
        self.nonces[0] = nonce.to_le_bytes();
        self.length = u8::try_from(kept + 1).unwrap_or(1);
    }
}

/// What lies behind the last nonce means nothing.
impl PartialEq for Ring {
    fn eq(&self, other: &Self) -> bool {
        self.newest_first() == other.newest_first()
    }
}
impl Eq for Ring {}

fn take_time(rest: &mut &[u8]) -> Option<Timestamp> {
    take_u64(rest).map(Timestamp::from_micros)
}

fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    out.extend_from_slice(&time.as_micros().to_le_bytes());
}
