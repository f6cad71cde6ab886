//! Sessions by user: what a page of devices and an administrator need.

use std::collections::HashSet;
use std::time::Duration;

use cloakroom_store::{OwnerKey, Timestamp};

use crate::audit;
use crate::lifetime::last_use;
use crate::listed::Listed;
use crate::observe::{EndReason, Event, Operation};
use crate::records::{Follow, Records, Resolved};
use crate::shared_clock::ClockOffset;
use crate::{Error, ErrorKind, GoneReason, PublicId, Result, Session, SessionManager};

/// Sessions by user; from [`SessionManager::sessions`]. Needs a store that can find the sessions of a user: all that ship
/// with Cloakroom can, but memcached.
#[derive(Clone, Debug)]
pub struct UserSessions {
    engine: SessionManager,
}

/// What may be shown of a session: it gives no access to the session.
///
/// Serializes as an object with these fields, for a page that lists a user's devices: the public id as text, moments as
/// RFC 3339.
#[derive(Clone, Debug, serde::Serialize)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its public name.
    pub public_id: PublicId,
    /// The user that it belongs to.
    pub user: Option<String>,
    /// When it began, or its user last logged in.
    pub started_at: Timestamp,
    /// When it was last used, to the precision of [`touch_threshold`](crate::Config::touch_threshold).
    pub last_seen: Timestamp,
    /// When it ends unless it is used again.
    pub expires_at: Timestamp,
    /// When its user last proved who they are.
    pub authenticated_at: Option<Timestamp>,
    /// What the user's device calls itself.
    pub device: Option<String>,
}

impl UserSessions {
    pub(crate) fn new(engine: SessionManager) -> Self {
        Self { engine }
    }

    /// Lists the sessions of `user`, the newest first.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the store cannot find them; a store's failure.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// # session.log_in("alice")?;
    /// # session.save().await?;
    /// for session in manager.sessions().list("alice").await? {
    ///     println!("{:?}, last seen {}", session.device, session.last_seen);
    ///     assert_eq!(session.user.as_deref(), Some("alice"));
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn list(&self, user: &str) -> Result<Vec<SessionInfo>> {
        let owner = owner_key(user)?;
        let listed = self.ask(async |records| records.list(&owner).await).await?;
        // A session whose id is just being renewed has two records.
        let mut seen = HashSet::new();
        let reachable = listed.iter().filter(|record| !record.is_replacement);
        let mut sessions: Vec<SessionInfo> = reachable
            .filter_map(|record| self.info(record))
            .filter(|info| seen.insert(info.public_id))
            .collect();
        sessions.sort_by_key(|info| std::cmp::Reverse(info.started_at));
        Ok(sessions)
    }

    /// Counts the sessions of `user`.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// # session.log_in("alice")?;
    /// # session.save().await?;
    /// assert_eq!(manager.sessions().count("alice").await?, 1);
    /// assert_eq!(manager.sessions().count("bob").await?, 0);
    /// # Ok(()) }
    /// ```
    pub async fn count(&self, user: &str) -> Result<usize> {
        Ok(self.list(user).await?.len())
    }

    /// Ends one session of `user` and returns whether there was one of that name.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// # session.log_in("alice")?;
    /// # session.save().await?;
    /// let sessions = manager.sessions();
    /// let chosen = sessions.list("alice").await?[0].public_id; // a button on the page of devices
    /// assert!(!sessions.revoke("mallory", &chosen).await?, "the session of another user stays");
    /// assert!(sessions.revoke("alice", &chosen).await?);
    /// assert_eq!(sessions.count("alice").await?, 0);
    /// # Ok(()) }
    /// ```
    pub async fn revoke(&self, user: &str, public_id: &PublicId) -> Result<bool> {
        let owner = owner_key(user)?;
        let ended = self.ask(async |records| self.end_named(records, &owner, public_id).await).await?;
        self.ended(u64::from(ended));
        if ended {
            self.engine.note_end(public_id.bytes(), GoneReason::Ended(EndReason::Revoked));
            audit::ended_of(*public_id, || Some(user.to_owned()), EndReason::Revoked.name());
        }
        Ok(ended)
    }

    /// Ends the session of that name. A renewal at the same time moves it to another key, so this repeats until it is gone.
    async fn end_named(
        &self,
        records: &mut Records<'_>,
        owner: &OwnerKey,
        public_id: &PublicId,
    ) -> Result<bool> {
        let mut has_ended = false;
        loop {
            // One that is to replace another may belong to the session of that name.
            let concerned = |it: &Listed| it.is_named(public_id) || it.header.replaces().is_some();
            let listed = records.list_all(owner, concerned).await?;
            let found: Vec<&Listed> = listed.iter().filter(|it| it.is_named(public_id)).collect();
            if found.iter().all(|record| self.info(record).is_none()) {
                return Ok(has_ended);
            }
            let mut progress = false;
            for record in found {
                progress |= records.end_exactly(&record.key, record.version, EndReason::Revoked).await?;
            }
            has_ended |= progress;
            // The list of a store may lag behind its updates.
            if !progress && !records.wait_after_conflict().await {
                return if has_ended { Ok(true) } else { Err(busy()) };
            }
        }
    }

