use std::collections::HashSet;

use super::*;

/// Adds one to the number in the payload, however often that takes; the versions that it was given.
fn increment(store: &MemoryStore) -> Version {
    loop {
        let stored = store.load_now(&key(1), None).unwrap().unwrap();
        let payload = vec![stored.record.payload[0] + 1];
        match update(store, 1, stored.version, &lives(10).with_payload(payload)) {
            UpdateOutcome::Updated(version) => return version,
            UpdateOutcome::Conflict(other) => assert_ne!(other.version, stored.version),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn racing_increments_are_all_counted_and_each_has_its_own_version() {
    search(|| {
        let (store, _) = store();
        let first = create(&store, 1, &lives(10).with_payload(vec![0]));
        let threads: Vec<_> =
            (0..3).map(|_| with(&store, |store| [increment(store), increment(store)])).collect();
        let given: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(store.load_now(&key(1), None).unwrap().unwrap().record.payload[0], 6);
        assert!(given.len() == 6 && !given.contains(&first));
    });
}

#[test]
fn of_racing_updates_of_one_version_one_wins() {
    search(|| {
        let (store, _) = store();
        let version = create(&store, 1, &lives(10));
        let threads: Vec<_> = (0..3)
            .map(|number| {
                let record = if number == 0 { owned(10) } else { lives(10 + number) };
                with(&store, move |store| update(store, 1, version, &record))
            })
            .collect();
        let answers: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let winners = answers.iter().filter(|answer| matches!(answer, UpdateOutcome::Updated(_))).count();
        let losers = answers.iter().filter(|answer| matches!(answer, UpdateOutcome::Conflict(_))).count();
        assert_eq!((winners, losers), (1, 2), "{answers:?}");
    });
}

#[test]
fn of_racing_creates_one_wins() {
    search(|| {
        let (store, _) = store();
        let threads: Vec<_> = [lives(10), owned(10), lives(20)]
            .map(|record| with(&store, move |store| store.create_now(&key(1), &record).unwrap()))
            .into();
        let answers: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let winners = answers.iter().filter(|answer| matches!(answer, CreateOutcome::Created(_))).count();
        assert_eq!(winners, 1, "{answers:?}");
        let stored = store.load_now(&key(1), None).unwrap().unwrap();
        let listed = store.all_of(&owner()).unwrap().len();
        assert_eq!(listed, usize::from(stored.record.owner.is_some()));
    });
}
