use cloakroom_store::UpdateOutcome;

use super::*;

/// How many entries the wheels know, and how many slots there are.
fn wheel(store: &MemoryStore) -> (usize, usize) {
    let sizes = store.shards.iter().map(|shard| shard.read().unwrap().wheel_sizes());
    sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1))
}

fn assert_empty(store: &MemoryStore) {
    assert_eq!((store.usage().records, store.usage().bytes), (0, 0));
    assert_eq!((wheel(store), store.owners.size()), ((0, 0), (0, 0)));
}

#[test]
fn records_that_are_made_and_deleted_again_and_again_leave_nothing() {
    let (store, _) = store();
    for round in 0..2_000 {
        let record = if round % 2 == 0 { lives(1_000 + round) } else { owned("a", 1_000 + round) };
        create(&store, round % 7, &record);
        assert!(store.delete_now(&key(round % 7)).unwrap().is_some());
    }
    assert_empty(&store);
}

#[test]
fn a_record_that_is_updated_again_and_again_has_one_place_in_the_wheel() {
    let (store, _) = store();
    let mut version = create(&store, 1, &lives(10_000));
    for round in 0..2_000 {
        let seconds = if round % 2 == 0 { 9_000 - round } else { 9_000 + round };
        let name = (round % 5).to_string();
        let record = if round % 3 == 0 { lives(seconds) } else { owned(&name, seconds) };
        let UpdateOutcome::Updated(next) = store.update_now(&key(1), version, &record).unwrap() else {
            panic!("refused");
        };
        version = next;
        store.touch_now(&key(1), START + Duration::from_secs(9_500)).unwrap();
    }
    assert_eq!(wheel(&store), (1, 1));
    assert_eq!(store.usage().records, 1);
    store.delete_now(&key(1)).unwrap();
    assert_empty(&store);
}

#[test]
fn a_record_that_takes_the_place_of_an_expired_one_leaves_nothing_of_it() {
    let (store, clock) = store();
    create(&store, 1, &owned("a", 1));
    clock.advance(Duration::from_secs(1));
    create(&store, 1, &owned("b", 100));
    assert_eq!((wheel(&store), store.owners.size()), ((1, 1), (1, 0)));
    store.delete_now(&key(1)).unwrap();
    assert_empty(&store);
}

#[test]
fn what_is_dropped_for_want_of_room_or_swept_leaves_nothing() {
    let (store, clock) = built(MemoryStore::builder().max_records(50));
    for number in 0..1_000 {
        create(&store, number, &owned(&number.to_string(), 10 + number % 13));
    }
    assert_eq!((wheel(&store).0, store.owners.size()), (50, (50, 0)));
    clock.advance(Duration::from_secs(30));
    assert_eq!(store.sweep_now(usize::MAX).unwrap().swept.removed, 50);
    assert_empty(&store);
}

#[test]
fn a_random_life_keeps_all_indexes_in_step() {
    let (store, clock) = built(MemoryStore::builder().max_records(300).shards(4));
    let mut random = 1_u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for _ in 0..20_000 {
        let (number, seconds, name) = (next(500), next(4_000), next(20).to_string());
        let now = clock_now(&clock);
        let expires_at = now + Duration::from_millis(seconds * 10);
        let record = if next(2) == 0 { lives(0) } else { since_now(&name, now) };
        let record = record.with_expires_at(expires_at);
        match next(8) {
            0 | 1 => drop(store.create_now(&key(number), &record)),
            2 | 3 => {
                if let Some(stored) = store.load_now(&key(number), None).unwrap() {
                    let updated = store.update_now(&key(number), stored.version, &record).unwrap();
                    assert!(
                        matches!(updated, UpdateOutcome::Updated(_) | UpdateOutcome::Revoked),
                        "{updated:?}"
                    );
                }
            }
            4 => drop(store.touch_now(&key(number), expires_at).unwrap()),
            5 => drop(store.delete_now(&key(number)).unwrap()),
            6 if next(20) == 0 => drop(store.revoke_now(&owner(&name), now - Duration::from_secs(1))),
            _ => {
                clock.advance(Duration::from_millis(next(50)));
                store.sweep_now(3).unwrap();
            }
        }
    }
    check_indexes(&store, &clock);
    clock.advance(Duration::from_secs(90_000));
    store.sweep_now(usize::MAX).unwrap();
    assert_empty(&store);
}

fn check_indexes(store: &MemoryStore, clock: &ManualClock) {
    let entries = store.scan_now(None, 1_000).unwrap().entries;
    assert_eq!(entries.len() as u64, store.count_now().unwrap());
    assert!(
        entries.iter().all(|entry| store.load_now(&entry.key, None).unwrap().as_ref() == Some(&entry.stored))
    );
    let owned = entries.iter().filter(|entry| entry.stored.record.owner.is_some()).count();
    let listed: usize = (0..20).map(|name| store.all_of(&owner(&name.to_string())).unwrap().len()).sum();
    assert_eq!((owned, wheel(store).0 as u64), (listed, store.usage().records));
    assert!(owned > 10 && entries.iter().all(|entry| entry.stored.record.is_live(clock_now(clock))));
}

fn since_now(name: &str, since: Timestamp) -> Record {
    lives(0).with_owner(Owner::new(owner(name), since))
}

fn clock_now(clock: &ManualClock) -> Timestamp {
    cloakroom_store::Clock::now(clock)
}
