//! What only some stores can do.

use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    CreateOutcome, Error, ErrorKind, OwnerKey, Record, Result, StoreKey, Timestamp, Touch, UpdateOutcome,
    Version, VersionedRecord,
};

/// What a store can do beyond the contract: a capability is a trait to call, so it cannot be claimed and missing.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Capabilities<'a> {
    /// Removes expired records on request. Absent where the server does it by itself.
    pub sweep: Option<&'a dyn Sweep>,
    /// Goes through all records.
    pub scan: Option<&'a dyn Scan>,
    /// Finds and revokes the records of an owner.
    pub owners: Option<&'a dyn Owners>,
    /// Answers without waiting, because the records are in this process's memory.
    pub immediate: Option<&'a dyn Immediate>,
    /// Tells the time by one clock for all machines that use the store.
    pub server_clock: Option<&'a dyn ServerClock>,
    /// Says why due touches were not written.
    pub missed_touches: Option<&'a MissedTouches>,
}

impl<'a> Capabilities<'a> {
    /// No capability.
    pub const NONE: Self = Self {
        sweep: None,
        scan: None,
        owners: None,
        immediate: None,
        server_clock: None,
        missed_touches: None,
    };

    /// Adds sweeping.
    #[must_use]
    pub fn with_sweep(mut self, sweep: &'a dyn Sweep) -> Self {
        self.sweep = Some(sweep);
        self
    }

    /// Adds scanning.
    #[must_use]
    pub fn with_scan(mut self, scan: &'a dyn Scan) -> Self {
        self.scan = Some(scan);
        self
    }

    /// Adds owners.
    #[must_use]
    pub fn with_owners(mut self, owners: &'a dyn Owners) -> Self {
        self.owners = Some(owners);
        self
    }

    /// Adds answers without waiting.
    #[must_use]
    pub fn with_immediate(mut self, immediate: &'a dyn Immediate) -> Self {
        self.immediate = Some(immediate);
        self
    }

    /// Adds the server's clock.
    #[must_use]
    pub fn with_server_clock(mut self, server_clock: &'a dyn ServerClock) -> Self {
        self.server_clock = Some(server_clock);
        self
    }

    /// Adds the reasons of touches that were not written.
    #[must_use]
    pub fn with_missed_touches(mut self, missed_touches: &'a MissedTouches) -> Self {
        self.missed_touches = Some(missed_touches);
        self
    }
}

/// Counts the touches that rode on a load, were due and could not be written, with the reason of the last one.
///
/// A store that can read and not write (a full disk, a standby) still answers the load, with the record as it is. It
/// records the reason here. A caller whose record is still due asks for it, so that a load costs nothing for that otherwise.
#[derive(Clone, Debug, Default)]
pub struct MissedTouches(Arc<AtomicU64>);

impl MissedTouches {
    const KINDS: [ErrorKind; 7] = [
        ErrorKind::Unavailable,
        ErrorKind::Full,
        ErrorKind::TooLarge,
        ErrorKind::Invalid,
        ErrorKind::Corrupt,
        ErrorKind::Setup,
        ErrorKind::Other,
    ];

    /// Returns what a load answers: the record that the touch has left, or the one that was found before if the touch
    /// failed, which is counted.
    pub fn or_unmoved<E: Into<Error>>(
        &self,
        touched: std::result::Result<Option<VersionedRecord>, E>,
        found: VersionedRecord,
    ) -> Option<VersionedRecord> {
        touched.unwrap_or_else(|error| {
            self.record(error.into().kind());
            Some(found)
        })
    }

    /// Counts a touch that could not be written, for this reason.
    pub fn record(&self, kind: ErrorKind) {
        let place = Self::KINDS.iter().position(|known| *known == kind).unwrap_or(6) as u64;
        let note = |word: u64| Some(((word >> 8).saturating_add(1).min(u64::MAX >> 8) << 8) | place);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, note);
    }

    /// Takes one of those that were counted, if there is one: the reason of the last.
    pub fn take(&self) -> Option<ErrorKind> {
        let one_less = |word: u64| (word >> 8).checked_sub(1).map(|count| (count << 8) | (word & 0xff));
        let word = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok()?;
        usize::try_from(word & 0xff).ok().and_then(|place| Self::KINDS.get(place)).copied()
    }
}

/// Tells the time by one clock for all machines that use the store: the server's.
///
/// Log-ins and revocations of one user may be made on machines whose clocks differ; dated by one clock, the later of two
/// is the later for all. A store whose application has given it a [`Clock`](crate::Clock) of its own must not have this
/// capability, unless that clock is the same for all that use the store.
#[async_trait]
pub trait ServerClock: fmt::Debug + Send + Sync {
    /// Returns the present moment, as the server's clock has it.
    async fn now(&self) -> Result<Timestamp>;
}

