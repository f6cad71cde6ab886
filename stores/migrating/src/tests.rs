//! What the contract's suite cannot see: a move that stops anywhere, and what comes late.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_conformance::Reference;
use cloakroom_store::{
    CreateOutcome, ErrorKind, ManualClock, Owner, OwnerKey, Record, Store, StoreKey, Timestamp, UpdateOutcome,
};

use super::{MigrateOutcome, MigratingStore, marks};

struct Pair {
    clock: ManualClock,
    old: Arc<Reference>,
    new: Arc<Reference>,
}

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn key() -> StoreKey {
    StoreKey::from_hash([7; 32])
}

fn in_an_hour() -> Timestamp {
    START + Duration::from_secs(3_600)
}

fn coat() -> Record {
    Record::new("coat", in_an_hour())
}

impl Pair {
    fn new() -> Self {
        let clock = ManualClock::at(START);
        let [old, new] = [clock.clone(), clock.clone()].map(|clock| Arc::new(Reference::new(clock)));
        Self { clock, old, new }
    }

    /// A pair whose old store holds a coat.
    async fn with_a_coat() -> Self {
        let pair = Self::new();
        assert!(matches!(pair.old.create(&key(), &coat()).await.unwrap(), CreateOutcome::Created(_)));
        pair
    }

    fn moving(&self) -> MigratingStore {
        MigratingStore::write_through(self.old.clone(), self.new.clone())
    }

    fn following(&self) -> MigratingStore {
        MigratingStore::read_through(self.old.clone(), self.new.clone())
    }

    /// Puts the copy into the new store, as a process does that dies right after it.
    async fn begin_a_move(&self) {
        let stored = self.old.load(&key(), None).await.unwrap().unwrap();
        let _created = self.new.create(&key(), &marks::arriving(&stored, 1)).await.unwrap();
    }

