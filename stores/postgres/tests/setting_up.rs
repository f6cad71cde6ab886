//! Tables, servers and passwords that are missing, foreign or wrong: an error that says what to do, and no secret.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::error::Error as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use cloakroom_postgres::PostgresStore;
use cloakroom_postgres::sqlx::Executor;
use cloakroom_postgres::sqlx::postgres::PgPoolOptions;
use cloakroom_services::{Service, shared_authority};
use cloakroom_store::{Error, ErrorKind, Store};
use support::{Tables, holding, key, run, unused, url};

/// The error of opening the tables with this prefix at `url`.
async fn error_at(url: &str, prefix: &str) -> Error {
    let builder = PostgresStore::from_url(url).unwrap().prefix(prefix);
    builder.connect_timeout(Duration::from_millis(1500)).build().await.unwrap_err()
}

fn assert_says(error: &Error, kind: ErrorKind, words: &str) {
    assert!(error.kind() == kind && error.to_string().contains(words), "{error:?}");
}

/// The shared server's URL with another part.
fn changed(from: &str, to: &str) -> String {
    let url = url();
    assert!(url.contains(from));
    url.replace(from, to)
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
    let tables = Tables::in_a_schema().await;
    let creating: Vec<_> = (0..8)
        .map(|_| {
            let builder = tables.builder().prefix("at_once_");
            tokio::spawn(async move { builder.create_tables().await })
        })
        .collect();
    for created in creating {
        created.await.unwrap().unwrap();
    }
    tables.builder().prefix("at_once_").build().await.unwrap();
}

#[tokio::test]
async fn a_table_of_another_application_is_refused_and_left_alone() {
    let tables = Tables::named(unused("foreign"));
    let (url, prefix) = (url(), &tables.prefix);
    run(&url, format!("CREATE TABLE {prefix}records (key bytea PRIMARY KEY, note text)")).await;
    assert_says(&error_at(&url, prefix).await, ErrorKind::Setup, "choose another table prefix");
    for error in
        [tables.builder().create_tables().await.unwrap_err(), tables.builder().drop_all().await.unwrap_err()]
    {
        assert_says(&error, ErrorKind::Setup, "choose another table prefix");
    }
    run(&url, format!("INSERT INTO {prefix}records VALUES ('a', 'still there')")).await;
}

#[tokio::test]
async fn a_column_of_another_type_is_refused() {
    let tables = Tables::make().await;
    run(&url(), format!("ALTER TABLE {}records ALTER owner_since TYPE numeric", tables.prefix)).await;
    assert_says(&error_at(&url(), &tables.prefix).await, ErrorKind::Setup, "choose another table prefix");
}

#[tokio::test]
async fn tables_of_another_version_are_refused() {
    let tables = Tables::make().await;
    let comment = format!("COMMENT ON TABLE {}records IS 'cloakroom-postgres, schema 2'", tables.prefix);
    run(&url(), comment).await;
    assert_says(&error_at(&url(), &tables.prefix).await, ErrorKind::Setup, "another version");
    assert_says(&tables.builder().create_tables().await.unwrap_err(), ErrorKind::Setup, "another version");
}

#[tokio::test]
async fn a_wrong_password_is_an_error_that_does_not_repeat_it() {
    let url = Service::Postgres.shared();
    let (before, host) = url.rsplit_once('@').unwrap();
    let (user, _) = before.rsplit_once(':').unwrap();
    let error = error_at(&format!("{user}:hunter2@{host}"), "cloakroom_").await;
    assert_says(&error, ErrorKind::Setup, "refuses the user or the password");
    assert!(!format!("{error:?} {:?}", error.source()).contains("hunter2"));
}

#[tokio::test]
async fn a_missing_database_is_an_error_that_says_so() {
    let url = Service::Postgres.shared();
    let (server, _) = url.rsplit_once('/').unwrap();
    let error = error_at(&format!("{server}/no_such_database"), "cloakroom_").await;
    assert_says(&error, ErrorKind::Setup, "the database does not exist");
}

#[tokio::test]
async fn a_port_where_no_server_listens_is_unavailable() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = error_at(&format!("postgres://u:p@127.0.0.1:{port}/d"), "cloakroom_").await;
    assert_says(&error, ErrorKind::Unavailable, "not reachable");
}

