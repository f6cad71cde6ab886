//! Stores a session for the first time.

use cloakroom_store::{Created, StoreKey, Version};

use super::meet::read;
use super::{Commit, Landing, Write};
use crate::observe::{Event, Renewal};
use crate::record::{Frames, Payload};
use crate::session::{Cookie, Place, StoredSession};
use crate::{Error, Handle, Result, SessionId};

/// What became of a record under a new id.
#[expect(clippy::large_enum_variant, reason = "nearly every one is stored, and is taken apart at once")]
pub(super) enum New {
    Stored(Stocked),
    /// The user was revoked after this log-in began.
    Revoked,
}

/// What became of a record that was to be kept under a new id.
enum Placed {
    Here(Version),
    /// An earlier commit of this request put it there, with what it knew then, and nobody waited for the answer.
    Before(Version),
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
        let logged_in = self.hand_out(new)?;
        self.emit(&Event::Created { session });
        if logged_in {
            Box::pin(self.trim_to_cap()).await;
        }
        Ok(Landing::Kept)
    }

    /// Stores the session under a new id.
    pub(super) async fn stock(&mut self) -> Result<New> {
        let write = self.write(true)?;
        loop {
            let id = self.visit.with(|state| state.next_id(self.visit.engine()))?;
            let key = id.key();
            let placed = match self.store().create(&key, &write.record).await {
                Ok(Created::Created(version)) => Ok(Placed::Here(version)),
                answer => Box::pin(self.place(&key, &write, answer)).await,
            };
            match placed {
                Ok(Placed::Here(version)) => return Ok(New::Stored(Stocked { id, key, version, write })),
                Ok(Placed::Before(version)) => {
                    let mut new = Box::new(Stocked { id, key, version, write });
                    let kept = Box::pin(self.bring_up_to_date(&mut new)).await?;
                    return Ok(if kept { New::Stored(*new) } else { New::Revoked });
                }
                Ok(Placed::Revoked) => return Ok(New::Revoked),
                Ok(Placed::Taken) => Box::pin(self.take_another_id()).await?,
                Err(error) => return Err(Box::pin(self.leave_unplaced(&key, error)).await),
            }
        }
    }

    async fn take_another_id(&mut self) -> Result<()> {
        self.visit.with(|state| state.change_next_id(self.visit.engine()))?;
        self.wait_after_conflict().await
    }

    /// The record may be there all the same; no later commit of this request knows whether.
    async fn leave_unplaced(&mut self, key: &StoreKey, error: Error) -> Error {
        self.visit.with(|state| state.in_flight = None);
        if self.uncertain {
            self.take_back(key).await;
            if let Err(error) = self.visit.with(|state| state.change_next_id(self.visit.engine())) {
                return error;
            }
        }
        error
    }

    /// Keeps the record although the first answer was no plain yes.
    async fn place(
        &mut self,
        key: &StoreKey,
        write: &Write,
        mut answer: cloakroom_store::Result<Created>,
    ) -> Result<Placed> {
        loop {
            match answer {
                Ok(Created::Created(version)) => return Ok(Placed::Here(version)),
                Ok(Created::Revoked) => return Ok(Placed::Revoked),
                Ok(Created::Taken) => match self.whose(key).await? {
                    Some(placed) => return Ok(placed),
                    // It was ours, and a revocation has just removed it.
                    None => self.wait_after_conflict().await?,
                },
                Err(error) => self.wait_after(error).await?,
            }
            answer = self.store().create(key, &write.record).await;
        }
    }

    /// Whose the record under `key` is. If it is not ours, that is 1 in 2^256, or a generator that repeats itself.
    async fn whose(&mut self, key: &StoreKey) -> Result<Option<Placed>> {
        let earlier: Vec<u64> =
            self.visit.with(|state| state.uncertain.iter().map(|attempt| attempt.nonce).collect());
        if !self.uncertain && earlier.is_empty() {
            return Ok(Some(Placed::Taken));
        }
        let Some(stored) = self.load(key).await? else { return Ok(None) };
        Ok(Some(match read(&stored)? {
            Payload::Session(header, _) if header.remembers(self.nonce) => Placed::Here(stored.version),
            Payload::Session(header, _) if earlier.iter().any(|nonce| header.remembers(*nonce)) => {
                Placed::Before(stored.version)
            }
            _ => Placed::Taken,
        }))
    }

    /// Makes a new record the session, and its id the client's; says whether somebody logged in with it.
    pub(super) fn hand_out(&self, new: Stocked) -> Result<bool> {
        let Stocked { id, key, version, write: Write { record, header } } = new;
        let logged_in = record.owner.is_some() && header.authenticated_at.is_some();
        let max_age = self.visit.engine().config().lifetime.max_age(&header, self.now);
        let frames = Frames::of(&record.payload, &header);
        self.visit.with(|state| {
            state.cookie = Cookie::Set(id.clone(), max_age);
            let (expires_at, owner) = (record.expires_at, record.owner);
            let stored = StoredSession { id, key, version, header, expires_at, owner, late: false };
            state.place = Place::Stored(stored);
            state.landed(frames, self.sent, &self.decided)
        })?;
        Ok(logged_in)
    }

    pub(super) fn renewed(&self, session: Handle, reason: Renewal) {
        self.emit(&Event::Renewed { session, reason });
    }
}
