//! Ends a session, wherever its id has led meanwhile.

use cloakroom_store::{Entry, Record, StoreKey};

use super::{Commit, Landing};
use crate::Result;
use crate::observe::Event;
use crate::plan::Fate;
use crate::record::Payload;
use crate::session::{Cookie, Place};

/// What a delete has ended.
enum Ended {
    /// The session.
    Session,
    /// Nothing: the session was gone already, or only an answer was lost.
    Nothing,
    /// Nothing: a log-in has made another session of it, which is not this request's to end. Its tombstone was removed.
    Superseded(StoreKey, Record),
}

impl Commit<'_> {
    /// Deletes the session. A renewal under way finds its old record gone and takes its new one back; one that is
    /// done has left a trail, which is followed.
    pub(super) async fn end(&mut self) -> Result<Landing> {
        let seen = self.visit.with(|state| match &state.place {
            Place::Stored(stored) => Some((stored.key.clone(), state.end)),
            Place::Absent | Place::Closed => None,
        });
        let Some((key, reason)) = seen else { return Ok(Landing::Kept) };
        match self.delete_all_the_way(key).await? {
            Ended::Session => {}
            Ended::Nothing if self.uncertain => {}
            Ended::Nothing => return self.leave_to_the_others(),
            Ended::Superseded(key, tombstone) => {
                self.put_back(&key, &tombstone).await?;
                return self.leave_to_the_others();
            }
        }
        self.visit.with(|state| {
            state.ended();
            state.cookie = Cookie::Removed;
        });
        self.emit(&Event::Ended { reason, count: 1 });
        Ok(Landing::Kept)
    }

    async fn delete_all_the_way(&mut self, mut key: StoreKey) -> Result<Ended> {
        loop {
            let removed = match self.store().delete(&key).await {
                Ok(removed) => removed,
                Err(error) => {
                    self.wait_after(error).await?;
                    continue;
                }
            };
            let Some(removed) = removed else {
                match self.find_by_handle().await? {
                    Some(found) => key = found,
                    None => return Ok(Ended::Nothing),
                }
                continue;
            };
            match Payload::decode(&removed.record.payload) {
                Ok(Payload::Trail(trail)) => match trail.to {
                    Some(to) => key = to,
                    None => return Ok(Ended::Superseded(key, removed.record)),
                },
                Ok(Payload::Session(..)) | Err(_) => return Ok(Ended::Session),
            }
        }
    }

    /// If the answer to a delete was lost, it may have removed the trail of a renewal, and where it led with it.
    /// A user's sessions are then looked through for the one that must not live on; an anonymous one can only expire.
    async fn find_by_handle(&mut self) -> Result<Option<StoreKey>> {
        let seen = self.visit.with(|state| match &state.place {
            Place::Stored(stored) => Some((stored.owner.clone()?, stored.header.handle)),
            Place::Absent | Place::Closed => None,
        });
        let (true, Some((owner, handle)), Some(owners)) =
            (self.uncertain, seen, self.store().abilities().owners)
        else {
            return Ok(None);
        };
        let entries = loop {
            match owners.list(&owner.key).await {
                Ok(entries) => break entries,
                Err(error) => self.wait_after_look(error).await?,
            }
        };
        let is_it = |entry: &Entry| {
            let payload = Payload::decode(&entry.stored.record.payload);
            matches!(payload, Ok(Payload::Session(header, _)) if header.handle == handle)
        };
        Ok(entries.into_iter().find(is_it).map(|entry| entry.key))
    }

    /// A log-in was faster, and its session is another. The tombstone is put back, so that no late request takes the
    /// old id for one that never was.
    async fn put_back(&mut self, key: &StoreKey, tombstone: &Record) -> Result<()> {
        while let Err(error) = self.store().create(key, tombstone).await {
            self.wait_after(error).await?;
        }
        Ok(())
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
