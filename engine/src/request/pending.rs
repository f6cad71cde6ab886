//! The session of a request, as an adapter sees it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::{Occasion, RequestState, dropped};
use crate::observe::{Event, Operation};
use crate::state::{Cookie, State, Verdict};
use crate::{Error, RequestHead, Result, Session, SessionManager, SessionView};

/// A request whose session is loaded only if it is asked for: see [`SessionManager::begin`]. Clones are of the same request.
#[derive(Clone)]
pub struct RequestSession(pub(super) Arc<RequestState>);

/// The changes to the response; an adapter turns them into headers.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "the client learns of its session only by this"]
pub struct ResponseUpdate {
    /// The value of a `Set-Cookie` header to add. Remove others of the same name, and keep the response out of caches.
    pub set_cookie: Option<String>,
    /// The values of further `Set-Cookie` headers, which are added as they are: those of a
    /// [format](crate::format::CookieFormat) that needs several, and removals of cookies of other names or in another jar.
    pub more_cookies: Vec<String>,
    /// Headers to set, in the place of others of their name, and values that may hold an id: the client's id, where a
    /// [`Transport`](crate::Transport) carries it.
    pub id_headers: Vec<(String, String)>,
    /// Whether the response depends on the session: add `Vary: Cookie`.
    pub vary: bool,
    /// Whether this request ended its session: a log-out, also of a session that had ended already.
    pub ended: bool,
    /// Whether a user is logged in.
    pub has_user: bool,
    /// Whether this request logged a user in.
    pub logged_in: bool,
    /// Whether `set_cookie` hands out an id.
    pub sets_id: bool,
}

/// The outcome of a request that did not use its session.
pub(super) const UNTOUCHED: ResponseUpdate = ResponseUpdate {
    set_cookie: None,
    more_cookies: Vec::new(),
    id_headers: Vec::new(),
    vary: false,
    ended: false,
    has_user: false,
    logged_in: false,
    sets_id: false,
};

/// The outcome of a request that only peeked at its session.
pub(super) const PEEKED: ResponseUpdate = ResponseUpdate {
    set_cookie: None,
    more_cookies: Vec::new(),
    id_headers: Vec::new(),
    vary: true,
    ended: false,
    has_user: false,
    logged_in: false,
    sets_id: false,
};

impl RequestSession {
    /// Reads what the request's headers say of who made it: a browser that fetches ahead, another site, a cache. Adapters call
    /// it with the head that they gave to [`begin`](SessionManager::begin), when the session is first asked for and before
    /// it is loaded; later calls change nothing.
    pub fn note_headers(&self, head: &impl RequestHead) {
        self.0.clues.note(head, self.0.ids.is_empty(), self.0.engine.config());
    }

    /// Loads the session. A second call in the same request returns the same session, without a trip to the store.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable) or [`Store`](crate::ErrorKind::Store) if the store does not answer
    /// and the [outage policy](crate::OutageFallback) is to fail. Such a request can never write.
    pub async fn load(&self) -> Result<Session> {
        self.0.load().await.map_err(|error| error.during(Operation::Load))
    }

