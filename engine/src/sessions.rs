//! Sessions by user: what a page of devices and an administrator need.

use std::collections::HashMap;
use std::time::Duration;

use cloakroom_store::{
    Cursor, Entry, HeadPage, Owner, OwnerKey, Owners, RecordHead, Scan, StoreKey, Timestamp, Updated, Version,
};

use crate::observe::{End, Event};
use crate::record::{Header, Payload, read_head};
use crate::{Engine, Error, ErrorKind, Handle, Result, Session};

/// How many sessions are looked at in one call of the store.
const PAGE: usize = 100;

/// Sessions by user; from [`Engine::sessions`]. Needs a store with owners; all that ship with Cloakroom have them.
#[derive(Clone, Debug)]
pub struct Sessions {
    engine: Engine,
}

/// What may be shown of a session: nothing of it lets anybody take the session over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its public name.
    pub handle: Handle,
    /// Whose it is.
    pub user: Option<String>,
    /// When it began, or its user last logged in.
    pub started_at: Timestamp,
    /// When it was last looked at, as far as the throttled touch lets the store know.
    pub last_seen: Timestamp,
    /// When it ends if nobody looks at it any more.
    pub expires_at: Timestamp,
    /// When its user last proved who they are.
    pub authenticated_at: Option<Timestamp>,
    /// What the user's device calls itself.
    pub device: Option<String>,
}

impl Sessions {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Lists the sessions of `user`, the newest first.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the store cannot find them; a store's failure.
    pub async fn list(&self, user: &str) -> Result<Vec<SessionInfo>> {
        let owner = owner_key(user)?;
        let (mut sessions, mut after) = (HashMap::new(), None);
        loop {
            let page = self.page(&owner, after.as_ref()).await?;
            let found = page.heads.iter().filter_map(|head| self.read(head, Some(user)));
            // What is renewed or saved meanwhile may be seen twice.
            sessions.extend(found.map(|found| (found.info.handle, found.info)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut sessions: Vec<SessionInfo> = sessions.into_values().collect();
        sessions.sort_by_key(|info| std::cmp::Reverse(info.started_at));
        Ok(sessions)
    }

    /// Counts the sessions of `user`.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn count(&self, user: &str) -> Result<usize> {
        Ok(self.list(user).await?.len())
    }

    /// Ends one session of `user` and says whether there was one of that name.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn revoke(&self, user: &str, handle: &Handle) -> Result<bool> {
        let owner = owner_key(user)?;
        let mut ended = false;
        // A renewal at the same time moves the session to another key, so look until it is no longer there.
        while let Some(found) = self.find(&owner, |found| found.info.handle == *handle).await? {
            ended |= self.engine.end_exactly(&found.key, found.version).await?;
        }
        self.ended(u64::from(ended));
        Ok(ended)
    }

    /// Ends every session of `user`, also those whose log-in, touch or renewal is under way; says how many there were.
    ///
    /// What counts is when a log-in [began](Session::log_in). On several machines their clocks decide: keep them in step.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn revoke_all(&self, user: &str) -> Result<u64> {
        let owner = owner_key(user)?;
        let count = self.owners()?.revoke(&owner, self.engine.clock().now()).await?;
        let count = count + self.end_what_is_dated_ahead(&owner, None).await?;
        self.ended(count);
        Ok(count)
    }

    /// Ends every session of the caller's user but the caller's own; says how many there were.
    ///
    /// # Errors
    /// As for [`list`](Self::list); [`Invalid`](ErrorKind::Invalid) if nobody is logged in,
    /// [`Gone`](ErrorKind::Gone) if the caller's own session has ended meanwhile.
    pub async fn revoke_others(&self, session: &Session) -> Result<u64> {
        let nobody = || Error::new(ErrorKind::Invalid, "nobody is logged in");
        let user = session.user().ok_or_else(nobody)?;
        let at = self.engine.clock().now();
        self.spare(session, at + Duration::from_micros(1)).await?;
        let owner = owner_key(&user)?;
        let count = self.owners()?.revoke(&owner, at).await?;
        let own = session.0.with(|state| state.stored().map(|stored| Handle::new(stored.header.handle)));
        let count = count + self.end_what_is_dated_ahead(&owner, own).await?;
        // A log-in of this request, which is not stored yet, is dated anew too.
        session.0.with(|state| redate(&mut state.owner, at + Duration::from_micros(1)));
        self.ended(count);
        Ok(count)
    }

    /// Ends the user's sessions of a log-in later than now, as there are if the clock was set back, or another machine's is
    /// ahead: a revocation dated now spares them, and one dated like them would keep the user out until then.
    async fn end_what_is_dated_ahead(&self, owner: &OwnerKey, but: Option<Handle>) -> Result<u64> {
        let mut count = 0;
        loop {
            // The one that was just spared is dated a microsecond ahead. The time is read after the page.
            let now = || self.engine.clock().now() + Duration::from_micros(1);
            let is_ahead = |found: &Found| found.since > now() && Some(found.info.handle) != but;
            let Some(found) = self.find(owner, is_ahead).await? else { return Ok(count) };
            count += u64::from(self.engine.end_exactly(&found.key, found.version).await?);
        }
    }

