//! Several processes on one file, and processes that are killed: each test starts itself again as its children.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::HashMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use cloakroom_sqlite::SqliteStore;
use cloakroom_store::{CreateOutcome, Record, Store, StoreKey, Timestamp, UpdateOutcome};

/// Names the database in the environment of a child.
const DATABASE: &str = "CLOAKROOM_SQLITE_TEST_DATABASE";

/// The database that this process shall work on, if it is a child.
fn task() -> Option<PathBuf> {
    env::var_os(DATABASE).map(PathBuf::from)
}

/// Starts the test `name` again as a child that works on `database`.
fn start(name: &str, database: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(DATABASE, database)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn key(number: u64) -> StoreKey {
    StoreKey::from_bytes(&number.to_be_bytes()).unwrap()
}

fn count(record: &Record) -> u64 {
    u64::from_be_bytes(record.payload[..8].try_into().unwrap())
}

/// A record that holds a count, in a kilobyte.
fn holding(count: u64) -> Record {
    let mut payload = vec![0; 1024];
    payload[..8].copy_from_slice(&count.to_be_bytes());
    Record::new(payload, Timestamp::NEVER)
}

async fn create(store: &SqliteStore, key: &StoreKey) {
    assert!(matches!(store.create(key, &holding(0)).await.unwrap(), CreateOutcome::Created(_)));
}

/// Adds one to the count, as often as others come in between.
async fn increment(store: &SqliteStore, key: &StoreKey) -> u64 {
    let stored = store.load(key, None).await.unwrap().unwrap();
    let (mut version, mut seen) = (stored.version, count(&stored.record));
    loop {
        match store.update(key, version, &holding(seen + 1)).await.unwrap() {
            UpdateOutcome::Updated(_) => return seen + 1,
            UpdateOutcome::Conflict(stored) => (version, seen) = (stored.version, count(&stored.record)),
            other => panic!("{other:?}"),
        }
    }
}

/// Runs `work` on eight tasks at once.
async fn at_once<F: Future<Output = ()> + Send + 'static>(
    store: &Arc<SqliteStore>,
    work: impl Fn(Arc<SqliteStore>, u64) -> F,
) {
    let tasks: Vec<_> = (0..8).map(|task| tokio::spawn(work(Arc::clone(store), task))).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c6_of_the_increments_of_three_processes_none_is_lost() {
    if let Some(database) = task() {
        let store = Arc::new(SqliteStore::open(database).await.unwrap());
        let work = |store: Arc<SqliteStore>, task: u64| async move {
            for _ in 0..25 {
                increment(&store, &key(task % 2)).await;
            }
        };
        return at_once(&store, work).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("sessions.db");
    let store = SqliteStore::open(&database).await.unwrap();
    create(&store, &key(0)).await;
    create(&store, &key(1)).await;
    let name = "c6_of_the_increments_of_three_processes_none_is_lost";
    let children: Vec<_> = (0..3).map(|_| start(name, &database)).collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    for number in [0, 1] {
        assert_eq!(count(&store.load(&key(number), None).await.unwrap().unwrap().record), 3 * 4 * 25);
    }
}

/// Increments for ever, and says after each answer what is acknowledged.
async fn increment_and_tell(store: Arc<SqliteStore>, task: u64) {
    create(&store, &key(task)).await;
    loop {
        let acknowledged = increment(&store, &key(task)).await;
        let told = format!("acknowledged {task} {acknowledged}\n");
        // In one write, so that no kill cuts a line.
        std::io::stdout().write_all(told.as_bytes()).unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_loses_no_acknowledged_write() {
    if let Some(database) = task() {
        let store = Arc::new(SqliteStore::open(database).await.unwrap());
        return at_once(&store, increment_and_tell).await;
    }
    // Ends at different moments, some of them during a checkpoint.
    for enough in [50, 333, 1500] {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("sessions.db");
        let acknowledged =
            kill_after(start("a_killed_process_loses_no_acknowledged_write", &database), enough);
        let store = SqliteStore::open(&database).await.unwrap();
        assert_eq!(acknowledged.len(), 8);
        for (task, last) in acknowledged {
            let kept = count(&store.load(&key(task), None).await.unwrap().unwrap().record);
            assert!(kept == last || kept == last + 1, "acknowledged {last}, kept {kept}");
        }
    }
}
