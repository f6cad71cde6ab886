//! Bodies in the memory of this process: for tests of an application.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom::store::{
    Body, BodyCapabilities, BodyIds, BodyStore, Bytes, Clock, Cursor, Ended, IdPage, Replaced, Result, Sweep,
    SweepStats, SystemClock, Timestamp, Version, async_trait,
};
use foldhash::quality::RandomState;

/// Keeps bodies in the memory of this process, for tests. Clones share them.
///
/// ```
/// use cloakroom_node::{Express, MemoryBodies};
///
/// let bodies = MemoryBodies::new();
/// let store = Express::new(["keyboard cat"])?.store(bodies.clone());
/// # let _ = store;
/// assert_eq!(bodies.get("an id"), None);
/// # Ok::<(), cloakroom_node::cookie::CookieError>(())
/// ```
#[derive(Clone)]
pub struct MemoryBodies(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    /// Makes what stands for a body: the same bytes always have the same hash.
    hasher: RandomState,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bodies: HashMap<String, Body>,
    ended: HashSet<String>,
}

impl Default for MemoryBodies {
    fn default() -> Self {
        Self::with_clock(SystemClock)
    }
}

impl MemoryBodies {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty store with a clock of the test's.
    pub fn with_clock(clock: impl Clock) -> Self {
        Self(Arc::new(Inner {
            clock: Arc::new(clock),
            hasher: RandomState::default(),
            kept: Mutex::default(),
        }))
    }

    /// Returns a body, as a Node application would read it.
    pub fn get(&self, id: &str) -> Option<Bytes> {
        self.lock().bodies.get(id).map(|body| body.bytes.clone())
    }

    /// Writes a body blindly, as a Node application does.
    pub fn set(&self, id: &str, body: impl Into<Bytes>, expires_at: Timestamp) {
        let body = self.body(body.into(), expires_at);
        self.lock().bodies.insert(id.into(), body);
    }

    fn body(&self, bytes: Bytes, expires_at: Timestamp) -> Body {
        let version = Version::new(self.0.hasher.hash_one(&bytes[..]));
        Body::new(bytes, expires_at, version)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self, kept: &mut Kept, id: &str) -> Option<Body> {
        if kept.ended.contains(id) {
            kept.bodies.remove(id);
            return None;
        }
        let body = kept.bodies.get(id)?;
        (body.expires_at > self.0.clock.now()).then(|| body.clone())
    }
}

#[async_trait]
impl BodyStore for MemoryBodies {
    async fn read(&self, id: &str) -> Result<Option<Body>> {
        Ok(self.found(&mut self.lock(), id))
    }

    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        let mut kept = self.lock();
        if self.found(&mut kept, id).is_some() || kept.ended.contains(id) {
            return Ok(None);
        }
        let body = self.body(Bytes::copy_from_slice(body), expires_at);
        let version = body.version;
        kept.bodies.insert(id.into(), body);
        Ok(Some(version))
    }

    async fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced> {
        let mut kept = self.lock();
        let Some(there) = self.found(&mut kept, id) else { return Ok(Replaced::Missing) };
        if there.version != expected {
            return Ok(Replaced::Changed(there));
        }
        let body = self.body(Bytes::copy_from_slice(body), expires_at);
        let version = body.version;
        if let Some(there) = kept.bodies.get_mut(id) {
            *there = body;
        }
        Ok(Replaced::Replaced(version))
    }

    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        let mut kept = self.lock();
        if self.found(&mut kept, id).is_none() {
            return Ok(false);
        }
        if let Some(body) = kept.bodies.get_mut(id) {
            body.expires_at = expires_at.max(body.expires_at);
        }
        Ok(true)
    }

    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        let mut kept = self.lock();
        Ok(match self.found(&mut kept, id) {
            None => Ended::Missing,
            Some(there) if expected.is_some_and(|expected| there.version != expected) => {
                Ended::Changed(there)
            }
            Some(there) => {
                kept.bodies.remove(id);
                kept.ended.insert(id.into());
                Ended::Ended(there)
            }
        })
    }

    fn capabilities(&self) -> BodyCapabilities<'_> {
        BodyCapabilities::NONE.with_sweep(self).with_ids(self)
    }
}

#[async_trait]
impl Sweep for MemoryBodies {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        let (now, mut removed, mut kept) = (self.0.clock.now(), 0, self.lock());
        kept.bodies.retain(|_, body| {
            let goes = body.expires_at <= now && removed < limit;
            removed += usize::from(goes);
            !goes
        });
        Ok(SweepStats::of_bodies(removed, limit))
    }
}

#[async_trait]
impl BodyIds for MemoryBodies {
    async fn ids(&self, after: Option<&Cursor>, limit: usize) -> Result<IdPage> {
        let last = IdPage::last_of(after)?;
        let mut ids: Vec<_> = self.lock().bodies.keys().filter(|id| **id > last).cloned().collect();
        ids.sort_unstable();
        ids.truncate(limit.max(1));
        Ok(IdPage::in_order(ids, limit))
    }
}

impl fmt::Debug for MemoryBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryBodies({} bodies)", self.lock().bodies.len())
    }
}
