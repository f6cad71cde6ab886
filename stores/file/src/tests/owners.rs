//! Owners, where the order of steps matters.

use std::fs::{File, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use cloakroom_store::{CreateOutcome, Owner, OwnerKey, UpdateOutcome};

use super::{HOUR, Place, START, alice, alices, key, name, record};
use crate::layout::Name;

/// Returns whether the owner's lock is held, within at most ten seconds.
fn is_soon_held(place: &Place, owner: &[u8]) -> bool {
    let lock = place.folder.root.join(format!("locks/owner-{:02x}", Name::of(owner).shard()));
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        let tried = File::open(&lock).map(|file| file.try_lock());
        if let Ok(Err(TryLockError::WouldBlock)) = tried {
            return true;
        }
        thread::yield_now();
    }
    false
}

#[test]
fn a_revocation_waits_for_a_log_in_that_is_being_written_and_ends_it() {
    let place = Place::new();
    let writing = place.folder.lock_records(name(&key("k")).shard()).unwrap();
    thread::scope(|scope| {
        let log_in = scope.spawn(|| place.folder.create(&key("k"), &alices("coat")));
        assert!(is_soon_held(&place, b"alice"));
        let revocation = scope.spawn(|| place.folder.revoke(&alice(), START));
        drop(writing);
        assert!(matches!(log_in.join().unwrap().unwrap(), CreateOutcome::Created(_)));
        assert_eq!(revocation.join().unwrap().unwrap(), 1);
    });
    assert_eq!(place.folder.load(&key("k")).unwrap(), None);
}

#[test]
fn a_revocation_waits_for_a_record_that_is_being_moved_away() {
    let place = Place::new();
    let version = place.create(&key("k"), &alices("coat"));
    let writing = place.folder.lock_records(name(&key("k")).shard()).unwrap();
    thread::scope(|scope| {
        let update = scope.spawn(|| place.folder.update(&key("k"), version, &record("nobody's")));
        assert!(is_soon_held(&place, b"alice"));
        let revocation = scope.spawn(|| place.folder.revoke(&alice(), START));
        drop(writing);
        assert!(matches!(update.join().unwrap().unwrap(), UpdateOutcome::Updated(_)));
        assert_eq!(revocation.join().unwrap().unwrap(), 0);
    });
    assert!(place.folder.load(&key("k")).unwrap().is_some());
}

#[test]
fn a_revoked_record_cannot_be_updated_to_have_no_owner() {
    let place = Place::new();
    let version = place.create(&key("k"), &alices("coat"));
    place.mark_revoked(b"alice", START);
    assert_eq!(
        place.folder.update(&key("k"), version, &record("nobody's")).unwrap(),
        UpdateOutcome::NotFound
    );
    assert_eq!(place.folder.load(&key("k")).unwrap(), None);
}

#[test]
fn an_update_moves_the_note_with_the_record() {
    let place = Place::new();
    let k = key("k");
    let bob = OwnerKey::new("bob").unwrap();
    let bobs = record("coat").with_owner(Owner::new(bob.clone(), START));
    let version = place.create(&k, &alices("coat"));
    assert!(matches!(place.folder.update(&k, version, &bobs).unwrap(), UpdateOutcome::Updated(_)));
    let note = |owner: &[u8]| place.folder.owner(&Name::of(owner)).join(name(&k).text());
    assert!(!note(b"alice").exists() && note(b"bob").exists());
    assert_eq!(place.folder.list(&bob, None, 10).unwrap().heads.len(), 1);
    place.folder.delete(&k).unwrap();
    assert!(!note(b"bob").exists());
}

#[test]
fn a_revocation_is_remembered_for_24_hours_and_forgotten_after() {
    let place = Place::new();
    place.folder.revoke(&alice(), START).unwrap();
    place.clock.set(START + HOUR * 24 - Duration::from_micros(1));
    place.sweep_all_round();
    assert_eq!(place.folder.create(&key("k"), &alices("coat")).unwrap(), CreateOutcome::Revoked);
    place.clock.set(START + HOUR * 24);
    place.sweep_all_round();
    assert!(!place.folder.owner(&Name::of(b"alice")).exists());
}

#[test]
fn a_second_and_earlier_revocation_is_remembered_from_when_it_was_made() {
    let place = Place::new();
    place.folder.revoke(&alice(), START).unwrap();
    place.clock.advance(HOUR * 20);
    place.folder.revoke(&alice(), START - HOUR).unwrap();
    place.clock.advance(HOUR * 20);
    place.sweep_all_round();
    assert_eq!(place.folder.create(&key("k"), &alices("coat")).unwrap(), CreateOutcome::Revoked);
}

#[test]
fn an_old_revocation_is_kept_while_a_record_that_it_ends_is_left() {
    let place = Place::new();
    let forever = alices("coat").with_expires_at(cloakroom_store::Timestamp::NEVER);
    place.create(&key("k"), &forever);
    place.mark_revoked(b"alice", START);
    place.clock.advance(HOUR * 30);
    place.folder.tidy_owners(Name::of(b"alice").shard()).unwrap();
    assert_eq!(place.folder.load(&key("k")).unwrap(), None);
    assert!(!place.folder.record(&name(&key("k"))).exists());
    assert!(place.folder.owner(&Name::of(b"alice")).join("revoked").exists());
    place.folder.tidy_owners(Name::of(b"alice").shard()).unwrap();
    assert!(!place.folder.owner(&Name::of(b"alice")).exists());
}
