//! One request's session: the lock around its state, and one load or commit at a time.

mod candidates;
mod clues;
mod head;
mod hooks;
mod ids;
mod in_place;
mod info;
mod peek;
mod pending;
mod sessions;
mod upgrade;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom_store::{Timestamp, Touch};
use tracing::Instrument;

use crate::commit::commit;
use crate::config::Prefetch;
use crate::format::{CookieFormat, IssuedCookie};
use crate::load::Arrival;
use crate::observe::{Event, Operation};
use crate::record::Frames;
use crate::records::{Follow, Records, Resolved};
use crate::state::{
    CommitInput, CommitResult, Cookie, CookieLifetime, Location, NeedsSecrets, RequestFacts, State, Verdict,
};
use crate::transport::{self, Transport};
use crate::turn_lock::TurnLock;
use crate::{Error, ErrorKind, Result, Session, SessionManager};

pub(crate) use candidates::{Candidates, MOST_LOOKUPS, MOST_LOOKUPS_SIGNED};
pub(crate) use clues::Clues;
pub use head::{PlainRequest, RequestField, RequestHead};
pub(crate) use ids::RequestIds;
pub use info::RequestInfo;
pub use pending::{RequestSession, ResponseUpdate};
pub use sessions::{RequestSessions, SessionName};

/// The state of one request's session, under a lock; shared by all `Session` values of the request.
pub(crate) struct RequestState {
    engine: SessionManager,
    ids: RequestIds,
    clues: Clues,
    https: bool,
    /// Whether the cookie's path covers the request's path.
    is_covered: bool,
    /// When the request began, if it brought an id: decides whether an old id is within its grace period.
    begun: Timestamp,
    /// One load or commit at a time.
    turns: TurnLock,
    /// Empty until the session is loaded: most requests never look at theirs. No code of the application runs while it is
    /// locked.
    state: Mutex<Option<Box<State>>>,
    /// Whether the state is there: asked several times in every request, and without the lock.
    is_loaded: AtomicBool,
    has_responded: AtomicBool,
    /// How long the load waited for the store, in microseconds: the last commit has so much less time.
    waited: AtomicU64,
    /// For functions of the application; `None` without such functions.
    info: Option<RequestInfo>,
    /// Whether the response depends on the session although that was not loaded.
    has_peeked: AtomicBool,
}

/// The turn of a load or commit, which may outlive the future that took it.
struct OwnedTurn(Arc<RequestState>);

impl Drop for OwnedTurn {
    fn drop(&mut self) {
        self.0.turns.release();
    }
}

/// Which commit of a request it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// A save in the middle.
    Save,
    /// The last one: the response follows.
    Response,
    /// The client disconnected: only an end is carried out, as no cookie of a new session could be sent.
    Aborted,
}

impl RequestState {
    pub(crate) fn begin(
        engine: SessionManager,
        ids: RequestIds,
        https: bool,
        is_covered: bool,
        info: Option<RequestInfo>,
    ) -> RequestSession {
        let begun = if ids.is_empty() { Timestamp::EPOCH } else { engine.clock().now() };
        RequestSession(Arc::new(Self {
            engine,
            begun,
            ids,
            clues: Clues::default(),
            https,
            is_covered,
            turns: TurnLock::default(),
            state: Mutex::new(None),
            is_loaded: AtomicBool::new(false),
            has_responded: AtomicBool::new(false),
            waited: AtomicU64::new(0),
            info,
            has_peeked: AtomicBool::new(false),
        }))
    }

    pub(crate) fn engine(&self) -> &SessionManager {
        &self.engine
    }

