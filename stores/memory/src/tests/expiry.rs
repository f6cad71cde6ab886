use cloakroom_store::{Touch, UpdateOutcome};

use super::*;

const MICRO: Duration = Duration::from_micros(1);

#[test]
fn a_record_lives_until_the_microsecond_before_its_expiry_and_no_longer() {
    let (store, clock) = store();
    let expires_at = START + Duration::from_micros(1_234_567);
    let version = create(&store, 1, &owned("a", 0).with_expires_at(expires_at));
    clock.set(expires_at - MICRO);
    assert!(is_alive(&store, 1));
    clock.set(expires_at);
    assert!(!is_alive(&store, 1));
    assert_eq!(store.update_now(&key(1), version, &lives(99)).unwrap(), UpdateOutcome::NotFound);
    assert!(!store.touch_now(&key(1), Timestamp::NEVER).unwrap());
    assert_eq!(store.delete_now(&key(1)).unwrap(), None);
    assert_eq!(store.count_now().unwrap(), 0);
    assert!(store.all_of(&owner("a")).unwrap().is_empty());
    assert!(store.scan_now(None, 10).unwrap().entries.is_empty());
}

#[test]
fn a_touch_keeps_a_record_to_the_microsecond_and_what_sweeps_leaves_it() {
    let (store, clock) = store();
    create(&store, 1, &lives(1));
    let expires_at = START + Duration::from_micros(3_000_001);
    assert!(store.touch_now(&key(1), expires_at).unwrap());
    clock.set(expires_at - MICRO);
    assert_eq!(store.sweep_now(10).unwrap().swept.removed, 0);
    assert!(is_alive(&store, 1));
    clock.set(expires_at);
    assert!(!is_alive(&store, 1));
    assert_eq!(store.sweep_now(10).unwrap().swept.removed, 1);
}

#[test]
fn a_touch_that_rides_on_a_load_is_seen_in_its_answer_and_later() {
    let (store, _) = store();
    create(&store, 1, &lives(10));
    let later = START + Duration::from_secs(20);
    let touch = Touch::new(START + Duration::from_secs(11), later);
    assert_eq!(store.load_now(&key(1), Some(touch)).unwrap().unwrap().record.expires_at, later);
    assert_eq!(store.load_now(&key(1), None).unwrap().unwrap().record.expires_at, later);
    let not_due = Touch::new(later, Timestamp::NEVER);
    assert_eq!(store.load_now(&key(1), Some(not_due)).unwrap().unwrap().record.expires_at, later);
}

#[test]
fn a_record_that_was_seen_expired_does_not_come_back_when_the_clock_is_set_back() {
    let (store, clock) = store();
    create(&store, 1, &lives(10));
    clock.advance(Duration::from_secs(10));
    assert!(!is_alive(&store, 1));
    clock.set(START);
    assert!(!is_alive(&store, 1));
    assert!(!store.touch_now(&key(1), Timestamp::NEVER).unwrap());
}

#[test]
fn an_update_may_end_a_record_earlier_and_the_sweep_finds_it_there() {
    let (store, clock) = store();
    let version = create(&store, 1, &lives(1_000));
    let _ = store.update_now(&key(1), version, &lives(5)).unwrap();
    clock.advance(Duration::from_secs(5));
    assert_eq!(store.sweep_now(10).unwrap().swept.removed, 1);
}
