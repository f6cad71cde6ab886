//! Faults that were found once on real files, each with the number that it had then.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use cloakroom_sqlite::SqliteStore;
use cloakroom_store::{
    CreateOutcome, ErrorKind, Record, Store, StoreKey, Timestamp, Touch, UpdateOutcome, Version,
};

fn key(number: u64) -> StoreKey {
    StoreKey::from_bytes(&number.to_be_bytes()).unwrap()
}

async fn create(store: &SqliteStore, number: u64, record: &Record) -> Version {
    match store.create(&key(number), record).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn g06_a_due_touch_that_cannot_be_written_answers_the_record_unmoved_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let now = Timestamp::now();
    let store = SqliteStore::builder(&path).busy_timeout(Duration::from_millis(50)).build().await.unwrap();
    let expires_at = now + Duration::from_secs(600);
    create(&store, 0, &Record::new("coat", now).with_expires_at(expires_at)).await;
    // Another program keeps all writers off, as a backup may.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let touch = Touch::new(now + Duration::from_mins(15), now + Duration::from_mins(30));
    let found = store.load(&key(0), Some(touch)).await.unwrap().unwrap();
    assert_eq!((&found.record.payload[..], found.record.expires_at), (&b"coat"[..], expires_at));
    let missed = store.capabilities().missed_touches.unwrap();
    assert_eq!((missed.take(), missed.take()), (Some(ErrorKind::Unavailable), None));
}

#[tokio::test]
async fn g08_a_version_of_a_write_that_a_crash_undid_is_not_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("sessions.db"), folder.path().join("copy.db"));
    let store = SqliteStore::open(&path).await.unwrap();
    let first = create(&store, 1, &Record::new("coat", Timestamp::NEVER)).await;
    drop(store); // and the log is in the file
    fs::copy(&path, &copy).unwrap();
    let hat = Record::new("hat", Timestamp::NEVER);
    let store = SqliteStore::open(&path).await.unwrap();
    let UpdateOutcome::Updated(lost) = store.update(&key(1), first, &hat).await.unwrap() else { panic!() };
    // A power failure that took the last write with it.
    let store = SqliteStore::open(&copy).await.unwrap();
    let UpdateOutcome::Updated(other) = store.update(&key(1), first, &hat).await.unwrap() else { panic!() };
    assert_ne!(lost, other);
    assert!(matches!(store.update(&key(1), lost, &hat).await.unwrap(), UpdateOutcome::Conflict(_)));
}

#[test]
fn g14_a_file_whose_name_begins_like_a_uri_is_a_private_file_of_that_name() {
    // In a process of its own, because names like these are relative.
    if let Some(folder) = std::env::var_os("CLOAKROOM_TEST_FOLDER") {
        std::env::set_current_dir(folder).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for name in ["file:sessions.db?mode=memory", "file:sessions.db"] {
                let store = SqliteStore::open(name).await.unwrap();
                create(&store, 1, &Record::new("coat", Timestamp::NEVER)).await;
                drop(store);
                assert!(SqliteStore::open(name).await.unwrap().load(&key(1), None).await.unwrap().is_some());
                assert_eq!(fs::metadata(name).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
            }
            assert!(!fs::exists("sessions.db").unwrap());
        });
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let name = "g14_a_file_whose_name_begins_like_a_uri_is_a_private_file_of_that_name";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", name]).env("CLOAKROOM_TEST_FOLDER", folder.path());
    let ran = child.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
}
