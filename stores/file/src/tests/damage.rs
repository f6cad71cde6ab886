//! Damaged files: said so, never served, never taken for absent, and out of the way in the end.

use std::fs;

use cloakroom_store::{CreateOutcome, Timestamp, UpdateOutcome};

use super::{HOUR, Place, START, alice, alices, key, name, record};
use crate::layout::Name;
use crate::trouble::Trouble;

/// Flips a bit of the record's file.
fn flip(place: &Place, key: &cloakroom_store::StoreKey, at: usize) {
    let path = place.folder.record(&name(key));
    let mut bytes = fs::read(&path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn is_damaged<T>(answer: &Result<T, Trouble>) -> bool {
    matches!(answer, Err(Trouble::Damaged))
}

#[test]
fn a_damaged_head_is_corrupt_for_every_operation() {
    let place = Place::new();
    let (folder, k) = (&place.folder, key("k"));
    let version = place.create(&k, &alices("coat"));
    flip(&place, &k, 24);
    assert!(is_damaged(&folder.load(&k)));
    assert!(is_damaged(&folder.create(&k, &record("new"))));
    assert!(is_damaged(&folder.update(&k, version, &record("new"))));
    assert!(is_damaged(&folder.touch(&k, Timestamp::NEVER)));
    assert!(is_damaged(&folder.delete(&k)));
    assert!(is_damaged(&folder.scan(None, 10)));
    assert!(is_damaged(&folder.count()));
    assert!(is_damaged(&folder.list(&alice(), None, 10)));
}

#[test]
fn a_damaged_payload_is_never_handed_out_and_can_be_replaced() {
    let place = Place::new();
    let (folder, k) = (&place.folder, key("k"));
    let version = place.create(&k, &record("coat"));
    let length = fs::read(folder.record(&name(&k))).unwrap().len();
    flip(&place, &k, length - 1);
    assert!(is_damaged(&folder.load(&k)));
    assert!(is_damaged(&folder.delete(&k)));
    assert_eq!(folder.create(&k, &record("new")).unwrap(), CreateOutcome::AlreadyExists);
    assert!(matches!(folder.update(&k, version, &record("new")).unwrap(), UpdateOutcome::Updated(_)));
    assert_eq!(folder.load(&k).unwrap().unwrap().record.payload, "new");
}

#[test]
fn a_file_that_was_cut_to_nothing_is_damage_not_absence() {
    let place = Place::new();
    place.create(&key("k"), &record("coat"));
    fs::write(place.folder.record(&name(&key("k"))), b"").unwrap();
    assert!(is_damaged(&place.folder.load(&key("k"))));
}

#[test]
fn a_record_moved_under_another_name_is_refused() {
    let place = Place::new();
    place.create(&key("a"), &record("coat"));
    fs::create_dir_all(place.folder.shard(name(&key("b")).shard())).unwrap();
    fs::copy(place.folder.record(&name(&key("a"))), place.folder.record(&name(&key("b")))).unwrap();
    assert!(is_damaged(&place.folder.load(&key("b"))));
}

#[test]
fn a_sweep_sets_a_damaged_head_aside_and_the_key_is_free_again() {
    let place = Place::new();
    let k = key("k");
    place.create(&k, &record("coat"));
    flip(&place, &k, 0);
    assert_eq!(place.folder.sweep(10).unwrap().removed, 0);
    assert!(place.folder.damaged(&name(&k)).exists());
    assert_eq!(place.folder.load(&k).unwrap(), None);
    place.create(&k, &record("new"));
}

#[test]
fn within_256_sweeps_a_damaged_payload_is_set_aside() {
    let place = Place::new();
    let k = key("k");
    place.create(&k, &record("coat"));
    flip(&place, &k, 64 + 1);
    place.sweep_all_round();
    assert!(place.folder.damaged(&name(&k)).exists());
    assert_eq!(place.folder.count().unwrap(), 0);
}

#[test]
fn a_record_of_a_later_format_is_refused_and_left_alone() {
    let place = Place::new();
    let k = key("k");
    place.create(&k, &record("coat"));
    flip(&place, &k, 7);
    place.clock.advance(HOUR * 2);
    place.sweep_all_round();
    assert!(matches!(place.folder.load(&k), Err(Trouble::OtherFormat)));
}

#[test]
fn clear_removes_damaged_files_too() {
    let place = Place::new();
    place.create(&key("a"), &record("coat"));
    place.create(&key("b"), &record("coat"));
    flip(&place, &key("b"), 60);
    assert_eq!(place.folder.clear().unwrap(), 1);
    assert_eq!(place.folder.load(&key("b")).unwrap(), None);
}

#[test]
fn a_damaged_revocation_is_an_error_first_and_then_one_of_everything_so_far() {
    let place = Place::new();
    let folder = &place.folder;
    folder.revoke(&alice(), START - HOUR).unwrap();
    place.create(&key("k"), &alices("coat"));
    fs::write(folder.owner(&Name::of(b"alice")).join("revoked"), b"cloak-m\x01").unwrap();
    assert!(is_damaged(&folder.load(&key("k"))));
    place.sweep_all_round();
    assert_eq!(folder.load(&key("k")).unwrap(), None);
    assert_eq!(folder.create(&key("k"), &alices("coat")).unwrap(), CreateOutcome::Revoked);
    assert!(!folder.damaged(&name(&key("k"))).exists());
}

#[test]
fn a_revocation_passes_over_a_damaged_record() {
    let place = Place::new();
    place.create(&key("a"), &alices("coat"));
    place.create(&key("b"), &alices("coat"));
    flip(&place, &key("a"), 30);
    assert_eq!(place.folder.revoke(&alice(), START).unwrap(), 1);
    assert!(is_damaged(&place.folder.load(&key("a"))));
}
