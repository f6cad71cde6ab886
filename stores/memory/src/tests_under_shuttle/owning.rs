use super::*;

/// Gives the session of `old` the key `new`: the new record first, then a tombstone in place of the old one, which
/// is undone if the old record is not what it was.
fn rotate(store: &MemoryStore, old: u8, version: Version, new: u8) {
    if !matches!(store.create_now(&key(new), &owned(20)).unwrap(), CreateOutcome::Created(_)) {
        return;
    }
    let tombstone = lives(20).with_payload("tombstone");
    if !matches!(update(store, old, version, &tombstone), UpdateOutcome::Updated(_)) {
        store.delete_now(&key(new)).unwrap();
    }
}

fn assert_revoked(store: &MemoryStore, numbers: impl IntoIterator<Item = u8>) {
    assert!(store.all_of(&owner()).unwrap().is_empty());
    for number in numbers {
        let stored = store.load_now(&key(number), None).unwrap();
        assert!(
            stored.is_none_or(|stored| stored.record.owner.is_none()),
            "record {number} outlived its owner"
        );
    }
}

#[test]
fn after_a_revocation_nothing_of_the_owner_is_alive_whatever_was_under_way() {
    search(|| {
        let (store, _) = store();
        let version = create(&store, 1, &owned(10));
        let anonymous = create(&store, 2, &lives(10));
        let threads = [
            with(&store, move |store| rotate(store, 1, version, 3)),
            with(&store, |store| done(store.create_now(&key(4), &owned(10)).unwrap())),
            with(&store, move |store| done(update(store, 2, anonymous, &owned(10)))),
            with(&store, move |store| done(update(store, 1, version, &owned(30)))),
            with(&store, |store| done(store.revoke_now(&owner(), START).unwrap())),
        ];
        join_all(threads);
        assert_revoked(&store, 1..=4);
        assert!(!is_alive(&store, 3));
    });
}

/// A thread that saw one record revoked sees none of the owner's others.
#[test]
fn a_revocation_of_several_records_is_one_step() {
    search(|| {
        let (store, _) = store();
        let records = [1, 2, 3].map(|number| (number, create(&store, number, &owned(10))));
        let revoking = with(&store, |store| store.revoke_now(&owner(), START).unwrap());
        let looking = with(&store, move |store| {
            let gone = !is_alive(store, 1);
            let wrote = matches!(update(store, 3, records[2].1, &owned(20)), UpdateOutcome::Updated(_));
            assert!(!(gone && wrote), "a write was accepted after the revocation was seen");
        });
        let listing = with(&store, |store| store.all_of(&owner()).unwrap().len());
        assert_eq!(revoking.join().unwrap(), 3);
        looking.join().unwrap();
        assert!([0, 3].contains(&listing.join().unwrap()));
        assert_revoked(&store, 1..=3);
    });
}

/// The sweep takes the key off the list of its owner, who may have a new record under it by then.
#[test]
fn a_record_that_replaces_an_expired_one_of_its_owner_is_listed() {
    search(|| {
        let (store, clock) = store();
        create(&store, 1, &owned(1));
        clock.advance(SECOND);
        let sweeping = with(&store, |store| done(store.sweep_now(10).unwrap()));
        let deleting = with(&store, |store| done(store.delete_now(&key(2)).unwrap()));
        create(&store, 1, &owned(10));
        sweeping.join().unwrap();
        deleting.join().unwrap();
        assert_eq!(store.all_of(&owner()).unwrap().len(), 1);
        assert_eq!(store.revoke_now(&owner(), START).unwrap(), 1);
    });
}

#[test]
fn what_locks_many_parts_at_once_never_locks_up() {
    search(|| {
        let (store, _) = store();
        (1..=3).for_each(|number| done(create(&store, number, &owned(10))));
        let threads = [
            with(&store, |store| done(store.clear_now().unwrap())),
            with(&store, |store| done(store.revoke_now(&owner(), START).unwrap())),
            with(&store, |store| done(store.count_now().unwrap())),
            with(&store, |store| done(store.all_of(&owner()).unwrap())),
            with(&store, |store| done(store.create_now(&key(4), &owned(10)).unwrap())),
            with(&store, |store| done(store.delete_now(&key(2)).unwrap())),
        ];
        join_all(threads);
        assert_revoked(&store, 1..=4);
        assert_eq!((store.usage().records, store.usage().bytes), (0, 0));
    });
}
