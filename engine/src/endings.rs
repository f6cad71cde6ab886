//! Notifies waiting sockets that their session has ended: at once if this process ended it, and else by asking the store.
//!
//! One task of the engine asks, as long as something waits: each session once an interval, however many sockets wait for it,
//! spread over the interval. A look is one load without a touch; a store has no load of many.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cloakroom_store::{OwnerKey, StoreKey, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::observe::{ExpiryReason, Operation};
use crate::records::{Follow, Live, Records, Resolved};
use crate::state::Located;
use crate::{GoneReason, SessionManager};

/// How many parts an interval has at most: the looks of each begin at once.
const PARTS: usize = 100;

/// How many looks are under way at once.
const AT_ONCE: usize = 32;

/// The sessions whose end something waits for.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    /// How many sessions there are, to be read without the lock.
    count: AtomicUsize,
    watched: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    by_session: HashMap<[u8; 16], Entry>,
    /// Whether a task asks the store.
    is_asking: bool,
}

#[derive(Debug)]
struct Entry {
    place: Place,
    sender: watch::Sender<Option<GoneReason>>,
}

/// Where a session is, as it was last seen.
#[derive(Clone, Debug)]
struct Place {
    key: StoreKey,
    user: Option<OwnerKey>,
    expires_at: Timestamp,
    /// When it ends however much it is used.
    ends_at: Timestamp,
}

/// One that waits. Dropped, it no longer counts.
struct Waiting {
    engine: SessionManager,
    session: [u8; 16],
    receiver: watch::Receiver<Option<GoneReason>>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let endings = self.engine.endings();
        let mut watched = endings.lock();
        // Its own receiver is among those that are counted, unless the entry is a later one of that name.
        let is_last = watched.by_session.get(&self.session).is_some_and(|entry| {
            entry.sender.receiver_count() <= 1 && entry.sender.subscribe().same_channel(&self.receiver)
        });
        if is_last {
            watched.by_session.remove(&self.session);
            endings.note(&watched);
        }
    }
}

impl Endings {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, watched: &Watched) {
        self.count.store(watched.by_session.len(), Ordering::Release);
    }

    fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Notifies what waits for this session that it has ended.
    fn notify(&self, session: [u8; 16], reason: GoneReason) {
        let mut watched = self.lock();
        if let Some(entry) = watched.by_session.remove(&session) {
            entry.sender.send_replace(Some(reason));
            self.note(&watched);
        }
    }

    fn places(&self, is_wanted: impl Fn(&Place) -> bool) -> Vec<([u8; 16], Place)> {
        let watched = self.lock();
        let wanted = watched.by_session.iter().filter(|(_, entry)| is_wanted(&entry.place));
        wanted.map(|(session, entry)| (*session, entry.place.clone())).collect()
    }

    /// Returns the sessions to ask for; without any, the task ends.
    fn begin_round(&self) -> Option<Vec<([u8; 16], Place)>> {
        let mut watched = self.lock();
        if watched.by_session.is_empty() {
            watched.is_asking = false;
            return None;
        }
        drop(watched);
        Some(self.places(|_| true))
    }
}

/// The task that asks. Lets another one begin if it is dropped with its runtime.
struct Asking {
    engine: SessionManager,
    /// Whether it has ended by itself: another one may have begun since.
    is_over: bool,
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.is_over {
            self.engine.endings().lock().is_asking = false;
        }
    }
}

impl SessionManager {
    /// Waits until the session has ended, and returns why.
    pub(crate) fn ended(&self, located: &Located) -> impl Future<Output = GoneReason> + Send + use<> {
        let mut waiting = self.wait_for(located);
        async move {
            let reason = waiting.receiver.wait_for(Option::is_some).await;
            reason.ok().and_then(|reason| *reason).unwrap_or(GoneReason::Unknown)
        }
    }

