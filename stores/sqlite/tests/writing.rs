//! How the store writes: in groups, in the order asked, whether or not a caller still waits; and what a sweep leaves to do.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use cloakroom_sqlite::rusqlite::Connection;
use cloakroom_sqlite::{Durability, SqliteStore};
use cloakroom_store::{
    Clock, CreateOutcome, ManualClock, Owner, OwnerKey, Owners, Record, Store, StoreKey, Sweep, SweepStats,
    Timestamp, UpdateOutcome,
};

const MINUTE: Duration = Duration::from_secs(60);

fn key(number: u32) -> StoreKey {
    StoreKey::from_bytes(&number.to_be_bytes()).unwrap()
}

fn record() -> Record {
    Record::new("coat", Timestamp::NEVER)
}

/// How many transactions are in the log beside the database: frames that name the size after a commit.
fn commits(database: &Path) -> usize {
    let log = std::fs::read(database.with_extension("db-wal")).unwrap();
    let frames = log[32..].chunks_exact(24 + 4096);
    frames.filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_committed_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let store = Arc::new(SqliteStore::open(&path).await.unwrap());
    let before = commits(&path);

    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut creates: Vec<_> = (0..100)
        .map(|number| {
            let store = Arc::clone(&store);
            Box::pin(async move { store.create(&key(number), &record()).await })
        })
        .collect();
    for create in &mut creates {
        assert!(create.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    other.execute_batch("ROLLBACK").unwrap();
    for create in creates {
        assert!(matches!(create.await.unwrap(), CreateOutcome::Created(_)));
    }
    assert_eq!(commits(&path) - before, 1);
}

#[tokio::test]
async fn a_write_whose_future_is_dropped_is_done_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    {
        let (key, record) = (key(1), record());
        let create = pin!(store.create(&key, &record));
        assert!(create.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.create(&key(1), &record()).await.unwrap(), CreateOutcome::AlreadyExists);
}

#[tokio::test]
async fn dropping_the_store_does_what_was_asked_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let store = SqliteStore::open(&path).await.unwrap();
    for number in 0..100 {
        let (key, record) = (key(number), record());
        let create = pin!(store.create(&key, &record));
        let _ready_or_not = create.poll(&mut Context::from_waker(Waker::noop()));
    }
    drop(store);
    let kept: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM cloakroom_records", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 100);
}

/// A store, its clock, and a connection to look behind it.
struct Watched {
    store: SqliteStore,
    clock: ManualClock,
    behind: Connection,
    _folder: tempfile::TempDir,
}

impl Watched {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions.db");
        let clock = ManualClock::at(Timestamp::now());
        let builder = SqliteStore::builder(&path).clock(clock.clone());
        let store = builder.durability(Durability::Process).build().await.unwrap();
        Self { store, clock, behind: Connection::open(path).unwrap(), _folder: folder }
    }

    fn number(&self, sql: &str) -> i64 {
        self.behind.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    async fn create(&self, number: u32, lives: Duration) {
        let record = Record::new("coat", self.clock.now() + lives);
        assert!(matches!(self.store.create(&key(number), &record).await.unwrap(), CreateOutcome::Created(_)));
    }
}

#[tokio::test]
async fn a_record_that_was_touched_is_looked_at_once_and_swept_at_its_new_expiry() {
    let watched = Watched::open().await;
    let Watched { store, clock, .. } = &watched;
    watched.create(1, MINUTE).await;
    assert!(store.touch(&key(1), clock.now() + 3 * MINUTE).await.unwrap());
    clock.advance(2 * MINUTE);
    let nothing = SweepStats::NOTHING;
    assert_eq!(store.sweep(10).await.unwrap(), nothing);
    assert_eq!(watched.number("SELECT due_at = expires_at FROM cloakroom_records"), 1);
    clock.advance(MINUTE);
    assert_eq!(store.sweep(10).await.unwrap(), SweepStats::new(1, 1, false));
}

#[tokio::test]
async fn an_update_that_shortens_a_record_is_swept_at_its_new_expiry() {
    let watched = Watched::open().await;
    let Watched { store, clock, .. } = &watched;
    watched.create(1, 60 * MINUTE).await;
    let version = store.load(&key(1), None).await.unwrap().unwrap().version;
    let shorter = Record::new("coat", clock.now() + MINUTE);
    assert!(matches!(store.update(&key(1), version, &shorter).await.unwrap(), UpdateOutcome::Updated(_)));
    clock.advance(MINUTE);
    assert_eq!(store.sweep(10).await.unwrap(), SweepStats::new(1, 1, false));
}

#[tokio::test]
async fn a_sweep_gets_past_any_number_of_live_records_that_are_due() {
    let watched = Watched::open().await;
    let Watched { store, clock, .. } = &watched;
    for number in 0..1000 {
        watched.create(number, MINUTE).await;
        assert!(store.touch(&key(number), clock.now() + 60 * MINUTE).await.unwrap());
    }
    for number in 1000..1600 {
        watched.create(number, 2 * MINUTE).await;
    }
    clock.advance(2 * MINUTE);
    assert_eq!(store.sweep(599).await.unwrap(), SweepStats::new(599, 599, true));
    assert_eq!(store.sweep(1).await.unwrap(), SweepStats::new(1, 1, false));
    assert_eq!(watched.number("SELECT count(*) FROM cloakroom_records"), 1000);
}

#[tokio::test]
async fn a_sweep_forgets_revocations_after_a_day() {
    let watched = Watched::open().await;
    let Watched { store, clock, .. } = &watched;
    let owner = OwnerKey::new("alice").unwrap();
    let since = clock.now();
    store.revoke(&owner, since).await.unwrap();
    clock.advance((24 * 60 - 1) * MINUTE);
    store.sweep(0).await.unwrap();
    let mut record = record();
    record.owner = Some(Owner::new(owner, since));
    assert_eq!(store.create(&key(1), &record).await.unwrap(), CreateOutcome::Revoked);
    clock.advance(MINUTE);
    store.sweep(0).await.unwrap();
    assert_eq!(watched.number("SELECT count(*) FROM cloakroom_revocations"), 0);
}