/// Answers without waiting: for a store whose records are in the memory of this process.
///
/// Each method does what the method of [`Store`](crate::Store) with the same name does, and takes the present time
/// instead of asking a clock of its own. A caller may use either, in any order.
///
/// A store that wraps another one must not pass this capability on: calls would bypass the wrapper.
pub trait Immediate: fmt::Debug + Send + Sync {
    /// Loads a record; see [`Store::load`](crate::Store::load).
    fn load(&self, key: &StoreKey, touch: Option<Touch>, now: Timestamp) -> Result<Option<VersionedRecord>>;

    /// Stores a record under a key that has no live record; see [`Store::create`](crate::Store::create).
    fn create(&self, key: &StoreKey, record: &Record, now: Timestamp) -> Result<CreateOutcome>;

    /// Replaces the record of one version; see [`Store::update`](crate::Store::update).
    fn update(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<UpdateOutcome>;
}

/// Removes what has expired.
#[async_trait]
pub trait Sweep: fmt::Debug + Send + Sync {
    /// Removes up to `limit` expired records, and never a live one.
    ///
    /// Any number of processes may sweep at once. It also forgets revocations that are older than
    /// what [`Owners`] must remember.
    async fn sweep(&self, limit: usize) -> Result<SweepStats>;
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweepStats {
    /// How many expired records it removed.
    pub removed: usize,
    /// How many of those were [sliding](crate::Record::sliding), so that any load would have kept them.
    pub sliding: usize,
    /// Whether it stopped at the limit, so that another sweep has work to do.
    pub more: bool,
}

impl SweepStats {
    /// Nothing was removed, and there is no more.
    pub const NOTHING: Self = Self { removed: 0, sliding: 0, more: false };

    /// Returns what a sweep of bodies did that may remove up to `limit`; see
    /// [`BodyCapabilities::sweep`](crate::BodyCapabilities::sweep).
    pub const fn of_bodies(removed: usize, limit: usize) -> Self {
        Self { removed, sliding: removed, more: removed >= limit }
    }

    /// Makes the result of a sweep that removed `removed` records, `sliding` of them sliding; `more`: there is work left.
    pub const fn new(removed: usize, sliding: usize, more: bool) -> Self {
        Self { removed, sliding, more }
    }

    /// Sets whether another sweep has work to do.
    #[must_use]
    pub const fn with_more(mut self, more: bool) -> Self {
        self.more = more;
        self
    }

    /// Counts a record that was removed.
    pub fn count(&mut self, sliding: bool) {
        self.removed += 1;
        self.sliding += usize::from(sliding);
    }
}

/// One sweep after another, or beside it.
impl AddAssign for SweepStats {
    fn add_assign(&mut self, other: Self) {
        self.removed += other.removed;
        self.sliding += other.sliding;
        self.more |= other.more;
    }
}

/// Goes through all records.
#[async_trait]
pub trait Scan: fmt::Debug + Send + Sync {
    /// Reads a page of about `limit` live records, from the beginning or from where the last page ended.
    ///
    /// A record that lives from the first page to the last is seen at least once, whatever else changes.
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page>;

    /// Counts the live records.
    async fn count(&self) -> Result<u64>;

    /// Removes every record, live or not, and says how many live ones there were. Revocations are kept.
    async fn clear(&self) -> Result<u64>;
}

/// A live record and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The key.
    pub key: StoreKey,
    /// The record and its version.
    pub stored: VersionedRecord,
}

impl Entry {
    /// Joins a key and its record.
    pub const fn new(key: StoreKey, stored: VersionedRecord) -> Self {
        Self { key, stored }
    }
}

/// A page of a [`Scan`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The records; may be fewer than asked for, or none, although there are more pages.
    pub entries: Vec<Entry>,
    /// Where the next page begins, or `None` after the last.
    pub next: Option<Cursor>,
}

impl Page {
    /// Makes a page.
    pub const fn new(entries: Vec<Entry>, next: Option<Cursor>) -> Self {
        Self { entries, next }
    }
}

/// Where a [`Scan`] or a list of an owner's records goes on; its bytes mean something only to the store that made it.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(Bytes);

impl Cursor {
    /// Makes a cursor; only stores do.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// Returns the store's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor(..)")
    }
}

/// What a list shows of a live record: enough to name it and to say what it is, whatever the size of its payload.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordHead {
    /// The record's key.
    pub key: StoreKey,
    /// The record's version, to name it in [`Store::update`](crate::Store::update).
    pub version: Version,
    /// When the log-in began that made the record the owner's.
    pub logged_in_at: Timestamp,
    /// From this moment on the record does not exist.
    pub expires_at: Timestamp,
    /// Whether a touch that rides on a load may move the expiry.
    pub sliding: bool,
    /// The first [`PAYLOAD_BYTES`](Self::PAYLOAD_BYTES) of the payload, or all of it if it is shorter. A store that wraps
    /// another one and adds to its payloads may show fewer, [`LEAST_PAYLOAD_BYTES`](Self::LEAST_PAYLOAD_BYTES) at least.
    pub payload_head: Bytes,
}

