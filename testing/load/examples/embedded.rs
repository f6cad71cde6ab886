//! Measures an embedded store: `cargo run --release -p cloakroom-load --example embedded -- sqlite|redb [folder] [runs]`.
//!
//! Each of so many tasks replaces sessions of 1 KB, one after the other, out of 10,000, and waits for each answer.
//! The limit, measured in the same seconds, is a file to which one thread appends as many KB at once, and flushes it.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a person to read")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_redb::RedbStore;
use cloakroom_sqlite::SqliteStore;
use cloakroom_store::{CreateOutcome, Record, Store, StoreKey, Timestamp, UpdateOutcome, Version};

const SESSIONS: u64 = 10_000;
const SPAN: Duration = Duration::from_secs(2);

/// What an acknowledged write survives; both stores say it in the same words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    Machine,
    Process,
}

/// A session and the version that it has.
type Session = (StoreKey, Version);

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let store = arguments.next().expect("the name of a store: sqlite or redb");
    let folder = arguments.next().unwrap_or_else(|| "target".into());
    let runs: usize = arguments.next().map_or(5, |runs| runs.parse().unwrap());
    println!("of {runs} runs, the one with the median ratio of limit to writes");
    println!(
        "{:10} {:>7} {:>12} {:>9} {:>9} {:>12}",
        "durability", "tasks", "writes/s", "p50", "p99", "loads/s"
    );
    for durability in [Durability::Machine, Durability::Process] {
        for tasks in [1, 8, 32, 128] {
            let mut measured = Vec::new();
            for _ in 0..runs {
                measured.push(run(&store, Path::new(&folder), durability, tasks).await);
            }
            measured.sort_by(|one, other| one.ratio().total_cmp(&other.ratio()));
            let figures = &measured[runs / 2];
            let Figures { writes, limit, p50, p99, loads } = figures;
            print!("{durability:10?} {tasks:6} {writes:10.0} {p50:9.1?} {p99:9.1?} {loads:10.0}");
            println!(" {limit:10.0} {:10.2}", figures.ratio());
        }
    }
}

struct Figures {
    writes: f64,
    limit: f64,
    p50: Duration,
    p99: Duration,
    loads: f64,
}

impl Figures {
    fn ratio(&self) -> f64 {
        self.limit / self.writes
    }
}

async fn run(store: &str, folder: &Path, durability: Durability, tasks: u64) -> Figures {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let store = open(store, folder.path(), durability).await;
    let shares = create(&store, tasks).await;
    let before = append(folder.path(), durability, tasks);
    let working = shares.iter().map(|share| tokio::spawn(write(Arc::clone(&store), share.clone())));
    let mut latencies = gather(working.collect()).await;
    let limit = f64::midpoint(before, append(folder.path(), durability, tasks));
    latencies.sort();
    let writes = rate(latencies.len());
    let working = shares.into_iter().map(|share| tokio::spawn(load(Arc::clone(&store), share)));
    let loads = rate(gather(working.collect()).await.len());
    Figures {
        writes,
        limit,
        p50: latencies[latencies.len() / 2],
        p99: latencies[latencies.len() * 99 / 100],
        loads,
    }
}

async fn open(store: &str, folder: &Path, durability: Durability) -> Arc<dyn Store> {
    let path = folder.join("sessions");
    match store {
        "sqlite" => {
            let durability = match durability {
                Durability::Machine => cloakroom_sqlite::Durability::Machine,
                Durability::Process => cloakroom_sqlite::Durability::Process,
            };
            Arc::new(SqliteStore::builder(path).durability(durability).build().await.unwrap())
        }
        "redb" => {
            let durability = match durability {
                Durability::Machine => cloakroom_redb::Durability::Machine,
                Durability::Process => cloakroom_redb::Durability::Process,
            };
            Arc::new(RedbStore::builder(path).durability(durability).build().await.unwrap())
        }
        other => panic!("{other} is neither sqlite nor redb"),
    }
}

/// How many KB a second one thread can append, `group` at once.
fn append(folder: &Path, durability: Durability, group: u64) -> f64 {
    if durability != Durability::Machine {
        return f64::NAN;
    }
    let mut file = std::fs::File::create(folder.join("log")).unwrap();
    let bytes = vec![7; 1024 * usize::try_from(group).unwrap()];
    let (mut appended, begin) = (0, Instant::now());
    while begin.elapsed() < SPAN / 2 {
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
        appended += usize::try_from(group).unwrap();
    }
    rate(appended) * 2.0
}

/// Creates all sessions, and deals them out to the tasks.
async fn create(store: &Arc<dyn Store>, tasks: u64) -> Vec<Vec<Session>> {
    let created = (0..SESSIONS).map(|number| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let key = key(number);
            let CreateOutcome::Created(version) = store.create(&key, &record()).await.unwrap() else {
                panic!()
            };
            (key, version)
        })
    });
    let mut shares = vec![Vec::new(); usize::try_from(tasks).unwrap()];
    for (number, session) in created.collect::<Vec<_>>().into_iter().enumerate() {
        let share = number % shares.len();
        shares[share].push(session.await.unwrap());
    }
    shares
}

async fn write(store: Arc<dyn Store>, mut sessions: Vec<Session>) -> Vec<Duration> {
    let mut latencies = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < SPAN {
        let next = latencies.len() % sessions.len();
        let (key, version) = &mut sessions[next];
        let asked = Instant::now();
        let UpdateOutcome::Updated(new) = store.update(key, *version, &record()).await.unwrap() else {
            panic!()
        };
        latencies.push(asked.elapsed());
        *version = new;
    }
    latencies
}

async fn load(store: Arc<dyn Store>, sessions: Vec<Session>) -> Vec<Duration> {
    let mut latencies = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < SPAN {
        let (key, _) = &sessions[latencies.len() % sessions.len()];
        let asked = Instant::now();
        let stored = store.load(key, None).await.unwrap().unwrap();
        latencies.push(asked.elapsed());
        assert_eq!(stored.record.payload.len(), 1024);
    }
    latencies
}

async fn gather(tasks: Vec<tokio::task::JoinHandle<Vec<Duration>>>) -> Vec<Duration> {
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all
}

#[expect(clippy::cast_precision_loss, reason = "a count of thousands")]
fn rate(count: usize) -> f64 {
    count as f64 / SPAN.as_secs_f64()
}

fn record() -> Record {
    Record::new(vec![7; 1024], Timestamp::now() + Duration::from_secs(1800))
}

/// Scatters, as a hash does.
fn key(number: u64) -> StoreKey {
    let mut key = [0; 32];
    let mut state = number;
    for part in key.chunks_mut(8) {
        state =
            (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_add(0x9e37_79b9_7f4a_7c15);
        part.copy_from_slice(&(state ^ (state >> 32)).to_be_bytes());
    }
    StoreKey::from_hash(key)
}