#[tokio::test]
async fn a_server_of_another_kind_is_an_error_that_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            drop(stream.read(&mut [0; 256]));
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    let url = format!("postgres://u:p@127.0.0.1:{port}/d");
    assert_says(&error_at(&url, "cloakroom_").await, ErrorKind::Setup, "does not speak PostgreSQL");
}

#[tokio::test]
async fn a_certificate_is_verified_if_the_url_says_so() {
    let tables = Tables::make().await;
    let verified = |ca: &str| changed("sslmode=disable", &format!("sslmode=verify-full{ca}"));
    let error = error_at(&verified(""), &tables.prefix).await;
    assert_says(&error, ErrorKind::Setup, "certificate");
    let trusted = verified(&format!("&sslrootcert={}", shared_authority().display()));
    let store = PostgresStore::from_url(&trusted).unwrap().prefix(&tables.prefix).build().await.unwrap();
    support::created(store.create(&key(1), &holding(1)).await.unwrap());
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_unavailable_and_still_read() {
    let tables = Tables::make().await;
    let pool = PgPoolOptions::new().max_connections(1).connect(&url()).await.unwrap();
    let store = tables.name(PostgresStore::from_pool(pool.clone())).build().await.unwrap();
    support::created(store.create(&key(1), &holding(1)).await.unwrap());
    pool.execute("SET default_transaction_read_only = on").await.unwrap();
    assert!(store.load(&key(1), None).await.unwrap().is_some());
    let error = store.create(&key(2), &holding(2)).await.unwrap_err();
    assert_says(&error, ErrorKind::Unavailable, "takes no writes");
}

/// Makes a user who may look into the schema of these tables and do nothing there; returns the name, and a URL.
async fn visitor(tables: &Tables) -> (String, String) {
    let (schema, role) = (tables.schema.as_ref().unwrap(), unused("role"));
    let grants = format!("CREATE ROLE {role} LOGIN PASSWORD 'p'; GRANT USAGE ON SCHEMA {schema} TO {role}");
    run(&url(), grants).await;
    let server = url();
    let (_, host) = server.rsplit_once('@').unwrap();
    let login = format!("postgres://{role}:p@{host}");
    (role, login)
}

async fn remove(role: &str, tables: &Tables) {
    let schema = tables.schema.as_ref().unwrap();
    run(&url(), format!("REVOKE ALL ON SCHEMA {schema} FROM {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_user_without_privileges_gets_an_error_that_says_so() {
    let tables = Tables::in_a_schema().await;
    let (role, login) = visitor(&tables).await;
    let builder = tables.name(PostgresStore::from_url(&login).unwrap());
    let error = builder.clone().prefix("mine_").create_tables().await.unwrap_err();
    assert_says(&error, ErrorKind::Setup, "lacks a privilege");
    let error = builder.build().await.unwrap().load(&key(1), None).await.unwrap_err();
    assert_says(&error, ErrorKind::Setup, "lacks a privilege");
    remove(&role, &tables).await;
}

#[tokio::test]
async fn tables_that_cannot_be_made_leave_no_open_transaction_in_the_applications_pool() {
    let tables = Tables::in_a_schema().await;
    let (role, login) = visitor(&tables).await;
    let pool = PgPoolOptions::new().max_connections(1);
    let pool = pool.connect(&login).await.unwrap();
    let builder = tables.name(PostgresStore::from_pool(pool.clone())).prefix("mine_");
    assert_says(&builder.create_tables().await.unwrap_err(), ErrorKind::Setup, "lacks a privilege");
    pool.execute("SELECT 1").await.unwrap();
    pool.close().await;
    remove(&role, &tables).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_whose_connections_are_all_in_use_is_unavailable_in_time() {
    let tables = Tables::make().await;
    let options = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_millis(300));
    let pool = options.connect(&url()).await.unwrap();
    let store = tables.name(PostgresStore::from_pool(pool.clone())).build().await.unwrap();
    let taken = pool.acquire().await.unwrap();
    assert_says(&store.load(&key(1), None).await.unwrap_err(), ErrorKind::Unavailable, "in use");
    drop(taken);
    assert!(store.load(&key(1), None).await.unwrap().is_none());
}
