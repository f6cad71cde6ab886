use cloakroom_store::{ErrorKind, UpdateOutcome};

use super::*;
use crate::eviction::LOOKS;

fn of_records(records: u64) -> (MemoryStore, ManualClock) {
    built(MemoryStore::builder().max_records(records))
}

fn alive(store: &MemoryStore, numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    numbers.into_iter().filter(|number| is_alive(store, *number)).collect()
}

#[test]
fn the_record_without_an_owner_that_expires_next_goes_before_owned_ones() {
    let (store, _) = of_records(4);
    create(&store, 1, &owned("a", 10));
    create(&store, 2, &lives(300));
    create(&store, 3, &lives(200));
    create(&store, 4, &owned("b", 20));
    create(&store, 5, &lives(400));
    assert_eq!(alive(&store, 1..=5), [1, 2, 4, 5]);
    create(&store, 6, &owned("c", 30));
    assert_eq!(alive(&store, 1..=6), [1, 4, 5, 6]);
    assert_eq!((store.usage().records, store.usage().evicted), (4, 2));
}

#[test]
fn when_every_record_has_an_owner_the_one_that_expires_next_goes() {
    let (store, _) = of_records(3);
    for (number, seconds) in [(1, 30), (2, 10), (3, 20)] {
        create(&store, number, &owned("a", seconds));
    }
    create(&store, 4, &owned("a", 5));
    assert_eq!(alive(&store, 1..=4), [1, 3, 4]);
    assert_eq!(store.all_of(&owner("a")).unwrap().len(), 3);
}

#[test]
fn expired_records_go_before_all_others_with_an_owner_or_without() {
    let (store, clock) = of_records(2);
    create(&store, 1, &owned("a", 10));
    create(&store, 2, &lives(60));
    clock.advance(Duration::from_secs(11));
    create(&store, 3, &lives(30));
    assert_eq!(alive(&store, 1..=3), [2, 3]);
    assert_eq!(store.usage().evicted, 0);
}

#[test]
fn a_touched_record_is_dropped_as_late_as_it_expires_now() {
    let (store, _) = of_records(3);
    for number in 1..=3 {
        create(&store, number, &lives(10 * number));
    }
    assert!(store.touch_now(&key(1), START + Duration::from_secs(100)).unwrap());
    create(&store, 4, &lives(50));
    create(&store, 5, &lives(60));
    assert_eq!(alive(&store, 1..=5), [1, 4, 5]);
}

#[test]
fn when_all_were_touched_only_a_few_are_passed_over_and_the_first_of_those_goes() {
    let many = 4 * LOOKS as u64;
    let (store, _) = of_records(many);
    for number in 0..many {
        create(&store, number, &lives(10));
        store.touch_now(&key(number), START + Duration::from_secs(1_000 + number)).unwrap();
    }
    create(&store, many, &lives(5_000));
    let gone: Vec<_> = (0..many).filter(|number| !is_alive(&store, *number)).collect();
    assert_eq!(gone.len(), 1);
    let moved = store.shards.iter().flat_map(|shard| {
        let contents = shard.read().unwrap();
        let numbers = (0..contents.len()).map(|number| u32::try_from(number).unwrap());
        let moved = numbers.filter(|number| {
            let entry = contents.entry(*number);
            entry.key != key(many)
                && entry.place.begin() > crate::expiry_wheel::Second::of(START + Duration::from_secs(10))
        });
        moved.map(|number| contents.entry(number).expiry.peek()).collect::<Vec<_>>()
    });
    let moved: Vec<_> = moved.collect();
    assert_eq!(moved.len(), LOOKS - 1);
    assert!(moved.into_iter().all(|expires_at| expires_at > START + Duration::from_secs(1_000 + gone[0])));
}

#[test]
fn the_record_that_grows_is_not_dropped_for_its_own_sake() {
    let (store, _) = built(MemoryStore::builder().max_bytes(1_000));
    let version = create(&store, 1, &lives(10));
    create(&store, 2, &lives(20));
    create(&store, 3, &lives(30));
    let larger = lives(10).with_payload(vec![0; 500]);
    let updated = store.update_now(&key(1), version, &larger).unwrap();
    assert!(matches!(updated, UpdateOutcome::Updated(_)), "{updated:?}");
    assert_eq!(alive(&store, 1..=3), [1, 3]);
    assert!(store.usage().bytes <= 1_000);
}

#[test]
fn the_bytes_are_never_above_the_bound_and_given_back_when_records_shrink() {
    let (store, _) = built(MemoryStore::builder().max_bytes(10_000));
    for number in 0..500 {
        let size = usize::try_from(number * 37 % 900).unwrap();
        create(&store, number, &lives(1_000 + number).with_payload(vec![0; size]));
        assert!(store.usage().bytes <= 10_000);
    }
    let before = store.usage().bytes;
    let version = create(&store, 1_000, &lives(5_000).with_payload(vec![0; 800]));
    let full = store.usage().bytes;
    let _ = store.update_now(&key(1_000), version, &Record::new("", Timestamp::NEVER)).unwrap();
    assert_eq!(store.usage().bytes, full - 800);
    assert!(before > 9_000);
}

#[test]
fn what_does_not_fit_into_the_empty_store_is_too_large_and_what_was_there_stays() {
    let (store, _) = built(MemoryStore::builder().max_bytes(500));
    let version = create(&store, 1, &lives(10));
    let large = lives(10).with_payload(vec![0; 501]);
    assert_eq!(store.create_now(&key(2), &large).unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(store.update_now(&key(1), version, &large).unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(store.load_now(&key(1), None).unwrap().unwrap().version, version);
}

#[test]
fn a_store_for_no_record_at_all_is_full() {
    let (store, _) = of_records(0);
    assert_eq!(store.create_now(&key(1), &lives(10)).unwrap_err().kind(), ErrorKind::Full);
}

#[test]
fn a_create_that_finds_its_key_taken_drops_nothing() {
    let (store, _) = of_records(2);
    create(&store, 1, &lives(10));
    create(&store, 2, &lives(20));
    assert_eq!(store.create_now(&key(1), &lives(99)).unwrap(), CreateOutcome::AlreadyExists);
    assert_eq!(store.usage().evicted, 0);
}
