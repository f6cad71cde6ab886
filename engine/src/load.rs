//! Finds the session of a request.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use cloakroom_store::{StoreKey, Timestamp, Touch};

use crate::audit;
use crate::config::OutageFallback;
use crate::observe::{EndReason, Event, ExpiryReason, Measurement, Operation, RejectReason};
use crate::record::{Frames, Payload};
use crate::records::{Follow, Live, Records, Resolved};
use crate::request::{Candidates, MOST_LOOKUPS, MOST_LOOKUPS_SIGNED};
use crate::state::{Located, Location, State};
use crate::{Error, GoneReason, PublicId, Result, SessionId, SessionManager};

/// How a request came.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    /// When, if it brought an id.
    pub(crate) begun: Timestamp,
    pub(crate) now: Timestamp,
    /// Whether it must leave its session as it is.
    pub(crate) looks_only: bool,
}

/// How long a request waits for the clean-up of a session that has run out.
const CLEAN_UP: Duration = Duration::from_millis(20);

impl SessionManager {
    /// Finds the session of the first of `ids` in a store that answers without waiting; `None` where the search must go
    /// on, with [`look_up`](Self::look_up).
    #[inline]
    pub(crate) fn look_up_now(&self, ids: &Candidates, arrival: Arrival) -> Option<Box<State>> {
        let now = arrival.now;
        let Some(id) = ids.iter().next() else {
            return Some(Box::new(State::new(Location::Absent, Frames::default(), now)));
        };
        let (key, since) = (id.key(), self.begin_measurement());
        let stored = self.immediate()?.load(&key, self.touch_at(arrival), now).ok()??;
        let Ok(Payload::Session(header, frames)) = Payload::decode(&stored.record.payload) else {
            return None;
        };
        let (expires_at, owner, version) = (stored.record.expires_at, stored.record.owner, stored.version);
        let live = Live { key, version, header, frames, expires_at, owner, redirected: false };
        if self.expiry_of(&live, now).is_some() {
            return None;
        }
        if let Some(since) = since {
            self.measured(&Measurement::of_one_trip(Operation::Load, since));
        }
        Some(self.state_of(id, live, ids, 1, now))
    }

    /// Finds the session that one of `ids` leads to, `from` that place on: at most [`MOST_LOOKUPS`] trips
    /// (signed: [`MOST_LOOKUPS_SIGNED`]).
    pub(crate) async fn look_up(
        &self,
        ids: &Candidates,
        from: usize,
        arrival: Arrival,
        waited: &AtomicU64,
    ) -> Result<Box<State>> {
        let Arrival { begun, now, .. } = arrival;
        let mut records = match Records::for_load(self, Operation::Load, Some(waited)) {
            Ok(records) => records,
            Err(error) => return self.during_outage(error, now),
        };
        let most = if self.is_signed() { MOST_LOOKUPS_SIGNED } else { MOST_LOOKUPS };
        let (mut is_replaced, mut seen, mut gone) = (false, from, None);
        for (place, id) in ids.iter().enumerate().skip(from) {
            let Some(hops) = (most - 1).checked_sub(records.loads()) else { break };
            seen = place + 1;
            let follow = Follow { touch: self.touch_at(arrival), arrived_at: Some(begun), hops };
            match records.resolve(id.key(), follow).await {
                Ok(Resolved::Live(live)) => match self.expiry_of(&live, now) {
                    None => return Ok(self.state_of(id, live, ids, seen, now)),
                    Some(reason) => {
                        gone = Some(GoneReason::Expired(reason).or(gone));
                        self.expire(&mut records, live, reason).await;
                    }
                },
                Ok(other) => {
                    is_replaced |= matches!(other, Resolved::ReplacedByLogin);
                    gone = Some(gone_of(&other, records.take_found_end()).or(gone));
                    self.emit(&Event::Rejected { reason: refusal_of(&other) });
                }
                Err(error) => return self.during_outage(error, now),
            }
        }
        let location = if is_replaced { Location::Closed } else { Location::Absent };
        let mut state = Box::new(State::new(location, Frames::default(), now));
        // Redirects use up lookups, too: ids that were not looked at may be live.
        state.set_other_ids(ids.behind(seen));
        if let Some(reason) = gone {
            state.set_gone(reason);
        }
        Ok(state)
    }

