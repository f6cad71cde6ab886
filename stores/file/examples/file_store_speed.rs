//! Measures the file store on a disk of yours: `cargo run --release --example file_store_speed -- FOLDER`.
//!
//! `FOLDER updates 32` measures only these, so that two builds can take turns.

#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_file::FileStore;
use cloakroom_store::{
    CreateOutcome, Error, ErrorKind, Record, Store, StoreKey, Timestamp, UpdateOutcome, Version,
};

const SPAN: Duration = Duration::from_secs(4);
const WORKS: [(&str, Work); 4] =
    [("creates", Work::Create), ("updates", Work::Update), ("touches", Work::Touch), ("loads", Work::Load)];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1);
    let folder = given.next().map(PathBuf::from).ok_or("name a folder on the disk to measure")?;
    let (only, tasks) = (given.next(), given.next());
    let crowds = tasks.map_or(Ok(vec![1, 8, 32]), |tasks| tasks.parse().map(|tasks| vec![tasks]))?;
    let store = Arc::new(FileStore::open(folder).await?);
    for (what, work) in WORKS.into_iter().filter(|(what, _)| only.as_ref().is_none_or(|only| only == what)) {
        for &tasks in &crowds {
            println!(
                "{what:>8} of 1 KB, {tasks:>2} at once: {:>8.0} a second",
                measure(&store, work, tasks).await?
            );
        }
    }
    store.capabilities().scan.ok_or("cannot scan")?.clear().await?;
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
    store.delete(&key).await?;
    let CreateOutcome::Created(mut version) = store.create(&key, &record).await? else {
        return Err(Error::new(ErrorKind::Other, "another program uses the folder"));
    };
    let (start, mut done) = (Instant::now(), 0_u32);
    while start.elapsed() < SPAN {
        done += 1;
        match work {
            Work::Create => {
                let key = fresh_key(task, Timestamp::now().as_micros());
                let _created = store.create(&key, &record).await?;
            }
            Work::Update => version = update(&store, &key, version, &record).await?,
            Work::Touch => {
                let later = record.expires_at + Duration::from_micros(done.into());
                let _there = store.touch(&key, later).await?;
            }
            Work::Load => drop(store.load(&key, None).await?),
        }
    }
    Ok(done.into())
}

async fn update(
    store: &FileStore,
    key: &StoreKey,
    expected: Version,
    record: &Record,
) -> cloakroom_store::Result<Version> {
    match store.update(key, expected, record).await? {
        UpdateOutcome::Updated(next) => Ok(next),
        other => Err(Error::new(ErrorKind::Other, format!("another program uses the folder: {other:?}"))),
    }
}

fn fresh_key(task: u64, number: u64) -> StoreKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&task.to_be_bytes());
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    StoreKey::from_hash(bytes)
}
