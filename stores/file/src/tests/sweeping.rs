//! Sweeps: what, how much, and where the next one goes on.

use cloakroom_store::{SweepStats, Timestamp, Touch};

use super::{HOUR, Place, START, alices, key, name, record};

#[test]
fn a_sweep_stops_at_its_limit_and_the_next_goes_on() {
    let place = Place::new();
    for n in 0..25 {
        place.create(&key(&n.to_string()), &record("coat"));
    }
    place.create(&key("forever"), &cloakroom_store::Record::new("coat", Timestamp::NEVER));
    assert_eq!(place.folder.sweep(10).unwrap(), SweepStats::NOTHING);
    place.clock.advance(HOUR);
    assert_eq!(place.folder.sweep(0).unwrap().removed, 0);
    assert_eq!(place.folder.sweep(10).unwrap(), SweepStats::new(10, 10, true));
    assert_eq!(place.folder.sweep(10).unwrap(), SweepStats::new(10, 10, true));
    assert_eq!(place.folder.sweep(10).unwrap(), SweepStats::new(5, 5, false));
    assert!(place.folder.load(&key("forever")).unwrap().is_some());
}

#[test]
fn more_than_a_batch_of_one_shard_is_removed_in_one_sweep() {
    let place = Place::new();
    let keys = (0u32..).map(|n| key(&n.to_string())).filter(|key| name(key).shard() == 9);
    for key in keys.take(150) {
        place.create(&key, &record("coat"));
    }
    place.clock.advance(HOUR);
    assert_eq!(place.folder.sweep(149).unwrap(), SweepStats::new(149, 149, true));
    assert_eq!(place.folder.sweep(149).unwrap(), SweepStats::new(1, 1, false));
}

#[test]
fn a_sweep_removes_the_note_of_what_it_removes() {
    let place = Place::new();
    place.create(&key("k"), &alices("coat"));
    place.clock.advance(HOUR);
    assert_eq!(place.folder.sweep(10).unwrap().removed, 1);
    let owner = place.folder.owner(&super::Name::of(b"alice"));
    assert_eq!(std::fs::read_dir(owner).unwrap().count(), 0);
}

#[test]
fn a_touch_is_written_in_place_and_saves_the_record_from_the_sweep() {
    let place = Place::new();
    let k = key("k");
    let version = place.create(&k, &alices("coat"));
    let touch = Touch::new(Timestamp::NEVER, START + HOUR * 3);
    assert_eq!(place.folder.load_and_touch(&k, touch).unwrap().unwrap().version, version);
    place.clock.advance(HOUR * 2);
    assert_eq!(place.folder.sweep(10).unwrap().removed, 0);
    assert!(place.folder.touch(&k, START + HOUR * 4).unwrap());
    assert!(place.folder.touch(&k, START).unwrap());
    let stored = place.again().load(&k).unwrap().unwrap();
    assert_eq!((stored.record.expires_at, stored.version), (START + HOUR * 4, version));
    assert_eq!(stored.record.payload, "coat");
}

#[test]
fn a_file_that_cannot_be_read_does_not_keep_the_others_of_its_shard() {
    let place = Place::new();
    let keys: Vec<_> =
        (0u32..).map(|n| key(&n.to_string())).filter(|key| name(key).shard() == 9).take(20).collect();
    for key in &keys[..19] {
        place.create(key, &record("coat"));
    }
    std::fs::create_dir(place.folder.record(&name(&keys[19]))).unwrap();
    place.clock.advance(HOUR);
    assert!(place.folder.sweep(100).is_err());
    assert!(keys[..19].iter().all(|key| !place.folder.record(&name(key)).exists()));
}
