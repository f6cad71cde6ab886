//! Bodies as connect-pg-simple keeps them, on a real server.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use cloakroom_conformance::bodies::{self, Harness, OtherPackage};
use cloakroom_postgres::sqlx::{self, AssertSqlSafe, PgPool};
use cloakroom_postgres::{Builder, PostgresBodies, PostgresStore};
use cloakroom_services::Service;
use cloakroom_store::{BodyStore, Error, ErrorKind, ManualClock, Result, Timestamp, async_trait};
use support::{number, run, unused, url};

/// What a Node application with connect-pg-simple does, on connections of its own.
#[derive(Debug)]
struct Node {
    pool: PgPool,
    table: String,
    zone: &'static str,
}

fn broken(error: sqlx::Error) -> Error {
    Error::new(ErrorKind::Other, "the server refuses it").with_source(error)
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let sql = format!(
            "INSERT INTO \"{}\" (sid, sess, expire) VALUES ($1, $2::json, to_timestamp($3) AT TIME ZONE '{}')
            ON CONFLICT (sid) DO UPDATE SET sess = excluded.sess, expire = excluded.expire",
            self.table, self.zone
        );
        let second = expires_at.as_millis().div_ceil(1_000).cast_signed();
        let question = sqlx::query(AssertSqlSafe(sql)).bind(id.to_owned()).bind(body.to_owned()).bind(second);
        question.execute(&self.pool).await.map(drop).map_err(broken)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        let sql = format!("SELECT EXISTS (SELECT FROM \"{}\" WHERE sid = $1)", self.table);
        let question = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id.to_owned());
        question.fetch_one(&self.pool).await.map_err(broken)
    }
}

/// The columns that connect-pg-simple makes.
const COLUMNS: &str = "(sid varchar NOT NULL PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)";

/// A table of a test's own, and marks of its own; the table's name has quotes in it.
struct Place {
    table: String,
    prefix: String,
    url: String,
}

impl Place {
    async fn make(columns: &str) -> Self {
        let place =
            Self { table: format!("Sessions of-{}", unused("node")), prefix: unused("t"), url: url() };
        run(&place.url, format!("CREATE TABLE \"{}\" {columns}", place.table)).await;
        place
    }

    fn builder(&self) -> Builder {
        let builder = PostgresStore::from_url(&self.url).unwrap();
        builder.table(self.table.clone()).prefix(self.prefix.clone())
    }

    fn node(&self, zone: &'static str) -> Node {
        Node { pool: PgPool::connect_lazy(&self.url).unwrap(), table: self.table.clone(), zone }
    }

    async fn drop(self) {
        run(&self.url, format!("DROP TABLE IF EXISTS \"{}\", {}ended", self.table, self.prefix)).await;
    }
}

