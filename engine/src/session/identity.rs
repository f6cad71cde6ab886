//! The id of a session, its user, log-in and log-out.

use std::time::Duration;

use cloakroom_store::{Owner, OwnerKey, Timestamp};

use super::Session;
use crate::observe::{EndReason, Operation};
use crate::state::{Login, State};
use crate::{Error, ErrorKind, PublicId, Result, SessionId};

/// # Identity
impl Session {
    /// Returns the id, if the session has one: a new session gets it when it is stored. To show it, it must be
    /// [exposed](SessionId::expose). The client's id of a renewed session is the one that it sent.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> cloakroom::Result<()> {
    /// # let session = Session::for_test()?;
    /// session.insert("coat", "green")?;
    /// assert_eq!(session.id(), None, "not stored yet");
    /// session.save().await?;
    /// assert!(session.id().is_some_and(|id| id.expose().len() == 43));
    /// # Ok(()) }
    /// ```
    pub fn id(&self) -> Option<SessionId> {
        self.with(|state| state.stored().map(|located| located.id.clone())).filter(|id| !id.is_unknown())
    }

    /// Returns the public name of the session, if it exists: see [`exists`](Self::exists).
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// assert_eq!(session.public_id(), None, "nothing to name");
    /// session.insert("coat", "green")?;
    /// let name = session.public_id().unwrap(); // for a support ticket: it opens no session
    /// assert_eq!(name.to_string().len(), 22);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn public_id(&self) -> Option<PublicId> {
        if !self.exists() || self.ensure_secrets().is_err() {
            return None;
        }
        self.with(|state| state.known_header().map(|header| PublicId::new(header.public_id())))
    }

    /// Returns whether the session is stored, or will be when the response is ready.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// assert!(!session.exists(), "a first visit");
    /// session.insert("coat", "green")?;
    /// assert!(session.exists());
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn exists(&self) -> bool {
        let save_empty = self.0.engine().config().save_empty;
        self.with(|state| state.exists(save_empty))
    }

    /// Returns whether there was no session when the request came, or the one there was has ended.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> cloakroom::Result<()> {
    /// # let session = Session::for_test()?;
    /// session.insert("coat", "green")?;
    /// assert!(session.is_new());
    /// session.save().await?;
    /// assert!(!session.is_new());
    /// # Ok(()) }
    /// ```
    pub fn is_new(&self) -> bool {
        self.with(|state| state.stored().is_none())
    }

    /// Returns the user who is logged in, as given to [`log_in`](Self::log_in).
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// let greeting = |session: &Session| format!("Hello, {}", session.user().unwrap_or("guest".into()));
    /// assert_eq!(greeting(&session), "Hello, guest");
    /// session.log_in("alice")?;
    /// assert_eq!(greeting(&session), "Hello, alice");
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn user(&self) -> Option<String> {
        self.with(|state| {
            state.owner().map(|owner| String::from_utf8_lossy(owner.key.as_bytes()).into_owned())
        })
    }

    /// Returns when the user last proved who they are, if a user is logged in.
    ///
    /// ```
    /// # use cloakroom::{Session, Timestamp};
    /// # let session = Session::for_test()?;
    /// assert_eq!(session.authenticated_at(), None);
    /// session.log_in("alice")?;
    /// assert!(session.authenticated_at().is_some_and(|at| at <= Timestamp::now()));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.with(|state| state.known_header().and_then(|header| header.authenticated_at()))
    }

    /// Returns whether the user proved who they are within the last `span`; ask for the password again if not.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// use std::time::Duration;
    ///
    /// /// Whether a handler may delete the account, or shows the form for the password first.
    /// fn may_delete_account(session: &Session) -> bool {
    ///     session.authenticated_within(Duration::from_secs(5 * 60))
    /// }
    ///
    /// # let session = Session::for_test()?;
    /// assert!(!may_delete_account(&session));
    /// session.log_in("alice")?;
    /// assert!(may_delete_account(&session));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn authenticated_within(&self, span: Duration) -> bool {
        let now = self.0.engine().clock().now();
        self.authenticated_at().is_some_and(|at| now.since(at) <= span)
    }

    /// Fails unless the user proved who they are within the last `span`: for what needs the password again, with `?`.
    /// [`log_in`](Self::log_in) with the same user after the password was confirmed makes it fresh. For whole routes, there
    /// are `FreshLayer` and `FreshMiddleware` in the adapters.
    ///
    /// # Errors
    /// [`NotFresh`](ErrorKind::NotFresh), a 403, if it is longer ago, or no user is logged in.
    ///
    /// ```
    /// # use cloakroom::{ErrorKind, Session};
    /// use std::time::Duration;
    ///
    /// fn delete_account(session: &Session) -> cloakroom::Result<()> {
    ///     session.require_fresh(Duration::from_secs(10 * 60))?;
    ///     session.log_out(); // and the account is deleted
    ///     Ok(())
    /// }
    ///
    /// # let session = Session::for_test()?;
    /// assert_eq!(delete_account(&session).unwrap_err().kind(), ErrorKind::NotFresh);
    /// session.log_in("alice")?;
    /// delete_account(&session)?;
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn require_fresh(&self, span: Duration) -> Result<()> {
        if self.authenticated_within(span) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotFresh, "the user proved who they are too long ago"))
    }

    /// Logs `user` in, who has just proved who they are.
    ///
    /// The session gets a new id and keeps its values (unless another user was logged in: theirs are removed); the old
    /// id is dead at once, and nothing that a request in flight writes under it reaches the new session. The absolute
    /// clock, the handle and the CSRF secret begin anew. Also call it after every re-authentication.
    ///
    /// It counts as begun now: a [revocation](crate::UserSessions::revoke_all) of the user from now on ends it, although it
    /// is stored only when the response is ready.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if `user` is empty or longer than 255 bytes.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.push("cart", "coat")?; // before the log-in
    /// // The password is right:
    /// session.log_in("alice")?;
    /// assert_eq!(session.user().as_deref(), Some("alice"));
    /// assert_eq!(session.get::<Vec<String>>("cart")?.unwrap(), ["coat"]);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn log_in(&self, user: impl AsRef<str>) -> Result<()> {
        let key = OwnerKey::new(user.as_ref()).map_err(|error| {
            Error::new(ErrorKind::Invalid, "a user has 1 to 255 bytes").with_source(error)
        })?;
        let since = self.0.engine().clock().now();
        let secrets = Box::new(self.0.engine().draw_secrets()?);
        self.with(|state| {
            let is_another_user = state.owner().is_some_and(|owner| owner.key != key);
            state.log_in(Login { owner: Owner::new(key, since), began_at: since, secrets });
            if is_another_user { state.values.clear() } else { Ok(()) }
        })
    }

    /// Names the user's device in the list of their sessions; adapters give the browser's `User-Agent`.
    /// At most 256 bytes are kept.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// # session.log_in("alice")?;
    /// # session.save().await?;
    /// session.set_device("Alice's phone");
    /// session.save().await?;
    /// let listed = manager.sessions().list("alice").await?;
    /// assert_eq!(listed[0].device.as_deref(), Some("Alice's phone"));
    /// # Ok(()) }
    /// ```
    pub fn set_device(&self, name: &str) {
        self.with(|state| state.set_device(name));
    }

    /// Sets a name of the device for a log-in of this request. `name` is called only if no user is logged in. For adapters.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// # session.log_in("alice")?;
    /// # session.save().await?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// let user_agent: &[u8] = b"Mozilla/5.0 (X11; Linux x86_64)"; // of the request's head
    /// session.suggest_device(|| Some(user_agent));
    /// session.log_in("bob")?;
    /// session.save().await?;
    /// let listed = manager.sessions().list("bob").await?;
    /// assert_eq!(listed[0].device.as_deref(), Some("Mozilla/5.0 (X11; Linux x86_64)"));
    /// # Ok(()) }
    /// ```
    pub fn suggest_device<'a>(&self, name: impl FnOnce() -> Option<&'a [u8]>) {
        if self.with(|state| state.owner().is_none())
            && let Some(name) = name()
        {
            let name = String::from_utf8_lossy(name).into();
            self.with(|state| state.suggest_device(name));
        }
    }

    /// Logs the user out: the session ends, also for requests in flight, and the cookie is removed.
    /// What is written afterwards in this request (a flash message, say) is a new session.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.log_in("alice")?;
    /// session.log_out();
    /// assert_eq!(session.user(), None);
    /// session.flash("notice", "See you soon")?; // in a session of its own
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn log_out(&self) {
        self.with(|state| state.end(EndReason::LogOut));
    }

    /// Ends the session, as [`log_out`](Self::log_out) does, with or without a user.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.insert("coat", "green")?;
    /// session.destroy();
    /// assert!(!session.exists() && !session.contains("coat"));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn destroy(&self) {
        self.with(|state| state.end(EndReason::Destroyed));
    }

    /// Ends the session and begins a new, empty one under a new id.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.insert("coat", "green")?;
    /// session.reset(); // a till, for the next customer
    /// assert!(session.exists() && !session.contains("coat"));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn reset(&self) {
        self.with(|state| {
            state.end(EndReason::Destroyed);
            state.must_exist = true;
        });
    }

    /// Gives the session a fresh id. Requests in flight under the old one still reach it.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> cloakroom::Result<()> {
    /// # let session = Session::for_test()?;
    /// session.insert("role", "clerk")?;
    /// session.save().await?;
    /// let before = session.public_id();
    /// session.insert("role", "manager")?;
    /// session.cycle_id(); // the user may do more from now on
    /// session.save().await?;
    /// assert_eq!(session.public_id(), before, "the same session, under another id");
    /// # Ok(()) }
    /// ```
    pub fn cycle_id(&self) {
        self.with(State::renew);
    }

    /// Forgets what this request changed so far: values, log-in, log-out, everything that was not yet saved.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.push("cart", "coat")?;
    /// session.discard_changes(); // the order failed half-way
    /// assert!(!session.contains("cart"));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn discard_changes(&self) {
        self.with(State::discard);
    }

    /// Saves now, instead of when the response is ready: in a long request, a stream, a WebSocket, a spawned task.
    ///
    /// # Errors
    /// [`Gone`](ErrorKind::Gone) if the session ended meanwhile (the changes are dropped),
    /// [`ResponseSent`](ErrorKind::ResponseSent) if a cookie would have to be sent and no longer can,
    /// [`Contended`](ErrorKind::Contended), [`TooLarge`](ErrorKind::TooLarge) or a store's failure. In all cases but
    /// `Gone` the changes are kept, and saving again neither loses nor doubles them.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> cloakroom::Result<()> {
    /// # let session = Session::for_test()?;
    /// for percent in [50, 100] {
    ///     session.insert("import", percent)?;
    ///     session.save().await?; // another request sees how far it is
    /// }
    /// assert!(session.id().is_some());
    /// # Ok(()) }
    /// ```
    pub async fn save(&self) -> Result<()> {
        self.0.save().await.map_err(|error| error.during(Operation::Commit))
    }

    /// Loads the session again and forgets this request's changes.
    ///
    /// # Errors
    /// [`Gone`](ErrorKind::Gone) if it ended meanwhile, or a store's failure; the changes are then kept.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> cloakroom::Result<()> {
    /// # let session = Session::for_test()?;
    /// session.insert("draft", "Dear Bob")?;
    /// session.save().await?;
    /// session.insert("draft", "Dear")?;
    /// session.reload().await?; // as it is in the store
    /// assert_eq!(session.get::<String>("draft")?.as_deref(), Some("Dear Bob"));
    /// # Ok(()) }
    /// ```
    pub async fn reload(&self) -> Result<()> {
        self.0.reload().await.map_err(|error| error.during(Operation::Load))
    }
}
