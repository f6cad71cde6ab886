//! A disk that is full, and one that is read-only: real ones, small, in memory.
//!
//! Mounting takes root and Linux. The mount is made in a name space of a child process and goes away with it.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what helps a test may fail it")]

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use cloakroom_file::FileStore;
use cloakroom_store::{
    CreateOutcome, Error, ErrorKind, Owners, Record, Store, StoreKey, Timestamp, UpdateOutcome,
};

const FOLDER: &str = "CLOAKROOM_TEST_FOLDER";
/// How the shell says that it could not mount.
const NO_MOUNT: i32 = 77;
const MOUNT: &str = r#"mount -t tmpfs -o size=256k tmpfs "$1" || exit 77; exec "$2" --exact "$3" --ignored"#;

/// Runs the ignored test `name` where the folder is a disk of 256 KiB.
fn on_a_small_disk(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let ran = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", MOUNT, "sh"])
        .args([folder.path(), &env::current_exe().unwrap(), Path::new(name)])
        .env(FOLDER, folder.path())
        .output();
    // Not by a macro, whose words the test runner would keep to itself.
    let skip = |why: &str| {
        let mut loud = io::stderr().lock();
        writeln!(loud, "\n*** SKIPPED {name}: cannot mount a small disk: {why}").unwrap();
    };
    match ran {
        Err(error) => skip(&error.to_string()),
        Ok(ran) => {
            let said = String::from_utf8_lossy(&ran.stderr);
            if ran.status.code() == Some(NO_MOUNT) || said.starts_with("unshare:") {
                return skip(&said);
            }
            let out = String::from_utf8_lossy(&ran.stdout);
            assert!(ran.status.success() && out.contains("1 passed"), "{out}\n{said}");
        }
    }
}

fn folder() -> std::path::PathBuf {
    env::var_os(FOLDER).expect("started by another test").into()
}

fn key(number: usize) -> StoreKey {
    StoreKey::from_bytes(&number.to_be_bytes()).unwrap()
}

fn record(length: usize) -> Record {
    Record::new(vec![7; length], Timestamp::NEVER)
}

#[test]
fn a_full_disk_refuses_writes_and_keeps_what_is_there() {
    on_a_small_disk("full");
}

#[tokio::test]
#[ignore = "needs the small disk that another test makes"]
async fn full() {
    let store = FileStore::open(folder()).await.unwrap();
    let _created = store.create(&key(0), &record(1)).await.unwrap();
    let kept = store.load(&key(0), None).await.unwrap().unwrap();
    let (number, error) = fill(&store).await;
    assert_eq!((error.kind(), error.is_uncertain()), (ErrorKind::Full, false), "{error}");
    assert!(error.to_string().contains("full"), "{error}");

    assert_eq!(store.load(&key(number), None).await.unwrap(), None);
    let refused = store.update(&key(0), kept.version, &record(60_000)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Full);
    assert_eq!(store.load(&key(0), None).await.unwrap(), Some(kept.clone()));

    for shard in fs::read_dir(folder().join("records")).unwrap() {
        assert!(!shard.unwrap().path().join("next").exists(), "a refused write left its waste");
    }
    assert!(store.touch(&key(1), Timestamp::NEVER).await.unwrap());
    assert!(store.delete(&key(1)).await.unwrap().is_some());
    assert!(store.delete(&key(2)).await.unwrap().is_some());
    assert!(matches!(store.create(&key(1), &record(9_000)).await.unwrap(), CreateOutcome::Created(_)));
    let again = FileStore::open(folder()).await.unwrap();
    assert!(matches!(
        again.update(&key(0), kept.version, &record(2)).await.unwrap(),
        UpdateOutcome::Updated(_)
    ));
}

/// Creates records until one is refused.
async fn fill(store: &FileStore) -> (usize, Error) {
    for number in 1..1_000 {
        if let Err(error) = store.create(&key(number), &record(10_000)).await {
            return (number, error);
        }
    }
    panic!("the disk is never full");
}

#[test]
fn a_read_only_disk_is_read_and_says_what_to_do_about_writes() {
    on_a_small_disk("read_only");
}

#[tokio::test]
#[ignore = "needs the small disk that another test makes"]
async fn read_only() {
    let store = FileStore::open(folder()).await.unwrap();
    let CreateOutcome::Created(version) = store.create(&key(0), &record(1)).await.unwrap() else { panic!() };
    let remount = Command::new("mount").args(["-o", "remount,ro"]).arg(folder()).status().unwrap();
    assert!(remount.success());

    assert!(store.load(&key(0), None).await.unwrap().is_some());
    let owner = cloakroom_store::OwnerKey::new("alice").unwrap();
    let refusals = [
        store.create(&key(1), &record(1)).await.map(drop),
        store.update(&key(0), version, &record(1)).await.map(drop),
        store.touch(&key(0), Timestamp::NEVER).await.map(drop),
        store.delete(&key(0)).await.map(drop),
        store.revoke(&owner, Timestamp::now()).await.map(drop),
        FileStore::open(folder()).await.map(drop),
    ];
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup);
        assert!(error.to_string().contains("read-only"), "{error}");
    }
}