    /// Loads the session again that was found under `key`. No cache may answer: the caller needs the stored truth.
    pub(crate) async fn look_again(&self, id: &SessionId, key: StoreKey) -> Result<Option<Box<State>>> {
        let now = self.clock().now();
        let mut records = Records::for_load(self, Operation::Load, None)?;
        let Resolved::Live(mut live) = records.resolve(key, Follow::HELD).await? else { return Ok(None) };
        if self.expiry_of(&live, now).is_some() {
            return Ok(None);
        }
        // The session may have been found under another key than its id's before.
        live.redirected |= id.key() != live.key;
        Ok(Some(self.state_of(id, live, &Candidates::default(), 0, now)))
    }

    /// Returns the touch of a request's first load, which one that only looks does not make.
    #[inline]
    fn touch_at(&self, arrival: Arrival) -> Option<Touch> {
        (!arrival.looks_only).then(|| self.touch(arrival.now))
    }

    /// Returns the touch that rides on every load; the store carries it out only where it is due.
    pub(crate) fn touch(&self, now: Timestamp) -> Touch {
        self.config().lifetime.touch(now)
    }

    fn state_of(
        &self,
        id: &SessionId,
        live: Live,
        ids: &Candidates,
        seen: usize,
        now: Timestamp,
    ) -> Box<State> {
        let Live { key, version, header, frames, expires_at, owner, redirected } = live;
        let idle_changed = self.config().lifetime.idle_was_changed(&header);
        let located = Located { id: id.clone(), key, version, header, expires_at, owner, redirected };
        let mut state = Box::new(State::new(Location::Stored(located), frames, now));
        state.idle_changed = idle_changed;
        state.set_other_ids(ids.behind(seen));
        state
    }

    /// Returns the timeout that has ended a session which is still stored, if any.
    pub(crate) fn expiry_of(&self, live: &Live, now: Timestamp) -> Option<ExpiryReason> {
        let lifetime = &self.config().lifetime;
        if now >= lifetime.ends_at(&live.header) {
            return Some(ExpiryReason::Absolute);
        }
        lifetime.was_idle_too_long(&live.header, live.expires_at, now).then_some(ExpiryReason::Idle)
    }

    /// Removes a session that has run out; of several requests that find it, one counts it. The request waits a moment for
    /// that, and is anonymous either way.
    async fn expire(&self, records: &mut Records<'_>, live: Live, reason: ExpiryReason) {
        let Live { key, version, header, owner, .. } = live;
        let engine = self.clone();
        let removed = move || {
            engine.emit(&Event::Expired { reason, count: 1 });
            engine.note_end(header.public_id(), GoneReason::Expired(reason));
            audit::expired(PublicId::new(header.public_id()), owner.as_ref(), reason);
        };
        records.clean_up(&key, version, CLEAN_UP, removed).await;
        self.emit(&Event::Rejected { reason: RejectReason::Unknown });
    }

    fn during_outage(&self, error: Error, now: Timestamp) -> Result<Box<State>> {
        self.failed(Operation::Load, &error);
        match self.config().outage.fallback {
            OutageFallback::FailClosed => Err(error),
            OutageFallback::AnonymousReadOnly => {
                Ok(Box::new(State::new(Location::Unknown, Frames::default(), now)))
            }
        }
    }
}

/// Returns why an id leads to no session.
fn gone_of(resolved: &Resolved, end: Option<EndReason>) -> GoneReason {
    match resolved {
        Resolved::Live(_) | Resolved::Missing => end.map_or(GoneReason::Unknown, GoneReason::Ended),
        Resolved::ReplacedByLogin => GoneReason::ReplacedByLogIn,
        Resolved::GraceOver => GoneReason::Renewed,
        Resolved::Unreadable => GoneReason::Unreadable,
    }
}

/// Returns why an id was not accepted.
const fn refusal_of(resolved: &Resolved) -> RejectReason {
    match resolved {
        Resolved::Live(_) | Resolved::Missing => RejectReason::Unknown,
        Resolved::ReplacedByLogin | Resolved::GraceOver => RejectReason::Superseded,
        Resolved::Unreadable => RejectReason::Unreadable,
    }
}
