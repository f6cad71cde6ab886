//! Faults of the file store that were found once, each with the number that it had then.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cloakroom::{Config, Event, Operation, PlainRequest, SessionManager};
use cloakroom_file::FileStore;
use cloakroom_store::{
    CreateOutcome, ErrorKind, ManualClock, Record, Store, StoreKey, Timestamp, Touch, UpdateOutcome, Version,
};

fn key(number: u64) -> StoreKey {
    StoreKey::from_bytes(&number.to_be_bytes()).unwrap()
}

async fn create(store: &FileStore, number: u64, record: &Record) -> Version {
    match store.create(&key(number), record).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

/// A touch that is due for what expires in ten minutes.
fn due(now: Timestamp) -> Touch {
    Touch::new(now + Duration::from_secs(15 * 60), now + Duration::from_secs(30 * 60))
}

fn lasting(now: Timestamp) -> Record {
    Record::new("coat", now).with_expires_at(now + Duration::from_secs(10 * 60))
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

#[tokio::test]
async fn g06_a_due_touch_that_cannot_be_written_answers_the_record_unmoved_and_is_counted() {
    let disk = tempfile::tempdir().unwrap();
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(disk.path());
    if !mount.status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: this process may not mount a file system (run as root)");
        return;
    }
    let now = Timestamp::now();
    let store = FileStore::open(disk.path().join("sessions")).await.unwrap();
    create(&store, 1, &lasting(now)).await;
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.path()).status();
    assert!(remounted.unwrap().success());
    let found = store.load(&key(1), Some(due(now))).await.unwrap().unwrap();
    assert_eq!(found.record, lasting(now));
    let missed = store.capabilities().missed_touches.unwrap();
    assert_eq!((missed.take(), missed.take()), (Some(ErrorKind::Setup), None));
    drop(store);
    assert!(Command::new("umount").arg(disk.path()).status().unwrap().success());
}

#[tokio::test]
async fn g08_a_version_of_a_write_that_a_crash_undid_is_not_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, before) = (folder.path().join("sessions"), folder.path().join("before"));
    let store = FileStore::open(&path).await.unwrap();
    let first = create(&store, 1, &Record::new("coat", Timestamp::NEVER)).await;
    copy(&path, &before);
    let hat = Record::new("hat", Timestamp::NEVER);
    let UpdateOutcome::Updated(lost) = store.update(&key(1), first, &hat).await.unwrap() else { panic!() };
    // A power failure that took the last write with it.
    let store = FileStore::open(&before).await.unwrap();
    let UpdateOutcome::Updated(other) = store.update(&key(1), first, &hat).await.unwrap() else { panic!() };
    assert_ne!(lost, other);
    assert!(matches!(store.update(&key(1), lost, &hat).await.unwrap(), UpdateOutcome::Conflict(_)));
}

/// The file of the lock that covers the record with this number, and a number whose record another lock covers.
fn lock_of(folder: &Path) -> File {
    let shard = fs::read_dir(folder.join("records")).unwrap().next().unwrap().unwrap().file_name();
    File::options().write(true).open(folder.join(format!("locks/record-{}", shard.display()))).unwrap()
}

#[test]
fn g12_a_process_that_is_stopped_with_a_lock_holds_up_no_other_writes_and_no_reads() {
    // As few threads as a small server has.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).max_blocking_threads(8).enable_all().build().unwrap();
    runtime.block_on(async {
        let now = Timestamp::now();
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("sessions");
        let builder = FileStore::builder(&folder).lock_timeout(Duration::from_secs(2));
        let store = builder.build().await.unwrap();
        create(&store, 1, &lasting(now)).await;
        let lock = lock_of(&folder);
        lock.lock().unwrap();
        let stuck: Vec<_> = (0..600)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    if number % 6 == 0 {
                        store.touch(&key(1), Timestamp::NEVER).await.unwrap_err().kind()
                            == ErrorKind::Unavailable
                    } else {
                        store.load(&key(1), Some(due(now))).await.unwrap().unwrap().record == lasting(now)
                    }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let began = Instant::now();
        for number in 2..30 {
            if let Ok(created) = store.create(&key(number), &lasting(now)).await {
                assert!(matches!(created, CreateOutcome::Created(_)));
            }
            assert!(store.load(&key(1), None).await.unwrap().is_some());
        }
        assert!(began.elapsed() < Duration::from_secs(2), "others waited for {:?}", began.elapsed());
        for answer in stuck {
            assert!(answer.await.unwrap());
        }
        assert!(began.elapsed() < Duration::from_secs(20), "a wait had no bound");
        lock.unlock().unwrap();
        assert!(store.touch(&key(1), Timestamp::NEVER).await.unwrap());
    });
}

#[tokio::test]
async fn g06_a_session_whose_touch_cannot_be_written_is_served_and_an_event_says_why() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("sessions");
    let store = FileStore::builder(&folder).lock_timeout(Duration::from_millis(50)).build().await.unwrap();
    let (clock, heard) = (ManualClock::at(Timestamp::now()), Arc::new(Mutex::new(Vec::new())));
    let events = Arc::clone(&heard);
    let config = Config::default().clock(clock.clone());
    let config = config.observer(move |event: &Event| events.lock().unwrap().push(event.clone()));
    let engine = SessionManager::new(store, config).unwrap();
    let pending = engine.begin(&PlainRequest::default());
    pending.load().await.unwrap().insert("n", 1).unwrap();
    let cookie = pending.commit().await.unwrap().set_cookie.unwrap();
    let cookie = PlainRequest::with_cookie(cookie.split(';').next().unwrap());
    let lock = lock_of(&folder);
    lock.lock().unwrap();
    let missed = |event: &&Event| {
        use cloakroom::ErrorKind::Unavailable;
        matches!(event, Event::Failed { operation: Operation::Touch, kind: Unavailable, .. })
    };
    for (minutes, events) in [(0, 0), (10, 1)] {
        clock.advance(Duration::from_secs(60 * minutes));
        let session = engine.begin(&cookie).load().await.unwrap();
        assert_eq!(session.get::<usize>("n").unwrap(), Some(1));
        assert_eq!(heard.lock().unwrap().iter().filter(missed).count(), events);
    }
}
