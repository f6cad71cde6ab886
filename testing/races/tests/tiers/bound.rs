//! How old an answer may be, to the microsecond.

use std::time::Duration;

use cloakroom::stores::CachedStore;
use cloakroom_store::{Store, Timestamp, Touch, UpdateOutcome, VersionedRecord};

use tokio::task::JoinHandle;

use crate::pairs::{
    A_MICROSECOND, ALMOST, Kind, Pair, Processes, STALENESS, TOUCH, key, on_every_pair, owner,
};
use crate::watched::Held;

on_every_pair![
    a_copy_is_served_for_less_than_the_bound,
    a_copy_counts_from_when_asking_for_it_began,
    a_log_out_elsewhere_is_known_when_the_bound_has_passed,
    a_copy_that_was_asked_for_again_is_young_again,
    an_expired_record_is_not_served_however_young_the_copy_is,
    a_touch_that_is_due_asks_the_durable_tier_and_is_seen_at_once,
    a_load_without_a_touch_asks_the_durable_tier_and_corrects_the_copy,
    what_was_written_is_served_from_the_fast_tier_at_once,
    a_clock_that_is_set_back_serves_no_copy_from_the_future,
    who_has_seen_a_write_is_not_followed_by_one_who_has_not,
    who_has_seen_an_end_is_not_followed_by_a_copy_that_came_in_before,
    who_has_seen_an_end_is_not_followed_by_a_copy_that_comes_in_late,
    who_has_seen_what_the_fast_tier_does_not_take_is_not_followed_by_a_copy_of_before,
    who_has_seen_an_end_is_not_followed_by_a_copy_that_takes_the_place_of_a_mark,
    who_has_seen_a_write_without_the_fast_tier_is_not_followed_by_a_copy_of_before,
];

async fn a_copy_is_served_for_less_than_the_bound(on: Processes) {
    on.create().await;
    on.one.load().await;
    on.clock.advance(ALMOST);
    assert!(on.one.load_and_see().await.1);
    on.clock.advance(A_MICROSECOND);
    assert!(!on.one.load_and_see().await.1);
}

async fn a_copy_counts_from_when_asking_for_it_began(on: Processes) {
    on.create().await;
    let mut held = on.one.durable.hold();
    let loader = on.one.clone();
    let load = tokio::spawn(async move { loader.load().await });
    held.reached().await;
    on.clock.advance(ALMOST);
    held.release();
    load.await.unwrap();
    assert!(on.one.load_and_see().await.1);
    on.clock.advance(A_MICROSECOND);
    assert!(!on.one.load_and_see().await.1, "although it came in a microsecond ago");
}

async fn a_log_out_elsewhere_is_known_when_the_bound_has_passed(on: Processes) {
    on.create().await;
    on.two.load().await;
    on.one.store.delete(&key()).await.unwrap();
    on.clock.advance(ALMOST);
    assert_eq!(on.two.load().await.is_none(), on.pair.shared, "who shares a fast tier knows at once");
    on.clock.advance(A_MICROSECOND);
    assert_eq!(on.two.load().await, None);
}

async fn a_copy_that_was_asked_for_again_is_young_again(on: Processes) {
    on.create().await;
    for _ in 0..5 {
        assert!(!on.one.load_and_see().await.1);
        on.clock.advance(ALMOST);
        assert!(on.one.load_and_see().await.1);
        on.clock.advance(A_MICROSECOND);
    }
}

async fn an_expired_record_is_not_served_however_young_the_copy_is(on: Processes) {
    let version = on.create().await;
    let expires_at = on.now() + STALENESS / 2;
    let short = on.record().with_expires_at(expires_at);
    assert!(matches!(on.one.store.update(&key(), version, &short).await.unwrap(), UpdateOutcome::Updated(_)));
    on.clock.set(expires_at - A_MICROSECOND);
    assert!(on.one.load_and_see().await.1);
    on.clock.advance(A_MICROSECOND);
    assert_eq!(on.one.load().await, None);
}

