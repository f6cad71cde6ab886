//! Finds the session of a request.

use std::time::Duration;

use cloakroom_store::{Store, StoreKey, Stored, Timestamp, Touch, Version};

use super::patience::Patience;
use super::{Candidates, Engine, MOST_LOOKUPS};
use crate::config::OutagePolicy;
use crate::observe::{Doing, Event, Expiry, Refusal};
use crate::record::{Frames, Payload};
use crate::session::{Place, State, StoredSession};
use crate::{Error, Result, SessionId};

/// What an id leads to.
enum Found {
    Session(Box<StoredSession>, Frames),
    /// A log-in took its place a moment ago.
    Replaced,
    Nothing,
}

impl Engine {
    /// Finds the session that one of `ids` leads to: at most [`MOST_LOOKUPS`] trips.
    pub(super) async fn look_up(&self, ids: &Candidates, begun: Timestamp) -> Result<State> {
        self.start_sweeping();
        let now = self.clock().now();
        let mut place = Place::Absent;
        let mut trips = MOST_LOOKUPS;
        for id in ids.iter() {
            match self.follow(id, id.key(), begun, &mut trips).await {
                Ok(Found::Session(stored, frames)) => {
                    return Ok(State::new(Place::Stored(stored), frames, now));
                }
                Ok(Found::Replaced) => place = Place::Closed,
                Ok(Found::Nothing) => {}
                Err(error) => return self.during_outage(error, now),
            }
        }
        Ok(State::new(place, Frames::default(), now))
    }

    /// Loads the session again that was found under `key`.
    pub(super) async fn look_again(
        &self,
        id: &SessionId,
        key: &StoreKey,
        begun: Timestamp,
    ) -> Result<Option<State>> {
        let now = self.clock().now();
        let late = id.key() != *key;
        let found = self.follow(id, key.clone(), begun, &mut { MOST_LOOKUPS }).await?;
        Ok(match found {
            Found::Session(mut stored, frames) => {
                stored.late |= late;
                Some(State::new(Place::Stored(stored), frames, now))
            }
            Found::Replaced | Found::Nothing => None,
        })
    }

    /// Follows an id, and the trail that a renewal left, to a session. An old id is excused if its request had `begun`
    /// when it still was: a request that takes long before it looks has not done anything wrong.
    async fn follow(
        &self,
        id: &SessionId,
        mut key: StoreKey,
        begun: Timestamp,
        trips: &mut usize,
    ) -> Result<Found> {
        let now = self.clock().now();
        let touch = self.config().lifetime.touch(now);
        let mut late = false;
        while *trips > 0 {
            *trips -= 1;
            let Some(stored) = self.load_patiently(&key, touch).await? else {
                self.refuse(Refusal::Unknown);
                return Ok(Found::Nothing);
            };
            match Payload::decode(&stored.record.payload) {
                Ok(Payload::Session(header, frames)) => {
                    if now >= self.config().lifetime.ends_at(&header) {
                        return self.end_of_time(&key, stored.version).await;
                    }
                    let session = StoredSession {
                        id: id.clone(),
                        key,
                        version: stored.version,
                        header,
                        expires_at: stored.record.expires_at,
                        owner: stored.record.owner,
                        late,
                    };
                    return Ok(Found::Session(Box::new(session), frames));
                }
                Ok(Payload::Trail(trail)) => {
                    let excused = begun <= trail.grace_until;
                    match trail.to.filter(|_| excused) {
                        Some(to) => (key, late) = (to, true),
                        None => {
                            self.refuse(Refusal::Superseded);
                            return Ok(if excused { Found::Replaced } else { Found::Nothing });
                        }
                    }
                }
                Err(_) => {
                    tracing::warn!("a session record cannot be read; it is left alone");
                    self.refuse(Refusal::Unreadable);
                    return Ok(Found::Nothing);
                }
            }
        }
        Ok(if late { Found::Replaced } else { Found::Nothing })
    }

    /// Removes a session that has lived as long as any may; of several requests that find it, one counts it.
    async fn end_of_time(&self, key: &StoreKey, version: Version) -> Result<Found> {
        if self.end_exactly(key, version).await? {
            self.emit(&Event::Expired { reason: Expiry::Absolute, count: 1 });
        }
        self.refuse(Refusal::Unknown);
        Ok(Found::Nothing)
    }

    /// Loads a record, trying again for as long as the outage policy says.
    async fn load_patiently(&self, key: &StoreKey, touch: Touch) -> Result<Option<Stored>> {
        let store: &dyn Store = &*self.0.store;
        let mut error = match store.load(key, Some(touch)).await {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        let mut patience = Patience::new(Duration::MAX, self.config().outage.wait, self.0.nonces.next());
        while error.is_uncertain() && patience.after_failure().await {
            match store.load(key, Some(touch)).await {
                Ok(found) => return Ok(found),
                Err(again) => error = again,
            }
        }
        Err(error.into())
    }

    fn during_outage(&self, error: Error, now: Timestamp) -> Result<State> {
        self.failed(Doing::Load, &error);
        match self.config().outage.then {
            OutagePolicy::FailClosed => Err(error),
            OutagePolicy::AnonymousReadOnly => Ok(State::new(Place::Unseen, Frames::default(), now)),
        }
    }

    pub(super) fn failed(&self, doing: Doing, error: &Error) {
        tracing::warn!(?doing, error = error as &dyn std::error::Error, "a session operation failed");
        self.emit(&Event::Failed { doing, kind: error.kind() });
    }

    fn refuse(&self, reason: Refusal) {
        self.emit(&Event::Refused { reason });
    }
}