    /// Looks at or changes the state of a loaded session. `f` must not run code of the application; what such code may
    /// run in when it is dropped goes into the state's trash, which is emptied when the lock is free.
    #[inline]
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let mut guard = self.state();
        // Every `Session` was made by `load`, which sets the state first.
        let state = guard.get_or_insert_default();
        let out = f(state);
        if !state.trash.is_empty() {
            let trash = std::mem::take(&mut state.trash);
            drop(guard);
            drop(trash);
        }
        out
    }

    #[inline]
    fn state(&self) -> MutexGuard<'_, Option<Box<State>>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn is_loaded(&self) -> bool {
        self.is_loaded.load(Ordering::Acquire)
    }

    fn set_state(&self, state: Box<State>) {
        *self.state() = Some(state);
        self.is_loaded.store(true, Ordering::Release);
    }

    /// Returns whether the client sent what cannot be an id, and no id.
    pub(crate) fn brought_no_id(&self) -> bool {
        self.ids.read(&self.engine).has_no_id()
    }

    fn has_responded(&self) -> bool {
        self.has_responded.load(Ordering::Acquire)
    }

    fn respond(&self) {
        self.has_responded.store(true, Ordering::Release);
    }

    async fn take_turn(self: &Arc<Self>) -> OwnedTurn {
        std::mem::forget(self.turns.take().await);
        OwnedTurn(self.clone())
    }

    async fn load(self: &Arc<Self>) -> Result<Session> {
        if !self.is_loaded() {
            let _turn = self.turns.take().await;
            if !self.is_loaded() {
                if !self.is_covered {
                    return Err(not_covered());
                }
                if self.clues.is_prefetch() && self.engine.front().prefetch == Prefetch::Refuse {
                    return Err(Error::prefetch());
                }
                self.engine.start_sweeping();
                if self.engine.config().sweep_lottery.is_some() {
                    self.engine.draw_sweep();
                }
                let now = self.engine.clock().now();
                let ids = self.ids.read(&self.engine);
                let arrival = Arrival { begun: self.begun, now, looks_only: self.clues.is_prefetch() };
                let mut state = match self.engine.look_up_now(ids, arrival) {
                    Some(state) => state,
                    None => Box::pin(self.engine.look_up(ids, 0, arrival, &self.waited)).await?,
                };
                if self.engine.config().schema.is_some() {
                    state = Box::pin(self.upgraded(state, ids, arrival)).await?;
                }
                if self.engine.config().hooks.validate.is_some() {
                    state = Box::pin(self.validated(state, ids, arrival)).await?;
                }
                state.looks_only = arrival.looks_only;
                if self.clues.is_withheld() {
                    state.withhold();
                }
                if let Some(format) = self.engine.format() {
                    self.begin_as(format, &mut state)?;
                }
                self.set_state(state);
            }
        }
        Ok(Session(self.clone()))
    }

    /// Adds what a new session of another package's format begins with.
    fn begin_as(&self, format: &dyn CookieFormat, state: &mut State) -> Result<()> {
        let first = format.first_member(self.https, self.info.as_ref()).map_err(|error| {
            Error::new(ErrorKind::Invalid, "no session can begin with this request").with_source(error)
        })?;
        if let Some((name, value)) = first {
            state.set_first_members(Frames::of_member(&name, &value));
        }
        Ok(())
    }

    /// Begins with a new session, as a request without a cookie does.
    pub(super) fn load_new(&self) {
        let now = self.engine.clock().now();
        self.set_state(Box::new(State::new(Location::Absent, Frames::default(), now)));
    }

    /// Loads again, in the place of what was loaded before.
    pub(crate) async fn reload(&self) -> Result<()> {
        let _turn = self.turns.take().await;
        let place =
            self.with(|state| state.stored().map(|located| (located.id.clone(), located.key.clone())));
        let Some((id, key)) = place else {
            return Err(Error::new(ErrorKind::Gone, "there is no stored session to load again"));
        };
        match self.engine.look_again(&id, key).await? {
            Some(state) => {
                if let Some(located) = state.stored() {
                    self.engine.refuse_newer(&located.header)?;
                }
                self.with(|old| old.reloaded(*state));
            }
            None => {
                self.with(State::close);
                return Err(Error::new(ErrorKind::Gone, "the session has ended"));
            }
        }
        Ok(())
    }

    /// Saves in the middle of a request; fails unless the session is alive.
    pub(crate) async fn save(self: &Arc<Self>) -> Result<()> {
        self.before_save().await?;
        match self.commit(Occasion::Save).await? {
            Verdict::Saved => Ok(()),
            Verdict::Discarded { .. } => Err(dropped()),
        }
    }

    /// Commits. If the commit must not stop half-way, a task of its own finishes it even if the future is dropped.
    async fn commit(self: &Arc<Self>, occasion: Occasion) -> Result<Verdict> {
        let turn = self.take_turn().await;
        if occasion == Occasion::Aborted && !self.with(|state| state.intent.is_end()) {
            return Ok(Verdict::Saved);
        }
        let mut input = self.begin_commit(occasion)?;
        input.info.clone_from(&self.info);
        let may_stop = !input.must_finish(self.engine.config());
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !may_stop => {
                let task = runtime.spawn(Self::run_commit(turn, input, occasion).in_current_span());
                task.await.unwrap_or_else(|error| {
                    let message = "the commit was interrupted";
                    Err(Error::new(ErrorKind::Unavailable, message).with_source(error))
                })
            }
            _ => Self::run_commit(turn, input, occasion).await,
        }
    }

    /// Returns how long a commit may take: a request waits for its deadline once, but saves of a long one do so each.
    fn deadline(&self, occasion: Occasion) -> Duration {
        let deadline = self.engine.config().deadline;
        match occasion {
            Occasion::Save | Occasion::Aborted => deadline,
            Occasion::Response => {
                let waited = Duration::from_micros(self.waited.load(Ordering::Relaxed));
                deadline.saturating_sub(waited).max(Duration::from_millis(1))
            }
        }
    }

    fn begin_commit(&self, occasion: Occasion) -> Result<CommitInput> {
        let (nonce, at) = (self.engine.next_nonce(), self.engine.clock().now());
        let facts = RequestFacts {
            deadline: self.deadline(occasion),
            has_responded: self.has_responded(),
            is_conditional: self.clues.is_conditional(),
            is_save: occasion == Occasion::Save,
            is_aborted: occasion == Occasion::Aborted,
        };
        let config = self.engine.config();
        match self.with(|state| state.begin_commit(config, nonce, at, facts, None)) {
            Ok(input) => Ok(input),
            Err(NeedsSecrets) => {
                let drawn = Some(self.engine.draw_secrets()?);
                let input = self.with(|state| state.begin_commit(config, nonce, at, facts, drawn));
                input.map_err(|NeedsSecrets| Error::new(ErrorKind::Random, "a new session has no id yet"))
            }
        }
    }

    async fn run_commit(turn: OwnedTurn, input: CommitInput, occasion: Occasion) -> Result<Verdict> {
        let request = &turn.0;
        let result = commit(&request.engine, input).await;
        let verdict = request.finish_commit(result);
        if occasion != Occasion::Save {
            // Before the next one has its turn: it must know that no cookie can be sent any more.
            request.respond();
        }
        verdict
    }

    /// Applies the result of a commit to the state. Changes that a handler made meanwhile are replayed, without the lock.
    fn finish_commit(&self, mut result: CommitResult) -> Result<Verdict> {
        while let Some(replay) = self.with(|state| state.finish_commit(&mut result)) {
            result.set_replayed(replay.run());
        }
        result.verdict.take().unwrap_or(Ok(Verdict::Saved))
    }

    fn outcome(&self) -> ResponseUpdate {
        if let Some(transport) = self.engine.transport() {
            return self.transported_outcome(transport);
        }
        self.with(|state| self.outcome_of(state))
    }

    #[inline]
    fn outcome_of(&self, state: &State) -> ResponseUpdate {
        if let Some(format) = self.engine.format() {
            return self.foreign_outcome(state, format);
        }
        let (cookie, codec) = (self.engine.cookie(), self.engine.codec());
        let to_send = self.ids.read(&self.engine).to_send();
        let mut more_cookies = if to_send.is_empty() { Vec::new() } else { to_send.to_vec() };
        if state.cookie != Cookie::Unchanged {
            more_cookies.extend(cookie.remove_in_other_jar().map(str::to_owned));
        }
        let set_cookie = match &state.cookie {
            Cookie::Unchanged => None,
            Cookie::Set(id, lifetime) => Some(cookie.set_for(codec, id, *lifetime, self.https)),
            Cookie::Removed => Some(cookie.remove(self.https)),
        };
        ResponseUpdate { set_cookie, more_cookies, ..Self::told(state) }
    }

    /// Returns the outcome where a transport of the application's carries the id. Holds no lock when it calls that.
    fn transported_outcome(&self, transport: &dyn Transport) -> ResponseUpdate {
        let (cookie, told) = self.with(|state| (state.cookie.clone(), Self::told(state)));
        let id_headers = match cookie {
            Cookie::Unchanged => Vec::new(),
            Cookie::Removed => transport::write(transport, None),
            Cookie::Set(id, _) => {
                let mut value = String::new();
                self.engine.codec().write(&self.engine.cookie().name, &id, &mut value);
                transport::write(transport, Some(&value))
            }
        };
        ResponseUpdate { id_headers, ..told }
    }

    /// Returns the outcome without cookies.
    #[inline]
    fn told(state: &State) -> ResponseUpdate {
        let sets_id = matches!(state.cookie, Cookie::Set(..));
        ResponseUpdate {
            set_cookie: None,
            more_cookies: Vec::new(),
            id_headers: Vec::new(),
            vary: true,
            ended: state.ended,
            has_user: state.owner().is_some(),
            logged_in: state.logged_in && sets_id,
            sets_id,
        }
    }

    /// Returns the outcome with the cookies of another package, which may be several.
    fn foreign_outcome(&self, state: &State, format: &dyn CookieFormat) -> ResponseUpdate {
        let mut cookies = match &state.cookie {
            Cookie::Unchanged => self.ids.read(&self.engine).to_send().to_vec(),
            Cookie::Set(id, CookieLifetime { from, max_age, .. }) => {
                let issued = IssuedCookie::new(id.expose(), *from, *max_age, self.https);
                format.issue(&issued.of_session(state.values.base()))
            }
            Cookie::Removed => format.remove(self.https),
        };
        let set_cookie = if cookies.is_empty() { None } else { Some(cookies.remove(0)) };
        ResponseUpdate { set_cookie, more_cookies: cookies, ..Self::told(state) }
    }

    /// Begins the idle time of a session anew while its request is under way, whatever the handler does.
    ///
    /// Returns whether it is alive.
    async fn touch_under_way(&self) -> Result<bool> {
        if self.clues.is_prefetch() {
            return Ok(false);
        }
        let config = self.engine.config();
        let now = self.engine.clock().now();
        let place = self.state().as_ref().and_then(|state| {
            let located = state.stored()?;
            Some((located.key.clone(), config.lifetime.expires_at(&located.header, now)))
        });
        let Some((key, expires_at)) = place else { return Ok(true) };
        let mut records = Records::for_load(&self.engine, Operation::Touch, None)?;
        let touch = Some(Touch::new(expires_at, expires_at));
        let found = records.resolve(key, Follow { touch, ..Follow::HELD }).await?;
        let Resolved::Live(live) = found else { return Ok(false) };
        if live.expires_at < expires_at {
            records.touch(&live.key, expires_at).await?;
        }
        self.with(|state| {
            if let Some(located) = state.location.stored_mut() {
                located.expires_at = located.expires_at.max(expires_at);
            }
        });
        Ok(true)
    }

    /// Returns when the session has to be touched so that it does not run out.
    fn next_touch(&self) -> Duration {
        let expires_at = self.state().as_ref().and_then(|state| Some(state.stored()?.expires_at));
        let left = match expires_at {
            Some(expires_at) => expires_at.since(self.engine.clock().now()),
            // It may be loaded yet.
            None => self.engine.config().lifetime.idle / 2,
        };
        (left / 2).clamp(Duration::from_millis(50), Duration::from_secs(24 * 60 * 60))
    }
}

impl Drop for RequestState {
    /// Tells the application of changes that were made after the response and never saved.
    fn drop(&mut self) {
        let responded = *self.has_responded.get_mut();
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let is_lost = |state: &State| !state.looks_only && state.holds_unsaved_changes();
        if responded && state.as_deref().is_some_and(is_lost) {
            self.engine.emit(&Event::UnsavedChanges);
        }
    }
}

fn not_covered() -> Error {
    Error::new(ErrorKind::Unsupported, "the path of the request is outside of the session cookie's path")
}

fn dropped() -> Error {
    Error::new(ErrorKind::Gone, "the session ended meanwhile, and the changes were dropped")
}
