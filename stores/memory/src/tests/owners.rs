use cloakroom_store::UpdateOutcome;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn since(record: Record, since: Timestamp) -> Record {
    let owner = record.owner.clone().map(|owner| Owner::new(owner.key, since));
    record.with_owner(owner)
}

#[test]
fn a_revocation_ends_what_began_before_it_and_spares_what_began_after() {
    let (store, _) = store();
    let later = START + Duration::from_secs(1);
    create(&store, 1, &owned("a", 10));
    create(&store, 2, &since(owned("a", 10), later));
    create(&store, 3, &owned("b", 10));
    assert_eq!(store.revoke_now(&owner("a"), START).unwrap(), 1);
    assert!(!is_alive(&store, 1) && is_alive(&store, 2) && is_alive(&store, 3));
    assert_eq!(store.create_now(&key(4), &owned("a", 10)).unwrap(), CreateOutcome::Revoked);
    assert_eq!(store.all_of(&owner("a")).unwrap().len(), 1);
}

#[test]
fn an_update_that_brings_a_revoked_owner_is_refused_however_it_comes() {
    let (store, _) = store();
    let anonymous = create(&store, 1, &lives(10));
    let others = create(&store, 2, &owned("b", 10));
    let renewed = create(&store, 3, &since(owned("a", 10), START + Duration::from_secs(1)));
    store.revoke_now(&owner("a"), START).unwrap();
    for (number, version) in [(1, anonymous), (2, others), (3, renewed)] {
        assert_eq!(store.update_now(&key(number), version, &owned("a", 10)).unwrap(), UpdateOutcome::Revoked);
    }
    assert_eq!(store.count_now().unwrap(), 3);
}

#[test]
fn an_update_moves_a_record_from_one_list_to_the_other_at_once() {
    let (store, _) = store();
    let version = create(&store, 1, &owned("a", 10));
    let UpdateOutcome::Updated(version) = store.update_now(&key(1), version, &owned("b", 10)).unwrap() else {
        panic!("refused");
    };
    assert!(store.all_of(&owner("a")).unwrap().is_empty());
    assert_eq!(store.all_of(&owner("b")).unwrap()[0].key, key(1));
    let _ = store.update_now(&key(1), version, &lives(10)).unwrap();
    assert!(store.all_of(&owner("b")).unwrap().is_empty());
    assert_eq!(store.owners.size(), (0, 0));
}

#[test]
fn an_earlier_revocation_changes_nothing_and_a_later_one_counts() {
    let (store, _) = store();
    let (early, late) = (START + Duration::from_secs(1), START + Duration::from_secs(2));
    store.revoke_now(&owner("a"), early).unwrap();
    assert_eq!(store.revoke_now(&owner("a"), START).unwrap(), 0);
    assert_eq!(store.create_now(&key(1), &since(owned("a", 10), early)).unwrap(), CreateOutcome::Revoked);
    create(&store, 1, &since(owned("a", 10), late));
    assert_eq!(store.revoke_now(&owner("a"), late).unwrap(), 1);
    assert_eq!(store.owners.size(), (1, 1));
}

#[test]
fn a_revocation_is_remembered_for_a_day_and_forgotten_by_the_sweep_after_it() {
    let (store, clock) = store();
    store.revoke_now(&owner("a"), START).unwrap();
    clock.set(START + DAY - Duration::from_micros(1));
    store.sweep_now(1).unwrap();
    assert_eq!(store.create_now(&key(1), &owned("a", 90_000)).unwrap(), CreateOutcome::Revoked);
    clock.set(START + DAY);
    store.sweep_now(1).unwrap();
    assert_eq!(store.owners.size(), (0, 0));
}

#[test]
fn revocations_are_forgotten_by_later_ones_without_a_sweep() {
    let (store, clock) = built(MemoryStore::builder().shards(1));
    for number in 0..100 {
        store.revoke_now(&owner(&number.to_string()), START).unwrap();
    }
    clock.advance(DAY);
    store.revoke_now(&owner("a"), clock_now(&clock)).unwrap();
    assert_eq!(store.owners.size(), (1, 1));
}

fn clock_now(clock: &ManualClock) -> Timestamp {
    cloakroom_store::Clock::now(clock)
}

#[test]
fn a_thousand_sessions_of_one_owner_end_in_one_step() {
    let (store, _) = store();
    for number in 0..1_000 {
        create(&store, number, &owned("a", 10));
    }
    assert_eq!(store.all_of(&owner("a")).unwrap().len(), 1_000);
    assert_eq!(store.revoke_now(&owner("a"), START).unwrap(), 1_000);
    assert_eq!((store.usage().records, store.usage().bytes, store.owners.size()), (0, 0, (1, 1)));
}
