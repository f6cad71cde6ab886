//! Bodies in memory that say what they were asked, and fail when a test wants it.

use std::sync::{Arc, Mutex, MutexGuard};

use cloakroom::store::{
    Body, BodyCapabilities, BodyStore, Clock, Ended, Error, ErrorKind, Replaced, Result, Timestamp, Version,
    async_trait,
};
use cloakroom_node::MemoryBodies;

/// What a store is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Read,
    Write,
    Touch,
    End,
}

#[derive(Clone, Debug)]
pub(crate) struct Watched {
    bodies: MemoryBodies,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    asked: Vec<Asked>,
    failing: Vec<(Asked, ErrorKind)>,
}

impl Watched {
    pub(crate) fn new(clock: impl Clock) -> Self {
        Self { bodies: MemoryBodies::with_clock(clock), state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Lets all questions of a kind fail.
    pub(crate) fn fail(&self, asked: Asked, kind: ErrorKind) {
        self.state().failing.push((asked, kind));
    }

    /// Lets every question fail, as if the store were down.
    pub(crate) fn disconnect(&self) {
        for asked in [Asked::Read, Asked::Write, Asked::Touch, Asked::End] {
            self.fail(asked, ErrorKind::Unavailable);
        }
    }

    /// Lets all questions succeed again.
    pub(crate) fn mend(&self) {
        self.state().failing.clear();
    }

    /// Returns how often something was asked.
    pub(crate) fn count(&self, what: Asked) -> usize {
        self.state().asked.iter().filter(|asked| **asked == what).count()
    }

    /// Returns a body, as Node would read it.
    pub(crate) fn body(&self, id: &str) -> Option<String> {
        Some(String::from_utf8(self.bodies.get(id)?.to_vec()).unwrap())
    }

    /// Writes a body as Node does.
    pub(crate) fn node_writes(&self, id: &str, body: &str, expires_at: Timestamp) {
        self.bodies.set(id, body.to_owned(), expires_at);
    }

    /// Returns when a body expires.
    pub(crate) async fn expiry(&self, id: &str) -> Timestamp {
        self.bodies.read(id).await.unwrap().unwrap().expires_at
    }

    fn ask(&self, asked: Asked) -> Result<()> {
        let mut state = self.state();
        state.asked.push(asked);
        match state.failing.iter().find(|(failing, _)| *failing == asked) {
            Some((_, kind)) => Err(Error::new(*kind, "words of the store that no client may read")),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl BodyStore for Watched {
    async fn read(&self, id: &str) -> Result<Option<Body>> {
        self.ask(Asked::Read)?;
        self.bodies.read(id).await
    }

    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        self.ask(Asked::Write)?;
        self.bodies.insert(id, body, expires_at).await
    }

    async fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced> {
        self.ask(Asked::Write)?;
        self.bodies.replace(id, expected, body, expires_at).await
    }

    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        self.ask(Asked::Touch)?;
        self.bodies.touch(id, expires_at).await
    }

    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        self.ask(Asked::End)?;
        self.bodies.end(id, expected).await
    }

    fn capabilities(&self) -> BodyCapabilities<'_> {
        self.bodies.capabilities()
    }
}
