//! Measures the file store on a disk of yours: `cargo run --release --example file_store_speed -- FOLDER`.

#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom::stores::FileStore;
use cloakroom_store::{Created, Record, Store, StoreKey, Timestamp, Updated};

const SPAN: Duration = Duration::from_secs(4);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder =
        std::env::args_os().nth(1).map(PathBuf::from).ok_or("name a folder on the disk to measure")?;
    let store = Arc::new(FileStore::open(folder).await?);
    for (what, work) in [
        ("creates", Work::Create),
        ("updates", Work::Update),
        ("touches", Work::Touch),
        ("loads", Work::Load),
    ] {
        for tasks in [1, 32] {
            println!(
                "{what:>8} of 1 KB, {tasks:>2} at once: {:>8.0} a second",
                measure(&store, work, tasks).await?
            );
        }
    }
    store.abilities().scan.ok_or("cannot scan")?.clear().await?;
    Ok(())
}

#[derive(Clone, Copy)]
enum Work {
    Create,
    Update,
    Touch,
    Load,
}

/// How often a second `tasks` tasks together do the work, each on records of its own.
async fn measure(store: &Arc<FileStore>, work: Work, tasks: u64) -> Result<f64, Box<dyn std::error::Error>> {
    let running: Vec<_> =
        (0..tasks).map(|task| tokio::spawn(repeat(Arc::clone(store), work, task))).collect();
    let mut done = 0.0;
    for task in running {
        done += task.await??;
    }
    Ok(done / SPAN.as_secs_f64())
}

async fn repeat(store: Arc<FileStore>, work: Work, task: u64) -> cloakroom_store::Result<f64> {
    let record = Record::new(vec![7; 1_024], Timestamp::NEVER - Duration::from_secs(1_000_000));
    let key = fresh_key(task, 0);
    let mut version = match store.create(&key, &record).await? {
        Created::Created(version) => Some(version),
        _ => store.load(&key, None).await?.map(|stored| stored.version),
    };
    let (start, mut done) = (Instant::now(), 0_u32);
    while start.elapsed() < SPAN {
        done += 1;
        match (work, version) {
            (Work::Create, _) => {
                drop(store.create(&fresh_key(task, Timestamp::now().as_micros()), &record).await?)
            }
            (Work::Load, _) => drop(store.load(&key, None).await?),
            (Work::Touch, _) => {
                drop(store.touch(&key, record.expires_at + Duration::from_micros(done.into())).await?)
            }
            (Work::Update, Some(expected)) => match store.update(&key, expected, &record).await? {
                Updated::Updated(next) => version = Some(next),
                Updated::Conflict(other) => version = Some(other.version),
                _ => version = None,
            },
            (Work::Update, None) => break,
        }
    }
    Ok(done.into())
}

fn fresh_key(task: u64, number: u64) -> StoreKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&task.to_be_bytes());
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    StoreKey::from_hash(bytes)
}