    /// Looks at the session as it is stored, without using it: the request does not count as activity, uses up no flash
    /// value, and can change nothing. `None`: the client has no live session. For pages that poll, prefetch or check in
    /// the background, which would else keep a session alive that its user has left.
    ///
    /// Where the session was loaded in this request already, this is that one. A check of
    /// [`validate`](crate::Config::validate) is asked as for a load. The response still varies by the session.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// let unread: u32 = match request.peek().await? {
    ///     Some(session) => session.get_or("unread", 0)?,
    ///     None => 0,
    /// };
    /// # assert_eq!(unread, 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub async fn peek(&self) -> Result<Option<SessionView>> {
        self.0.peek().await.map_err(|error| error.during(Operation::Load))
    }

    /// Gives the request a new session, without asking the store.
    pub(crate) fn load_new(&self) -> Session {
        self.0.load_new();
        Session(self.0.clone())
    }

    /// Returns whether the session was loaded.
    pub fn is_loaded(&self) -> bool {
        self.0.is_loaded()
    }

    /// Returns the outcome, if finding it takes no waiting; else ask [`commit`](Self::commit).
    ///
    /// A request that never used its session, or only read it, ends here; with a store in the process's memory also
    /// one that changed values.
    pub fn try_finish(&self) -> Option<ResponseUpdate> {
        let request = &self.0;
        if request.is_loaded() {
            return request.finish_in_place();
        }
        // A page that is fetched ahead does not use the session unless its handler asks.
        let is_untouched = !request.engine.always_loads() || request.clues.is_prefetch();
        is_untouched.then(|| {
            request.respond();
            request.untouched()
        })
    }

    /// Writes the request's changes to the store, and returns what the response must tell the client.
    ///
    /// # Errors
    /// The changes are then not acknowledged: the response must be replaced by an error.
    /// [`Gone`](crate::ErrorKind::Gone) only if
    /// [`fail_on_dropped_write`](crate::Config::fail_on_dropped_write).
    pub async fn commit(&self) -> Result<ResponseUpdate> {
        self.try_commit().await.map_err(|error| error.during(Operation::Commit))
    }

    async fn try_commit(&self) -> Result<ResponseUpdate> {
        if !self.0.is_loaded() {
            if let Some(outcome) = self.try_finish() {
                return Ok(outcome);
            }
            if Box::pin(self.0.load()).await.is_err() {
                // No handler used the session: an outage does not concern this response.
                return Ok(self.0.untouched());
            }
        }
        self.0.with(State::forget_what_is_not_saved);
        if let Err(error) = self.0.before_save().await {
            return Err(self.0.end_without_saving(error).await);
        }
        match self.0.commit(Occasion::Response).await? {
            Verdict::Discarded { .. } if self.0.engine.config().fail_on_dropped_write => Err(dropped()),
            Verdict::Discarded { .. } | Verdict::Saved => Ok(self.0.outcome()),
        }
    }

    /// Returns what the client must learn although the commit failed: the new id that an earlier
    /// [`save`](Session::save) of this request has stored. Without it the error page would log the user out.
    pub fn outcome_on_error(&self) -> ResponseUpdate {
        let is_news =
            self.0.is_loaded() && self.0.with(|state| state.ended || matches!(state.cookie, Cookie::Set(..)));
        if is_news { self.0.outcome() } else { self.0.untouched() }
    }

    /// Returns whether the handler ended the session and the store does not know yet. An adapter whose request is dropped
    /// before its response is made [carries the log-out out](Self::finish_aborted) then: a log-out must not be lost.
    pub fn has_pending_logout(&self) -> bool {
        let request = &self.0;
        request.is_loaded()
            && !request.has_responded()
            && request.with(|state| state.intent.is_end() && state.location.stored().is_some())
    }

    /// Returns whether the handler changed the session and the store does not know yet. Asks no store and writes nothing:
    /// for adapters whose request ends without a response.
    pub fn has_unsaved_changes(&self) -> bool {
        let request = &self.0;
        request.is_loaded() && !request.has_responded() && request.with(|state| state.holds_unsaved_changes())
    }

    /// Carries out the end of the session, and nothing else, of a request whose client is gone: the cookie of a new
    /// session could not be sent.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit).
    pub async fn finish_aborted(&self) -> Result<()> {
        if self.has_pending_logout() {
            self.0.commit(Occasion::Aborted).await?;
        }
        Ok(())
    }

    /// Deals with a request that ends without a response: carries out a log-out that the handler decided on, in a task of
    /// its own, and reports other changes as lost ([`Event::Unanswered`]). For adapters, in a destructor.
    pub fn unanswered(&self) {
        if !self.has_pending_logout() {
            if self.has_unsaved_changes() {
                self.manager().emit(&Event::Unanswered);
            }
        } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let request = self.clone();
            runtime.spawn(async move { request.finish_aborted().await }.in_current_span());
        }
    }

    /// Loads the session and refuses a request whose CSRF token is missing or wrong; one without a token is refused
    /// without a trip to the store. Every request passes whose id comes in a [`Transport`](crate::Transport), which no
    /// other site can make a browser send. For middleware.
    ///
    /// # Errors
    /// [`CsrfRejected`](crate::ErrorKind::CsrfRejected), or as for [`load`](Self::load).
    pub async fn require_csrf_token(&self, token: Option<&[u8]>) -> Result<()> {
        if !self.manager().uses_cookies() {
            return Ok(());
        }
        let token = token.and_then(|token| str::from_utf8(token).ok()).ok_or_else(Error::csrf_rejected)?;
        self.load().await?.require_csrf_token(Some(token))
    }

    /// Loads the session and refuses a request whose user did not prove who they are within the last `span`: see
    /// [`Session::require_fresh`]. For middleware.
    ///
    /// # Errors
    /// [`NotFresh`](crate::ErrorKind::NotFresh), or as for [`load`](Self::load).
    pub async fn require_fresh(&self, span: Duration) -> Result<()> {
        self.load().await?.require_fresh(span)
    }

    /// Keeps the session from running out while the request is under way: a request is activity for as long as it lasts,
    /// even if that is longer than the idle timeout. Never ready; an adapter polls it beside the handler once the session
    /// [was loaded](Self::is_loaded).
    pub fn keep_alive(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let request = self.0.clone();
        Box::pin(async move {
            loop {
                tokio::time::sleep(request.next_touch()).await;
                match request.touch_under_way().await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => request.engine.failed(Operation::Load, &error),
                }
            }
            std::future::pending::<()>().await;
        })
    }

    /// Returns the engine.
    pub fn manager(&self) -> &SessionManager {
        &self.0.engine
    }
}

impl fmt::Debug for RequestSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestSession(..)")
    }
}

impl fmt::Debug for ResponseUpdate {
    /// The cookie holds the id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseUpdate")
            .field("set_cookie", &self.set_cookie.as_ref().map(|_| format_args!("..")))
            .field("more_cookies", &format_args!("{}", self.more_cookies.len()))
            .field("id_headers", &format_args!("{}", self.id_headers.len()))
            .field("vary", &self.vary)
            .field("ended", &self.ended)
            .field("has_user", &self.has_user)
            .field("logged_in", &self.logged_in)
            .field("sets_id", &self.sets_id)
            .finish()
    }
}
