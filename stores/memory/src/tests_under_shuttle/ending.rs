use cloakroom_store::Touch;

use super::*;

#[test]
fn nothing_brings_a_deleted_record_back() {
    search(|| {
        let (store, _) = store();
        let version = create(&store, 1, &owned(10));
        let updating = with(&store, move |store| update(store, 1, version, &owned(20)));
        let leaving = with(&store, move |store| update(store, 1, version, &lives(20)));
        let touching = with(&store, |store| store.touch_now(&key(1), START + 30 * SECOND).unwrap());
        let riding = with(&store, |store| {
            let touch = Touch::new(Timestamp::NEVER, START + 40 * SECOND);
            store.load_now(&key(1), Some(touch)).unwrap().is_some()
        });
        let deleting = with(&store, |store| {
            let removed = store.delete_now(&key(1)).unwrap();
            assert!(!is_alive(store, 1));
            removed.expect("no other thread removes it").version
        });
        let answers = [updating.join().unwrap(), leaving.join().unwrap()];
        let last = answers.iter().find_map(|answer| match answer {
            UpdateOutcome::Updated(version) => Some(*version),
            _ => None,
        });
        let _seen = (touching.join().unwrap(), riding.join().unwrap());
        assert_eq!(deleting.join().unwrap(), last.unwrap_or(version));
        assert!(!is_alive(&store, 1) && store.all_of(&owner()).unwrap().is_empty());
        assert_eq!((store.usage().records, store.usage().bytes), (0, 0));
    });
}

/// A touch that looked at the clock before the expiry may arrive after another thread saw the record expired.
#[test]
fn a_late_touch_does_not_bring_back_what_was_seen_expired() {
    search(|| {
        let (store, clock) = store();
        create(&store, 1, &lives(1));
        let touching = with(&store, |store| store.touch_now(&key(1), START + 10 * SECOND).unwrap());
        let looking = with(&store, |store| [is_alive(store, 1), is_alive(store, 1), is_alive(store, 1)]);
        clock.advance(SECOND);
        let here = is_alive(&store, 1);
        let touched = touching.join().unwrap();
        let seen = looking.join().unwrap();
        assert!(seen.is_sorted_by(|earlier, later| earlier >= later), "{seen:?}");
        assert_eq!(is_alive(&store, 1), touched);
        assert!(here == touched && (touched || !seen[2] || seen == [true; 3]));
    });
}

#[test]
fn a_sweep_leaves_what_was_touched_and_takes_what_was_not() {
    search(|| {
        let (store, clock) = store();
        create(&store, 1, &owned(1));
        create(&store, 2, &lives(1));
        let touching = with(&store, |store| {
            [1, 2].map(|number| store.touch_now(&key(number), START + 10 * SECOND).unwrap())
        });
        let sweeping = [0, 1].map(|_| with(&store, |store| store.sweep_now(10).unwrap().swept.removed));
        clock.advance(SECOND);
        let touched = touching.join().unwrap();
        let mut swept: usize = sweeping.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!([is_alive(&store, 1), is_alive(&store, 2)], touched);
        swept += store.sweep_now(10).unwrap().swept.removed;
        let lost = touched.iter().filter(|touched| !**touched).count();
        assert_eq!((swept, store.usage().records), (lost, 2 - lost as u64));
        assert_eq!(store.all_of(&owner()).unwrap().len(), usize::from(touched[0]));
    });
}
