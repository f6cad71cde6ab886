//! Faults that were found once on real servers, each with the number that it had then.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use cloakroom_mysql::MysqlStore;
use cloakroom_mysql::sqlx::mysql::MySqlPoolOptions;
use cloakroom_mysql::sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, MySqlPool, raw_sql};
use cloakroom_services::proxy::{Fault, Proxy};
use cloakroom_services::{Instance, Service};
use cloakroom_store::{
    CreateOutcome, ErrorKind, Owner, OwnerKey, Owners, Record, Store, Sweep, Timestamp, Touch, UpdateOutcome,
};
use support::{Tables, created, held, holding, key, number, run, url};

const MOST: u32 = 3;

/// How many connections are at work on these tables.
async fn at_work(prefix: &str) -> i64 {
    let of = format!(
        "FROM information_schema.processlist WHERE info LIKE '%{prefix}records%' AND id <> CONNECTION_ID()"
    );
    number(&url(), format!("SELECT CAST(COUNT(*) AS SIGNED) {of}")).await
}

/// A connection that keeps all others off a table.
async fn locking(prefix: &str) -> MySqlConnection {
    let mut connection = MySqlConnection::connect(&url()).await.unwrap();
    let lock = format!("LOCK TABLES {prefix}records WRITE");
    connection.execute(raw_sql(AssertSqlSafe(lock))).await.unwrap();
    connection
}

/// A pool of one, whose connection begins with this statement.
fn beginning_with(statement: &'static str) -> MySqlPool {
    let options = MySqlPoolOptions::new().max_connections(1).after_connect(move |connection, _| {
        Box::pin(async move { connection.execute(statement).await.map(drop) })
    });
    options.connect_lazy(&url()).unwrap()
}

