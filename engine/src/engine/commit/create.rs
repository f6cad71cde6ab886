//! Stores a session for the first time.

use cloakroom_store::{Created, StoreKey, Version};

use super::meet::read;
use super::{Commit, Landing, Write};
use crate::observe::{Event, Renewal};
use crate::record::Payload;
use crate::session::Cookie;
use crate::{Error, ErrorKind, Handle, Result, SessionId};

/// What became of a record under a new id.
pub(super) enum New {
    Stored(Box<Stocked>),
    /// The user was revoked after this log-in began.
    Revoked,
}

/// What became of a record that was to be kept under a new id.
enum Placed {
    Here(Version),
    /// Somebody else's record is there.
    Taken,
    Revoked,
}

/// A record under a new id, of which nobody knows yet.
pub(super) struct Stocked {
    pub(super) id: SessionId,
    pub(super) key: StoreKey,
    pub(super) version: Version,
    pub(super) write: Write,
}

impl Commit<'_> {
    pub(super) async fn create(&mut self) -> Result<Landing> {
        let New::Stored(new) = self.stock().await? else { return Ok(Landing::Dropped) };
        let session = Handle::new(new.write.header.handle);
        let logged_in = self.hand_out(*new)?;
        self.emit(&Event::Created { session });
        if logged_in {
            self.trim_to_cap().await;
        }
        Ok(Landing::Kept)
    }

    /// Stores the session under a new id.
    pub(super) async fn stock(&mut self) -> Result<New> {
        let write = self.write(true)?;
        loop {
            let id = self.visit.with(|state| state.next_id(self.visit.engine()))?;
            let key = id.key();
            match self.place(&key, &write).await {
                Ok(Placed::Here(version)) => {
                    return Ok(New::Stored(Box::new(Stocked { id, key, version, write })));
                }
                Ok(Placed::Revoked) => return Ok(New::Revoked),
                Ok(Placed::Taken) => {
                    self.visit.with(|state| state.change_next_id(self.visit.engine()))?;
                    self.wait_after_conflict().await?;
                }
                Err(error) => {
                    // It may be there all the same; no later commit of this request knows whether.
                    if self.uncertain {
                        self.take_back(&key).await;
                        self.visit.with(|state| state.change_next_id(self.visit.engine()))?;
                    }
                    return Err(error);
                }
            }
        }
    }

    async fn place(&mut self, key: &StoreKey, write: &Write) -> Result<Placed> {
        loop {
            match self.store().create(key, &write.record).await {
                Ok(Created::Created(version)) => return Ok(Placed::Here(version)),
                Ok(Created::Revoked) => return Ok(Placed::Revoked),
                Ok(Created::Taken) => {
                    // If it is not ours, that is 1 in 2^256, or a generator that repeats itself.
                    return Ok(self.version_if_ours(key).await?.map_or(Placed::Taken, Placed::Here));
                }
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    /// The version of the record under `key` if this commit made it and lost the answer.
    async fn version_if_ours(&mut self, key: &StoreKey) -> Result<Option<Version>> {
        if !self.uncertain {
            return Ok(None);
        }
        let Some(stored) = self.load(key).await? else {
            return Err(Error::new(ErrorKind::Contended, "a new session was ended before it was handed out"));
        };
        Ok(match read(&stored)? {
            Payload::Session(header, _) if header.remembers(self.nonce) => Some(stored.version),
            _ => None,
        })
    }

    /// Makes a new record the session, and its id the client's; says whether somebody logged in with it.
    pub(super) fn hand_out(&self, new: Stocked) -> Result<bool> {
        let Stocked { id, key, version, write } = new;
        let logged_in = write.record.owner.is_some() && write.header.authenticated_at.is_some();
        let max_age = self.visit.engine().config().lifetime.max_age(&write.header, self.now);
        self.visit.with(|state| state.cookie = Cookie::Set(id.clone(), max_age));
        self.landed(write, id, key, version, false)?;
        Ok(logged_in)
    }

    pub(super) fn renewed(&self, session: Handle, reason: Renewal) {
        self.emit(&Event::Renewed { session, reason });
    }
}