    /// Ends every session of `user`, also those whose log-in, touch or renewal is under way; returns how many there were.
    ///
    /// What counts is when a log-in [began](Session::log_in), by the clock of the store's server where it
    /// [tells the time](crate::store::ServerClock), and else by the clock of each machine: keep those in step.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// # session.log_in("alice")?;
    /// # session.save().await?;
    /// let ended = manager.sessions().revoke_all("alice").await?; // the account is locked
    /// assert_eq!(ended, 1);
    /// # Ok(()) }
    /// ```
    pub async fn revoke_all(&self, user: &str) -> Result<u64> {
        let owner = owner_key(user)?;
        let own = self.engine.clock().now();
        let count = self
            .ask(async |records| {
                let offset = records.clock_offset().await;
                let left = self.leave_endings(records, &owner, None).await?;
                let revoked = left + records.revoke(&owner, offset.revocation(own)).await?;
                Ok(revoked + self.end_what_is_dated_ahead(records, &owner, offset, None).await?)
            })
            .await?;
        self.ended(count);
        self.engine.note_revocation(Some(&owner)).await;
        audit::revoked_all(user, count);
        Ok(count)
    }

    /// Ends every session of the caller's user but the caller's own; returns how many there were.
    ///
    /// # Errors
    /// As for [`list`](Self::list); [`Invalid`](ErrorKind::Invalid) if no user is logged in,
    /// [`Gone`](ErrorKind::Gone) if the caller's own session has ended meanwhile.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// # session.log_in("alice")?;
    /// # session.save().await?;
    /// # let phone = manager.begin(&PlainRequest::default()).load().await?;
    /// # phone.log_in("alice")?;
    /// # phone.save().await?;
    /// // "Log out everywhere else", after a change of the password:
    /// let ended = manager.sessions().revoke_others(&session).await?;
    /// assert_eq!(ended, 1);
    /// session.save().await?; // this one goes on
    /// # Ok(()) }
    /// ```
    pub async fn revoke_others(&self, session: &Session) -> Result<u64> {
        let no_user = || Error::new(ErrorKind::Invalid, "no user is logged in");
        let user = session.user().ok_or_else(no_user)?;
        let owner = owner_key(&user)?;
        let own = self.engine.clock().now();
        let count = self
            .ask(async |records| {
                let offset = records.clock_offset().await;
                let at = offset.revocation(own);
                let after = at + Duration::from_micros(1);
                self.exempt(records, session, &owner, after, offset).await?;
                let public =
                    session.0.with(|state| state.stored().map(|it| PublicId::new(it.header.public_id())));
                let left = self.leave_endings(records, &owner, public).await?;
                let revoked = left + records.revoke(&owner, at).await?;
                let count = revoked + self.end_what_is_dated_ahead(records, &owner, offset, public).await?;
                // A log-in of this request, which is not stored yet, gets the later date, too.
                session.0.with(|state| state.redate(&owner, after, offset));
                Ok(count)
            })
            .await?;
        self.ended(count);
        self.engine.note_revocation(Some(&owner)).await;
        audit::revoked_all(&user, count);
        Ok(count)
    }

    /// Ends the user's sessions one by one before a revocation, where endings are [remembered](crate::Config::remember_endings): a
    /// revocation leaves no record in which to remember them.
    async fn leave_endings(
        &self,
        records: &mut Records<'_>,
        owner: &OwnerKey,
        but: Option<PublicId>,
    ) -> Result<u64> {
        if self.engine.config().remember_endings.is_none() {
            return Ok(0);
        }
        let mut count = 0;
        for record in records.list_all(owner, |it| but.is_none_or(|but| !it.is_named(&but))).await? {
            let is_live = !record.is_replacement && self.info(&record).is_some();
            let ended = records.end_exactly(&record.key, record.version, EndReason::Revoked).await?;
            count += u64::from(ended && is_live);
        }
        Ok(count)
    }

