//! What to make of the record that is there instead of the one expected.

use cloakroom_store::{StoreKey, Stored};

use super::{Commit, Landing};
use crate::record::{Frames, Header, Payload};
use crate::session::{Attempt, Place};
use crate::{Error, ErrorKind, Result};

/// What a commit met.
#[derive(Debug)]
pub(super) enum Met {
    /// The record remembers this commit: it is in the store.
    Ours,
    /// The changes now stand on what is there; write again.
    Rebased,
    /// The session has ended.
    Ended,
}

impl Commit<'_> {
    /// Looks at the session again, after an answer was lost.
    pub(super) async fn look_again(&mut self) -> Result<Met> {
        let key = self.visit.with(|state| state.stored().map(|stored| stored.key.clone()));
        match key {
            Some(key) => self.find(key, false).await,
            None => Ok(Met::Ended),
        }
    }

    /// Makes of `stored`, which is under our key, what can be made of it.
    pub(super) async fn meet(&mut self, stored: Stored) -> Result<Met> {
        match self.read(&stored)? {
            Payload::Session(header, frames) => self.rebase(None, stored, header, frames),
            Payload::Trail(trail) => match trail.to {
                Some(to) => self.find(to, true).await,
                None => Ok(Met::Ended),
            },
        }
    }

    /// Loads the session under `key`, and follows it if its id was renewed.
    async fn find(&mut self, mut key: StoreKey, mut moved: bool) -> Result<Met> {
        loop {
            let Some(stored) = self.load(&key).await? else { return Ok(Met::Ended) };
            match self.read(&stored)? {
                Payload::Session(header, frames) => {
                    return self.rebase(moved.then_some(key), stored, header, frames);
                }
                Payload::Trail(trail) => match trail.to {
                    Some(to) => (key, moved) = (to, true),
                    None => return Ok(Met::Ended),
                },
            }
        }
    }

    pub(super) async fn load(&mut self, key: &StoreKey) -> Result<Option<Stored>> {
        loop {
            match self.store().load(key, None).await {
                Ok(found) => return Ok(found),
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    pub(super) fn read(&self, stored: &Stored) -> Result<Payload> {
        Payload::decode(&stored.record.payload)
            .map_err(|_| Error::new(ErrorKind::Store, "the session's record cannot be read any more"))
    }

    /// Puts the changes on top of what is there.
    fn rebase(
        &mut self,
        moved_to: Option<StoreKey>,
        stored: Stored,
        header: Header,
        frames: Frames,
    ) -> Result<Met> {
        let (nonce, uncertain, sent) = (self.nonce, self.uncertain, self.sent);
        self.visit.with(|state| {
            let Place::Stored(place) = &mut state.place else { return Ok(Met::Ended) };
            let ours = header.remembers(nonce);
            if !ours && uncertain && header.may_have_forgotten(place.header.number) {
                let message =
                    "an answer of the store was lost, and what became of the write cannot be told any more";
                return Err(Error::new(ErrorKind::Contended, message));
            }
            if let Some(key) = moved_to {
                (place.key, place.late) = (key, true);
            }
            place.version = stored.version;
            place.header = header;
            place.expires_at = stored.record.expires_at;
            if state.owner == place.owner {
                state.owner.clone_from(&stored.record.owner);
            }
            place.owner = stored.record.owner;
            if ours {
                let own = state.own.clone();
                let stored = std::mem::replace(&mut state.place, Place::Absent);
                if let Place::Stored(stored) = stored {
                    state.landed(*stored, frames, sent, &own)?;
                }
                return Ok(Met::Ours);
            }
            state.draft.rebase(frames)?;
            Ok(Met::Rebased)
        })
    }

    /// Finds out what became of earlier commits of this request whose answers were lost.
    pub(super) async fn settle_uncertain(&mut self) -> Result<Landing> {
        let attempts: Vec<Attempt> = self.visit.with(|state| {
            let unanswered = state.in_flight.take();
            state.uncertain.extend(unanswered);
            state.uncertain.clone()
        });
        let Some(base) = attempts.iter().map(|attempt| attempt.base).min() else { return Ok(Landing::Kept) };
        let key = self.visit.with(|state| state.stored().map(|stored| stored.key.clone()));
        let Some(mut key) = key else { return Ok(Landing::Kept) };
        loop {
            let Some(stored) = self.load(&key).await? else { return Ok(Landing::Dropped) };
            let (header, frames) = match self.read(&stored)? {
                Payload::Session(header, frames) => (header, frames),
                Payload::Trail(trail) => match trail.to {
                    Some(to) => {
                        key = to;
                        continue;
                    }
                    None => return Ok(Landing::Dropped),
                },
            };
            let sent =
                attempts.iter().filter(|attempt| header.remembers(attempt.nonce)).map(|a| a.sent).max();
            if sent.is_none() && header.may_have_forgotten(base) {
                let message =
                    "an answer of the store was lost, and what became of the write cannot be told any more";
                return Err(Error::new(ErrorKind::Contended, message));
            }
            return self.visit.with(|state| {
                if let Place::Stored(place) = &mut state.place {
                    place.late |= place.key != key;
                    place.key = key;
                    place.version = stored.version;
                    place.header = header;
                    place.expires_at = stored.record.expires_at;
                    place.owner = stored.record.owner;
                }
                state.uncertain.clear();
                match sent {
                    Some(sent) => state.draft.committed(frames, sent)?,
                    None => state.draft.rebase(frames)?,
                }
                Ok(Landing::Kept)
            });
        }
    }

    /// Notes that a write is on its way, in case nobody waits for its answer: a `save` that is dropped half-way, say.
    pub(super) fn send(&self) {
        let (nonce, sent) = (self.nonce, self.sent);
        self.visit.with(|state| {
            let base = state.stored().map_or(0, |stored| stored.header.number);
            state.in_flight = Some(Attempt { nonce, sent, base });
        });
    }

    /// Notes what became of it.
    pub(super) fn answered(&self) {
        self.visit.with(|state| {
            let attempt = state.in_flight.take();
            if self.uncertain {
                state.uncertain.extend(attempt);
            }
        });
    }
}
