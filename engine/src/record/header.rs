//! The facts about a session besides its values: times, secrets, nonces.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use cloakroom_store::{StoreKey, Timestamp};

use super::{FORMAT, FORMAT_WITH_OWN, OwnOptions};

/// How many commits a record remembers.
pub(crate) const RING: usize = 16;

/// The facts about a session besides its values. Its owner and its expiry are fields of the record.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | flags: 1 the cookie ends with the browser, 2 the cookie outlives the browser, 4 an idle time of its own, 8 the record replaces another one, 16 options of its own |
/// | 1 | 8 | start of the absolute clock, µs since 1970 |
/// | 9 | 8 | when the id was made, µs |
/// | 17 | 8 | last log-in, µs; 0 = none |
/// | 25 | 16 | public id |
/// | 41 | 16 | CSRF secret |
/// | 57 | 8 | idle time in force when this was written, µs |
/// | 65 | 8 | commit number |
/// | 73 | 8 | when that commit was made, µs; never earlier than the commit before it |
/// | 81 | 1 | how many nonces follow: 0 to 16 |
/// | 82 | 8 each | nonces of the last commits, newest first |
/// | … | 1 + *k* | flag 8 only: length and bytes of the key of the record that this one replaces |
/// | … | … | flag 16 only: [`OwnOptions`] |
///
/// It is kept as these bytes: a commit changes a few of them and copies the rest.
#[derive(Clone)]
pub(crate) struct Header {
    bytes: [u8; Self::MAX_LEN],
    /// Never empty.
    rare: Option<Box<Rare>>,
}

/// What few headers have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rare {
    /// The record that this one was made to replace, until the first commit under the new id shows that the
    /// client has that id.
    replaces: Option<StoreKey>,
    own: OwnOptions,
}

const ENDS_WITH_BROWSER: u8 = 1;
const OUTLIVES_BROWSER: u8 = 2;
const OWN_IDLE: u8 = 4;
const REPLACES: u8 = 8;
const OWN_OPTIONS: u8 = 16;

const STARTED_AT: usize = 1;
const RENEWED_AT: usize = 9;
const AUTHENTICATED_AT: usize = 17;
const PUBLIC_ID: usize = 25;
const CSRF: usize = 41;
const IDLE: usize = 57;
const NUMBER: usize = 65;
const COMMITTED_AT: usize = 73;
const COUNT: usize = 81;
const NONCES: usize = 82;

impl Header {
    const MAX_LEN: usize = NONCES + 8 * RING;

    /// Makes the header of a session that begins now and was never committed.
    pub(crate) fn new(now: Timestamp, public_id: [u8; 16], csrf: [u8; 16]) -> Self {
        let mut header = Self { bytes: [0; Self::MAX_LEN], rare: None };
        header.put_time(STARTED_AT, now);
        header.put_time(RENEWED_AT, now);
        header.put_time(COMMITTED_AT, now);
        header.set_public_id(public_id);
        header.set_csrf(csrf);
        header
    }

    /// Becomes the header that the commit `nonce` writes.
    pub(crate) fn commit(&mut self, nonce: u64, now: Timestamp, idle: Duration) {
        self.put(NUMBER, self.number() + 1);
        let last = self.committed_at();
        self.put_time(COMMITTED_AT, now.max(last));
        self.put(IDLE, u64::try_from(idle.as_micros()).unwrap_or(u64::MAX));
        if self.rare.is_some() {
            self.change_rare(|rare| rare.replaces = None);
        }
        let kept = self.count().min(RING - 1);
        self.bytes.copy_within(NONCES..NONCES + 8 * kept, NONCES + 8);
        self.put(NONCES, nonce);
        self.bytes[COUNT] = u8::try_from(kept + 1).unwrap_or(1);
    }

    /// Returns whether this record holds what the commit `nonce` wrote.
    pub(crate) fn remembers(&self, nonce: u64) -> bool {
        let nonce = nonce.to_le_bytes();
        self.bytes[NONCES..self.end()].chunks_exact(8).any(|remembered| remembered == nonce)
    }

    /// Returns whether a commit on top of commit number `base` could have been forgotten since. No clock has a say: those
    /// of two machines may differ by hours.
    pub(crate) fn may_have_forgotten(&self, base: u64) -> bool {
        let since = usize::try_from(self.number().saturating_sub(base)).unwrap_or(usize::MAX);
        since > self.count()
    }

