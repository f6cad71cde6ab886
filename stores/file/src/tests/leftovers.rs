//! What a killed process can leave: each state between two steps, and that it does no harm.

use std::fs;

use super::{HOUR, Place, START, alice, alices, key, name, record, unprepared};
use crate::layout::{FORMAT, Name};

#[test]
fn a_half_written_record_is_not_there_and_the_next_write_replaces_it() {
    let place = Place::new();
    let k = key("k");
    let next = place.folder.next_record(name(&k).shard());
    fs::create_dir(next.parent().unwrap()).unwrap();
    fs::write(&next, b"half").unwrap();
    assert_eq!(place.again().load(&k).unwrap(), None);
    place.create(&k, &record("coat"));
    assert!(!next.exists());
    assert_eq!(place.folder.load(&k).unwrap().unwrap().record.payload, "coat");
}

#[test]
fn a_sweep_removes_half_written_files() {
    let place = Place::new();
    place.folder.revoke(&alice(), START).unwrap();
    let half = [place.folder.next_record(3), place.folder.owner(&Name::of(b"alice")).join("next")];
    for path in &half {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"half").unwrap();
    }
    place.sweep_all_round();
    assert!(half.iter().all(|path| !path.exists()));
}

#[test]
fn a_note_without_its_record_is_nobodys_session_and_is_tidied_up() {
    let place = Place::new();
    let (folder, owner, k) = (&place.folder, Name::of(b"alice"), key("k"));
    folder.note_owner(&owner, &name(&k)).unwrap();
    assert!(folder.list(&alice(), None, 10).unwrap().heads.is_empty());
    assert_eq!(folder.revoke(&alice(), START - HOUR).unwrap(), 0);
    place.clock.advance(HOUR * 25);
    place.sweep_all_round();
    assert!(!folder.owner(&owner).exists());
}

#[test]
fn a_note_for_a_record_that_stayed_anothers_does_not_list_it() {
    let place = Place::new();
    place.create(&key("k"), &record("nobody's"));
    place.folder.note_owner(&Name::of(b"alice"), &name(&key("k"))).unwrap();
    assert!(place.folder.list(&alice(), None, 10).unwrap().heads.is_empty());
    assert_eq!(place.folder.revoke(&alice(), START).unwrap(), 0);
    assert!(place.folder.load(&key("k")).unwrap().is_some());
}

#[test]
fn a_lost_note_is_made_again_within_256_sweeps() {
    let place = Place::new();
    place.create(&key("k"), &alices("coat"));
    let note = place.folder.owner(&Name::of(b"alice")).join(name(&key("k")).text());
    fs::remove_file(&note).unwrap();
    place.sweep_all_round();
    assert_eq!(place.folder.list(&alice(), None, 10).unwrap().heads.len(), 1);
}

#[test]
fn a_revocation_holds_although_its_process_died_before_removing_anything() {
    let place = Place::new();
    let (folder, k) = (&place.folder, key("k"));
    let version = place.create(&k, &alices("coat"));
    place.mark_revoked(b"alice", START);

    assert_eq!(folder.load(&k).unwrap(), None);
    assert_eq!(
        folder.update(&k, version, &record("back")).unwrap(),
        cloakroom_store::UpdateOutcome::NotFound
    );
    assert!(!folder.touch(&k, START + HOUR * 2).unwrap());
    assert_eq!(folder.delete(&k).unwrap(), None);
    assert!(folder.list(&alice(), None, 10).unwrap().heads.is_empty());
    assert!(folder.scan(None, 10).unwrap().entries.is_empty());
    assert_eq!(folder.count().unwrap(), 0);
    assert_eq!(folder.revoke(&alice(), START).unwrap(), 0);
    assert!(!folder.record(&name(&k)).exists());
}

#[test]
fn an_expiry_written_half_is_found_again_under_the_lock() {
    let place = Place::new();
    let k = key("k");
    place.create(&k, &record("coat"));
    let path = place.folder.record(&name(&k));
    let whole = fs::read(&path).unwrap();
    let mut half = whole.clone();
    half[8..16].copy_from_slice(&(START + HOUR * 2).as_micros().to_le_bytes());
    fs::write(&path, half).unwrap();

    let toucher = place.folder.lock_records(name(&k).shard()).unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| place.folder.load(&k));
        fs::write(&path, whole).unwrap();
        drop(toucher);
        assert_eq!(reader.join().unwrap().unwrap().unwrap().record.payload, "coat");
    });
}

#[test]
fn opening_finishes_what_a_killed_opening_began() {
    let place = Place::new();
    let root = place.dir.path().join("begun");
    let zeros = "\0".repeat(FORMAT.len());
    for done in ["", &FORMAT[..1], &FORMAT[..FORMAT.len() - 1], &zeros] {
        fs::create_dir_all(root.join("locks")).unwrap();
        fs::write(root.join("cloakroom"), done).unwrap();
        let folder = unprepared(root.clone(), &place.clock);
        folder.prepare().unwrap();
        assert_eq!(fs::read_to_string(root.join("cloakroom")).unwrap(), FORMAT);
        folder.create(&key("k"), &record("coat")).map(drop).unwrap();
        fs::remove_dir_all(&root).unwrap();
    }
}