    /// Ends the user's sessions of a log-in later than now, as there are if the clock was set back, or another machine's is
    /// ahead: a revocation dated now exempts them, and one dated like them would keep the user out until then.
    async fn end_what_is_dated_ahead(
        &self,
        records: &mut Records<'_>,
        owner: &OwnerKey,
        offset: ClockOffset,
        but: Option<PublicId>,
    ) -> Result<u64> {
        let mut count = 0;
        loop {
            let since = offset.revocation(self.engine.clock().now());
            let ahead = |it: &Listed| it.logged_in_at > since;
            let listed = records.list_all(owner, ahead).await?;
            // A session that was just exempted is dated a microsecond later.
            let now = offset.revocation(self.engine.clock().now()) + Duration::from_micros(1);
            let later = listed
                .iter()
                .filter(|it| it.logged_in_at > now && self.info(it).is_some())
                .filter(|it| but.is_none_or(|but| !it.is_named(&but)));
            let (mut found, before) = (false, count);
            for record in later {
                found = true;
                count +=
                    u64::from(records.end_exactly(&record.key, record.version, EndReason::Revoked).await?);
            }
            if !found {
                return Ok(count);
            }
            if count == before && !records.wait_after_conflict().await {
                return Err(busy());
            }
        }
    }

    /// Dates the caller's own session after the revocation that follows.
    async fn exempt(
        &self,
        records: &mut Records<'_>,
        session: &Session,
        user: &OwnerKey,
        since: Timestamp,
        offset: ClockOffset,
    ) -> Result<()> {
        let ended = || Error::new(ErrorKind::Gone, "the session has ended");
        loop {
            let Some(key) = session.0.with(|state| state.key_if_the_users()) else { return Ok(()) };
            let Resolved::Live(live) = records.resolve(key, Follow::HELD).await? else { return Err(ended()) };
            match records.redate(live, since).await? {
                Some(true) => {
                    session.0.with(|state| state.redate(user, since, offset));
                    return Ok(());
                }
                Some(false) if records.wait_after_conflict().await => {}
                Some(false) => return Err(busy()),
                None => return Err(ended()),
            }
        }
    }

    /// Ends the session of that name, of any user or none, by looking through all sessions; returns whether there was
    /// one. For administrators: its cost grows with the number of sessions.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the store cannot go through its records; a store's failure.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// # session.log_in("alice")?;
    /// # session.save().await?;
    /// let reported = session.public_id().unwrap(); // from a support ticket
    /// assert!(manager.sessions().revoke_by_id(&reported).await?);
    /// assert!(!manager.sessions().revoke_by_id(&reported).await?, "it has ended");
    /// # Ok(()) }
    /// ```
    pub async fn revoke_by_id(&self, public_id: &PublicId) -> Result<bool> {
        let all = self.engine.all_sessions();
        match all.find(public_id).await? {
            Some(found) => all.revoke(&found).await,
            None => Ok(false),
        }
    }

    pub(crate) const fn engine(&self) -> &SessionManager {
        &self.engine
    }

    /// Runs an operation through `Records`, and reports its failure as an event.
    pub(crate) async fn ask<T>(
        &self,
        operation: impl AsyncFnOnce(&mut Records<'_>) -> Result<T>,
    ) -> Result<T> {
        let answer = match Records::for_commit(&self.engine, Operation::Manage, self.engine.config().deadline)
        {
            Ok(mut records) => operation(&mut records).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Unavailable
        {
            self.engine.failed(Operation::Manage, error);
        }
        answer
    }

    /// Returns what may be shown of a record's session; `None` if it has run out.
    pub(crate) fn info(&self, record: &Listed) -> Option<SessionInfo> {
        let lifetime = &self.engine.config().lifetime;
        let header = &record.header;
        let now = self.engine.clock().now();
        let mut expires_at = record.expires_at.min(lifetime.ends_at(header));
        if lifetime.idle_was_changed(header) {
            expires_at = expires_at.min(last_use(header, record.expires_at, now) + lifetime.idle_of(header));
        }
        if expires_at <= now || lifetime.was_idle_too_long(header, record.expires_at, now) {
            return None;
        }
        Some(SessionInfo {
            public_id: PublicId::new(header.public_id()),
            user: record.user.clone(),
            started_at: header.started_at(),
            last_seen: last_use(header, record.expires_at, now),
            expires_at,
            authenticated_at: header.authenticated_at(),
            device: record.device.clone(),
        })
    }

    pub(crate) fn ended(&self, count: u64) {
        if count > 0 {
            self.engine.emit(&Event::Ended { reason: EndReason::Revoked, count });
        }
    }
}

fn busy() -> Error {
    Error::new(ErrorKind::Contended, "too many requests changed the sessions at once")
}

pub(crate) fn owner_key(user: &str) -> Result<OwnerKey> {
    OwnerKey::new(user)
        .map_err(|error| Error::new(ErrorKind::Invalid, "a user has 1 to 255 bytes").with_source(error))
}