async fn a_touch_that_is_due_asks_the_durable_tier_and_is_seen_at_once(on: Processes) {
    on.create().await;
    on.one.load().await;
    let later = on.record().expires_at + STALENESS;
    let due = Touch::new(Timestamp::NEVER, later);
    let touched = on.one.store.load(&key(), Some(due)).await.unwrap().unwrap();
    assert_eq!(touched.record.expires_at, later);
    assert_eq!(on.one.load_and_see().await, (Some(touched), true));
    assert!(on.one.store.touch(&key(), later + STALENESS).await.unwrap());
    assert_eq!(on.one.load().await.unwrap().record.expires_at, later + STALENESS);
}

async fn a_load_without_a_touch_asks_the_durable_tier_and_corrects_the_copy(on: Processes) {
    on.create().await;
    on.one.load().await;
    // Past the tiers, as another process would.
    on.durable.delete(&key()).await.unwrap();
    assert!(on.one.load().await.is_some());
    assert_eq!(on.one.store.load(&key(), None).await.unwrap(), None);
    assert_eq!(on.one.load().await, None);
    let version = on.create().await;
    assert_eq!(on.one.store.load(&key(), None).await.unwrap().unwrap().version, version);
    assert!(on.one.load_and_see().await.1);
}

async fn what_was_written_is_served_from_the_fast_tier_at_once(on: Processes) {
    let _created = on.one.store.create(&key(), &on.record()).await.unwrap();
    let (found, spared) = on.one.load_and_see().await;
    assert!(spared);
    let hat = on.record().with_payload("hat").with_owner(None);
    let updated = on.one.store.update(&key(), found.unwrap().version, &hat).await.unwrap();
    let (found, spared) = on.one.load_and_see().await;
    let found = found.unwrap();
    assert_eq!((updated, found.record, spared), (UpdateOutcome::Updated(found.version), hat, true));
}

async fn a_clock_that_is_set_back_serves_no_copy_from_the_future(on: Processes) {
    on.create().await;
    on.one.load().await;
    on.clock.set(on.now() - A_MICROSECOND);
    assert!(!on.one.load_and_see().await.1);
}

/// memcached cannot find the copies of a user.
#[tokio::test]
async fn a_revocation_elsewhere_is_known_when_the_bound_has_passed_where_the_fast_tier_has_no_owners() {
    let pair = Pair { fast: Kind::Memcached, durable: Kind::Memory, shared: true };
    let on = Processes::start(pair).await;
    on.create().await;
    on.two.load().await;
    let owners = on.one.store.capabilities().owners.unwrap();
    assert_eq!(owners.revoke(&owner(), on.now()).await.unwrap(), 1);
    on.clock.advance(ALMOST);
    assert!(on.two.load_and_see().await.1, "the fast tier does not know yet");
    assert_eq!(on.one.load().await, None, "but it is known where it was made");
    on.clock.advance(A_MICROSECOND);
    assert_eq!(on.two.load().await, None);
}

#[tokio::test]
async fn with_a_bound_of_zero_the_fast_tier_is_never_asked() {
    let pair = Pair { fast: Kind::Memory, durable: Kind::Memory, shared: false };
    let on = Processes::start(pair).await;
    let (fast, durable) = (on.one.fast.clone(), on.one.durable.clone());
    fast.set_down(true);
    let store = CachedStore::builder(fast.clone(), durable.clone()).max_staleness(Duration::ZERO).build();
    on.create().await;
    for loads in 1..4 {
        assert!(store.load(&key(), Some(TOUCH)).await.unwrap().is_some());
        assert_eq!((fast.loads(), durable.loads()), (0, loads));
    }
}

/// The write is in the durable tier and not answered yet, so that the fast tier does not know of it.
async fn who_has_seen_a_write_is_not_followed_by_one_who_has_not(on: Processes) {
    let version = on.create().await;
    let mut held = on.one.fast.hold();
    let loader = on.one.clone();
    let load = tokio::spawn(async move { loader.load().await });
    held.reached().await;
    // Another load leaves a copy meanwhile.
    let before = on.one.load().await;
    assert_eq!(before.unwrap().version, version);
    let written = on.durable.update(&key(), version, &on.record()).await.unwrap();
    held.release();
    let seen = load.await.unwrap().unwrap().version;
    assert_eq!(written, UpdateOutcome::Updated(seen));
    assert_eq!(on.one.load().await.unwrap().version, seen);
    if on.pair.shared {
        assert_eq!(on.two.load().await.unwrap().version, seen);
    }
}

