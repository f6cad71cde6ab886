//! Bodies of other packages' sessions, in the layouts of their stores.

use std::fmt;

use async_trait::async_trait;

use crate::{Cursor, Error, ErrorKind, Result, Sweep, Timestamp, Version};

/// Keeps the bodies of another package's sessions, where and how a store of that package keeps them.
///
/// Processes of the other package read and write the same bodies meanwhile, without versions. So a write of ours compares:
/// it takes effect only if the body is still the one that was read. A [`Version`] here stands for the bytes of a body: the
/// same bytes have the same version, written by either side.
///
/// # Ends
/// A process of the other package may write a session back that has ended meanwhile. So an [`end`](Self::end) leaves a mark
/// beside the body, under a name that the other package does not read. While the mark is there, the id has no body for us,
/// whatever was written under it; what was written back is removed when it is read.
///
/// Every method is one atomic step, but for that removal. A future that is dropped before it is ready leaves the step
/// either done or not begun.
#[async_trait]
pub trait BodyStore: fmt::Debug + Send + Sync + 'static {
    /// Reads the body under `id`. Returns `None` if it is missing, has expired, or its session has ended.
    async fn read(&self, id: &str) -> Result<Option<Body>>;

    /// Keeps a body under an id that has none. Where there is one, that stays, and the answer is `None`.
    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>>;

    /// Replaces the body under `id` and its expiry, if it is the one that has the version `expected`. Never creates.
    async fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced>;

    /// Moves the expiry of the body under `id` to `expires_at`, if that is later; returns whether there is a body.
    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool>;

    /// Removes the body under `id`, if it has the version `expected` (`None`: whatever it is), and leaves a mark.
    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended>;

    /// Returns what only some stores of bodies can do.
    fn capabilities(&self) -> BodyCapabilities<'_>;
}

/// What a store of bodies can do beyond [`BodyStore`].
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct BodyCapabilities<'a> {
    /// Removes bodies that have expired for the other package too. Absent where the server does it by itself.
    ///
    /// A sweep reads no bodies, and counts each one that it removes as [sliding](crate::SweepStats::sliding): a session of
    /// another package ends because it is not used.
    pub sweep: Option<&'a dyn Sweep>,
    /// Goes through the ids of all bodies.
    pub ids: Option<&'a dyn BodyIds>,
}

impl<'a> BodyCapabilities<'a> {
    /// No capability.
    pub const NONE: Self = Self { sweep: None, ids: None };

    /// Adds sweeping.
    #[must_use]
    pub fn with_sweep(mut self, sweep: &'a dyn Sweep) -> Self {
        self.sweep = Some(sweep);
        self
    }

    /// Adds a list of ids.
    #[must_use]
    pub fn with_ids(mut self, ids: &'a dyn BodyIds) -> Self {
        self.ids = Some(ids);
        self
    }
}

/// Goes through the ids of all bodies.
#[async_trait]
pub trait BodyIds: fmt::Debug + Send + Sync {
    /// Reads a page of about `limit` ids, from the beginning or from where the last page ended.
    ///
    /// An id whose body is there from the first page to the last is seen at least once, whatever else changes. Ids of
    /// bodies that have expired or ended may be among them: [`BodyStore::read`] tells.
    async fn ids(&self, after: Option<&Cursor>, limit: usize) -> Result<IdPage>;
}

/// A page of ids.
#[derive(Clone)]
#[non_exhaustive]
pub struct IdPage {
    /// The ids; may be fewer than asked for, or none, although there are more pages. Never log them.
    pub ids: Vec<String>,
    /// Where the next page begins, or `None` after the last.
    pub next: Option<Cursor>,
}

impl IdPage {
    /// Makes a page.
    pub const fn new(ids: Vec<String>, next: Option<Cursor>) -> Self {
        Self { ids, next }
    }

    /// Makes a page of up to `limit` ids that are in order, behind which the next page begins. With as many as asked for,
    /// there may be more.
    pub fn in_order(ids: Vec<String>, limit: usize) -> Self {
        let next =
            ids.last().filter(|_| ids.len() >= limit.max(1)).map(|id| Cursor::new(id.clone().into_bytes()));
        Self { ids, next }
    }

    /// Returns the id that a cursor of [`in_order`](Self::in_order) names; empty at the beginning.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the cursor is another store's.
    pub fn last_of(after: Option<&Cursor>) -> Result<String> {
        let bytes = after.map_or(&[][..], Cursor::as_bytes);
        let text = std::str::from_utf8(bytes);
        text.map(str::to_owned).map_err(|_| Error::new(ErrorKind::Invalid, "the cursor is another store's"))
    }
}

impl fmt::Debug for IdPage {
    /// Shows no id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdPage")
            .field("ids", &self.ids.len())
            .field("has_next", &self.next.is_some())
            .finish_non_exhaustive()
    }
}

/// A body, as it was read.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Body {
    /// Its bytes.
    pub bytes: bytes::Bytes,
    /// When it expires; [`Timestamp::NEVER`] if it does not.
    pub expires_at: Timestamp,
    /// Stands for its bytes.
    pub version: Version,
}

impl Body {
    /// Makes a body, as it was read.
    pub const fn new(bytes: bytes::Bytes, expires_at: Timestamp, version: Version) -> Self {
        Self { bytes, expires_at, version }
    }
}

impl fmt::Debug for Body {
    /// Shows no content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("bytes", &format_args!("{} bytes", self.bytes.len()))
            .field("expires_at", &self.expires_at)
            .field("version", &self.version)
            .finish()
    }
}

/// What a [`BodyStore::replace`] came to.
///
/// The outcomes are complete: a caller has to decide on each of them, so that one more is a new version of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Replaced {
    /// The body is replaced, and has this version now.
    Replaced(Version),
    /// Another body is there, this one; it is unchanged.
    Changed(Body),
    /// There is no body, or its session has ended.
    Missing,
}

/// What a [`BodyStore::end`] came to.
///
/// The outcomes are complete: a caller has to decide on each of them, so that one more is a new version of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// This body is removed.
    Ended(Body),
    /// Another body is there, this one; it is unchanged.
    Changed(Body),
    /// There was no body, or its session had ended before.
    Missing,
}
