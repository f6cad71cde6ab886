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
    Session(Box<State>),
    /// A log-in took its place a moment ago.
    Replaced,
    Nothing,
}

/// Why a search is not over with its first load; rare.
enum Further {
    /// The store did not answer.
    Failed(cloakroom_store::Error),
    /// The session went on to this key.
    Moved(StoreKey),
    /// A session that has lived as long as any may.
    OutOfTime(Version),
}

/// A search for the session that an id leads to.
struct Search<'a> {
    id: &'a SessionId,
    key: StoreKey,
    /// Whether the id was an old one.
    late: bool,
    /// When the request began.
    begun: Timestamp,
    now: Timestamp,
    trips: usize,
}

impl Engine {
    /// Finds the session that one of `ids` leads to: at most [`MOST_LOOKUPS`] trips.
    pub(super) async fn look_up(&self, ids: &Candidates, begun: Timestamp) -> Result<Box<State>> {
        self.start_sweeping();
        let now = self.clock().now();
        let mut replaced = false;
        let mut trips = MOST_LOOKUPS;
        for id in ids.iter() {
            let mut search = Search { id, key: id.key(), late: false, begun, now, trips };
            match self.follow(&mut search).await {
                Ok(Found::Session(state)) => return Ok(state),
                Ok(Found::Replaced) => replaced = true,
                Ok(Found::Nothing) => {}
                Err(error) => return self.during_outage(error, now),
            }
            trips = search.trips;
        }
        let place = if replaced { Place::Closed } else { Place::Absent };
        Ok(Box::new(State::new(place, Frames::default(), now)))
    }

    /// Loads the session again that was found under `key`.
    pub(super) async fn look_again(
        &self,
        id: &SessionId,
        key: StoreKey,
        begun: Timestamp,
    ) -> Result<Option<Box<State>>> {
        let (now, late) = (self.clock().now(), id.key() != key);
        let mut search = Search { id, key, late, begun, now, trips: MOST_LOOKUPS };
        match self.follow(&mut search).await? {
            Found::Session(state) => Ok(Some(state)),
            Found::Replaced | Found::Nothing => Ok(None),
        }
    }

    /// Follows an id, and the trail that a renewal left, to a session. An old id is excused if its request had begun
    /// when it still was: a request that takes long before it looks has not done anything wrong.
    async fn follow(&self, search: &mut Search<'_>) -> Result<Found> {
        if search.trips == 0 {
            return Ok(Found::Nothing);
        }
        search.trips -= 1;
        let loaded = self.0.store.load(&search.key, Some(self.touch(search))).await;
        match self.open(loaded, search) {
            Ok(found) => Ok(found),
            Err(further) => Box::pin(self.follow_further(further, search)).await,
        }
    }

    async fn follow_further(&self, mut further: Further, search: &mut Search<'_>) -> Result<Found> {
        loop {
            let loaded = match further {
                Further::OutOfTime(version) => return self.end_of_time(&search.key, version).await,
                Further::Failed(error) => Ok(self.load_patiently(search, error).await?),
                Further::Moved(_) if search.trips == 0 => return Ok(Found::Replaced),
                Further::Moved(to) => {
                    (search.key, search.late, search.trips) = (to, true, search.trips - 1);
                    self.0.store.load(&search.key, Some(self.touch(search))).await
                }
            };
            match self.open(loaded, search) {
                Ok(found) => return Ok(found),
                Err(again) => further = again,
            }
        }
    }

    fn touch(&self, search: &Search<'_>) -> Touch {
        self.config().lifetime.touch(search.now)
    }

    /// Reads what was found.
    fn open(
        &self,
        loaded: cloakroom_store::Result<Option<Stored>>,
        search: &Search<'_>,
    ) -> Result<Found, Further> {
        self.heard(&loaded);
        let Some(Stored { record, version }) = loaded.map_err(Further::Failed)? else {
            self.refuse(Refusal::Unknown);
            return Ok(Found::Nothing);
        };
        match Payload::decode(&record.payload) {
            Ok(Payload::Session(header, _)) if search.now >= self.config().lifetime.ends_at(&header) => {
                Err(Further::OutOfTime(version))
            }
            Ok(Payload::Session(header, frames)) => {
                let (id, key) = (search.id.clone(), search.key.clone());
                let (expires_at, owner, late) = (record.expires_at, record.owner, search.late);
                let stored = StoredSession { id, key, version, header, expires_at, owner, late };
                let state = State::new(Place::Stored(stored), frames, search.now);
                Ok(Found::Session(Box::new(state)))
            }
            Ok(Payload::Trail(trail)) => {
                let excused = search.begun <= trail.grace_until;
                if let Some(to) = trail.to.filter(|_| excused) {
                    return Err(Further::Moved(to));
                }
                self.refuse(Refusal::Superseded);
                Ok(if excused { Found::Replaced } else { Found::Nothing })
            }
            Err(_) => {
                tracing::warn!("a session record cannot be read; it is left alone");
                self.refuse(Refusal::Unreadable);
                Ok(Found::Nothing)
            }
        }
    }

    /// Removes a session that has lived as long as any may; of several requests that find it, one counts it.
    async fn end_of_time(&self, key: &StoreKey, version: Version) -> Result<Found> {
        if self.end_exactly(key, version).await? {
            self.emit(&Event::Expired { reason: Expiry::Absolute, count: 1 });
        }
        self.refuse(Refusal::Unknown);
        Ok(Found::Nothing)
    }

    /// Loads a record after an error, trying again for as long as the outage policy says.
    async fn load_patiently(
        &self,
        search: &Search<'_>,
        mut error: cloakroom_store::Error,
    ) -> Result<Option<Stored>> {
        let store: &dyn Store = &*self.0.store;
        let mut patience = Patience::new(Duration::MAX, self.config().outage.wait, self.0.nonces.next());
        while error.is_uncertain() && patience.after_failure().await {
            match store.load(&search.key, Some(self.touch(search))).await {
                Ok(found) => return Ok(found),
                Err(again) => error = again,
            }
        }
        Err(error.into())
    }

    fn during_outage(&self, error: Error, now: Timestamp) -> Result<Box<State>> {
        self.failed(Doing::Load, &error);
        match self.config().outage.then {
            OutagePolicy::FailClosed => Err(error),
            OutagePolicy::AnonymousReadOnly => {
                Ok(Box::new(State::new(Place::Unseen, Frames::default(), now)))
            }
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