async fn open(builder: Builder, clock: &ManualClock) -> PostgresBodies {
    builder.clock(clock.clone()).build_bodies().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept() {
    let place = Place::make(COLUMNS).await;
    let clock = ManualClock::at(Timestamp::now());
    let store = open(place.builder().time_zone("UTC"), &clock).await;
    bodies::all(&Harness::new(store, clock, place.node("UTC")))
        .await
        .unwrap_or_else(|broken| panic!("{broken}"));
    place.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept_in_another_time_zone() {
    let place = Place::make(COLUMNS).await;
    // A summer day, as an hour comes twice when summer ends.
    let clock = ManualClock::at(Timestamp::from_millis(1_784_116_800_123));
    let store = open(place.builder().time_zone("America/New_York"), &clock).await;
    let node = place.node("America/New_York");
    bodies::all(&Harness::new(store, clock, node)).await.unwrap_or_else(|broken| panic!("{broken}"));
    place.drop().await;
}

/// What connections of the same user begin with, if they are not ours.
#[tokio::test]
async fn the_time_zone_is_that_of_the_users_other_connections() {
    let place = Place::make(COLUMNS).await;
    let role = unused("role");
    run(
        &place.url,
        format!("CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'p'; ALTER ROLE {role} SET timezone TO 'Asia/Kolkata'"),
    )
    .await;
    let shared = Service::Postgres.shared();
    let (_, host) = shared.rsplit_once('@').unwrap();
    let builder = PostgresStore::from_url(&format!("postgres://{role}:p@{host}?sslmode=disable")).unwrap();
    let builder = builder.table(place.table.clone()).prefix(place.prefix.clone());
    let store = builder.build_bodies().await.unwrap();
    // 1800000000 is 2027-01-15 08:00:00 UTC.
    store.insert("a", b"{}", Timestamp::from_millis(1_800_000_000_000)).await.unwrap().unwrap();
    let sql = format!(
        "SELECT extract(hour FROM expire)::bigint * 100 + extract(minute FROM expire)::bigint FROM \"{}\"",
        place.table
    );
    assert_eq!(number(&place.url, sql).await, 1330);
    assert_eq!(store.read("a").await.unwrap().unwrap().expires_at.as_millis(), 1_800_000_000_000);
    drop(store);
    run(&place.url, format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}")).await;
    place.drop().await;
}

#[tokio::test]
async fn old_marks_are_forgotten_and_needed_ones_are_not() {
    let place = Place::make(COLUMNS).await;
    let clock = ManualClock::at(Timestamp::now());
    let (store, node) = (open(place.builder(), &clock).await, place.node("UTC"));
    let later = |hours: u64| std::time::Duration::from_secs(hours * 3_600);
    let end = async |id: &str| {
        store.insert(id, b"{}", Timestamp::NEVER).await.unwrap().unwrap();
        store.end(id, None).await.unwrap()
    };
    let count = async || number(&place.url, format!("SELECT count(*) FROM {}ended", place.prefix)).await;
    for id in ["a", "b"] {
        let _ended = end(id).await;
    }
    assert_eq!(count().await, 2);
    clock.advance(later(23));
    node.write("b", "{}", Timestamp::NEVER).await.unwrap();
    assert_eq!(store.read("b").await.unwrap(), None);
    clock.advance(later(2));
    let _ended = end("c").await;
    assert_eq!(count().await, 2, "a is forgotten, b was needed");
    place.drop().await;
}

async fn refusal(place: &Place, builder: Builder) -> String {
    let error = builder.build_bodies().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup, "{error:?}");
    error.to_string().replace(&place.table, "TABLE").replace(&place.prefix, "")
}

#[tokio::test]
async fn a_table_that_is_not_nodes_is_refused_in_one_clear_line() {
    for (columns, words) in [
        ("(sid varchar PRIMARY KEY, sess json)", "the table \"TABLE\" has no column expire"),
        (
            "(sid varchar, sess json, expire timestamp(6))",
            "the column sid of \"TABLE\" is not its primary key",
        ),
        (
            "(sid varchar PRIMARY KEY, sess jsonb, expire timestamp)",
            "the column sess of \"TABLE\" is of type jsonb, not json",
        ),
        (
            "(sid varchar PRIMARY KEY, sess json, expire timestamptz)",
            "the column expire of \"TABLE\" is of type timestamp with time zone, not timestamp without time zone",
        ),
    ] {
        let place = Place::make(columns).await;
        assert_eq!(refusal(&place, place.builder()).await, words);
        place.drop().await;
    }
}

#[tokio::test]
async fn what_else_is_missing_is_reported_in_one_clear_line() {
    let place = Place::make(COLUMNS).await;
    let nowhere = refusal(&place, place.builder().table("nowhere")).await;
    assert_eq!(
        nowhere,
        "there is no table \"nowhere\": let the Node application make it, or set Builder::table"
    );
    let zone = refusal(&place, place.builder().time_zone("Mars/Olympus")).await;
    assert_eq!(zone, "the server knows no time zone \"Mars/Olympus\": set Builder::time_zone");
    run(&place.url, format!("DROP TABLE IF EXISTS {}ended", place.prefix)).await;
    let ended = refusal(&place, place.builder().create_ended(false)).await;
    assert_eq!(
        ended,
        "the table \"ended\" of ended sessions is missing: make it by hand, as the README says"
    );
    let store = place.builder().build_bodies().await.unwrap();
    run(&place.url, format!("DROP TABLE \"{}\"", place.table)).await;
    let error = store.read("a").await.unwrap_err();
    assert!(error.kind() == ErrorKind::Setup && error.to_string().contains("Node's sessions"), "{error:?}");
    place.drop().await;
}

#[tokio::test]
async fn text_that_is_not_json_is_refused() {
    let place = Place::make(COLUMNS).await;
    let store = place.builder().build_bodies().await.unwrap();
    for body in [&b"{"[..], b"\xff", b"\"a\0\""] {
        let error = store.insert("a", body, Timestamp::NEVER).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    }
    assert_eq!(store.read("a").await.unwrap(), None);
    place.drop().await;
}
