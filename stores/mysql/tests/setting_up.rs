//! Tables, servers and passwords that are missing, foreign or wrong: an error that says what to do, and no secret.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::error::Error as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use cloakroom_mysql::MysqlStore;
use cloakroom_mysql::sqlx::mysql::MySqlPoolOptions;
use cloakroom_mysql::sqlx::{Executor, MySqlPool};
use cloakroom_services::{Service, optional_mysql, shared_authority};
use cloakroom_store::{
    CreateOutcome, Error, ErrorKind, Owner, OwnerKey, Owners, Record, RecordHead, Store, Timestamp,
};
use support::{Tables, holding, key, number, run, unused, url};

/// The error of opening the tables with this prefix at `url`.
async fn error_at(url: &str, prefix: &str) -> Error {
    let builder = MysqlStore::from_url(url).unwrap().prefix(prefix);
    builder.connect_timeout(Duration::from_millis(1500)).build().await.unwrap_err()
}

fn assert_says(error: &Error, kind: ErrorKind, words: &str) {
    assert!(error.kind() == kind && error.to_string().contains(words), "{error:?}");
}

/// A pool whose connections begin with this statement.
fn beginning_with(statement: &'static str) -> MySqlPool {
    let options = MySqlPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_millis(300));
    let options = options.after_connect(move |connection, _| {
        Box::pin(async move { connection.execute(statement).await.map(drop) })
    });
    options.connect_lazy(&url()).unwrap()
}

#[tokio::test]
async fn missing_tables_are_an_error_that_says_what_to_call() {
    let error = error_at(&url(), &unused("none")).await;
    assert_says(&error, ErrorKind::Setup, "call Builder::create_tables");
}

#[tokio::test]
async fn tables_that_vanish_are_an_error_that_says_what_to_call() {
    let tables = Tables::make().await;
    let store = tables.open().await;
    tables.builder().drop_all().await.unwrap();
    let error = store.load(&key(1), None).await.unwrap_err();
    assert_says(&error, ErrorKind::Setup, "call Builder::create_tables");
    tables.builder().drop_all().await.unwrap(); // what is not there is dropped already
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_may_create_tables_at_once_and_again() {
    let tables = Tables::named(unused("at_once"));
    let creating: Vec<_> = (0..8)
        .map(|_| {
            let builder = tables.builder();
            tokio::spawn(async move { builder.create_tables().await })
        })
        .collect();
    for created in creating {
        created.await.unwrap().unwrap();
    }
    tables.open().await;
}

#[tokio::test]
async fn a_table_of_another_application_is_refused_and_left_alone() {
    let tables = Tables::named(unused("foreign"));
    let (url, prefix) = (url(), &tables.prefix);
    run(&url, format!("CREATE TABLE {prefix}records (record_key VARBINARY(255) PRIMARY KEY)")).await;
    for error in [
        error_at(&url, prefix).await,
        tables.builder().create_tables().await.unwrap_err(),
        tables.builder().drop_all().await.unwrap_err(),
    ] {
        assert_says(&error, ErrorKind::Setup, "choose another table prefix");
    }
    run(&url, format!("INSERT INTO {prefix}records VALUES ('still there')")).await;
}

#[tokio::test]
async fn a_column_of_another_type_is_refused() {
    let tables = Tables::make().await;
    run(&url(), format!("ALTER TABLE {}records MODIFY owner_since DOUBLE", tables.prefix)).await;
    assert_says(&error_at(&url(), &tables.prefix).await, ErrorKind::Setup, "choose another table prefix");
}

#[tokio::test]
async fn tables_of_another_version_are_refused() {
    let tables = Tables::make().await;
    run(&url(), format!("ALTER TABLE {}records COMMENT 'cloakroom-mysql, schema 3'", tables.prefix)).await;
    assert_says(&error_at(&url(), &tables.prefix).await, ErrorKind::Setup, "another version");
    assert_says(&tables.builder().create_tables().await.unwrap_err(), ErrorKind::Setup, "another version");
}

#[tokio::test]
async fn a_wrong_password_is_an_error_that_does_not_repeat_it() {
    let url = url();
    let (before, host) = url.rsplit_once('@').unwrap();
    let (user, _) = before.rsplit_once(':').unwrap();
    let error = error_at(&format!("{user}:hunter2@{host}"), "cloakroom_").await;
    assert_says(&error, ErrorKind::Setup, "refuses the user, the password");
    assert!(!format!("{error:?} {:?}", error.source()).contains("hunter2"));
}

/// Unless the server has checked the same password just before.
#[tokio::test]
async fn mysql_wants_an_encrypted_connection_for_a_password_and_the_error_says_so() {
    let Some(url) = optional_mysql() else { return };
    let (before, host) = url.rsplit_once('@').unwrap();
    let (user, _) = before.rsplit_once(':').unwrap();
    let wrong = |mode: &str| format!("{user}:hunter2@{host}?ssl-mode={mode}");
    let error = error_at(&wrong("DISABLED"), "cloakroom_").await;
    assert_says(&error, ErrorKind::Setup, "use ssl-mode=REQUIRED");
    assert!(!format!("{error:?} {:?}", error.source()).contains("hunter2"));
    let error = error_at(&wrong("REQUIRED"), "cloakroom_").await;
    assert_says(&error, ErrorKind::Setup, "refuses the user, the password");
}

#[tokio::test]
async fn a_missing_database_is_an_error_that_says_so() {
    let url = Service::Mariadb.shared();
    let (server, _) = url.rsplit_once('/').unwrap();
    for database in ["no_such_database?ssl-mode=DISABLED", "?ssl-mode=DISABLED"] {
        let builder = MysqlStore::from_url(&format!("{server}/{database}")).unwrap();
        let error = builder.create_tables().await.unwrap_err();
        assert_says(&error, ErrorKind::Setup, "the database does not exist");
    }
}

#[tokio::test]
async fn a_port_where_no_server_listens_is_unavailable() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = error_at(&format!("mysql://u:p@127.0.0.1:{port}/d"), "cloakroom_").await;
    assert_says(&error, ErrorKind::Unavailable, "not reachable");
}

