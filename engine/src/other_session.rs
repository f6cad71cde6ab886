//! Changes of a session that no request has brought.

use cloakroom_store::Timestamp;

use crate::load::Arrival;
use crate::observe::Operation;
use crate::request::{Candidates, RequestState};
use crate::state::{IntentKind, State};
use crate::user_sessions::owner_key;
use crate::{Error, ErrorKind, PublicId, Result, Session, SessionId, UserSessions};

/// How often the session is looked for again because it changed while it was upgraded.
const TRIES: usize = 4;

impl UserSessions {
    /// Changes values of one session of `user`, such as a role that was taken away, and returns what `change` returned;
    /// `None` if the user has no session of that name.
    ///
    /// The changes are merged with those of requests under way, as a request's own are: nothing is lost, an `increment`
    /// counts exactly once, and a session that ends meanwhile stays ended. If `change` returns an error, nothing is stored.
    /// Flash values stay for the user's next request. As every write, it begins the session's idle time anew.
    ///
    /// # Errors
    /// As for [`list`](Self::list) and [`Session::save`]; [`Invalid`](ErrorKind::Invalid) if `change` logs a user in or out or
    /// renews the id, which only the client's own request can do: [`revoke`](Self::revoke) ends a session.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// # session.log_in("alice")?;
    /// # session.save().await?;
    /// let sessions = manager.sessions();
    /// for listed in sessions.list("alice").await? {
    ///     let changed = sessions.update("alice", &listed.public_id, |session| session.insert("role", "guest")).await?;
    ///     assert!(changed.is_some());
    /// }
    /// session.reload().await?;
    /// assert_eq!(session.get::<String>("role")?.as_deref(), Some("guest"));
    /// # Ok(()) }
    /// ```
    pub async fn update<R>(
        &self,
        user: &str,
        public_id: &PublicId,
        change: impl FnOnce(&Session) -> Result<R>,
    ) -> Result<Option<R>> {
        for _ in 0..TRIES {
            let Some(state) = self.find(user, public_id).await? else { return Ok(None) };
            let engine = self.engine();
            let request = RequestState::to_look_at(engine.clone(), state);
            let now = engine.clock().now();
            let arrival = Arrival { begun: Timestamp::EPOCH, now, looks_only: false };
            let mut state = request.upgraded(request.take_state(), &Candidates::default(), arrival).await?;
            if state.stored().is_none() {
                continue;
            }
            state.leave_flash_values();
            let session = Session(RequestState::to_look_at(engine.clone(), state));
            return save(&session, change).await.map_err(|error| error.during(Operation::Manage));
        }
        Err(Error::new(ErrorKind::Contended, "the session changes every time while it is upgraded"))
    }

    /// Loads the user's session of that name.
    async fn find(&self, user: &str, public_id: &PublicId) -> Result<Option<Box<State>>> {
        let owner = owner_key(user)?;
        let listed =
            self.ask(async |records| records.list_all(&owner, |it| it.is_named(public_id)).await).await?;
        let live = listed.iter().filter(|record| self.info(record).is_some());
        let Some(record) = live.min_by_key(|record| record.is_replacement) else { return Ok(None) };
        let found = self.engine().look_again(&SessionId::unknown(), record.key.clone()).await?;
        // A log-in of another user may have come in between.
        Ok(found.filter(|state| {
            state.owner().is_some_and(|it| it.key == owner)
                && state.stored().is_some_and(|it| PublicId::new(it.header.public_id()) == *public_id)
        }))
    }
}

async fn save<R>(session: &Session, change: impl FnOnce(&Session) -> Result<R>) -> Result<Option<R>> {
    let out = change(session)?;
    if session.0.with(|state| state.intent.kind() != IntentKind::Keep) {
        let message = "only values of a session can be changed from outside, not its id or its user";
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    match session.save().await {
        Ok(()) => Ok(Some(out)),
        Err(error) if error.kind() == ErrorKind::Gone => Ok(None),
        Err(error) => Err(error),
    }
}
