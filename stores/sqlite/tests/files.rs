//! Files that are not as they should be: foreign, newer, damaged, locked, in the wrong place.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::error::Error as _;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use cloakroom_sqlite::SqliteStore;
use cloakroom_sqlite::rusqlite::Connection;
use cloakroom_store::{
    CreateOutcome, Error, ErrorKind, Record, Scan, Store, StoreKey, Sweep, Timestamp, UpdateOutcome, Version,
};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn key(number: u32) -> StoreKey {
    StoreKey::from_bytes(&number.to_be_bytes()).unwrap()
}

fn record(payload: &[u8]) -> Record {
    Record::new(payload.to_vec(), Timestamp::NEVER)
}

async fn create(store: &SqliteStore, key: &StoreKey, record: &Record) -> Version {
    match store.create(key, record).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

async fn refusal(path: impl AsRef<Path>) -> Error {
    SqliteStore::open(path.as_ref()).await.unwrap_err()
}

fn execute(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_missing_folder_is_a_matter_of_setup() {
    let error = refusal(folder().path().join("missing").join("sessions.db")).await;
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(error.to_string().contains("folder"), "{error}");
    assert!(error.source().is_some());
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_is_a_matter_of_setup() {
    assert_eq!(refusal(folder().path()).await.kind(), ErrorKind::Setup);
}

#[tokio::test]
async fn a_path_that_names_no_file_is_invalid() {
    for path in ["", ":memory:"] {
        assert_eq!(refusal(path).await.kind(), ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn a_database_of_another_application_is_refused_and_left_alone() {
    let folder = folder();
    for (name, sql) in [
        ("tables", "CREATE TABLE shop (id INTEGER)"),
        ("namesake", "CREATE TABLE cloakroom_records (id INTEGER)"),
        ("marked", "PRAGMA application_id = 7"),
        ("versioned", "PRAGMA user_version = 7"),
    ] {
        let path = folder.path().join(name);
        execute(&path, sql);
        let before = fs::read(&path).unwrap();
        let error = refusal(&path).await;
        assert_eq!(error.kind(), ErrorKind::Setup, "{name}");
        assert!(error.to_string().contains("file of their own"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before, "{name}");
    }
}

#[tokio::test]
async fn a_table_of_ours_that_was_changed_is_a_setup_error() {
    for sql in [
        "ALTER TABLE cloakroom_records DROP COLUMN sliding",
        "DROP INDEX cloakroom_records_due",
        "DROP INDEX cloakroom_records_owner",
        "DROP TABLE cloakroom_revocations",
        "DROP TABLE cloakroom_records; CREATE TABLE cloakroom_records (key BLOB)",
    ] {
        let folder = folder();
        let path = folder.path().join("sessions.db");
        drop(SqliteStore::open(&path).await.unwrap());
        execute(&path, sql);
        let error = refusal(&path).await;
        assert_eq!(error.kind(), ErrorKind::Setup, "{sql}");
        assert!(error.to_string().contains("prefix"), "{error}");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let folder = folder();
    let path = folder.path().join("sessions.db");
    drop(SqliteStore::open(&path).await.unwrap());
    execute(&path, "PRAGMA user_version = 2");
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(error.to_string().contains("newer"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_corrupt_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("sessions.db");
    let text = "a letter, and certainly no database. ".repeat(100);
    fs::write(&path, &text).unwrap();
    assert_eq!(refusal(&path).await.kind(), ErrorKind::Corrupt);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

/// A database of a few hundred pages, closed.
async fn filled(path: &Path) {
    let store = SqliteStore::open(path).await.unwrap();
    for number in 0..300 {
        create(&store, &key(number), &record(&[7; 3000])).await;
    }
}

#[tokio::test]
async fn a_truncated_database_is_corrupt() {
    let folder = folder();
    let path = folder.path().join("sessions.db");
    filled(&path).await;
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(100 * 4096).unwrap();
    let failure = match SqliteStore::open(&path).await {
        Err(error) => error,
        Ok(store) => store.load(&key(299), None).await.unwrap_err(),
    };
    assert_eq!(failure.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_damaged_page_is_corrupt_never_a_missing_record() {
    let folder = folder();
    let path = folder.path().join("sessions.db");
    filled(&path).await;
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(2 * 4096)).unwrap();
    file.write_all(&vec![0xa5; 200 * 4096]).unwrap();
    drop(file);
    let store = SqliteStore::open(&path).await.unwrap();
    let mut failures = 0;
    for number in 0..300 {
        match store.load(&key(number), None).await {
            Ok(stored) => assert_eq!(stored.unwrap().record, record(&[7; 3000])),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                failures += 1;
            }
        }
    }
    assert!(failures > 100, "only {failures} records were on damaged pages");
}

#[tokio::test]
async fn a_row_that_we_never_wrote_is_corrupt() {
    let folder = folder();
    let path = folder.path().join("sessions.db");
    let store = SqliteStore::open(&path).await.unwrap();
    create(&store, &key(1), &record(b"coat")).await;
    execute(&path, "UPDATE cloakroom_records SET owner = zeroblob(300), owner_since = -1");
    assert_eq!(store.load(&key(1), None).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_lock_held_for_too_long_is_unavailable_for_writes_and_nothing_for_loads() {
    let folder = folder();
    let path = folder.path().join("sessions.db");
    let store = SqliteStore::builder(&path).busy_timeout(Duration::from_millis(30)).build().await.unwrap();
    let version = create(&store, &key(1), &record(b"coat")).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let error = store.update(&key(1), version, &record(b"hat")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(store.sweep(1).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(store.load(&key(1), None).await.unwrap().unwrap().record, record(b"coat"));

    other.execute_batch("ROLLBACK").unwrap();
    assert!(matches!(
        store.update(&key(1), version, &record(b"hat")).await.unwrap(),
        UpdateOutcome::Updated(_)
    ));
}

#[tokio::test]
async fn a_payload_over_the_limit_is_too_large_and_the_old_record_stays() {
    let folder = folder();
    let builder = SqliteStore::builder(folder.path().join("sessions.db")).max_payload_bytes(10);
    let store = builder.build().await.unwrap();
    let version = create(&store, &key(1), &record(&[1; 10])).await;
    let large = record(&[2; 11]);
    assert_eq!(store.update(&key(1), version, &large).await.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(store.create(&key(2), &large).await.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(store.load(&key(1), None).await.unwrap().unwrap().record, record(&[1; 10]));
    assert_eq!(store.count().await.unwrap(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_of_the_files_can_read_them() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let store = SqliteStore::open(folder.path().join("sessions.db")).await.unwrap();
    create(&store, &key(1), &record(b"coat")).await;
    let mut files = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        files += 1;
    }
    assert_eq!(files, 3, "the database, its log, and its shared memory");
}

#[tokio::test]
async fn dropping_the_last_store_brings_the_log_into_the_database() {
    let folder = folder();
    let path = folder.path().join("sessions.db");
    let store = SqliteStore::open(&path).await.unwrap();
    create(&store, &key(1), &record(b"coat")).await;
    drop(store);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["sessions.db"]);
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.load(&key(1), None).await.unwrap().unwrap().record, record(b"coat"));
}

#[tokio::test]
async fn stores_that_open_a_new_file_at_once_share_it() {
    let folder = folder();
    let path = folder.path().join("sessions.db");
    let opened: Vec<_> = (0..8).map(|_| tokio::spawn(SqliteStore::open(path.clone()))).collect();
    for (number, store) in (0..).zip(opened) {
        create(&store.await.unwrap().unwrap(), &key(number), &record(b"coat")).await;
    }
    assert_eq!(SqliteStore::open(&path).await.unwrap().count().await.unwrap(), 8);
}

/// Opens a store with a record in it, does `what` to its file, and returns the store.
#[cfg(unix)]
async fn lost(folder: &TempDir, what: impl FnOnce(&Path)) -> SqliteStore {
    let path = folder.path().join("sessions.db");
    let store = SqliteStore::open(&path).await.unwrap();
    create(&store, &key(1), &record(b"coat")).await;
    what(&path);
    store
}

/// No operation may answer as if all were well.
#[cfg(unix)]
async fn assert_lost(store: &SqliteStore) {
    let create = store.create(&key(2), &record(b"hat")).await.unwrap_err();
    let load = store.load(&key(1), None).await.unwrap_err();
    let touch = store.touch(&key(1), Timestamp::NEVER).await.unwrap_err();
    let delete = store.delete(&key(1)).await.unwrap_err();
    let count = store.count().await.unwrap_err();
    for error in [create, load, touch, delete, count] {
        assert_eq!(error.kind(), ErrorKind::Setup, "{error}");
        assert!(error.to_string().contains("deleted, moved or replaced"), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_deleted_under_the_store_is_noticed() {
    let folder = folder();
    let store = lost(&folder, |path| fs::remove_file(path).unwrap()).await;
    assert_lost(&store).await;
    let whole = self::folder();
    let store = lost(&whole, |_| fs::remove_dir_all(whole.path()).unwrap()).await;
    assert_lost(&store).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_another_process_made_anew_is_noticed_by_those_who_have_the_old_one() {
    let folder = folder();
    let old = lost(&folder, |path| fs::remove_file(path).unwrap()).await;
    let new = SqliteStore::open(folder.path().join("sessions.db")).await.unwrap();
    create(&new, &key(1), &record(b"umbrella")).await;
    assert_lost(&old).await;
    assert!(new.load(&key(1), None).await.unwrap().is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_put_back_is_used_again() {
    let folder = folder();
    let aside = folder.path().join("aside");
    let store = lost(&folder, |path| fs::rename(path, &aside).unwrap()).await;
    assert_lost(&store).await;
    fs::rename(&aside, folder.path().join("sessions.db")).unwrap();
    assert!(store.load(&key(1), None).await.unwrap().is_some());
}
