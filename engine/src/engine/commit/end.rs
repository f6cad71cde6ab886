//! Ends a session, wherever its id has led meanwhile.

use cloakroom_store::StoreKey;

use super::{Commit, Landing};
use crate::Result;
use crate::observe::Event;
use crate::record::Payload;
use crate::session::{Cookie, Place};

impl Commit<'_> {
    /// Deletes the session. A renewal under way finds its old record gone and takes its new one back; one that is
    /// done has left a trail, which is followed.
    pub(super) async fn end(&mut self) -> Result<Landing> {
        let seen = self.visit.with(|state| match &state.place {
            Place::Stored(stored) => Some((stored.key.clone(), state.end)),
            Place::Absent | Place::Closed => None,
        });
        let Some((key, reason)) = seen else { return Ok(Landing::Kept) };
        let count = self.delete_all_the_way(key).await?;
        self.visit.with(|state| {
            state.ended();
            state.cookie = Cookie::Removed;
        });
        if count > 0 {
            self.emit(&Event::Ended { reason, count });
        }
        Ok(Landing::Kept)
    }

    async fn delete_all_the_way(&mut self, mut key: StoreKey) -> Result<u64> {
        loop {
            let removed = match self.store().delete(&key).await {
                Ok(removed) => removed,
                Err(error) => {
                    self.wait_after(error).await?;
                    continue;
                }
            };
            match removed.map(|stored| Payload::decode(&stored.record.payload)) {
                None => return Ok(0),
                Some(Ok(Payload::Trail(trail))) => match trail.to {
                    Some(to) => key = to,
                    None => return Ok(0),
                },
                Some(Ok(Payload::Session(..)) | Err(_)) => return Ok(1),
            }
        }
    }
}
