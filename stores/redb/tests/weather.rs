//! Faults that were found once on real files, each with the number that it had then.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cloakroom_redb::RedbStore;
use cloakroom_store::{
    CreateOutcome, ErrorKind, Record, Store, StoreKey, Timestamp, Touch, UpdateOutcome, Version,
};
use tempfile::TempDir;

/// A file system in memory, unmounted when it is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None`, and says so, where this process may not mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(folder.path());
        if mount.status().is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        eprintln!("SKIPPED: this process may not mount a file system (run as root)");
        None
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

async fn create(store: &RedbStore, number: u64, record: &Record) -> Version {
    match store.create(&key(number), record).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

/// A store with a coat, on a disk with no room left.
async fn full(disk: &SmallDisk, now: Timestamp) -> RedbStore {
    let store = RedbStore::open(disk.0.path().join("sessions.redb")).await.unwrap();
    let expires_at = now + Duration::from_secs(10 * 60);
    create(&store, 0, &Record::new("coat", now).with_expires_at(expires_at)).await;
    // What is left of the disk goes to others, to the last byte.
    let _full = fs::write(disk.0.path().join("others"), vec![0; 4 << 20]);
    store
}

#[tokio::test]
async fn g06_a_due_touch_that_cannot_be_written_answers_the_record_unmoved_and_is_counted() {
    let Some(disk) = SmallDisk::mount() else { return };
    let now = Timestamp::now();
    let store = full(&disk, now).await;
    while store.create(&key(1), &Record::new(vec![1; 500_000], Timestamp::NEVER)).await.is_ok() {
        store.delete(&key(1)).await.unwrap();
    }
    let touch = Touch::new(now + Duration::from_secs(15 * 60), now + Duration::from_secs(30 * 60));
    // The file may have room for a few touches yet; another keeps it busy until that is used up.
    let mut number = 10;
    while store.create(&key(number), &Record::new(vec![1; 1_000], Timestamp::NEVER)).await.is_ok() {
        number += 1;
    }
    let found = store.load(&key(0), Some(touch)).await.unwrap().unwrap();
    assert_eq!(found.record.payload, "coat");
    let missed = store.capabilities().missed_touches.unwrap();
    assert_eq!((missed.take(), missed.take()), (Some(ErrorKind::Full), None));
    assert_eq!(found.record.expires_at, now + Duration::from_secs(10 * 60));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g07_reads_go_on_while_writes_fail_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = full(&disk, Timestamp::now()).await;
    let done = Arc::new(AtomicBool::new(false));
    let reading = tokio::spawn({
        let (store, done) = (store.clone(), Arc::clone(&done));
        async move {
            let (mut good, mut bad) = (0, 0);
            while !done.load(Ordering::SeqCst) {
                match store.load(&key(0), None).await {
                    Ok(Some(_)) => good += 1,
                    Ok(None) | Err(_) => bad += 1,
                }
                tokio::task::yield_now().await;
            }
            (good, bad)
        }
    });
    let large = Record::new(vec![1; 3_000_000], Timestamp::NEVER);
    for number in 1..200 {
        assert_eq!(store.create(&key(number), &large).await.unwrap_err().kind(), ErrorKind::Full);
    }
    done.store(true, Ordering::SeqCst);
    let (good, bad) = reading.await.unwrap();
    assert!(good > 0 && bad == 0, "{good} reads succeeded, {bad} failed");
}

#[tokio::test]
async fn g08_a_version_of_a_write_that_a_crash_undid_is_not_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("sessions.redb"), folder.path().join("copy.redb"));
    let store = RedbStore::open(&path).await.unwrap();
    let first = create(&store, 1, &Record::new("coat", Timestamp::NEVER)).await;
    drop(store);
    fs::copy(&path, &copy).unwrap();
    let hat = Record::new("hat", Timestamp::NEVER);
    let store = RedbStore::open(&path).await.unwrap();
    let UpdateOutcome::Updated(lost) = store.update(&key(1), first, &hat).await.unwrap() else { panic!() };
    // A power failure that took the last write with it.
    let store = RedbStore::open(&copy).await.unwrap();
    let UpdateOutcome::Updated(other) = store.update(&key(1), first, &hat).await.unwrap() else { panic!() };
    assert_ne!(lost, other);
    assert!(matches!(store.update(&key(1), lost, &hat).await.unwrap(), UpdateOutcome::Conflict(_)));
}
