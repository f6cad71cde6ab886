use cloakroom_store::SweepStats;

use super::*;
use crate::sweep::Sweeping;

const NOTHING: Sweeping = Sweeping { swept: SweepStats::NOTHING, looked: 0 };

#[test]
fn a_sweep_looks_at_what_is_due_and_at_nothing_else() {
    let (store, clock) = store();
    for number in 0..10_000 {
        create(&store, number, &lives(if number < 100 { 10 } else { 1_000 }));
    }
    assert_eq!(store.sweep_now(usize::MAX).unwrap(), NOTHING);
    clock.advance(Duration::from_secs(10));
    let sweeping = store.sweep_now(usize::MAX).unwrap();
    assert_eq!(sweeping, Sweeping { swept: SweepStats::new(100, 100, false), looked: 100 });
    assert_eq!(store.sweep_now(usize::MAX).unwrap(), NOTHING);
    assert_eq!(store.usage().records, 9_900);
}

#[test]
fn a_touched_record_is_looked_at_once_when_its_first_expiry_comes() {
    let (store, clock) = store();
    for number in 0..1_000 {
        create(&store, number, &owned("a", 10));
        for seconds in 11..20 {
            store.touch_now(&key(number), START + Duration::from_secs(seconds)).unwrap();
        }
    }
    clock.advance(Duration::from_secs(10));
    assert_eq!(store.sweep_now(usize::MAX).unwrap(), Sweeping { looked: 1_000, ..NOTHING });
    assert_eq!(store.sweep_now(usize::MAX).unwrap(), NOTHING);
    clock.advance(Duration::from_secs(9));
    assert_eq!(store.sweep_now(usize::MAX).unwrap().swept.removed, 1_000);
    assert_eq!(store.usage().bytes, 0);
}

#[test]
fn a_sweep_stops_at_its_limit_and_says_whether_there_is_more() {
    let (store, clock) = store();
    for number in 0..10 {
        create(&store, number, &lives(1));
    }
    clock.advance(Duration::from_secs(1));
    assert_eq!(store.sweep_now(0).unwrap().swept, SweepStats::new(0, 0, true));
    assert_eq!(store.sweep_now(4).unwrap().swept, SweepStats::new(4, 4, true));
    assert_eq!(store.sweep_now(6).unwrap().swept, SweepStats::new(6, 6, false));
    assert_eq!(store.sweep_now(6).unwrap(), NOTHING);
}

#[test]
fn a_crowd_that_expires_in_one_second_is_swept_to_the_microsecond() {
    let (store, clock) = built(MemoryStore::builder().shards(1));
    for number in 0..3_000 {
        let expires_at = START + Duration::from_micros(number);
        create(
            &store,
            number,
            &(if number % 2 == 0 { lives(0) } else { owned("a", 0) }).with_expires_at(expires_at),
        );
    }
    clock.advance(Duration::from_micros(1_499));
    assert_eq!(store.sweep_now(usize::MAX).unwrap().swept, SweepStats::new(1_500, 1_500, false));
    assert_eq!(store.count_now().unwrap(), 1_500);
    assert!((1_500..3_000).all(|number| is_alive(&store, number)));
}