#[tokio::test]
async fn a_server_of_another_kind_is_an_error_that_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // A mail server, which speaks first too.
            drop(stream.write_all(b"\x1c\0\0\x00220 mail.example.org ESMTP\r\n\r\n"));
            drop(stream.read(&mut [0; 256]));
        }
    });
    let url = format!("mysql://u:p@127.0.0.1:{port}/d");
    assert_says(&error_at(&url, "cloakroom_").await, ErrorKind::Setup, "does not speak the protocol");
}

#[tokio::test]
async fn a_certificate_is_verified_if_the_url_says_so() {
    let tables = Tables::make().await;
    let verified = |ca: &str| url().replace("ssl-mode=DISABLED", &format!("ssl-mode=VERIFY_IDENTITY{ca}"));
    let error = error_at(&verified(""), &tables.prefix).await;
    assert_says(&error, ErrorKind::Setup, "certificate");
    let trusted = verified(&format!("&ssl-ca={}", shared_authority().display()));
    let store = MysqlStore::from_url(&trusted).unwrap().prefix(&tables.prefix).build().await.unwrap();
    support::created(store.create(&key(1), &holding(1)).await.unwrap());
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_unavailable_and_still_read() {
    let tables = Tables::make().await;
    support::created(tables.open().await.create(&key(1), &holding(1)).await.unwrap());
    let pool = beginning_with("SET SESSION TRANSACTION READ ONLY");
    let store = tables.name(MysqlStore::from_pool(pool)).build().await.unwrap();
    assert!(store.load(&key(1), None).await.unwrap().is_some());
    let error = store.create(&key(2), &holding(2)).await.unwrap_err();
    assert_says(&error, ErrorKind::Unavailable, "takes no writes");
}

#[tokio::test]
async fn a_pool_at_a_lower_isolation_level_is_refused() {
    let tables = Tables::make().await;
    let pool = beginning_with("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    let error = tables.name(MysqlStore::from_pool(pool)).build().await.unwrap_err();
    assert_says(&error, ErrorKind::Setup, "REPEATABLE READ");
}

#[tokio::test]
async fn a_user_without_privileges_gets_an_error_that_says_so() {
    let tables = Tables::make().await;
    let (role, server) = (unused("role"), url());
    let database = Service::Mariadb.shared().rsplit_once('/').unwrap().1.to_owned();
    let prefix = &tables.prefix;
    for sql in [
        format!("CREATE USER {role}@'127.0.0.1' IDENTIFIED BY 'p'"),
        format!("GRANT SELECT ON {database}.{prefix}records TO {role}@'127.0.0.1'"),
        format!("GRANT SELECT ON {database}.{prefix}revocations TO {role}@'127.0.0.1'"),
    ] {
        run(&server, sql).await;
    }
    let (_, host) = server.rsplit_once('@').unwrap();
    let builder = MysqlStore::from_url(&format!("mysql://{role}:p@{host}")).unwrap();
    let error = builder.clone().prefix("mine_").create_tables().await.unwrap_err();
    assert_says(&error, ErrorKind::Setup, "lacks a privilege");
    let store = tables.name(builder).build().await.unwrap();
    assert_says(
        &store.create(&key(1), &holding(1)).await.unwrap_err(),
        ErrorKind::Setup,
        "lacks a privilege",
    );
    run(&server, format!("DROP USER {role}@'127.0.0.1'")).await;
}

#[tokio::test]
async fn a_pool_whose_connections_are_all_in_use_is_unavailable_in_time() {
    let tables = Tables::make().await;
    let pool = beginning_with("SELECT 1");
    let store = tables.name(MysqlStore::from_pool(pool.clone())).build().await.unwrap();
    let taken = pool.acquire().await.unwrap();
    assert_says(&store.load(&key(1), None).await.unwrap_err(), ErrorKind::Unavailable, "in use");
    drop(taken);
    assert!(store.load(&key(1), None).await.unwrap().is_none());
}

/// The limit is known from the server, so nothing is sent that would break the connection.
#[tokio::test]
async fn what_the_servers_packets_have_no_room_for_is_too_large() {
    let tables = Tables::make().await;
    let store = tables.builder().max_payload_bytes(usize::MAX).build().await.unwrap();
    let packet = number(&url(), "SELECT CAST(@@max_allowed_packet AS SIGNED)".into()).await;
    let packet = usize::try_from(packet).unwrap();
    let largest = Record::new(vec![7; packet - 4096], Timestamp::NEVER);
    support::created(store.create(&key(1), &largest).await.unwrap());
    assert!(store.load(&key(1), None).await.unwrap().unwrap().record.payload == largest.payload);
    let larger = Record::new(vec![7; packet - 4095], Timestamp::NEVER);
    let error = store.create(&key(2), &larger).await.unwrap_err();
    assert_says(&error, ErrorKind::TooLarge, "a payload has at most");
}

/// As the version before made them, with a record of a user.
async fn tables_of_schema_1() -> Tables {
    let tables = Tables::make().await;
    let store = tables.open().await;
    let owner = Owner::new(OwnerKey::new("alice").unwrap(), Timestamp::EPOCH);
    let record = Record::new(vec![7; 5_000], Timestamp::NEVER).with_owner(owner);
    assert!(matches!(store.create(&key(1), &record).await.unwrap(), CreateOutcome::Created(_)));
    let prefix = &tables.prefix;
    let comment = "COMMENT = 'cloakroom-mysql, schema 1'";
    run(&url(), format!("ALTER TABLE {prefix}records DROP COLUMN payload_head, {comment}")).await;
    run(&url(), format!("ALTER TABLE {prefix}revocations {comment}")).await;
    tables
}

#[tokio::test]
async fn f15_tables_of_schema_1_are_refused_and_brought_up_to_date_by_create_tables() {
    let tables = tables_of_schema_1().await;
    let error = error_at(&url(), &tables.prefix).await;
    assert_says(
        &error,
        ErrorKind::Setup,
        "an earlier version of cloakroom-mysql; call Builder::create_tables",
    );
    tables.builder().create_tables().await.unwrap();
    tables.builder().create_tables().await.unwrap(); // any number of times
    let page = tables.open().await.list(&OwnerKey::new("alice").unwrap(), None, 10).await.unwrap();
    assert_eq!(page.heads[0].payload_head, vec![7; RecordHead::PAYLOAD_BYTES]);
}

#[tokio::test(flavor = "multi_thread")]
async fn f15_any_number_may_bring_tables_up_to_date_at_once() {
    let tables = tables_of_schema_1().await;
    let bringing: Vec<_> = (0..4).map(|_| tables.builder()).collect();
    let bringing: Vec<_> =
        bringing.into_iter().map(|it| tokio::spawn(async move { it.create_tables().await })).collect();
    for brought in bringing {
        brought.await.unwrap().unwrap();
    }
    tables.open().await;
}
