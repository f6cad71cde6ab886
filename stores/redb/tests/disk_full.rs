//! A disk with no room left, as a real file system of 8 MB.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cloakroom_redb::RedbStore;
use cloakroom_store::{CreateOutcome, ErrorKind, Record, Store, StoreKey, Timestamp, UpdateOutcome, Version};
use tempfile::TempDir;

/// A file system in memory, unmounted when it is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None`, and says so, where this process may not mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(folder.path());
        if mount.status().is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        eprintln!(
            "SKIPPED: a full disk is not tested, because this process may not mount a file system (run as root)"
        );
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        assert!(std::thread::panicking() || unmounted.unwrap().success());
    }
}

fn key(number: u64) -> StoreKey {
    StoreKey::from_bytes(&number.to_be_bytes()).unwrap()
}

fn record(fill: u8, size: usize) -> Record {
    Record::new(vec![fill; size], Timestamp::NEVER)
}

/// Creates records until there is no room; the versions of those that were kept.
async fn fill(store: &RedbStore, size: usize) -> Vec<Version> {
    let mut versions = Vec::new();
    for number in 0..10_000 {
        match store.create(&key(number), &record(1, size)).await {
            Ok(CreateOutcome::Created(version)) => versions.push(version),
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Full);
                assert!(!error.is_uncertain());
                return versions;
            }
        }
    }
    panic!("the disk was never full");
}

#[tokio::test]
async fn a_full_disk_is_full_and_every_record_stays_as_it_was() {
    let Some(disk) = SmallDisk::mount() else { return };
    let path = disk.path().join("sessions.redb");
    let others = disk.path().join("files of others");
    std::fs::write(&others, vec![0; 3_000_000]).unwrap();
    let store = RedbStore::open(&path).await.unwrap();
    let versions = fill(&store, 20_000).await;
    assert!(versions.len() > 20, "{}", versions.len());

    let failed = store.update(&key(0), versions[0], &record(2, 500_000)).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Full);
    for (number, version) in (0..).zip(&versions) {
        let stored = store.load(&key(number), None).await.unwrap().unwrap();
        assert_eq!((stored.version, stored.record), (*version, record(1, 20_000)));
    }
    drop(store);

    // The same after a restart; then room is made, and the store goes on.
    let store = RedbStore::open(&path).await.unwrap();
    for (number, version) in (0..).zip(&versions) {
        assert_eq!(store.load(&key(number), None).await.unwrap().unwrap().version, *version);
    }
    std::fs::remove_file(others).unwrap();
    for number in 1..10 {
        store.delete(&key(number)).await.unwrap().unwrap();
    }
    let updated = store.update(&key(0), versions[0], &record(2, 50_000)).await.unwrap();
    assert!(matches!(updated, UpdateOutcome::Updated(_)));
}

/// Larger than the whole disk, together with small ones: redb leaves the file as large as it could make it, so the small
/// ones may not fit either, and none is lost or half done. Once there is room, everything goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_larger_than_the_disk_leaves_the_others_whole() {
    let Some(disk) = SmallDisk::mount() else { return };
    let others = disk.path().join("files of others");
    std::fs::write(&others, vec![0; 3_000_000]).unwrap();
    let store = RedbStore::open(disk.path().join("sessions.redb")).await.unwrap();
    let large = (0..4).map(|number| spawn(&store, number, 12_000_000));
    let small = (4..40).map(|number| spawn(&store, number, 100));
    let writes: Vec<_> = large.chain(small).collect();
    let mut kept = Vec::new();
    for (number, write) in (0..).zip(writes) {
        match write.await.unwrap() {
            Ok(created) => kept.push((number, created)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Full, "{number}"),
        }
    }
    std::fs::remove_file(others).unwrap();
    for number in 0..40 {
        let there = store.load(&key(number), None).await.unwrap();
        match kept.iter().find(|(kept, _)| *kept == number) {
            Some((_, created)) => assert_eq!(*created, CreateOutcome::Created(there.unwrap().version)),
            None => assert_eq!(there, None),
        }
    }
    // After several failures writes are answered at once, for a pause of 5 seconds at most.
    let began = std::time::Instant::now();
    let created = loop {
        match store.create(&key(100), &record(1, 100)).await {
            Err(_) if began.elapsed() < Duration::from_secs(15) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            done => break done.unwrap(),
        }
    };
    assert!(matches!(created, CreateOutcome::Created(_)));
}

fn spawn(
    store: &RedbStore,
    number: u64,
    size: usize,
) -> tokio::task::JoinHandle<cloakroom_store::Result<CreateOutcome>> {
    let store = store.clone();
    tokio::spawn(async move { store.create(&key(number), &record(1, size)).await })
}
