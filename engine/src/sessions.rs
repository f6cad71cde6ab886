//! Sessions by user: what a page of devices and an administrator need.

use std::time::Duration;

use cloakroom_store::{Entry, Owner, OwnerKey, Owners, Scan, StoreKey, Timestamp, Updated, Version};

use crate::observe::{End, Event};
use crate::record::{Frames, Header, Payload, Tag};
use crate::{Engine, Error, ErrorKind, Handle, Result, Session};

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
        let entries = self.owners()?.list(&owner_key(user)?).await?;
        let mut sessions: Vec<SessionInfo> =
            entries.iter().filter_map(|entry| self.read(entry)).map(|found| found.info).collect();
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
        loop {
            let entries = self.owners()?.list(&owner).await?;
            let found = entries
                .iter()
                .filter_map(|entry| self.read(entry))
                .find(|found| found.info.handle == *handle);
            let Some(found) = found else { break };
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
            let entries = self.owners()?.list(owner).await?;
            // Whoever was just spared is dated a microsecond ahead.
            let now = self.engine.clock().now() + Duration::from_micros(1);
            let is_ahead = |owner: &Owner| owner.since > now;
            let ahead =
                entries.iter().filter(|entry| entry.stored.record.owner.as_ref().is_some_and(is_ahead));
            let mut ahead =
                ahead.filter_map(|entry| self.read(entry)).filter(|it| Some(it.info.handle) != but);
            let Some(found) = ahead.next() else { return Ok(count) };
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
            for found in page.entries.iter().filter_map(|entry| self.read(entry)) {
                if found.info.handle == *handle {
                    let ended = match &found.info.user {
                        Some(user) => self.revoke(user, handle).await?,
                        None => self.end_anonymous(&found.key).await?,
                    };
                    return Ok(ended);
                }
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

    fn read(&self, entry: &Entry) -> Option<Found> {
        let Ok(Payload::Session(header, frames)) = Payload::decode(&entry.stored.record.payload) else {
            return None;
        };
        let record = &entry.stored.record;
        let lifetime = &self.engine.config().lifetime;
        let expires_at = record.expires_at.min(lifetime.ends_at(&header));
        if expires_at <= self.engine.clock().now() {
            return None;
        }
        let info = SessionInfo {
            handle: Handle::new(header.handle),
            user: record
                .owner
                .as_ref()
                .map(|owner| String::from_utf8_lossy(owner.key.as_bytes()).into_owned()),
            started_at: header.started_at,
            last_seen: last_seen(&header, record.expires_at - lifetime.idle_of(&header)),
            expires_at,
            authenticated_at: header.authenticated_at,
            device: device(&frames),
        };
        Some(Found { key: entry.key.clone(), version: entry.stored.version, info })
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

fn device(frames: &Frames) -> Option<String> {
    let frame = frames.iter().find(|frame| frame.tag == Tag::Device)?;
    Some(String::from_utf8_lossy(&frames.bytes()[frame.value]).into_owned())
}

fn owner_key(user: &str) -> Result<OwnerKey> {
    OwnerKey::new(user)
        .map_err(|error| Error::new(ErrorKind::Invalid, "a user has 1 to 255 bytes").with_source(error))
}