impl RecordHead {
    /// How many bytes of a payload a list shows: 512.
    pub const PAYLOAD_BYTES: usize = 512;

    /// How many bytes of a payload a list shows at least, whatever a store adds to payloads: 448.
    pub const LEAST_PAYLOAD_BYTES: usize = 448;

    /// Makes a head; cuts `payload_head` to [`PAYLOAD_BYTES`](Self::PAYLOAD_BYTES), and shares its memory.
    pub fn new(
        key: StoreKey,
        version: Version,
        logged_in_at: Timestamp,
        expires_at: Timestamp,
        sliding: bool,
        mut payload_head: Bytes,
    ) -> Self {
        payload_head.truncate(Self::PAYLOAD_BYTES);
        Self { key, version, logged_in_at, expires_at, sliding, payload_head }
    }

    /// Makes the head of a record, or `None` if it has no owner. Shares the payload's memory.
    pub fn of(entry: Entry) -> Option<Self> {
        let Entry { key, stored: VersionedRecord { record, version } } = entry;
        let Record { payload, expires_at, sliding, owner } = record;
        Some(Self::new(key, version, owner?.logged_in_at, expires_at, sliding, payload))
    }

    /// Returns whether the record still exists at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

impl fmt::Debug for RecordHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordHead")
            .field("version", &self.version)
            .field("logged_in_at", &self.logged_in_at)
            .field("expires_at", &self.expires_at)
            .field("sliding", &self.sliding)
            .field("payload_head", &format_args!("{} bytes", self.payload_head.len()))
            .finish_non_exhaustive()
    }
}

/// A page of an owner's records.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HeadPage {
    /// The records, in no order that is promised; may be fewer than asked for, or none, although there are more pages.
    pub heads: Vec<RecordHead>,
    /// Where the next page begins, or `None` after the last.
    pub next: Option<Cursor>,
}

impl HeadPage {
    /// The most records that a page has, however many are asked for: 1,000.
    pub const MOST: usize = 1_000;

    /// Makes a page.
    pub const fn new(heads: Vec<RecordHead>, next: Option<Cursor>) -> Self {
        Self { heads, next }
    }

    /// Returns how many records to look at for a page of `limit`: between 1 and [`MOST`](Self::MOST).
    pub fn bounded(limit: usize) -> usize {
        limit.clamp(1, Self::MOST)
    }
}

/// Finds and revokes the records of an owner.
///
/// An owner's records are those whose [`Record::owner`](crate::Record::owner) names them now: an update that
/// changes the owner moves the record from one owner to the other at once.
///
/// # Bounded work
/// An owner may have any number of records, of any size, and other users must not wait for them. So a page of a
/// [`list`](Self::list) costs about as much as the heads of `limit` records, and a [`revoke`](Self::revoke) reads no
/// payload. A store that cannot keep this says so in its documentation.
///
/// # Remembering
/// A revocation is remembered for 24 hours at least, counted from the later of its own moment and the call, so that a log-in which began before it and is still under way
/// is refused when it arrives.
#[async_trait]
pub trait Owners: fmt::Debug + Send + Sync {
    /// Lists a page of the owner's live records, from the beginning or from where the last page ended.
    ///
    /// A record that is live and the owner's from the first page to the last is seen at least once, whatever else
    /// changes; one that changes between two pages may be seen in both. The order is unspecified. A page has about
    /// `limit` records (at least 1, at most [`HeadPage::MOST`]), and shows the beginning of each payload only.
    ///
    /// ```
    /// # use cloakroom_store::*;
    /// # async fn all(owners: &dyn Owners, owner: &OwnerKey) -> Result<Vec<RecordHead>> {
    /// let (mut heads, mut after) = (Vec::new(), None);
    /// loop {
    ///     let page = owners.list(owner, after.as_ref(), 100).await?;
    ///     heads.extend(page.heads);
    ///     after = page.next;
    ///     if after.is_none() {
    ///         return Ok(heads);
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the cursor is another store's; a store's failure.
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage>;

    /// Removes every record of `owner` whose `logged_in_at` is not later than `at`, and returns how many live ones there were.
    ///
    /// From then on a [`create`](crate::Store::create) or [`update`](crate::Store::update) with such an owner
    /// is answered with `Revoked`. An earlier revocation than one already made changes nothing.
    ///
    /// A store may remove many records in several steps, so that each is short: then nothing that began before gets in
    /// from the first step on, and all are gone when it returns.
    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64>;
}
