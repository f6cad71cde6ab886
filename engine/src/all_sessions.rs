//! All sessions of a store, page by page: what an operator needs.

use std::collections::HashSet;
use std::fmt;

use cloakroom_store::{Cursor, OwnerKey, StoreKey, Timestamp};

use crate::audit;
use crate::commit::{Ended, end_following_redirects};
use crate::format::Members;
use crate::listed::Listed;
use crate::observe::EndReason;
use crate::records::{Follow, Records, Resolved};
use crate::{GoneReason, PublicId, Result, SessionInfo, SessionManager, UserSessions};

/// All sessions of a store, of every user and of none; from [`SessionManager::all_sessions`]. Needs a store that can go
/// through its records: all that ship with Cloakroom can, but memcached.
///
/// Its methods are for administrators: their cost grows with the number of sessions, but not their use of memory.
///
/// ```
/// # use cloakroom::{Config, SessionManager, stores::MemoryStore};
/// # async fn all(engine: &SessionManager) -> cloakroom::Result<()> {
/// let (all, mut after) = (engine.all_sessions(), None);
/// loop {
///     let page = all.page(after.as_ref(), 100).await?;
///     for found in page.sessions {
///         println!("{} {:?}", found.info.public_id, found.info.user);
///     }
///     after = page.next;
///     if after.is_none() {
///         return Ok(());
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AllSessions(UserSessions);

/// A page of sessions.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SessionPage {
    /// The sessions, in no order that is promised; may be none, although there are more pages. A session whose id is
    /// renewed between two pages may be in both.
    pub sessions: Vec<FoundSession>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<Cursor>,
    /// How many records of the page lead from an old id to a session, or to none after a log-in. 0 in a user's list.
    pub redirects: u64,
    /// How many records of the page cannot be read: damaged, written by a newer release, or no sessions at all.
    pub unreadable: u64,
    /// How many bytes the payloads of the page have in all. 0 in a user's list, which reads their beginnings only.
    pub payload_bytes: u64,
}

/// A session that was found, and where it is. Gives no access to it.
#[derive(Clone)]
#[non_exhaustive]
pub struct FoundSession {
    /// What may be shown of it.
    pub info: SessionInfo,
    key: StoreKey,
    /// The record that it was made to replace, if its id has not come back from the client yet.
    replaces: Option<StoreKey>,
}

/// Shows no key.
impl fmt::Debug for FoundSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundSession").field("info", &self.info).finish_non_exhaustive()
    }
}

impl SessionManager {
    /// Returns all sessions of the store, page by page: what an operator needs.
    pub fn all_sessions(&self) -> AllSessions {
        AllSessions(self.sessions())
    }
}

impl AllSessions {
    /// Returns a page of about `limit` sessions, from the beginning or from where the last page ended.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the store cannot go through its records; a store's failure.
    pub async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<SessionPage> {
        let (page, listed) = self.0.ask(async |records| records.scan(after, limit).await).await?;
        Ok(SessionPage { sessions: self.0.found(listed), ..page })
    }

    /// Counts the sessions, by going through them.
    ///
    /// # Errors
    /// As for [`page`](Self::page).
    pub async fn count(&self) -> Result<u64> {
        let (mut count, mut after) = (0, None);
        loop {
            let page = self.page(after.as_ref(), PAGE).await?;
            count += page.sessions.len() as u64;
            after = page.next;
            if after.is_none() {
                return Ok(count);
            }
        }
    }

    /// Finds the session of that name, by going through all; `None` if no session has it.
    ///
    /// # Errors
    /// As for [`page`](Self::page).
    pub async fn find(&self, public_id: &PublicId) -> Result<Option<FoundSession>> {
        let mut after = None;
        loop {
            let mut page = self.page(after.as_ref(), PAGE).await?;
            if let Some(place) = page.sessions.iter().position(|found| found.info.public_id == *public_id) {
                return Ok(Some(page.sessions.swap_remove(place)));
            }
            after = page.next;
            if after.is_none() {
                return Ok(None);
            }
        }
    }

    /// Loads the values of a session, also if its id was renewed since it was found; `None` if it has ended. They may be
    /// secret: show them only to those who may see them.
    ///
    /// # Errors
    /// A store's failure.
    pub async fn values(&self, session: &FoundSession) -> Result<Option<Members>> {
        let key = session.key.clone();
        let found = self.0.ask(async |records| records.resolve(key.clone(), Follow::HELD).await).await?;
        let Resolved::Live(live) = found else { return Ok(None) };
        let is_same = PublicId::new(live.header.public_id()) == session.info.public_id;
        Ok(is_same.then(|| Members::new(live.frames)))
    }

    /// Ends a session, also if its id was renewed since it was found; returns whether it was alive.
    ///
    /// # Errors
    /// A store's failure.
    pub async fn revoke(&self, session: &FoundSession) -> Result<bool> {
        match &session.info.user {
            Some(user) if self.0.engine().store().capabilities().owners.is_some() => {
                self.0.revoke(user, &session.info.public_id).await
            }
            _ => self.end(session).await,
        }
    }

