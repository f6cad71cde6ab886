//! One request's dealings with its session.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom_store::Timestamp;
use tokio::task::JoinHandle;

use super::gate::Gate;
use super::{Candidates, Engine, commit};
use crate::plan::{Plan, Step};
use crate::session::{Cookie, Place, State};
use crate::{Error, ErrorKind, Result, Session};

/// One request's dealings with its session; shared by every handle that the request gives out.
pub(crate) struct Visit {
    engine: Engine,
    pub(super) ids: Candidates,
    https: bool,
    /// When the request began, if it brought an id: what excuses an old one.
    begun: Timestamp,
    /// One load or commit at a time.
    gate: Gate,
    /// Empty until the session is loaded: most requests never look at theirs.
    state: Mutex<Option<Box<State>>>,
    responded: AtomicBool,
}

/// A request whose session nobody has asked for yet: see [`Engine::begin`]. Clones are of the same request.
#[derive(Clone)]
pub struct Pending(Arc<Visit>);

/// What the response must say; an adapter turns it into headers.
#[derive(Clone, PartialEq, Eq)]
#[must_use = "the client learns of its session only by this"]
pub struct Outcome {
    /// The value of a `Set-Cookie` header to add. Remove others of the same name, and add `Cache-Control: no-store`.
    pub set_cookie: Option<String>,
    /// Whether the response depends on the session: add `Vary: Cookie`.
    pub vary: bool,
    /// Whether this request ended its session.
    pub ended: bool,
}

/// The outcome of a request that did not look at its session.
const UNTOUCHED: Outcome = Outcome { set_cookie: None, vary: false, ended: false };

impl Visit {
    pub(super) fn begin(engine: Engine, ids: Candidates, https: bool) -> Pending {
        let begun = if ids.is_empty() { Timestamp::EPOCH } else { engine.clock().now() };
        Pending(Arc::new(Self {
            engine,
            begun,
            ids,
            https,
            gate: Gate::default(),
            state: Mutex::new(None),
            responded: AtomicBool::new(false),
        }))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Looks at or changes the state of a loaded session.
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        // Every `Session` was made by `load`, which sets the state first; a request that never loaded has an empty one.
        f(self.state().get_or_insert_with(|| {
            let now = self.engine.clock().now();
            Box::new(State::new(Place::Closed, crate::record::Frames::default(), now))
        }))
    }

    #[inline]
    fn state(&self) -> MutexGuard<'_, Option<Box<State>>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn is_loaded(&self) -> bool {
        self.state().is_some()
    }

    pub(super) fn has_responded(&self) -> bool {
        self.responded.load(Ordering::Acquire)
    }

    fn respond(&self) {
        self.responded.store(true, Ordering::Release);
    }

    async fn load(self: &Arc<Self>) -> Result<Session> {
        if !self.is_loaded() {
            let _pass = self.gate.pass().await;
            if !self.is_loaded() {
                let state = self.engine.look_up(&self.ids, self.begun).await?;
                *self.state() = Some(state);
            }
        }
        Ok(Session(self.clone()))
    }

    /// Loads again, in the place of what was loaded before.
    pub(crate) async fn reload(&self) -> Result<()> {
        let _pass = self.gate.pass().await;
        let place = self.with(|state| state.stored().map(|stored| (stored.id.clone(), stored.key.clone())));
        let Some((id, key)) = place else {
            return Err(Error::new(ErrorKind::Gone, "there is no stored session to load again"));
        };
        match self.engine.look_again(&id, key, self.begun).await? {
            Some(state) => self.with(|old| old.reloaded(*state)),
            None => {
                self.with(State::closed);
                return Err(Error::new(ErrorKind::Gone, "the session has ended"));
            }
        }
        Ok(())
    }

    /// Saves in the middle of a request.
    pub(crate) async fn save(self: &Arc<Self>) -> Result<()> {
        match self.commit(Last::No).await? {
            commit::Landing::Kept => Ok(()),
            commit::Landing::Dropped => {
                Err(Error::new(ErrorKind::Gone, "the session ended meanwhile, and the changes were dropped"))
            }
        }
    }

    /// Commits, and goes on to the end even if whoever asked is gone, where stopping half-way would show.
    async fn commit(self: &Arc<Self>, last: Last) -> Result<commit::Landing> {
        match self.commit_apart(last) {
            None => self.commit_here(last).await,
            Some(work) => work.await.unwrap_or_else(|error| {
                Err(Error::new(ErrorKind::Unavailable, "the commit was interrupted").with_source(error))
            }),
        }
    }

    /// Commits in a task of its own, if it must not stop half-way and there is a runtime.
    fn commit_apart(self: &Arc<Self>, last: Last) -> Option<JoinHandle<Result<commit::Landing>>> {
        if !self.with(|state| outlives_its_request(state, &self.engine)) {
            return None;
        }
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let visit = self.clone();
        Some(runtime.spawn(async move { visit.commit_here(last).await }))
    }

    async fn commit_here(&self, last: Last) -> Result<commit::Landing> {
        let _pass = self.gate.pass().await;
        if last == Last::NobodyIsTold && !self.with(State::only_end) {
            return Ok(commit::Landing::Kept);
        }
        let landing = commit::Commit::new(self).run().await;
        if last != Last::No {
            // Before the next in line has its turn: it must know that no cookie can be sent any more.
            self.respond();
        }
        landing
    }

    fn outcome(&self) -> Outcome {
        self.with(|state| self.outcome_of(state))
    }

    fn outcome_of(&self, state: &State) -> Outcome {
        let cookie = &self.engine.0.cookie;
        let set_cookie = match &state.cookie {
            Cookie::Unchanged => None,
            Cookie::Set(id, max_age) => Some(cookie.set(&self.engine.0.codec, id, *max_age, self.https)),
            Cookie::Removed => Some(cookie.remove(self.https)),
        };
        Outcome { vary: true, ended: matches!(state.cookie, Cookie::Removed), set_cookie }
    }
}

