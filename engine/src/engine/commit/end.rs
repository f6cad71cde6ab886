//! Ends a session, wherever its id has led meanwhile.

use cloakroom_store::{Record, StoreKey, Stored, Updated, Version};

use super::{Commit, Landing};
use crate::observe::Event;
use crate::plan::Fate;
use crate::record::Payload;
use crate::session::{Cookie, Place};
use crate::{Error, ErrorKind, Result};

/// What became of the session.
enum Ended {
    /// This commit has ended it.
    Here,
    /// It was gone.
    Gone,
    /// A log-in has made another session of it, which is not this request's to end.
    Superseded,
}

impl Commit<'_> {
    /// Ends the session. A renewal under way finds its old record gone and takes its new one back; one that is done has
    /// left a trail, which is followed.
    pub(super) async fn end(&mut self) -> Result<Landing> {
        let seen = self.visit.with(|state| match &state.place {
            Place::Stored(stored) => Some((stored.key.clone(), stored.version, state.end)),
            Place::Absent | Place::Closed | Place::Unseen => None,
        });
        let Some((key, version, reason)) = seen else { return Ok(Landing::Kept) };
        let ended = self.end_all_the_way(key, version).await;
        let tried = self.visit.with(|state| {
            state.end_may_be_in |= self.uncertain;
            state.end_may_be_in
        });
        match ended? {
            Ended::Here => {}
            Ended::Gone if tried => {}
            Ended::Gone | Ended::Superseded => return self.leave_to_the_others(),
        }
        self.visit.with(|state| {
            state.ended();
            state.cookie = Cookie::Removed;
        });
        self.emit(&Event::Ended { reason, count: 1 });
        Ok(Landing::Kept)
    }

    async fn end_all_the_way(&mut self, mut key: StoreKey, mut version: Version) -> Result<Ended> {
        let nothing = Record::expired();
        loop {
            let there = match self.store().update(&key, version, &nothing).await {
                Ok(Updated::Updated(_)) => return Ok(Ended::Here),
                Ok(Updated::Gone | Updated::Revoked) => return Ok(Ended::Gone),
                Ok(Updated::Conflict(stored)) if self.patience.after_conflict().await => stored,
                Ok(Updated::Conflict(_)) => {
                    let message = "too many requests changed the session while it was to end";
                    return Err(Error::new(ErrorKind::Contended, message));
                }
                Err(error) => {
                    self.wait_after(error).await?;
                    let Some(stored) = self.load(&key).await? else { return Ok(Ended::Gone) };
                    stored
                }
            };
            match self.follow(there).await? {
                Ok((moved, stored)) => {
                    if let Some(moved) = moved {
                        // What became of the write to the old record is known now.
                        (key, self.uncertain) = (moved, false);
                    }
                    version = stored.version;
                }
                Err(ended) => return Ok(ended),
            }
        }
    }

    /// Where the session is, if `there` is a trail that leads to it.
    async fn follow(&mut self, mut there: Stored) -> Result<Result<(Option<StoreKey>, Stored), Ended>> {
        let mut moved = None;
        while let Ok(Payload::Trail(trail)) = Payload::decode(&there.record.payload) {
            let Some(to) = trail.to else { return Ok(Err(Ended::Superseded)) };
            let Some(stored) = self.load(&to).await? else { return Ok(Err(Ended::Gone)) };
            (there, moved) = (stored, Some(to));
        }
        Ok(Ok((moved, there)))
    }

    /// Another request has ended the session, or made another of it: the client has, or is about to get, what that one
    /// says, and this one leaves it alone. Only a log-in in this very request is carried out.
    fn leave_to_the_others(&self) -> Result<Landing> {
        self.visit.with(|state| {
            if state.owner.is_none() {
                return Ok(Landing::Dropped);
            }
            state.fate = Fate::LogIn;
            state.log_in_without_a_past().map(|()| Landing::Kept)
        })
    }
}