    async fn end(&self, session: &FoundSession) -> Result<bool> {
        let keys = session.replaces.iter().chain([&session.key]);
        let ended = self
            .0
            .ask(async |records| {
                let mut ended = false;
                for key in keys.clone() {
                    ended |= end_following_redirects(records, key.clone()).await? == Ended::Here;
                }
                Ok(ended)
            })
            .await?;
        self.0.ended(u64::from(ended));
        if ended {
            let info = &session.info;
            self.0.engine().note_end(info.public_id.bytes(), GoneReason::Ended(EndReason::Revoked));
            audit::ended_of(info.public_id, || info.user.clone(), EndReason::Revoked.name());
        }
        Ok(ended)
    }

    /// Ends every session that began before this call; returns how many there were.
    ///
    /// It goes through the store until it finds no such session, so that one whose id is being renewed does not escape.
    /// Where the store has [owners](crate::store::Owners), log-ins under way are refused, of each user who had a session;
    /// the log-in of a user who had none is refused only if its request brought a session. An
    /// [`Event::Ended`](crate::Event::Ended) counts the sessions of each page.
    ///
    /// # Errors
    /// As for [`page`](Self::page). Sessions that were ended before a failure stay so.
    pub async fn revoke_all(&self) -> Result<u64> {
        let own = self.0.engine().clock().now();
        let at = self.0.ask(async |records| Ok(records.clock_offset().await.revocation(own))).await?;
        // What began on a machine whose clock is ahead is found by the first pass.
        let mut total = self.end_pass(at, Timestamp::NEVER).await?;
        loop {
            let ended = self.end_pass(at, at.max(own)).await?;
            total += ended;
            if ended == 0 {
                self.0.engine().note_revocation(None).await;
                return Ok(total);
            }
        }
    }

    /// Goes through all sessions once, and ends those that began at `until` or before.
    async fn end_pass(&self, at: Timestamp, until: Timestamp) -> Result<u64> {
        let (mut total, mut after) = (0, None);
        loop {
            let (page, ended) = self
                .0
                .ask(async |records| {
                    let (page, listed) = records.scan(after.as_ref(), PAGE).await?;
                    let listed = listed.into_iter().filter(|it| it.header.started_at() <= until);
                    Ok((page, end_page(records, listed.collect(), at).await?))
                })
                .await?;
            self.0.ended(ended);
            total += ended;
            after = page.next;
            if after.is_none() {
                return Ok(total);
            }
        }
    }
}

/// How many sessions are asked for at once.
const PAGE: usize = 500;

/// Ends sessions: those of a user by one revocation, which also refuses log-ins under way; the others one by one.
async fn end_page(records: &mut Records<'_>, listed: Vec<Listed>, at: Timestamp) -> Result<u64> {
    let has_owners = records.store().capabilities().owners.is_some();
    let (mut total, mut revoked) = (0, HashSet::new());
    for record in listed {
        let owner = record.user.as_deref().filter(|_| has_owners).and_then(|user| OwnerKey::new(user).ok());
        if let Some(owner) = owner {
            if revoked.insert(owner.clone()) {
                let count = records.revoke(&owner, at).await?;
                audit::revoked_all(record.user.as_deref().unwrap_or_default(), count);
                total += count;
            }
            if record.logged_in_at <= at {
                continue;
            }
        }
        if end_following_redirects(records, record.key).await? == Ended::Here {
            let (session, user) = (PublicId::new(record.header.public_id()), record.user);
            audit::ended_of(session, || user, EndReason::Revoked.name());
            total += 1;
        }
    }
    Ok(total)
}

impl UserSessions {
    /// Returns a page of about `limit` sessions of `user` (1,000 at most), in no order that is promised, from the beginning
    /// or from where the last page ended: for a user who may have very many.
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
    /// let page = manager.sessions().page("alice", None, 100).await?;
    /// assert_eq!((page.sessions.len(), page.next.is_none()), (1, true));
    /// # Ok(()) }
    /// ```
    pub async fn page(&self, user: &str, after: Option<&Cursor>, limit: usize) -> Result<SessionPage> {
        let owner = super::user_sessions::owner_key(user)?;
        let (listed, next) = self.ask(async |records| records.list_page(&owner, after, limit).await).await?;
        Ok(SessionPage { sessions: self.found(listed), next, ..SessionPage::default() })
    }

    /// Returns the sessions of records, each once.
    fn found(&self, listed: Vec<Listed>) -> Vec<FoundSession> {
        let mut seen = HashSet::new();
        let reachable = listed.into_iter().filter(|record| !record.is_replacement);
        let found = reachable.filter_map(|record| {
            let info = self.info(&record)?;
            let replaces = record.header.replaces().cloned();
            seen.insert(info.public_id).then_some(FoundSession { info, key: record.key, replaces })
        });
        found.collect()
    }
}
