//! What the suite must know about a store to test it.

mod live;
mod manual;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{RecordHead, Result, Store, Timestamp, async_trait};

pub use live::LiveHarness;
pub use manual::ManualHarness;

/// A store to test, and the means to let time pass for it.
///
/// One harness stands for one place with records: every handle that it gives sees the same ones. [`suite!`](crate::suite)
/// makes a harness for each case, so that cases run in parallel; a loop over [`cases`](crate::cases) with one harness
/// runs them one after the other. [`ManualHarness`] and [`LiveHarness`] are enough for most stores.
#[async_trait]
pub trait Harness: fmt::Debug + Send + Sync {
    /// The store under test.
    fn store(&self) -> Arc<dyn Store>;

    /// The present moment, on the clock that the store goes by.
    fn now(&self) -> Timestamp;

    /// Lets `span` pass: moves the store's clock, or sleeps where the store goes by a clock that tests cannot move.
    async fn advance(&self, span: Duration);

    /// Opens another handle on the same records, as another process would. `None` if there can be one only.
    async fn reopen(&self) -> Result<Option<Arc<dyn Store>>> {
        Ok(None)
    }

    /// Opens a handle that cannot look: on a closed port, on a folder without permission. Each of its methods has to
    /// fail. `None` if a store of this kind is always reachable.
    async fn unreachable(&self) -> Result<Option<Arc<dyn Store>>> {
        Ok(None)
    }

    /// How far the suite may go.
    fn limits(&self) -> Limits {
        Limits::default()
    }
}

/// How far the suite may go with a store, and what it expects of it.
///
/// ```
/// use cloakroom_conformance::{Capability, Limits};
///
/// let limits = Limits::default().max_payload_bytes(400_000).promise(&[Capability::Owners]);
/// assert!(limits.alone);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest payload that the store keeps, in bytes; one byte more is refused as too large.
    /// `None`, the default, if there is no such size; then 1 MiB must be kept.
    pub max_payload_bytes: Option<usize>,
    /// How many bytes of a payload a list shows: all that it may, 512, unless set.
    pub shown_payload_bytes: usize,
    /// How long a record lives that a case sees expire. One hour unless set: on a clock that is moved, that is long
    /// enough for no server to expire it by itself meanwhile.
    pub tick: Duration,
    /// How close to an expiry a case looks while the record has to be there still. One microsecond unless set: on a
    /// clock that stands still, nothing is more exact. On a running clock, longer than the slowest answer.
    pub precision: Duration,
    /// The longest time that a case may let pass; cases that need more are not applicable. No limit unless set.
    pub longest_wait: Duration,
    /// Whether the suite has the store to itself, as it has unless set. If not, a case uses only keys of its own, and
    /// those that count or clear all records are not applicable.
    pub alone: bool,
    /// The capabilities that the store must have. None unless set: then those that it lacks are not tested.
    pub promised: &'static [Capability],
    /// The names of cases whose sentence the store does not keep, each with the reason. None unless set.
    pub left_out: &'static [(&'static str, &'static str)],
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_payload_bytes: None,
            shown_payload_bytes: RecordHead::PAYLOAD_BYTES,
            tick: Duration::from_secs(3_600),
            precision: Duration::from_micros(1),
            longest_wait: Duration::MAX,
            alone: true,
            promised: &[],
            left_out: &[],
        }
    }
}

impl Limits {
    /// Returns limits for a clock that tests cannot move: records live for 2 seconds, no case looks at the last half of
    /// a second, and no case waits longer than 10 seconds.
    #[must_use]
    pub fn real_time() -> Self {
        Self {
            tick: Duration::from_secs(2),
            precision: Duration::from_millis(500),
            longest_wait: Duration::from_secs(10),
            ..Self::default()
        }
    }

    /// Sets the largest payload that the store keeps, in bytes.
    #[must_use]
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = Some(bytes);
        self
    }

    /// Sets how many bytes of a payload a list shows, for a store that wraps another one and adds to its payloads: between
    /// [`RecordHead::LEAST_PAYLOAD_BYTES`] and [`RecordHead::PAYLOAD_BYTES`].
    #[must_use]
    pub fn shown_payload_bytes(mut self, bytes: usize) -> Self {
        self.shown_payload_bytes = bytes.clamp(RecordHead::LEAST_PAYLOAD_BYTES, RecordHead::PAYLOAD_BYTES);
        self
    }

    /// Sets how long a record lives that a case sees expire, and how close to its end a case looks.
    #[must_use]
    pub fn pace(mut self, tick: Duration, precision: Duration) -> Self {
        self.tick = tick;
        self.precision = precision;
        self
    }

    /// Sets the longest time that a case may let pass.
    #[must_use]
    pub fn longest_wait(mut self, span: Duration) -> Self {
        self.longest_wait = span;
        self
    }

    /// Says that the store holds, or may hold, records of others.
    #[must_use]
    pub fn among_others(mut self) -> Self {
        self.alone = false;
        self
    }

    /// Names the capabilities that the store must have: losing one then fails a case instead of skipping several.
    #[must_use]
    pub fn promise(mut self, capabilities: &'static [Capability]) -> Self {
        self.promised = capabilities;
        self
    }

    /// Names the cases whose sentence the store cannot keep, each with the reason: for a store whose format is another
    /// package's. They are not run, and say so with the reason as not applicable.
    ///
    /// ```
    /// use cloakroom_conformance::Limits;
    ///
    /// let limits = Limits::default()
    ///     .leave_out(&[("an_expiry_comes_back_to_the_microsecond", "the layout has whole seconds")]);
    /// assert_eq!(limits.left_out.len(), 1);
    /// ```
    #[must_use]
    pub fn leave_out(mut self, cases: &'static [(&'static str, &'static str)]) -> Self {
        self.left_out = cases;
        self
    }
}

/// Names a capability that a store may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// [`Sweep`](cloakroom_store::Sweep).
    Sweep,
    /// [`Scan`](cloakroom_store::Scan).
    Scan,
    /// [`Owners`](cloakroom_store::Owners).
    Owners,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 3] = [Self::Sweep, Self::Scan, Self::Owners];

    /// Returns whether `store` has it.
    pub fn is_in(self, store: &dyn Store) -> bool {
        let capabilities = store.capabilities();
        match self {
            Self::Sweep => capabilities.sweep.is_some(),
            Self::Scan => capabilities.scan.is_some(),
            Self::Owners => capabilities.owners.is_some(),
        }
    }
}
