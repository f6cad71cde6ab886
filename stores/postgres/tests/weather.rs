//! Faults that were found once on real servers, each with the number that it had then.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cloakroom_postgres::PostgresStore;
use cloakroom_postgres::sqlx::postgres::PgPoolOptions;
use cloakroom_postgres::sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, raw_sql};
use cloakroom_store::{ErrorKind, Store, Sweep, Timestamp, Touch, UpdateOutcome};
use support::{Tables, created, held, holding, key, number, run, unused, url};

const MOST: u32 = 3;

/// The shared server's URL, of connections with this name.
fn named(name: &str) -> String {
    format!("{}&application_name={name}", url())
}

/// How many of the server's connections have this name, and how many of those are at work.
async fn backends(name: &str) -> (i64, i64) {
    let of = format!("FROM pg_stat_activity WHERE application_name = '{name}'");
    let all = number(&url(), format!("SELECT count(*) {of}")).await;
    (all, number(&url(), format!("SELECT count(*) {of} AND state = 'active'")).await)
}

/// A connection that keeps all others off a table.
async fn locking(prefix: &str) -> PgConnection {
    let mut connection = PgConnection::connect(&url()).await.unwrap();
    let lock = format!("BEGIN; LOCK TABLE {prefix}records IN ACCESS EXCLUSIVE MODE");
    connection.execute(raw_sql(AssertSqlSafe(lock))).await.unwrap();
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_requests_that_are_given_up_hold_no_more_connections_than_the_pool_has() {
    let tables = Tables::make().await;
    let name = unused("given_up");
    let builder = tables.name(PostgresStore::from_url(&named(&name)).unwrap());
    let builder = builder.connections(NonZeroU32::new(MOST).unwrap());
    let store = builder.connect_timeout(Duration::from_millis(100)).build().await.unwrap();
    let lock = locking(&tables.prefix).await;
    let wanted = key(1);
    for _ in 0..5 * MOST {
        let given_up = tokio::time::timeout(Duration::from_millis(50), store.load(&wanted, None)).await;
        assert!(!matches!(given_up, Ok(Ok(_))));
    }
    let (all, _) = backends(&name).await;
    assert!(all <= i64::from(MOST), "{all} connections of a pool of {MOST}");
    lock.close().await.unwrap();
    // The same connections serve again as soon as they can.
    let patience = Instant::now() + Duration::from_secs(20);
    while let Err(error) = store.load(&key(1), None).await {
        assert!(error.kind() == ErrorKind::Unavailable && Instant::now() < patience, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_a_statement_that_was_given_up_ends_in_the_server() {
    let tables = Tables::make().await;
    let name = unused("ends");
    let builder = tables.name(PostgresStore::from_url(&named(&name)).unwrap());
    let store = Arc::new(builder.request_timeout(Duration::from_millis(300)).build().await.unwrap());
    let lock = locking(&tables.prefix).await;
    let wanted = key(1);
    assert!(tokio::time::timeout(Duration::from_millis(50), store.load(&wanted, None)).await.is_err());
    let patience = Instant::now() + Duration::from_secs(10);
    while backends(&name).await.1 > 0 {
        assert!(Instant::now() < patience, "it is still at work in the server");
    }
    lock.close().await.unwrap();
    assert!(store.load(&key(1), None).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_has_closed_are_replaced_and_at_most_one_write_notices() {
    let tables = Tables::make().await;
    let name = unused("closed");
    let builder = tables.name(PostgresStore::from_url(&named(&name)).unwrap());
    let store = Arc::new(builder.connections(NonZeroU32::new(MOST).unwrap()).build().await.unwrap());
    let reads = |numbers: std::ops::Range<u32>| {
        let reading = numbers.map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.load(&key(1), None).await })
        });
        reading.collect::<Vec<_>>()
    };
    let end = format!(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = '{name}'"
    );
    for read in reads(0..50) {
        assert!(read.await.unwrap().unwrap().is_none());
    }
    assert!(number(&url(), end.clone()).await >= 1);
    for read in reads(0..50) {
        assert!(read.await.unwrap().unwrap().is_none());
    }
    assert!(number(&url(), end).await >= 1);
    if let Err(error) = store.create(&key(1), &holding(1)).await {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        created(store.create(&key(2), &holding(1)).await.unwrap());
    }
}

#[tokio::test]
async fn g01_a_shorter_limit_of_the_users_own_is_fine_and_so_is_an_unlimited_server() {
    let tables = Tables::make().await;
    let slow = format!("{}%20-c%20statement_timeout%3D1234", url());
    // A shorter limit of the user's own stays.
    let store = tables.name(PostgresStore::from_url(&slow).unwrap()).build().await.unwrap();
    assert!(store.load(&key(1), None).await.unwrap().is_none());
    let untold = tables.builder().limits_in_server(false).build().await.unwrap();
    assert!(untold.load(&key(1), None).await.unwrap().is_none());
}

#[tokio::test]
async fn g06_a_due_touch_that_cannot_be_written_answers_the_record_unmoved_and_is_counted() {
    let tables = Tables::make().await;
    let now = Timestamp::now();
    let expires_at = now + Duration::from_mins(10);
    let record = holding(1).with_expires_at(expires_at);
    // A server that was a primary when the store opened.
    let reads_only = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&reads_only);
    let options = PgPoolOptions::new().max_connections(1).after_connect(move |connection, _| {
        let sql = format!("SET default_transaction_read_only = {}", seen.load(Ordering::SeqCst));
        Box::pin(async move { connection.execute(AssertSqlSafe(sql)).await.map(drop) })
    });
    let pool = options.connect(&url()).await.unwrap();
    let store = tables.name(PostgresStore::from_pool(pool.clone())).build().await.unwrap();
    created(store.create(&key(1), &record).await.unwrap());
    reads_only.store(true, Ordering::SeqCst);
    pool.execute("SET default_transaction_read_only = on").await.unwrap();
    let touch = Touch::new(now + Duration::from_mins(15), now + Duration::from_mins(30));
    let found = store.load(&key(1), Some(touch)).await.unwrap().unwrap();
    assert_eq!((held(&found.record), found.record.expires_at), (1, expires_at));
    let missed = store.capabilities().missed_touches.unwrap();
    assert_eq!((missed.take(), missed.take()), (Some(ErrorKind::Unavailable), None));
}

#[tokio::test]
async fn g08_a_version_of_a_write_that_a_crash_undid_is_not_given_again() {
    let tables = Tables::make().await;
    let store = tables.open().await;
    let first = created(store.create(&key(1), &holding(1)).await.unwrap());
    let UpdateOutcome::Updated(lost) = store.update(&key(1), first, &holding(2)).await.unwrap() else {
        panic!()
    };
    // A failover to a standby that had not got the update.
    let undo = format!("UPDATE {}records SET version = {}", tables.prefix, first.get().cast_signed());
    run(&url(), undo).await;
    let UpdateOutcome::Updated(other) = store.update(&key(1), first, &holding(3)).await.unwrap() else {
        panic!()
    };
    assert_ne!(lost, other);
    // So a client that knows the version of the lost write does not overwrite this one.
    assert!(matches!(store.update(&key(1), lost, &holding(4)).await.unwrap(), UpdateOutcome::Conflict(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn g14_a_server_that_only_reads_is_refused_when_the_store_opens() {
    let tables = Tables::make().await;
    let reading = url().replace("synchronous_commit%3Doff", "default_transaction_read_only%3Don");
    let error = tables.name(PostgresStore::from_url(&reading).unwrap()).build().await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::Unavailable && error.to_string().contains("takes no writes"),
        "{error:?}"
    );
}

#[tokio::test]
async fn g14_a_sweep_forgets_as_many_marks_of_log_ins_as_there_are() {
    let tables = Tables::make().await;
    let store = tables.open().await;
    let fill = format!(
        "INSERT INTO {}revocations SELECT convert_to(n::text, 'UTF8'), -1, 0 FROM generate_series(1, 1200) AS n",
        tables.prefix
    );
    run(&url(), fill).await;
    assert!(!store.sweep(100).await.unwrap().more);
    assert_eq!(number(&url(), format!("SELECT count(*) FROM {}revocations", tables.prefix)).await, 0);
}
