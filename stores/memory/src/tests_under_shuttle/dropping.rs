use super::*;

#[test]
fn racing_creates_never_exceed_the_bound_and_are_not_dropped_themselves() {
    search(|| {
        let (store, _) = built(|settings| settings.max_records(2));
        create(&store, 1, &lives(10));
        create(&store, 2, &owned(20));
        let creating = [3, 4].map(|number| {
            with(&store, move |store| {
                create(store, number, &lives(100));
                assert!(store.usage().records <= 2);
            })
        });
        join_all(creating);
        assert_eq!((store.usage().records, store.count_now().unwrap()), (2, 2));
        assert!(is_alive(&store, 3) || is_alive(&store, 4));
        assert_eq!(store.all_of(&owner()).unwrap().len(), usize::from(is_alive(&store, 2)));
    });
}

#[test]
fn a_touch_and_a_drop_agree_on_whether_the_record_is_there() {
    search(|| {
        let (store, _) = built(|settings| settings.max_records(2));
        create(&store, 1, &lives(10));
        create(&store, 2, &lives(20));
        let touching = with(&store, |store| store.touch_now(&key(1), START + 100 * SECOND).unwrap());
        let creating = with(&store, |store| done(create(store, 3, &lives(50))));
        let touched = touching.join().unwrap();
        creating.join().unwrap();
        let alive = [1, 2, 3].map(|number| is_alive(&store, number));
        assert!(alive[2] && alive[0] != alive[1], "{alive:?}");
        assert!(touched || !alive[0]);
        assert_eq!((store.usage().records, store.usage().evicted), (2, 1));
    });
}

/// Room that one thread has just made, or filled, is nowhere to be seen for a moment: the other must wait for it.
#[test]
fn the_record_that_grows_stays_while_another_takes_the_last_room() {
    // The keys fall into one shard, or into both, in several ways.
    for key in [1, 11, 21, 31, 41, 51] {
        search(move || {
            let (store, _) = built(|settings| settings.max_bytes(1_000));
            let version = create(&store, key, &lives(10));
            create(&store, key + 1, &lives(20));
            let creating = with(&store, move |store| done(create(store, key + 2, &lives(30))));
            let larger = lives(40).with_payload(vec![0; 700]);
            let answer = update(&store, key, version, &larger);
            creating.join().unwrap();
            assert!(matches!(answer, UpdateOutcome::Updated(_) | UpdateOutcome::NotFound), "{answer:?}");
            assert!(store.usage().bytes <= 1_000);
            assert_eq!(store.usage().records, store.count_now().unwrap());
        });
    }
}
