//! Fills that race writes, in thousands of interleavings of the tiers' steps.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{
    Capabilities, CreateOutcome, ManualClock, Owner, OwnerKey, Record, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version, VersionedRecord,
};
use shuttle::future::block_on;
use shuttle::thread::{JoinHandle, spawn};

use super::CachedStore;
use cloakroom_memory::MemoryStore;

const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const A_MINUTE: Duration = Duration::from_secs(60);
/// Rides on the loads of requests; here it is never due.
const TOUCH: Touch = Touch::new(Timestamp::EPOCH, Timestamp::EPOCH);

fn search(scenario: impl Fn() + std::marker::Copy + Send + Sync + 'static) {
    shuttle::check_random(scenario, 2_000);
    shuttle::check_pct(scenario, 2_000, 3);
}

/// Two processes that share both tiers.
struct Pair {
    one: Arc<CachedStore>,
    two: Arc<CachedStore>,
    durable: Arc<MemoryStore>,
    version: Version,
}

fn pair() -> Pair {
    let clock = ManualClock::at(START);
    let memory = || Arc::new(MemoryStore::builder().shards(1).clock(clock.clone()).build());
    let (fast, durable) = (memory(), memory());
    let tiered = || {
        let builder = CachedStore::builder(fast.clone(), durable.clone()).max_staleness(A_MINUTE);
        Arc::new(builder.clock(clock.clone()).build())
    };
    let (one, two) = (tiered(), tiered());
    let CreateOutcome::Created(version) = block_on(durable.create(&key(), &record("old"))).unwrap() else {
        panic!()
    };
    Pair { one, two, durable, version }
}

fn key() -> StoreKey {
    StoreKey::from_hash([7; 32])
}

fn owner() -> OwnerKey {
    OwnerKey::new("alice").unwrap()
}

fn record(payload: &'static str) -> Record {
    let owner = Some(Owner::new(owner(), START));
    Record::new(payload, START + 2 * A_MINUTE).with_owner(owner)
}

fn load(store: &CachedStore) -> Option<VersionedRecord> {
    block_on(store.load(&key(), Some(TOUCH))).unwrap()
}

fn loading(store: &Arc<CachedStore>) -> JoinHandle<()> {
    let store = Arc::clone(store);
    spawn(move || {
        for _ in 0..2 {
            load(&store);
        }
    })
}

/// Ends the session while others load it; no later load finds it.
fn ending(end: impl Fn(&CachedStore, Version) + Send + Sync + std::marker::Copy + 'static) {
    search(move || {
        let Pair { one, two, version, .. } = pair();
        let threads = [loading(&one), loading(&two)];
        let ender = Arc::clone(&one);
        let ended = spawn(move || {
            end(&ender, version);
            assert_eq!(load(&ender), None, "as soon as it is answered");
        });
        ended.join().unwrap();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!((load(&one), load(&two)), (None, None));
    });
}

#[test]
fn never_18_no_late_fill_brings_a_deleted_session_back() {
    ending(|store, _| drop(block_on(store.delete(&key())).unwrap()));
}

#[test]
fn never_18_no_late_fill_brings_a_session_back_that_an_update_ended() {
    ending(|store, version| {
        let expired = Record::new("", START);
        assert!(matches!(
            block_on(store.update(&key(), version, &expired)).unwrap(),
            UpdateOutcome::Updated(_)
        ));
    });
}

#[test]
fn never_18_no_late_fill_brings_a_revoked_session_back() {
    ending(|store, _| {
        let Capabilities { owners: Some(owners), .. } = store.capabilities() else { panic!() };
        assert_eq!(block_on(owners.revoke(&owner(), START)).unwrap(), 1);
    });
}

#[test]
fn never_18_no_late_fill_hides_an_answered_update() {
    search(|| {
        let Pair { one, two, version, .. } = pair();
        let threads = [loading(&one), loading(&two)];
        let UpdateOutcome::Updated(version) = block_on(one.update(&key(), version, &record("new"))).unwrap()
        else {
            panic!()
        };
        for store in [&one, &two] {
            assert_eq!(load(store).unwrap().version, version);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        for store in [&one, &two] {
            assert_eq!(load(store).unwrap(), VersionedRecord::new(record("new"), version));
        }
    });
}

#[test]
fn of_racing_updates_all_readers_see_the_last() {
    search(|| {
        let Pair { one, two, durable, .. } = pair();
        let writers: Vec<_> = [&one, &two]
            .map(|store| {
                let store = Arc::clone(store);
                spawn(move || {
                    let mut version = load(&store).unwrap().version;
                    loop {
                        match block_on(store.update(&key(), version, &record("new"))).unwrap() {
                            UpdateOutcome::Updated(version) => return version,
                            UpdateOutcome::Conflict(stored) => version = stored.version,
                            other => panic!("{other:?}"),
                        }
                    }
                })
            })
            .into();
        for writer in writers {
            writer.join().unwrap();
        }
        let last = block_on(durable.load(&key(), None)).unwrap().unwrap().version;
        assert_eq!(load(&one).unwrap().version, last);
        assert_eq!(load(&two).unwrap().version, last);
    });
}