    /// Dates the caller's own session after the revocation that follows.
    async fn spare(&self, session: &Session, since: Timestamp) -> Result<()> {
        let ended = || Error::new(ErrorKind::Gone, "the session has ended");
        loop {
            let Some(mut key) = session.0.with(|state| state.key_if_the_user_s()) else { return Ok(()) };
            let (stored, key) = loop {
                let stored = self.engine.store().load(&key, None).await?.ok_or_else(ended)?;
                match Payload::decode(&stored.record.payload) {
                    Ok(Payload::Trail(trail)) => key = trail.to.ok_or_else(ended)?,
                    _ => break (stored, key),
                }
            };
            let mut record = stored.record;
            redate(&mut record.owner, since);
            match self.engine.store().update(&key, stored.version, &record).await? {
                Updated::Updated(_) => {
                    session.0.with(|state| state.redate_stored(since));
                    return Ok(());
                }
                Updated::Conflict(_) => {}
                Updated::Gone | Updated::Revoked => return Err(ended()),
            }
        }
    }

    /// Ends the session of that name, whoever's it is, by looking through all sessions; says whether there was one.
    /// For administrators: its cost grows with the number of sessions.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the store cannot go through its records; a store's failure.
    pub async fn revoke_any(&self, handle: &Handle) -> Result<bool> {
        let scan = self.scan()?;
        let mut after = None;
        loop {
            let page = scan.scan(after.as_ref(), 500).await?;
            for entry in &page.entries {
                if !is_session(entry, handle) {
                    continue;
                }
                return match entry.stored.record.owner.as_ref() {
                    Some(owner) => self.revoke(&String::from_utf8_lossy(owner.key.as_bytes()), handle).await,
                    None => self.end_anonymous(&entry.key).await,
                };
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(false),
            }
        }
    }

    async fn end_anonymous(&self, key: &StoreKey) -> Result<bool> {
        let mut key = key.clone();
        loop {
            let Some(removed) = self.engine.store().delete(&key).await? else { return Ok(false) };
            match Payload::decode(&removed.record.payload) {
                Ok(Payload::Trail(trail)) => match trail.to {
                    Some(to) => key = to,
                    None => return Ok(false),
                },
                _ => {
                    self.ended(1);
                    return Ok(true);
                }
            }
        }
    }

    async fn page(&self, owner: &OwnerKey, after: Option<&Cursor>) -> Result<HeadPage> {
        Ok(self.owners()?.list(owner, after, PAGE).await?)
    }

    /// The first session of the owner that is as wanted.
    async fn find(&self, owner: &OwnerKey, wanted: impl Fn(&Found) -> bool + Send) -> Result<Option<Found>> {
        let mut after = None;
        loop {
            let page = self.page(owner, after.as_ref()).await?;
            let found =
                page.heads.iter().filter_map(|head| self.read(head, None)).find(|found| wanted(found));
            after = page.next;
            if found.is_some() || after.is_none() {
                return Ok(found);
            }
        }
    }

    fn read(&self, head: &RecordHead, user: Option<&str>) -> Option<Found> {
        let (header, device) = read_head(&head.payload_head)?;
        let lifetime = &self.engine.config().lifetime;
        let expires_at = head.expires_at.min(lifetime.ends_at(&header));
        if expires_at <= self.engine.clock().now() {
            return None;
        }
        let info = SessionInfo {
            handle: Handle::new(header.handle),
            user: user.map(str::to_owned),
            started_at: header.started_at,
            last_seen: last_seen(&header, head.expires_at - lifetime.idle_of(&header)),
            expires_at,
            authenticated_at: header.authenticated_at,
            device,
        };
        Some(Found { key: head.key.clone(), version: head.version, since: head.since, info })
    }

    fn owners(&self) -> Result<&dyn Owners> {
        let unsupported =
            || Error::new(ErrorKind::Unsupported, "the store cannot find the sessions of a user");
        self.engine.store().abilities().owners.ok_or_else(unsupported)
    }

    fn scan(&self) -> Result<&dyn Scan> {
        let unsupported = || Error::new(ErrorKind::Unsupported, "the store cannot go through its sessions");
        self.engine.store().abilities().scan.ok_or_else(unsupported)
    }

    fn ended(&self, count: u64) {
        if count > 0 {
            self.engine.emit(&Event::Ended { reason: End::Revoked, count });
        }
    }
}

struct Found {
    key: StoreKey,
    version: Version,
    since: Timestamp,
    info: SessionInfo,
}

fn redate(owner: &mut Option<Owner>, since: Timestamp) {
    if let Some(owner) = owner {
        owner.since = owner.since.max(since);
    }
}

/// The expiry tells when the session was last touched, unless the absolute end cut it short.
fn last_seen(header: &Header, touched: Timestamp) -> Timestamp {
    touched.max(header.committed_at())
}

fn is_session(entry: &Entry, handle: &Handle) -> bool {
    let head = read_head(&entry.stored.record.payload);
    head.is_some_and(|(header, _)| Handle::new(header.handle) == *handle)
}

fn owner_key(user: &str) -> Result<OwnerKey> {
    OwnerKey::new(user)
        .map_err(|error| Error::new(ErrorKind::Invalid, "a user has 1 to 255 bytes").with_source(error))
}