    /// Leaves the mark, as a process does that dies before it shows the copy.
    async fn leave_the_mark(&self) {
        let stored = self.old.load(&key(), None).await.unwrap().unwrap();
        let _left = self.old.update(&key(), stored.version, &marks::left(&stored.record, 1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_move_that_stopped_after_the_copy_goes_on() {
    let pair = Pair::with_a_coat().await;
    pair.begin_a_move().await;
    assert_eq!(pair.moving().load(&key(), None).await.unwrap().unwrap().record, coat());
    assert_eq!(pair.new.load(&key(), None).await.unwrap().unwrap().record, coat());
}

#[tokio::test]
async fn a_move_that_stopped_after_the_mark_goes_on() {
    for moving in [true, false] {
        let pair = Pair::with_a_coat().await;
        pair.begin_a_move().await;
        pair.leave_the_mark().await;
        let store = if moving { pair.moving() } else { pair.following() };
        assert_eq!(store.load(&key(), None).await.unwrap().unwrap().record, coat());
    }
}

#[tokio::test]
async fn a_copy_that_is_out_of_date_is_made_again() {
    let pair = Pair::with_a_coat().await;
    pair.begin_a_move().await;
    let follower = pair.following();
    let seen = follower.load(&key(), None).await.unwrap().unwrap();
    let hat = Record::new("hat", in_an_hour());
    assert!(matches!(follower.update(&key(), seen.version, &hat).await.unwrap(), UpdateOutcome::Updated(_)));
    assert_eq!(pair.moving().load(&key(), None).await.unwrap().unwrap().record, hat);
}

#[tokio::test]
async fn a_copy_of_a_session_that_ended_before_it_moved_is_void() {
    let pair = Pair::with_a_coat().await;
    pair.begin_a_move().await;
    assert!(pair.following().delete(&key()).await.unwrap().is_some());
    assert_eq!(pair.moving().load(&key(), None).await.unwrap(), None);
    assert_eq!(pair.new.load(&key(), None).await.unwrap(), None, "the copy is gone too");
}

#[tokio::test]
async fn a_copy_that_comes_late_brings_no_ended_session_back() {
    let pair = Pair::with_a_coat().await;
    let read_long_ago = pair.old.load(&key(), None).await.unwrap().unwrap();
    let store = pair.moving();
    assert!(store.delete(&key()).await.unwrap().is_some());
    let _created = pair.new.create(&key(), &marks::arriving(&read_long_ago, 99)).await.unwrap();
    for store in [pair.moving(), pair.following()] {
        assert_eq!(store.load(&key(), None).await.unwrap(), None);
    }
    assert_eq!(pair.new.load(&key(), None).await.unwrap(), None);
}

/// What was seen is changed, is moved, or ends, before the mover comes.
#[tokio::test]
async fn what_was_seen_long_ago_moves_as_it_is_now() {
    for (ends, moves) in [(false, false), (false, true), (true, false), (true, true)] {
        let pair = Pair::with_a_coat().await;
        let (mover, other) = (pair.moving(), if moves { pair.moving() } else { pair.following() });
        let seen = mover.remaining(None, 10).await.unwrap().entries.remove(0);
        let there = other.load(&key(), None).await.unwrap().unwrap();
        let hat = Record::new("hat", in_an_hour());
        let due = if ends {
            assert!(other.delete(&key()).await.unwrap().is_some());
            None
        } else {
            assert!(matches!(
                other.update(&key(), there.version, &hat).await.unwrap(),
                UpdateOutcome::Updated(_)
            ));
            Some(hat)
        };
        let brought = match mover.migrate_entry(&seen).await.unwrap() {
            MigrateOutcome::Moved(stored) => Some(stored.record),
            MigrateOutcome::NotFound => None,
        };
        let there = pair.new.load(&key(), None).await.unwrap().map(|stored| stored.record);
        assert_eq!((&brought, &there), (&due, &due), "ends: {ends}, moves: {moves}");
    }
}

#[tokio::test]
async fn a_write_under_the_version_of_the_old_store_meets_the_moved_record() {
    let pair = Pair::with_a_coat().await;
    let follower = pair.following();
    let seen = follower.load(&key(), None).await.unwrap().unwrap();
    let MigrateOutcome::Moved(moved) = pair.moving().migrate_key(&key()).await.unwrap() else {
        panic!("it is there")
    };
    let hat = Record::new("hat", in_an_hour());
    let answer = follower.update(&key(), seen.version, &hat).await.unwrap();
    assert_eq!(answer, UpdateOutcome::Conflict(moved.clone()));
    assert!(matches!(follower.update(&key(), moved.version, &hat).await.unwrap(), UpdateOutcome::Updated(_)));
}

#[tokio::test]
async fn a_session_whose_owner_was_revoked_does_not_move() {
    let pair = Pair::new();
    let owner = Owner::new(OwnerKey::new("alice").unwrap(), Timestamp::from_millis(1_000));
    let owned = coat().with_owner(owner.clone());
    let _created = pair.old.create(&key(), &owned).await.unwrap();
    pair.begin_a_move().await;
    let ended = pair.moving().capabilities().owners.unwrap().revoke(&owner.key, in_an_hour()).await.unwrap();
    assert_eq!(ended, 1);
    assert_eq!(pair.moving().migrate_key(&key()).await.unwrap(), MigrateOutcome::NotFound);
}

#[tokio::test]
async fn records_go_back_over_the_marks_of_an_earlier_migration() {
    let pair = Pair::with_a_coat().await;
    assert!(matches!(pair.moving().migrate_key(&key()).await.unwrap(), MigrateOutcome::Moved(_)));
    let back = MigratingStore::write_through(pair.new.clone(), pair.old.clone());
    assert_eq!(back.load(&key(), None).await.unwrap().unwrap().record, coat());
    assert_eq!(pair.old.load(&key(), None).await.unwrap().unwrap().record, coat());
    assert_eq!(back.capabilities().scan.unwrap().count().await.unwrap(), 1);
}

#[tokio::test]
async fn marks_do_not_count_and_end_after_their_records() {
    let pair = Pair::with_a_coat().await;
    let store = pair.moving();
    store.migrate_key(&key()).await.unwrap();
    assert_eq!(store.capabilities().scan.unwrap().count().await.unwrap(), 1);
    assert_eq!(store.remaining(None, 10).await.unwrap().entries, []);
    pair.clock.set(in_an_hour());
    assert_eq!(store.load(&key(), None).await.unwrap(), None);
    assert!(pair.old.load(&key(), None).await.unwrap().is_some(), "the mark is still there");
}

#[tokio::test]
async fn unfinished_moves_are_finished_on_request() {
    let pair = Pair::with_a_coat().await;
    pair.begin_a_move().await;
    pair.leave_the_mark().await;
    let (store, mut after) = (pair.moving(), None);
    while let Some(next) = store.resume_interrupted(after.as_ref(), 10).await.unwrap() {
        after = Some(next);
    }
    assert_eq!(pair.new.load(&key(), None).await.unwrap().unwrap().record, coat());
}

#[tokio::test]
async fn a_payload_that_looks_like_a_mark_is_refused() {
    let pair = Pair::with_a_coat().await;
    let stored = pair.old.load(&key(), None).await.unwrap().unwrap();
    let record = marks::arriving(&stored, 1);
    let error = pair.moving().create(&StoreKey::from_hash([8; 32]), &record).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

/// Every way in which two movers, a log-out and a reader can follow each other ends in the same two stores: decided
/// by dropping a mover after each number of steps that its future takes.
#[tokio::test]
async fn wherever_a_mover_is_dropped_nothing_is_lost_and_nothing_comes_back() {
    for steps in 0..12 {
        for (seen, ended) in [(false, false), (false, true), (true, false), (true, true)] {
            let pair = Pair::with_a_coat().await;
            let mover = MigratingStore::write_through(
                Arc::new(Slow(pair.old.clone())),
                Arc::new(Slow(pair.new.clone())),
            );
            let entry = mover.remaining(None, 10).await.unwrap().entries.remove(0);
            let bring = async || {
                if seen { mover.migrate_entry(&entry).await } else { mover.migrate_key(&key()).await }
            };
            poll_times(bring(), steps).await;
            if ended {
                assert!(pair.moving().delete(&key()).await.unwrap().is_some());
            }
            poll_times(bring(), 12 - steps).await;
            let due = (!ended).then(coat);
            let there = pair.moving().load(&key(), None).await.unwrap();
            assert_eq!(there.map(|stored| stored.record), due, "{steps} steps, seen: {seen}, ended: {ended}");
        }
    }
}

/// A request that looks for a record, and is overtaken by its whole move after any number of its steps.
#[tokio::test]
async fn a_request_that_is_overtaken_by_a_move_finds_what_moved() {
    for (steps, moving) in (0..8).flat_map(|steps| [(steps, true), (steps, false)]) {
        let pair = Pair::with_a_coat().await;
        let (old, new) = (Arc::new(Slow(pair.old.clone())), Arc::new(Slow(pair.new.clone())));
        let reader = if moving {
            MigratingStore::write_through(old, new)
        } else {
            MigratingStore::read_through(old, new)
        };
        let read = key();
        let mut load = std::pin::pin!(reader.load(&read, None));
        let early = poll_times(load.as_mut(), steps).await;
        assert!(matches!(pair.moving().migrate_key(&key()).await.unwrap(), MigrateOutcome::Moved(_)));
        let found = if let Some(found) = early { found } else { load.await };
        assert_eq!(
            found.unwrap().map(|stored| stored.record),
            Some(coat()),
            "{steps} steps, moving: {moving}"
        );
    }
}

/// Polls a future so many times, then drops it; hands out what it came to.
async fn poll_times<T>(future: impl Future<Output = T>, times: usize) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut polls = 0;
    std::future::poll_fn(|context| {
        if polls == times {
            return std::task::Poll::Ready(None);
        }
        polls += 1;
        context.waker().wake_by_ref();
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Pends once before each operation.
#[derive(Debug)]
struct Slow(Arc<Reference>);

#[cloakroom_store::async_trait]
impl Store for Slow {
    async fn load(
        &self,
        key: &StoreKey,
        touch: Option<cloakroom_store::Touch>,
    ) -> cloakroom_store::Result<Option<cloakroom_store::VersionedRecord>> {
        tokio::task::yield_now().await;
        self.0.load(key, touch).await
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> cloakroom_store::Result<CreateOutcome> {
        tokio::task::yield_now().await;
        self.0.create(key, record).await
    }
    async fn update(
        &self,
        key: &StoreKey,
        expected: cloakroom_store::Version,
        record: &Record,
    ) -> cloakroom_store::Result<UpdateOutcome> {
        tokio::task::yield_now().await;
        self.0.update(key, expected, record).await
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> cloakroom_store::Result<bool> {
        tokio::task::yield_now().await;
        self.0.touch(key, expires_at).await
    }
    async fn delete(
        &self,
        key: &StoreKey,
    ) -> cloakroom_store::Result<Option<cloakroom_store::VersionedRecord>> {
        tokio::task::yield_now().await;
        self.0.delete(key).await
    }
    fn capabilities(&self) -> cloakroom_store::Capabilities<'_> {
        let mut capabilities = self.0.capabilities();
        // Answers at once would pass by this store.
        capabilities.immediate = None;
        capabilities
    }
}

/// Has another process touch the record in the old store just before this one leaves its mark there.
#[derive(Debug)]
struct TouchedBetween {
    old: Arc<Reference>,
    by: MigratingStore,
    way: Way,
}

/// How the other process touches.
#[derive(Clone, Copy, Debug)]
enum Way {
    Touch,
    Load,
}

#[cloakroom_store::async_trait]
impl Store for TouchedBetween {
    async fn load(
        &self,
        key: &StoreKey,
        touch: Option<cloakroom_store::Touch>,
    ) -> cloakroom_store::Result<Option<cloakroom_store::VersionedRecord>> {
        self.old.load(key, touch).await
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> cloakroom_store::Result<CreateOutcome> {
        self.old.create(key, record).await
    }
    async fn update(
        &self,
        key: &StoreKey,
        expected: cloakroom_store::Version,
        record: &Record,
    ) -> cloakroom_store::Result<UpdateOutcome> {
        let later = in_an_hour() + Duration::from_secs(1_800);
        match self.way {
            Way::Touch => assert!(self.by.touch(key, later).await?),
            Way::Load => {
                let touch = cloakroom_store::Touch::new(later, later);
                assert_eq!(self.by.load(key, Some(touch)).await?.unwrap().record.expires_at, later);
            }
        }
        self.old.update(key, expected, record).await
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> cloakroom_store::Result<bool> {
        self.old.touch(key, expires_at).await
    }
    async fn delete(
        &self,
        key: &StoreKey,
    ) -> cloakroom_store::Result<Option<cloakroom_store::VersionedRecord>> {
        self.old.delete(key).await
    }
    fn capabilities(&self) -> cloakroom_store::Capabilities<'_> {
        cloakroom_store::Capabilities::NONE
    }
}

#[tokio::test]
async fn g05_a_touch_by_a_following_process_while_the_record_moves_is_kept() {
    let later = in_an_hour() + Duration::from_secs(1_800);
    for way in [Way::Touch, Way::Load] {
        let pair = Pair::with_a_coat().await;
        let old = TouchedBetween { old: pair.old.clone(), by: pair.following(), way };
        let moving = MigratingStore::write_through(Arc::new(old), pair.new.clone());
        let MigrateOutcome::Moved(moved) = moving.migrate_key(&key()).await.unwrap() else { panic!() };
        assert_eq!(moved.record.payload, "coat");
        assert_eq!(pair.new.load(&key(), None).await.unwrap().unwrap().record.expires_at, later, "{way:?}");
    }
}

#[tokio::test]
async fn g05_a_touch_before_the_copy_is_seen_is_in_the_copy_also_if_the_mover_dies() {
    let pair = Pair::with_a_coat().await;
    let later = in_an_hour() + Duration::from_secs(1_800);
    let entry = cloakroom_store::Entry::new(key(), pair.old.load(&key(), None).await.unwrap().unwrap());
    assert!(pair.following().touch(&key(), later).await.unwrap());
    // Dies after so many steps; another finishes what it began.
    for steps in 1..12 {
        let slow =
            MigratingStore::write_through(Arc::new(Slow(pair.old.clone())), Arc::new(Slow(pair.new.clone())));
        let _died = poll_times(slow.migrate_entry(&entry), steps).await;
    }
    let stored = pair.moving().load(&key(), None).await.unwrap().unwrap();
    assert_eq!(stored.record.expires_at, later);
}