/// Whether a commit is its request's last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// No: a save.
    No,
    /// The response follows.
    Response,
    /// The client is gone: what it would have to be told must not come into being.
    NobodyIsTold,
}

/// Whether half of the commit would be worse than all or nothing of it.
fn outlives_its_request(state: &State, engine: &Engine) -> bool {
    if state.is_plain() && engine.config().lifetime.renew_every.is_none() {
        return false;
    }
    let plan = Plan::decide(state.observe(engine.config()));
    match plan.step {
        Step::Rotate(_) | Step::Replace | Step::Delete => true,
        Step::Create => state.owner.is_some(),
        Step::Nothing | Step::Update | Step::Touch | Step::Drop => false,
    }
}

impl Pending {
    /// Loads the session, once in a request: asked again, hands out the same.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) or [`Store`](ErrorKind::Store) if the store does not answer and the
    /// [outage policy](crate::OutagePolicy) is to fail. Such a request can never write.
    pub async fn load(&self) -> Result<Session> {
        self.0.load().await
    }

    /// The outcome, if it takes no trip to the store; else ask [`commit`](Self::commit).
    ///
    /// A request that never looked at its session, or only read it, ends here.
    pub fn settle(&self) -> Option<Outcome> {
        let visit = &self.0;
        if !visit.is_loaded() {
            let untouched = !visit.engine.always_loads();
            return untouched.then(|| {
                visit.respond();
                UNTOUCHED
            });
        }
        let config = visit.engine.config();
        let _pass = visit.gate.try_pass()?;
        visit.with(|state| {
            // What changed is known at once; only the rest takes a look at the clocks.
            let idle = state.uncertain.is_empty()
                && !config.rolling
                && !state.is_changed()
                && Plan::decide(state.observe(config)).step == Step::Nothing;
            idle.then(|| {
                visit.respond();
                visit.outcome_of(state)
            })
        })
    }

    /// Brings the request's changes into the store and says what the response must tell the client.
    ///
    /// # Errors
    /// The changes are then not acknowledged: the response must be replaced by an error.
    /// [`Gone`](ErrorKind::Gone) only if [`dropped_write_is_an_error`](crate::Config::dropped_write_is_an_error).
    pub async fn commit(&self) -> Result<Outcome> {
        if !self.0.is_loaded() {
            if let Some(outcome) = self.settle() {
                return Ok(outcome);
            }
            if Box::pin(self.0.load()).await.is_err() {
                // Nobody asked for the session: an outage is nothing to this response.
                return Ok(UNTOUCHED);
            }
        }
        match self.0.commit(Last::Response).await? {
            commit::Landing::Dropped if self.0.engine.config().dropped_write_is_an_error => {
                Err(Error::new(ErrorKind::Gone, "the session ended meanwhile, and the changes were dropped"))
            }
            _ => Ok(self.0.outcome()),
        }
    }

    /// What the client must learn although the commit failed: the new id that an earlier [`save`](Session::save) of
    /// this request has stored. Without it the error page would log the user out.
    pub fn outcome_of_an_error(&self) -> Outcome {
        let is_news = self.0.is_loaded() && self.0.with(|state| matches!(state.cookie, Cookie::Set(..)));
        if is_news { self.0.outcome() } else { UNTOUCHED }
    }

    /// Whether the handler ended the session and the store does not know yet. An adapter whose request is dropped
    /// before its response is made [abandons](Self::abandon) it then: a log-out must not be lost.
    pub fn is_ending(&self) -> bool {
        let visit = &self.0;
        visit.is_loaded()
            && !visit.has_responded()
            && visit.with(|state| state.fate == crate::plan::Fate::End && state.placed().is_some())
    }

    /// Returns whether the handler changed the session and the store does not know yet. Asks no store and writes nothing:
    /// for adapters whose request ends without a response.
    pub fn has_unsaved_changes(&self) -> bool {
        let visit = &self.0;
        visit.is_loaded() && !visit.has_responded() && visit.with(|state| state.is_changed())
    }

    /// Carries out the end of the session, and nothing else, of a request whose response nobody will get: a session
    /// that was begun after it would be nobody's.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit).
    pub async fn abandon(&self) -> Result<()> {
        if self.is_ending() {
            self.0.commit(Last::NobodyIsTold).await?;
        }
        Ok(())
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending(..)")
    }
}

impl fmt::Debug for Outcome {
    /// The cookie holds the id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("set_cookie", &self.set_cookie.as_ref().map(|_| format_args!("..")))
            .field("vary", &self.vary)
            .field("ended", &self.ended)
            .finish()
    }
}
