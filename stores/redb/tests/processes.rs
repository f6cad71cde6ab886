//! A second process on the file, and processes that are killed: each test starts itself again as its children.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::HashMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cloakroom_conformance::heads_of;
use cloakroom_redb::{Durability, RedbStore};
use cloakroom_store::{
    CreateOutcome, ErrorKind, Owner, OwnerKey, Owners, Record, Scan, Store, StoreKey, Timestamp,
    UpdateOutcome,
};

/// Names the file in the environment of a child.
const FILE: &str = "CLOAKROOM_REDB_TEST_FILE";

/// The file that this process shall work on, if it is a child.
fn task() -> Option<PathBuf> {
    env::var_os(FILE).map(PathBuf::from)
}

/// Starts the test `name` again as a child that works on `file`.
fn start(name: &str, file: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn key(number: u64) -> StoreKey {
    StoreKey::from_bytes(&number.to_be_bytes()).unwrap()
}

fn owner() -> OwnerKey {
    OwnerKey::new("alice").unwrap()
}

fn count(record: &Record) -> u64 {
    u64::from_be_bytes(record.payload[..8].try_into().unwrap())
}

/// A record that holds a count, in a kilobyte.
fn holding(count: u64) -> Record {
    let mut payload = vec![0; 1024];
    payload[..8].copy_from_slice(&count.to_be_bytes());
    let owner = Some(Owner::new(owner(), Timestamp::now()));
    Record::new(payload, Timestamp::NEVER).with_owner(owner)
}

/// Increments for ever, and says after each answer what is acknowledged.
async fn increment_and_tell(store: RedbStore, task: u64) {
    let CreateOutcome::Created(mut version) = store.create(&key(task), &holding(0)).await.unwrap() else {
        panic!()
    };
    for next in 1.. {
        let UpdateOutcome::Updated(new) = store.update(&key(task), version, &holding(next)).await.unwrap()
        else {
            panic!()
        };
        version = new;
        // In one write, so that no kill cuts a line.
        std::io::stdout().write_all(format!("acknowledged {task} {next}\n").as_bytes()).unwrap();
    }
}

/// Kills the child after so many acknowledgements; the last of each task.
fn kill_after(mut child: Child, enough: usize) -> HashMap<u64, u64> {
    let mut acknowledged = HashMap::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = lines.map(Result::unwrap).filter(|line| line.starts_with("acknowledged "));
    for (number, line) in told.enumerate() {
        let mut words = line.split(' ').skip(1).map(|word| word.parse().unwrap());
        acknowledged.insert(words.next().unwrap(), words.next().unwrap());
        if number == enough {
            child.kill().unwrap(); // SIGKILL; what it told before is still read
        }
    }
    assert!(!child.wait().unwrap().success());
    acknowledged
}

async fn killed(name: &str, durability: Durability) {
    if let Some(file) = task() {
        let store = RedbStore::builder(file).durability(durability).build().await.unwrap();
        let tasks: Vec<_> =
            (0..8).map(|task| tokio::spawn(increment_and_tell(store.clone(), task))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        return;
    }
    for enough in [20, 150, 600] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessions.redb");
        let acknowledged = kill_after(start(name, &file), enough);
        let store = RedbStore::open(&file).await.unwrap();
        for (task, last) in &acknowledged {
            let kept = count(&store.load(&key(*task), None).await.unwrap().unwrap().record);
            assert!(kept == *last || kept == last + 1, "acknowledged {last}, kept {kept}");
        }
        let records = store.count().await.unwrap();
        assert!(records >= acknowledged.len() as u64);
        assert_eq!(
            heads_of(&store, &owner()).await.unwrap().len() as u64,
            records,
            "the table of owners too"
        );
        assert_eq!(store.revoke(&owner(), Timestamp::NEVER).await.unwrap(), records);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_loses_no_acknowledged_write() {
    killed("a_killed_process_loses_no_acknowledged_write", Durability::Machine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_that_never_flushes_loses_no_acknowledged_write() {
    killed("a_killed_process_that_never_flushes_loses_no_acknowledged_write", Durability::Process).await;
}

#[tokio::test]
async fn a_second_process_gets_an_error_that_the_file_is_for_one() {
    if let Some(file) = task() {
        let error = RedbStore::open(file).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup);
        assert!(error.to_string().contains("another process"), "{error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.redb");
    let store = RedbStore::open(&file).await.unwrap();
    let child = start("a_second_process_gets_an_error_that_the_file_is_for_one", &file);
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(RedbStore::open(&file).await.unwrap_err().kind(), ErrorKind::Setup);
    drop(store);
    assert!(RedbStore::open(&file).await.is_ok());
}