    pub(crate) fn started_at(&self) -> Timestamp {
        self.time(STARTED_AT)
    }

    pub(crate) fn set_started_at(&mut self, at: Timestamp) {
        self.put_time(STARTED_AT, at);
    }

    pub(crate) fn renewed_at(&self) -> Timestamp {
        self.time(RENEWED_AT)
    }

    pub(crate) fn set_renewed_at(&mut self, at: Timestamp) {
        self.put_time(RENEWED_AT, at);
    }

    pub(crate) fn authenticated_at(&self) -> Option<Timestamp> {
        Some(self.time(AUTHENTICATED_AT)).filter(|at| *at != Timestamp::EPOCH)
    }

    pub(crate) fn set_authenticated_at(&mut self, at: Timestamp) {
        self.put_time(AUTHENTICATED_AT, at);
    }

    pub(crate) fn public_id(&self) -> [u8; 16] {
        self.array(PUBLIC_ID)
    }

    pub(crate) fn set_public_id(&mut self, public_id: [u8; 16]) {
        self.bytes[PUBLIC_ID..CSRF].copy_from_slice(&public_id);
    }

    pub(crate) fn csrf(&self) -> [u8; 16] {
        self.array(CSRF)
    }

    pub(crate) fn set_csrf(&mut self, csrf: [u8; 16]) {
        self.bytes[CSRF..IDLE].copy_from_slice(&csrf);
    }

    /// Returns the idle time that this session has of its own; `None`: as configured.
    pub(crate) fn own_idle(&self) -> Option<Duration> {
        (self.bytes[0] & OWN_IDLE != 0).then(|| self.written_idle())
    }

    pub(crate) fn set_own_idle(&mut self, idle: Option<Duration>) {
        self.bytes[0] = self.bytes[0] & !OWN_IDLE | if idle.is_some() { OWN_IDLE } else { 0 };
        let micros = idle.unwrap_or_default().as_micros();
        self.put(IDLE, u64::try_from(micros).unwrap_or(u64::MAX));
    }

    /// Notes the idle time that is in force.
    pub(crate) fn set_written_idle(&mut self, idle: Duration) {
        self.put(IDLE, u64::try_from(idle.as_micros()).unwrap_or(u64::MAX));
    }

    /// Returns the idle time that was in force when this was written.
    pub(crate) fn written_idle(&self) -> Duration {
        Duration::from_micros(self.number_at(IDLE))
    }

    /// Returns whether the cookie outlives the browser; `None`: as configured.
    pub(crate) fn persistent(&self) -> Option<bool> {
        match self.bytes[0] & (ENDS_WITH_BROWSER | OUTLIVES_BROWSER) {
            ENDS_WITH_BROWSER => Some(false),
            OUTLIVES_BROWSER => Some(true),
            _ => None,
        }
    }

    pub(crate) fn set_persistent(&mut self, persistent: bool) {
        let flag = if persistent { OUTLIVES_BROWSER } else { ENDS_WITH_BROWSER };
        self.bytes[0] = self.bytes[0] & !(ENDS_WITH_BROWSER | OUTLIVES_BROWSER) | flag;
    }

    /// Returns the number of the last commit; flash values are born under one.
    pub(crate) fn number(&self) -> u64 {
        self.number_at(NUMBER)
    }

    #[cfg(test)]
    pub(crate) fn set_number(&mut self, number: u64) {
        self.put(NUMBER, number);
    }

    pub(crate) fn committed_at(&self) -> Timestamp {
        self.time(COMMITTED_AT)
    }

    pub(crate) fn replaces(&self) -> Option<&StoreKey> {
        self.rare.as_ref()?.replaces.as_ref()
    }

    pub(crate) fn set_replaces(&mut self, key: StoreKey) {
        self.change_rare(|rare| rare.replaces = Some(key));
    }

    fn change_rare(&mut self, change: impl FnOnce(&mut Rare)) {
        let mut rare = self.rare.take().unwrap_or_default();
        change(&mut rare);
        self.rare = Some(rare).filter(|rare| **rare != Rare::default());
    }

    /// Forgets all but the newest `most` nonces.
    pub(crate) fn keep_nonces(&mut self, most: usize) {
        self.bytes[COUNT] = u8::try_from(self.count().min(most)).unwrap_or(0);
    }