fn of(owner: &str, since: u64) -> Record {
    let owner = Owner::new(OwnerKey::new(owner).unwrap(), Timestamp::from_micros(since));
    holding(1).with_owner(owner)
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_requests_that_are_given_up_hold_no_more_connections_than_the_pool_has() {
    let tables = Tables::make().await;
    let builder = tables.builder().connections(NonZeroU32::new(MOST).unwrap());
    let store = builder.connect_timeout(Duration::from_millis(100)).build().await.unwrap();
    let lock = locking(&tables.prefix).await;
    let wanted = key(1);
    for _ in 0..5 * MOST {
        let given_up = tokio::time::timeout(Duration::from_millis(50), store.load(&wanted, None)).await;
        assert!(!matches!(given_up, Ok(Ok(_))));
    }
    let all = at_work(&tables.prefix).await;
    assert!(all <= i64::from(MOST), "{all} connections of a pool of {MOST}");
    lock.close().await.unwrap();
    let patience = Instant::now() + Duration::from_secs(20);
    while let Err(error) = store.load(&key(1), None).await {
        assert!(error.kind() == ErrorKind::Unavailable && Instant::now() < patience, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_a_statement_that_was_given_up_ends_in_the_server() {
    let tables = Tables::make().await;
    let store = tables.builder().request_timeout(Duration::from_millis(300)).build().await.unwrap();
    let lock = locking(&tables.prefix).await;
    let wanted = key(1);
    assert!(tokio::time::timeout(Duration::from_millis(50), store.load(&wanted, None)).await.is_err());
    let patience = Instant::now() + Duration::from_secs(10);
    while at_work(&tables.prefix).await > 0 {
        assert!(Instant::now() < patience, "it is still at work in the server");
    }
    lock.close().await.unwrap();
    assert!(store.load(&key(1), None).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn g02_a_machine_that_is_lost_in_a_revocation_leaves_no_lock_behind() {
    let server = tokio::task::block_in_place(|| Instance::start(Service::Mariadb).unwrap());
    let own = format!("{}?ssl-mode=DISABLED", server.url());
    MysqlStore::from_url(&own).unwrap().create_tables().await.unwrap();
    let direct =
        MysqlStore::from_url(&own).unwrap().request_timeout(Duration::from_secs(2)).build().await.unwrap();
    created(direct.create(&key(1), &of("alice", 1)).await.unwrap());
    created(direct.create(&key(2), &of("bob", 1)).await.unwrap());
    let proxy = tokio::task::block_in_place(|| Proxy::to(&server.url()).unwrap());
    let lost = MysqlStore::open(&format!("{}?ssl-mode=DISABLED", proxy.url())).await.unwrap();
    let alice = OwnerKey::new("alice").unwrap();
    assert_eq!(lost.revoke(&OwnerKey::new("carol").unwrap(), Timestamp::from_micros(1)).await.unwrap(), 0);
    // It is lost once it has sent the owner, as text or in hexadecimal: what it has not sent by then never comes.
    proxy.set(Fault::LoseMachine { after: vec![b"alice".to_vec(), b"616c696365".to_vec()] });
    let revoking = lost.revoke(&alice, Timestamp::from_micros(5));
    assert!(tokio::time::timeout(Duration::from_millis(500), revoking).await.is_err());
    // Others go on at once: that user's log-in, anonymous sessions, the sweep.
    created(direct.create(&key(3), &of("alice", 9)).await.unwrap());
    created(direct.create(&key(4), &holding(4)).await.unwrap());
    direct.sweep(100).await.unwrap();
    assert_eq!(direct.create(&key(5), &of("alice", 2)).await.unwrap(), CreateOutcome::Revoked);
    assert!(direct.load(&key(1), None).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn g02_a_revocation_is_one_trip_and_counts_the_live_records() {
    let tables = Tables::make().await;
    let proxy = tokio::task::block_in_place(|| Proxy::to(&Service::Mariadb.shared()).unwrap());
    let url = format!("{}?ssl-mode=DISABLED", proxy.url());
    let store = tables.name(MysqlStore::from_url(&url).unwrap()).build().await.unwrap();
    for number in 0..3 {
        created(store.create(&key(number), &of("alice", number)).await.unwrap());
    }
    let alice = OwnerKey::new("alice").unwrap();
    assert_eq!(store.revoke(&alice, Timestamp::from_micros(1)).await.unwrap(), 2);
    // As many trips as a load, with what the pool asks of a connection that comes back.
    let before = proxy.turns();
    for _ in 0..8 {
        store.load(&key(2), None).await.unwrap();
    }
    let between = proxy.turns();
    for _ in 0..8 {
        store.revoke(&alice, Timestamp::from_micros(1)).await.unwrap();
    }
    let (loads, revocations) = (between - before, proxy.turns() - between);
    assert!(revocations <= loads + 1, "{loads} turns for 8 loads, {revocations} for 8 revocations");
    assert!(store.load(&key(2), None).await.unwrap().is_some());
    assert_eq!(store.revoke(&alice, Timestamp::from_micros(9)).await.unwrap(), 1);
}

#[tokio::test]
async fn g03_a_server_that_does_not_commit_by_itself_keeps_what_was_acknowledged() {
    let server = Instance::start_with(Service::Mariadb, &["--autocommit=0"]).unwrap();
    let url = format!("{}?ssl-mode=DISABLED", server.url());
    MysqlStore::from_url(&url).unwrap().create_tables().await.unwrap();
    created(MysqlStore::open(&url).await.unwrap().create(&key(1), &holding(1)).await.unwrap());
    assert!(MysqlStore::open(&url).await.unwrap().load(&key(1), None).await.unwrap().is_some());
}

#[tokio::test]
async fn g03_a_pool_that_does_not_commit_by_itself_is_refused() {
    let tables = Tables::make().await;
    let pool = beginning_with("SET SESSION autocommit = 0");
    let error = tables.name(MysqlStore::from_pool(pool)).build().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Setup && error.to_string().contains("autocommit"), "{error:?}");
}

#[tokio::test]
async fn g06_a_due_touch_that_cannot_be_written_answers_the_record_unmoved_and_is_counted() {
    let tables = Tables::make().await;
    let now = Timestamp::now();
    let expires_at = now + Duration::from_mins(10);
    created(tables.open().await.create(&key(1), &holding(1).with_expires_at(expires_at)).await.unwrap());
    let pool = beginning_with("SET SESSION TRANSACTION READ ONLY");
    let store = tables.name(MysqlStore::from_pool(pool)).build().await.unwrap();
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
    // A failover to a replica that had not got the update.
    let undo = format!("UPDATE {}records SET version = {}", tables.prefix, first.get().cast_signed());
    run(&url(), undo).await;
    let UpdateOutcome::Updated(other) = store.update(&key(1), first, &holding(3)).await.unwrap() else {
        panic!()
    };
    assert_ne!(lost, other);
    assert!(matches!(store.update(&key(1), lost, &holding(4)).await.unwrap(), UpdateOutcome::Conflict(_)));
}

#[tokio::test]
async fn g09_a_server_that_logs_statements_is_swept() {
    let log = ["--log-bin=log", "--binlog-format=STATEMENT", "--server-id=1"];
    let server = Instance::start_with(Service::Mariadb, &log).unwrap();
    let url = format!("{}?ssl-mode=DISABLED", server.url());
    MysqlStore::from_url(&url).unwrap().create_tables().await.unwrap();
    let store = MysqlStore::open(&url).await.unwrap();
    created(store.create(&key(1), &of("alice", 1)).await.unwrap());
    created(store.create(&key(2), &holding(2).with_expires_at(Timestamp::EPOCH)).await.unwrap());
    assert_eq!(store.sweep(10).await.unwrap().removed, 1);
    assert_eq!(store.revoke(&OwnerKey::new("alice").unwrap(), Timestamp::from_micros(5)).await.unwrap(), 1);
}

#[tokio::test]
async fn g09_a_server_whose_sql_is_oracles_works_and_such_a_pool_is_refused() {
    let server = Instance::start_with(Service::Mariadb, &["--sql-mode=ORACLE"]).unwrap();
    let url = format!("{}?ssl-mode=DISABLED", server.url());
    MysqlStore::from_url(&url).unwrap().create_tables().await.unwrap();
    let store = MysqlStore::open(&url).await.unwrap();
    created(store.create(&key(1), &of("alice", 1)).await.unwrap());
    created(store.create(&key(2), &holding(2).with_expires_at(Timestamp::EPOCH)).await.unwrap());
    assert_eq!(store.sweep(10).await.unwrap().removed, 1);
    assert_eq!(store.revoke(&OwnerKey::new("alice").unwrap(), Timestamp::from_micros(5)).await.unwrap(), 1);
    let pool = beginning_with("SET SESSION sql_mode = 'ORACLE'");
    let error = MysqlStore::from_pool(pool).build().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Setup && error.to_string().contains("ORACLE"), "{error:?}");
}
