//! An outage of the fast tier goes unnoticed; one of the durable tier does not.

use std::time::Duration;

use cloakroom_store::{ErrorKind, Store, Timestamp, UpdateOutcome};

use crate::pairs::{Kind, Pair, Processes, STALENESS, TOUCH, key, on_every_pair, owner};

on_every_pair![
    without_its_fast_tier_the_store_keeps_working,
    what_was_ended_while_the_fast_tier_was_away_is_dead_when_it_is_back,
    who_was_revoked_while_the_fast_tier_was_away_stays_so_when_it_is_back,
    a_fast_tier_that_failed_is_left_alone_for_a_second,
    without_its_durable_tier_only_young_copies_are_served,
];

const A_SECOND: Duration = Duration::from_secs(1);

async fn without_its_fast_tier_the_store_keeps_working(on: Processes) {
    on.one.fast.set_down(true);
    let _created = on.one.store.create(&key(), &on.record()).await.unwrap();
    let found = on.one.load().await.unwrap();
    assert_eq!(found.record, on.record());
    let hat = on.record().with_payload("hat");
    let updated = on.one.store.update(&key(), found.version, &hat).await.unwrap();
    assert!(matches!(updated, UpdateOutcome::Updated(_)));
    assert!(on.one.store.touch(&key(), Timestamp::NEVER).await.unwrap());
    assert_eq!(on.one.load().await.unwrap().record, hat.with_expires_at(Timestamp::NEVER));
    assert!(on.one.store.delete(&key()).await.unwrap().is_some());
    assert_eq!(on.one.load().await, None);
}

async fn what_was_ended_while_the_fast_tier_was_away_is_dead_when_it_is_back(on: Processes) {
    on.create().await;
    on.one.load().await;
    on.one.fast.set_down(true);
    on.one.store.delete(&key()).await.unwrap();
    on.one.fast.set_down(false);
    on.clock.advance(2 * A_SECOND);
    assert!(2 * A_SECOND < STALENESS, "the copy is young still");
    assert_eq!(on.one.load().await, None);
    let _created = on.one.store.create(&key(), &on.record()).await.unwrap();
    assert!(on.one.load_and_see().await.1, "and what was asked for since is believed");
}

async fn who_was_revoked_while_the_fast_tier_was_away_stays_so_when_it_is_back(on: Processes) {
    on.create().await;
    on.one.load().await;
    on.one.fast.set_down(true);
    assert!(on.one.store.touch(&key(), Timestamp::NEVER).await.unwrap());
    let owners = on.one.store.capabilities().owners.unwrap();
    assert_eq!(owners.revoke(&owner(), on.now()).await.unwrap(), 1);
    on.one.fast.set_down(false);
    on.clock.advance(2 * A_SECOND);
    assert_eq!(on.one.load().await, None);
}

async fn a_fast_tier_that_failed_is_left_alone_for_a_second(on: Processes) {
    on.create().await;
    on.one.fast.set_down(true);
    for _ in 0..3 {
        assert!(on.one.load().await.is_some());
        assert_eq!(on.one.fast.loads(), 1);
    }
    on.one.fast.set_down(false);
    on.clock.advance(A_SECOND);
    on.one.load().await;
    assert_eq!(on.one.fast.loads(), 2);
    assert!(on.one.load_and_see().await.1);
}

async fn without_its_durable_tier_only_young_copies_are_served(on: Processes) {
    let version = on.create().await;
    on.one.load().await;
    on.one.durable.set_down(true);
    assert!(on.one.load().await.is_some());
    let unavailable = |error: cloakroom_store::Error| assert_eq!(error.kind(), ErrorKind::Unavailable);
    unavailable(on.one.store.load(&key(), None).await.unwrap_err());
    unavailable(on.one.store.update(&key(), version, &on.record()).await.unwrap_err());
    unavailable(on.one.store.load(&key(), Some(TOUCH)).await.unwrap_err());
    unavailable(on.one.store.delete(&key()).await.unwrap_err());
    on.one.durable.set_down(false);
    on.one.load().await;
    on.one.durable.set_down(true);
    on.clock.advance(STALENESS);
    unavailable(on.one.store.load(&key(), Some(TOUCH)).await.unwrap_err());
}

/// Paused time: the timeout passes as soon as nothing else can happen.
#[tokio::test(start_paused = true)]
async fn a_fast_tier_that_is_silent_is_waited_for_once() {
    let pair = Pair { fast: Kind::Memory, durable: Kind::Memory, shared: false };
    let on = Processes::start(pair).await;
    on.create().await;
    on.one.load().await;
    on.one.fast.set_silent(true);
    let begin = tokio::time::Instant::now();
    assert!(on.one.load().await.is_some());
    assert!(on.one.store.delete(&key()).await.unwrap().is_some());
    assert_eq!(on.one.load().await, None);
    assert_eq!(begin.elapsed().as_millis() / 10, 10, "100 ms, however many operations");
    on.one.fast.set_silent(false);
    on.clock.advance(A_SECOND);
    assert_eq!(on.one.load().await, None, "the copy of before is not believed");
}
