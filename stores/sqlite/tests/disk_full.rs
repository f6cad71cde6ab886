//! A disk with no room left, and one that is read-only, as a real file system of 2 MB.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::path::Path;
use std::process::Command;

use cloakroom_sqlite::SqliteStore;
use cloakroom_store::{CreateOutcome, ErrorKind, Record, Store, StoreKey, Timestamp, UpdateOutcome, Version};
use tempfile::TempDir;

/// A file system in memory, unmounted when it is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None`, and says so, where this process may not mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(folder.path());
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
async fn fill(store: &SqliteStore, size: usize) -> Vec<Version> {
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
    let path = disk.path().join("sessions.db");
    let others = disk.path().join("files of others");
    std::fs::write(&others, vec![0; 1_000_000]).unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
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
    let store = SqliteStore::open(&path).await.unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_a_write_that_does_not_fit_does_not_take_others_with_it() {
    let Some(disk) = SmallDisk::mount() else { return };
    let path = disk.path().join("sessions.db");
    let store = std::sync::Arc::new(SqliteStore::open(&path).await.unwrap());
    let large = (0..8).map(|number| spawn(&store, number, 3_000_000));
    let small = (8..40).map(|number| spawn(&store, number, 100));
    let writes: Vec<_> = large.chain(small).collect();
    for (number, write) in writes.into_iter().enumerate() {
        match write.await.unwrap() {
            Ok(created) => assert!(number >= 8 && matches!(created, CreateOutcome::Created(_))),
            Err(error) => assert!(number < 8 && error.kind() == ErrorKind::Full, "{number}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_disk_or_folder_that_cannot_be_written_is_a_matter_of_setup() {
    let Some(disk) = SmallDisk::mount() else { return };
    let path = disk.path().join("sessions.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let created = store.create(&key(0), &record(1, 9)).await.unwrap();
    drop(store);
    remount(&disk, "ro");
    for path in [&path, &disk.path().join("another.db")] {
        let error = SqliteStore::open(path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup, "{error}");
    }
    remount(&disk, "rw");
    let store = SqliteStore::open(&path).await.unwrap();
    let stored = store.load(&key(0), None).await.unwrap().unwrap();
    assert_eq!(created, CreateOutcome::Created(stored.version));
}

fn remount(disk: &SmallDisk, how: &str) {
    let remount = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(disk.path()).status();
    assert!(remount.unwrap().success());
}

fn spawn(
    store: &std::sync::Arc<SqliteStore>,
    number: u64,
    size: usize,
) -> tokio::task::JoinHandle<cloakroom_store::Result<CreateOutcome>> {
    let store = std::sync::Arc::clone(store);
    tokio::spawn(async move { store.create(&key(number), &record(1, size)).await })
}