/// Ends the session in the durable tier, without an answer yet, and looks for it: it is gone, and stays so.
async fn ends(on: &Processes, seen: impl Future<Output = Option<VersionedRecord>>) {
    assert!(on.durable.delete(&key()).await.unwrap().is_some());
    assert_eq!(seen.await, None);
}

async fn is_gone(on: &Processes) {
    assert_eq!(on.one.load().await, None);
    if on.pair.shared {
        assert_eq!(on.two.load().await, None);
    }
}

async fn who_has_seen_an_end_is_not_followed_by_a_copy_that_came_in_before(on: Processes) {
    on.create().await;
    let mut held = on.one.fast.hold();
    let loader = on.one.clone();
    let load = tokio::spawn(async move { loader.load().await });
    held.reached().await;
    assert!(on.one.load().await.is_some(), "this one leaves a copy");
    ends(&on, async {
        held.release();
        load.await.unwrap()
    })
    .await;
    is_gone(&on).await;
}

/// A load that the durable tier has answered, and whose copy is yet to come.
async fn asked(on: &Processes) -> (Held, JoinHandle<Option<VersionedRecord>>) {
    let mut held = on.one.durable.hold();
    let loader = on.one.clone();
    let load = tokio::spawn(async move { loader.load().await });
    held.reached().await;
    (held, load)
}

async fn who_has_seen_an_end_is_not_followed_by_a_copy_that_comes_in_late(on: Processes) {
    on.create().await;
    let (held, late) = asked(&on).await;
    ends(&on, on.one.load()).await;
    held.release();
    assert!(late.await.unwrap().is_some(), "it had asked before");
    is_gone(&on).await;
}

/// One has seen a copy before there was the mark, another one the mark itself.
async fn who_has_seen_an_end_is_not_followed_by_a_copy_that_takes_the_place_of_a_mark(on: Processes) {
    on.create().await;
    on.one.load().await.unwrap();
    on.clock.advance(ALMOST);
    on.clock.advance(A_MICROSECOND);
    let mut held = on.one.fast.hold();
    let loader = on.one.clone();
    let early = tokio::spawn(async move { loader.load().await });
    held.reached().await;
    assert!(on.one.store.touch(&key(), Timestamp::EPOCH).await.unwrap(), "which leaves a mark");
    let (late_held, late) = asked(&on).await;
    ends(&on, async {
        held.release();
        early.await.unwrap()
    })
    .await;
    late_held.release();
    assert!(late.await.unwrap().is_some(), "it had asked before");
    is_gone(&on).await;
}

async fn who_has_seen_what_the_fast_tier_does_not_take_is_not_followed_by_a_copy_of_before(on: Processes) {
    let version = on.create().await;
    let (held, late) = asked(&on).await;
    on.one.fast.set_largest(1000);
    let large = on.record().with_payload(vec![7; 1000]);
    let written = on.durable.update(&key(), version, &large).await.unwrap();
    let seen = on.one.load().await.unwrap().version;
    assert_eq!(written, UpdateOutcome::Updated(seen));
    held.release();
    assert_eq!(late.await.unwrap().unwrap().version, version, "it had asked before");
    assert_eq!(on.one.load().await.unwrap().version, seen);
    if on.pair.shared {
        assert_eq!(on.two.load().await.unwrap().version, seen);
    }
}

/// A process with the same fast tier cannot know of it.
async fn who_has_seen_a_write_without_the_fast_tier_is_not_followed_by_a_copy_of_before(on: Processes) {
    let version = on.create().await;
    let (held, late) = asked(&on).await;
    let written = on.durable.update(&key(), version, &on.record()).await.unwrap();
    on.one.fast.set_down(true);
    let seen = on.one.load().await.unwrap().version;
    assert_eq!(written, UpdateOutcome::Updated(seen));
    on.one.fast.set_down(false);
    on.clock.advance(STALENESS / 2);
    held.release();
    assert_eq!(late.await.unwrap().unwrap().version, version, "it had asked before");
    assert_eq!(on.one.load().await.unwrap().version, seen);
}
