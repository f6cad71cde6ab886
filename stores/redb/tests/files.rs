//! Files that are not as they should be: foreign, newer, damaged, in the wrong place.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use cloakroom_redb::RedbStore;
use cloakroom_redb::redb::{Database, TableDefinition};
use cloakroom_store::{CreateOutcome, Error, ErrorKind, Record, Scan, Store, StoreKey, Timestamp, Version};
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

async fn create(store: &RedbStore, key: &StoreKey, record: &Record) -> Version {
    match store.create(key, record).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

async fn refusal(path: impl AsRef<Path>) -> Error {
    RedbStore::open(path.as_ref()).await.unwrap_err()
}

#[tokio::test]
async fn a_missing_folder_is_a_matter_of_setup() {
    let error = refusal(folder().path().join("missing").join("sessions.redb")).await;
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(error.to_string().contains("folder"), "{error}");
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_is_a_matter_of_setup() {
    assert_eq!(refusal(folder().path()).await.kind(), ErrorKind::Setup);
}

#[tokio::test]
async fn a_path_that_names_no_file_is_invalid() {
    assert_eq!(refusal("").await.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_database_of_another_application_is_refused_and_its_tables_left_alone() {
    const SHOP: TableDefinition<'_, &str, u64> = TableDefinition::new("shop");
    let folder = folder();
    let path = folder.path().join("shop.redb");
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(SHOP).unwrap().insert("coats", 7).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(error.to_string().contains("file of their own"), "{error}");
    let transaction = Database::create(&path).unwrap().begin_write().unwrap();
    assert_eq!(transaction.list_tables().unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("cloakroom");
    let folder = folder();
    let path = folder.path().join("sessions.redb");
    drop(RedbStore::open(&path).await.unwrap());
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(ABOUT).unwrap().insert("format", 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(error.to_string().contains("newer"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_corrupt_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("sessions.redb");
    let text = "a letter, and certainly no database. ".repeat(100);
    fs::write(&path, &text).unwrap();
    assert_eq!(refusal(&path).await.kind(), ErrorKind::Corrupt);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

/// A file of a few hundred pages, closed.
async fn filled(path: &Path) {
    let store = RedbStore::open(path).await.unwrap();
    for number in 0..200 {
        create(&store, &key(number), &record(&[7; 3000])).await;
    }
}

#[tokio::test]
async fn a_truncated_file_is_corrupt() {
    let folder = folder();
    let path = folder.path().join("sessions.redb");
    filled(&path).await;
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(40 * 4096).unwrap();
    let failure = match RedbStore::open(&path).await {
        Err(error) => error,
        Ok(store) => store.load(&key(199), None).await.unwrap_err(),
    };
    assert_eq!(failure.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_damaged_file_is_corrupt_never_a_missing_record() {
    let folder = folder();
    let path = folder.path().join("sessions.redb");
    filled(&path).await;
    let length = fs::metadata(&path).unwrap().len();
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(2 * 4096)).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(length).unwrap() - 2 * 4096]).unwrap();
    drop(file);
    let store = match RedbStore::open(&path).await {
        Ok(store) => store,
        Err(error) => return assert_eq!(error.kind(), ErrorKind::Corrupt),
    };
    for number in 0..200 {
        assert_eq!(store.load(&key(number), None).await.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[tokio::test]
async fn a_payload_over_the_limit_is_too_large_and_the_old_record_stays() {
    let folder = folder();
    let builder = RedbStore::builder(folder.path().join("sessions.redb")).max_payload_bytes(10);
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
async fn only_the_owner_of_the_file_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = folder.path().join("sessions.redb");
    let store = RedbStore::open(&path).await.unwrap();
    create(&store, &key(1), &record(b"coat")).await;
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}
