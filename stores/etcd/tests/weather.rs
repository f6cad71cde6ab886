//! Faults that were found once on real servers, each with the number that it had then.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cloakroom_etcd::EtcdStore;
use cloakroom_services::{Instance, Service};
use cloakroom_store::{
    CreateOutcome, ErrorKind, Record, Scan, Store, StoreKey, Timestamp, Touch, UpdateOutcome, Version,
};

fn key(number: u8) -> StoreKey {
    StoreKey::from_hash([number; 32])
}

fn coat() -> Record {
    Record::new("coat", Timestamp::NEVER)
}

async fn create(store: &EtcdStore, number: u8, record: &Record) -> Version {
    match store.create(&key(number), record).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

async fn update(store: &EtcdStore, number: u8, expected: Version) -> Version {
    match store.update(&key(number), expected, &coat()).await.unwrap() {
        UpdateOutcome::Updated(version) => version,
        other => panic!("{other:?}"),
    }
}

/// Where a server keeps its data, as its command line says.
fn data_of(server: &mut Instance) -> PathBuf {
    let pid = server.servers()[0].pid().unwrap();
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    let mut words = line.split('\0');
    let folder = words.find_map(|word| match word.strip_prefix("--data-dir")? {
        "" => None,
        rest => rest.strip_prefix('=').map(PathBuf::from),
    });
    folder.unwrap_or_else(|| {
        let mut words = line.split('\0').skip_while(|word| *word != "--data-dir");
        words.nth(1).unwrap().into()
    })
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

#[tokio::test]
async fn g06_a_due_touch_that_cannot_be_written_answers_the_record_unmoved_and_is_counted() {
    // So small a quota that the space alarm is raised soon: from then on the server only reads.
    let server = Instance::start_with(Service::Etcd, &["--quota-backend-bytes=200000"]).unwrap();
    let store = EtcdStore::open(&server.url()).await.unwrap();
    let now = Timestamp::now();
    let record = coat().with_expires_at(now + Duration::from_mins(10));
    create(&store, 1, &record).await;
    let large = Record::new(vec![1; 100_000], Timestamp::NEVER);
    let mut number = 2;
    while store.create(&key(number), &large).await.is_ok() {
        number += 1;
    }
    let touch = Touch::new(now + Duration::from_mins(15), now + Duration::from_mins(30));
    assert_eq!(store.load(&key(1), Some(touch)).await.unwrap().unwrap().record, record);
    let missed = store.capabilities().missed_touches.unwrap();
    assert_eq!((missed.take(), missed.take()), (Some(ErrorKind::Full), None));
}

#[tokio::test]
async fn g10_stores_whose_prefixes_begin_alike_see_none_of_each_others_records() {
    // What could be the beginning of another prefix is refused.
    for prefix in ["sto", "/", "", "a/b/", "a/b", "/a"] {
        let error = EtcdStore::from_url("etcd://host").unwrap().prefix(prefix).build_lazy().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{prefix}");
    }
    let url = Service::Etcd.shared();
    let name = place::prefix();
    let name = name.trim_end_matches('/');
    let (short, long) = (format!("{name}/"), format!("{name}r/"));
    let short = EtcdStore::from_url(&url).unwrap().prefix(short).build().await.unwrap();
    let long = EtcdStore::from_url(&url).unwrap().prefix(long).build().await.unwrap();
    create(&long, 1, &coat()).await;
    assert_eq!((short.count().await.unwrap(), short.clear().await.unwrap()), (0, 0));
    short.drop_all().await.unwrap();
    assert_eq!(long.count().await.unwrap(), 1);
}

#[tokio::test]
async fn g14_what_was_remembered_before_a_restore_from_a_snapshot_is_not_trusted() {
    let mut server = Instance::start(Service::Etcd).unwrap();
    let (data, folder) = (data_of(&mut server), tempfile::tempdir().unwrap());
    let snapshot = folder.path().join("snapshot");
    let store = EtcdStore::open(&server.url()).await.unwrap();
    let first = create(&store, 1, &coat()).await;
    server.kill().unwrap();
    copy(&data, &snapshot);
    server.restart().unwrap();
    assert!(store.load(&key(1), None).await.unwrap().is_some());
    let lost = update(&store, 1, first).await;
    server.kill().unwrap();
    fs::remove_dir_all(&data).unwrap();
    copy(&snapshot, &data);
    server.restart().unwrap();
    // Another process writes: at the revision at which the lost write was made.
    let other = EtcdStore::open(&server.url()).await.unwrap();
    let kept = update(&other, 1, first).await;
    assert!(store.load(&key(2), None).await.unwrap().is_none());
    let answer = store.update(&key(1), lost, &coat()).await.unwrap();
    assert!(matches!(answer, UpdateOutcome::Conflict(there) if there.version == kept));
}
