//! What to make of the record that is there instead of the one expected.

use cloakroom_store::{StoreKey, Stored};

use super::{Commit, Landing};
use crate::record::{Frames, Header, Payload};
use crate::session::{Attempt, Cookie, Place, State};
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
    /// A log-in has made another session of it, whose id is nobody's business here.
    Replaced,
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
        match read(&stored)? {
            Payload::Session(header, frames) => self.rebase(None, &stored, header, frames),
            Payload::Trail(trail) => match trail.to {
                Some(to) => self.find(to, true).await,
                None => Ok(Met::Replaced),
            },
        }
    }

    /// Loads the session under `key`, and follows it if its id was renewed.
    async fn find(&mut self, mut key: StoreKey, mut moved: bool) -> Result<Met> {
        loop {
            let Some(stored) = self.load(&key).await? else { return Ok(Met::Ended) };
            match read(&stored)? {
                Payload::Session(header, frames) => {
                    return self.rebase(moved.then_some(key), &stored, header, frames);
                }
                Payload::Trail(trail) => match trail.to {
                    Some(to) => (key, moved) = (to, true),
                    None => return Ok(Met::Replaced),
                },
            }
        }
    }

    pub(super) async fn load(&mut self, key: &StoreKey) -> Result<Option<Stored>> {
        loop {
            match self.store().load(key, None).await {
                Ok(found) => return Ok(found),
                Err(error) => self.wait_after_look(error).await?,
            }
        }
    }

    /// The user's sessions were ended. If this one is there still, it was spared and dated anew: looks for it.
    pub(super) async fn look_whether_spared(&mut self) -> Result<Met> {
        self.wait_after_conflict().await?;
        self.look_again().await
    }

    /// Puts the changes on top of what is there.
    fn rebase(
        &mut self,
        moved_to: Option<StoreKey>,
        stored: &Stored,
        header: Header,
        frames: Frames,
    ) -> Result<Met> {
        let (nonce, uncertain, sent, now) = (self.nonce, self.uncertain, self.sent, self.now);
        self.visit.with(|state| {
            let Place::Stored(place) = &state.place else { return Ok(Met::Ended) };
            let ours = header.remembers(nonce);
            if !ours && uncertain && header.may_have_forgotten(place.header.number, now) {
                return Err(cannot_be_told());
            }
            // The write of an earlier save, which nobody waited for, may arrive as late as this.
            let earlier = state.uncertain.iter().filter(|tried| header.remembers(tried.nonce));
            let earlier = earlier.map(|tried| tried.sent).max();
            state.found_again(moved_to, stored, header);
            if !ours {
                match earlier {
                    Some(sent) => state.committed(frames, sent)?,
                    None => state.rebase(frames)?,
                }
                if earlier.is_some() {
                    state.uncertain.clear();
                }
                return Ok(Met::Rebased);
            }
            state.landed(frames, sent, &self.decided)?;
            Ok(Met::Ours)
        })
    }

    /// Finds out what became of earlier commits of this request whose answers were lost.
    pub(super) async fn settle_uncertain(&mut self) -> Result<Landing> {
        let attempts: Vec<Attempt> = self.visit.with(|state| {
            let unanswered = state.in_flight.take();
            state.uncertain.extend(unanswered);
            state.uncertain.clone()
        });
        if attempts.is_empty() {
            return Ok(Landing::Kept);
        }
        let key = self.visit.with(|state| state.stored().map(|stored| stored.key.clone()));
        let Some(mut key) = key else { return Ok(Landing::Kept) };
        loop {
            let Some(stored) = self.load(&key).await? else { return Ok(Landing::Dropped) };
            let (header, frames) = match read(&stored)? {
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
                attempts.iter().filter(|tried| header.remembers(tried.nonce)).map(|tried| tried.sent).max();
            if sent.is_none() && attempts.iter().any(|tried| header.may_have_forgotten(tried.base, tried.at))
            {
                return Err(cannot_be_told());
            }
            return self.visit.with(|state| {
                state.found_again(Some(key), &stored, header);
                self.hand_out_after_all(state);
                // What is not there may still arrive: only a commit that lands is sure to be in its place.
                match sent {
                    Some(sent) => {
                        state.uncertain.clear();
                        state.committed(frames, sent)?;
                    }
                    None => state.rebase(frames)?,
                }
                Ok(Landing::Kept)
            });
        }
    }

    /// If an earlier commit gave the session its new id after all, and only the answer was lost, the id is told now.
    fn hand_out_after_all(&self, state: &mut State) {
        let Some(id) = state.lost_id() else { return };
        let lifetime = &self.visit.engine().config().lifetime;
        if let Place::Stored(place) = &mut state.place
            && id.key() == place.key
        {
            (place.id, place.late) = (id.clone(), false);
            state.cookie = Cookie::Set(id, lifetime.max_age(&place.header, self.now));
            state.keep_id();
        }
    }

    /// Notes that a write is on its way, in case nobody waits for its answer: a `save` that is dropped half-way, say.
    pub(super) fn send(&self, state: &mut State) {
        let base = state.stored().map_or(0, |stored| stored.header.number);
        state.in_flight = Some(Attempt { nonce: self.nonce, sent: self.sent, base, at: self.now });
    }

    /// Notes what became of it: it may be in the store although the commit failed.
    pub(super) fn answered(&self) {
        self.visit.with(|state| {
            let attempt = state.in_flight.take();
            if self.uncertain {
                state.uncertain.extend(attempt);
            }
        });
    }
}

pub(super) fn read(stored: &Stored) -> Result<Payload> {
    Payload::decode(&stored.record.payload)
        .map_err(|_| Error::new(ErrorKind::Store, "the session's record cannot be read any more"))
}

pub(super) fn cannot_be_told() -> Error {
    let message = "an answer of the store was lost, and what became of the write cannot be told any more";
    Error::new(ErrorKind::Unavailable, message)
}