    /// Returns how many bytes [`encode`](Self::encode) writes.
    pub(super) fn encoded_len(&self) -> usize {
        let own = if self.has_own() { self.own().encoded_len() } else { 0 };
        self.end() + self.replaces().map_or(0, |key| 1 + key.as_bytes().len()) + own
    }

    /// Reads a header and returns how long it is; `None` if it is cut short.
    #[inline]
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let count = usize::from(*bytes.get(COUNT)?);
        if count > RING {
            return None;
        }
        let end = NONCES + 8 * count;
        let mut header = Self { bytes: [0; Self::MAX_LEN], rare: None };
        header.bytes[..end].copy_from_slice(bytes.get(..end)?);
        if header.bytes[0] & (REPLACES | OWN_OPTIONS) == 0 {
            return Some((header, end));
        }
        header.decode_rest(bytes, end)
    }

    /// Reads what few headers have behind their nonces.
    fn decode_rest(mut self, bytes: &[u8], end: usize) -> Option<(Self, usize)> {
        let (mut rest, mut rare) = (&bytes[end..], Rare::default());
        if self.bytes[0] & REPLACES != 0 {
            let (length, key) = rest.split_first()?;
            let (key, behind) = key.split_at_checked(usize::from(*length))?;
            rare.replaces = Some(StoreKey::from_bytes(key).ok()?);
            rest = behind;
        }
        if self.bytes[0] & OWN_OPTIONS != 0 {
            rare.own = OwnOptions::decode(&mut rest)?;
        }
        self.change_rare(|none| *none = rare);
        self.bytes[0] &= !(REPLACES | OWN_OPTIONS);
        Some((self, bytes.len() - rest.len()))
    }

    #[inline]
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let flags = out.len();
        out.extend_from_slice(&self.bytes[..self.end()]);
        let Some(rare) = &self.rare else { return };
        if let Some(key) = &rare.replaces {
            out[flags] |= REPLACES;
            out.push(u8::try_from(key.as_bytes().len()).unwrap_or(u8::MAX));
            out.extend_from_slice(key.as_bytes());
        }
        if self.has_own() {
            out[flags] |= OWN_OPTIONS;
            rare.own.encode(out);
        }
    }

    /// Returns the version byte of a payload with this header.
    pub(super) fn format(&self) -> u8 {
        if self.has_own() { FORMAT_WITH_OWN } else { FORMAT }
    }

    fn has_own(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.own != OwnOptions::default())
    }

    /// Returns what the session has of its own.
    pub(crate) fn own(&self) -> OwnOptions {
        self.rare.as_ref().map_or_else(OwnOptions::default, |rare| rare.own)
    }

    /// Returns how long the session lives at most, if it is not as configured.
    pub(crate) fn own_absolute(&self) -> Option<Duration> {
        self.rare.as_ref().and_then(|rare| rare.own.absolute)
    }

    pub(crate) fn set_own(&mut self, own: OwnOptions) {
        self.change_rare(|rare| rare.own = own);
    }

    /// Returns the version of the program that wrote the session; 0 where programs have none.
    pub(crate) fn schema(&self) -> u32 {
        self.rare.as_ref().map_or(0, |rare| rare.own.schema)
    }

    pub(crate) fn set_schema(&mut self, version: u32) {
        self.change_rare(|rare| rare.own.schema = version);
    }

    fn count(&self) -> usize {
        usize::from(self.bytes[COUNT]).min(RING)
    }

    fn end(&self) -> usize {
        NONCES + 8 * self.count()
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes[at..at + N]);
        out
    }

    fn number_at(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    fn put(&mut self, at: usize, number: u64) {
        let place: Range<usize> = at..at + 8;
        self.bytes[place].copy_from_slice(&number.to_le_bytes());
    }

    fn time(&self, at: usize) -> Timestamp {
        Timestamp::from_micros(self.number_at(at))
    }

    fn put_time(&mut self, at: usize, time: Timestamp) {
        self.put(at, time.as_micros());
    }
}

/// Bytes behind the last nonce have no meaning, and are not compared.
impl PartialEq for Header {
    fn eq(&self, other: &Self) -> bool {
        self.bytes[..self.end()] == other.bytes[..other.end()] && self.rare == other.rare
    }
}
impl Eq for Header {}

impl fmt::Debug for Header {
    /// Shows no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("number", &self.number()).finish_non_exhaustive()
    }
}