    fn wait_for(&self, located: &Located) -> Waiting {
        let (endings, session) = (self.endings(), located.header.public_id());
        let place = Place {
            key: located.key.clone(),
            user: located.owner.as_ref().map(|owner| owner.key.clone()),
            expires_at: located.expires_at,
            ends_at: self.config().lifetime.ends_at(&located.header),
        };
        let mut watched = endings.lock();
        let entry = watched.by_session.entry(session);
        let entry = entry.or_insert_with(|| Entry { place, sender: watch::Sender::new(None) });
        let receiver = entry.sender.subscribe();
        endings.note(&watched);
        if !watched.is_asking
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            watched.is_asking = true;
            runtime.spawn(ask_for_all(Asking { engine: self.clone(), is_over: false }));
        }
        drop(watched);
        Waiting { engine: self.clone(), session, receiver }
    }

    /// Notes that this process has ended a session. Nearly always, nothing waits for any.
    pub(crate) fn note_end(&self, session: [u8; 16], reason: GoneReason) {
        if !self.endings().is_empty() {
            self.endings().notify(session, reason);
        }
    }

    /// Looks at once for the sessions of a user, or of all, which were revoked: those that began later go on.
    pub(crate) async fn note_revocation(&self, user: Option<&OwnerKey>) {
        if self.endings().is_empty() {
            return;
        }
        let reason = GoneReason::Ended(crate::EndReason::Revoked);
        self.look_at(
            self.endings().places(|place| user.is_none_or(|user| place.user.as_ref() == Some(user))),
            reason,
        )
        .await;
    }

    /// Asks the store for sessions; `else_because` is why one has ended of which the store knows no more.
    async fn look_at(&self, places: Vec<([u8; 16], Place)>, else_because: GoneReason) {
        let mut looks = JoinSet::new();
        for (session, place) in places {
            if looks.len() >= AT_ONCE {
                looks.join_next().await;
            }
            let engine = self.clone();
            looks.spawn(async move { engine.look_for_end(session, place, else_because).await });
        }
        while looks.join_next().await.is_some() {}
    }

    /// Looks for one session. An outage says nothing about it.
    async fn look_for_end(&self, session: [u8; 16], place: Place, else_because: GoneReason) {
        let now = self.clock().now();
        let Ok(mut records) = Records::for_load(self, Operation::Load, None) else { return };
        let Ok(found) = records.resolve(place.key.clone(), Follow::HELD).await else { return };
        let reason = match found {
            Resolved::Live(live) => match self.expiry_of(&live, now) {
                Some(reason) => GoneReason::Expired(reason),
                None if live.header.public_id() != session => GoneReason::ReplacedByLogIn,
                None => return self.seen(session, live),
            },
            Resolved::Missing => match records.take_found_end() {
                Some(reason) => GoneReason::Ended(reason),
                None if now >= place.ends_at => GoneReason::Expired(ExpiryReason::Absolute),
                None if now >= place.expires_at => GoneReason::Expired(ExpiryReason::Idle),
                None => else_because,
            },
            Resolved::ReplacedByLogin | Resolved::GraceOver => GoneReason::ReplacedByLogIn,
            Resolved::Unreadable => GoneReason::Unreadable,
        };
        self.endings().notify(session, reason);
    }

    /// Notes where a session is by now.
    fn seen(&self, session: [u8; 16], live: Live) {
        let ends_at = self.config().lifetime.ends_at(&live.header);
        if let Some(entry) = self.endings().lock().by_session.get_mut(&session) {
            let user = live.owner.map(|owner| owner.key);
            entry.place = Place { key: live.key, user, expires_at: live.expires_at, ends_at };
        }
    }
}

/// Asks the store for every session once an interval, until nothing waits.
async fn ask_for_all(mut asking: Asking) {
    let engine = asking.engine.clone();
    let interval = engine.config().ending_interval;
    loop {
        let Some(places) = engine.endings().begin_round() else {
            asking.is_over = true;
            return;
        };
        let parts = places.len().clamp(1, PARTS);
        let part = interval / u32::try_from(parts).unwrap_or(1);
        let most = places.len().div_ceil(parts);
        let mut rest = places.into_iter();
        for _ in 0..parts {
            tokio::time::sleep(part).await;
            engine.look_at(rest.by_ref().take(most).collect(), GoneReason::Unknown).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::stores::MemoryStore;

    #[tokio::test]
    async fn a_task_that_has_ended_does_not_hide_the_one_that_began_after_it() {
        let engine = SessionManager::new(MemoryStore::new(), Config::default()).unwrap();
        let is_asking = || engine.endings().lock().is_asking;
        for (is_over, expected) in [(false, false), (true, true)] {
            engine.endings().lock().is_asking = true;
            drop(Asking { engine: engine.clone(), is_over });
            assert_eq!(is_asking(), expected);
        }
        ask_for_all(Asking { engine: engine.clone(), is_over: false }).await;
        assert!(!is_asking(), "nothing waits");
    }
}
