//! Bodies as node-session's database driver keeps them, on a real server.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::time::Duration;

use cloakroom_conformance::bodies::{self, Harness, OtherPackage, Rounding};
use cloakroom_mysql::sqlx::{self, AssertSqlSafe, MySqlPool};
use cloakroom_mysql::{Builder, MysqlBodies, MysqlStore};
use cloakroom_services::optional_mysql;
use cloakroom_store::{
    BodyStore, Clock, Ended, Error, ErrorKind, ManualClock, Replaced, Result, Timestamp, async_trait,
};
use support::{run, unused, url};

const LIFETIME: Duration = Duration::from_mins(5);

/// The table that node-session's README asks for, with columns that hold what it writes.
const COLUMNS: &str = "(id varchar(255) COLLATE utf8mb4_bin NOT NULL, payload longtext COLLATE utf8mb4_bin,
    lastActivity bigint, UNIQUE KEY (id)) ENGINE = InnoDB";

/// What a Node application with node-session does, on connections of its own.
#[derive(Debug)]
struct Node {
    pool: MySqlPool,
    table: String,
}

fn broken(error: sqlx::Error) -> Error {
    Error::new(ErrorKind::Other, "the server refuses it").with_source(error)
}

impl Node {
    async fn write_payload(&self, id: &str, payload: String, last_activity: i64) -> Result<()> {
        let sql = format!(
            "INSERT INTO `{}` (id, payload, lastActivity) VALUES (?, ?, ?)
            ON DUPLICATE KEY UPDATE payload = VALUES(payload), lastActivity = VALUES(lastActivity)",
            self.table
        );
        let question = sqlx::query(AssertSqlSafe(sql)).bind(id.to_owned()).bind(payload).bind(last_activity);
        question.execute(&self.pool).await.map(drop).map_err(broken)
    }

    async fn row(&self, id: &str) -> Option<(String, i64)> {
        let sql = format!("SELECT payload, lastActivity FROM `{}` WHERE id = ?", self.table);
        let question = sqlx::query_as(AssertSqlSafe(sql)).bind(id.to_owned());
        question.fetch_optional(&self.pool).await.unwrap()
    }
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let payload = serde_json::to_string(body).unwrap();
        self.write_payload(id, payload, last_activity(expires_at)).await
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        Ok(self.row(id).await.is_some())
    }
}

fn last_activity(expires_at: Timestamp) -> i64 {
    i64::try_from(expires_at.as_millis()).unwrap() - 300_000
}

/// A table of a test's own, and marks of its own.
struct Place {
    table: String,
    prefix: String,
    url: String,
    clock: ManualClock,
}

impl Place {
    async fn make(url: String, columns: &str) -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(Timestamp::now().as_millis()));
        let place = Self { table: unused("node"), prefix: unused("t"), url, clock };
        run(&place.url, format!("CREATE TABLE `{}` {columns}", place.table)).await;
        place
    }

    fn builder(&self) -> Builder {
        let builder = MysqlStore::from_url(&self.url).unwrap().clock(self.clock.clone());
        builder
            .table(self.table.clone())
            .prefix(self.prefix.clone())
            .node_session(LIFETIME)
            .wide_characters(true)
    }

    async fn open(&self) -> (MysqlBodies, Node) {
        let node = Node { pool: MySqlPool::connect_lazy(&self.url).unwrap(), table: self.table.clone() };
        (self.builder().build_bodies().await.unwrap(), node)
    }

    async fn drop(self) {
        run(&self.url, format!("DROP TABLE IF EXISTS `{}`, {}ended", self.table, self.prefix)).await;
    }
}

async fn keeps_every_sentence(place: Place) {
    let (store, node) = place.open().await;
    let harness = Harness::new(store, place.clock.clone(), node).rounding(Rounding::Exact);
    bodies::all(&harness).await.unwrap_or_else(|broken| panic!("{broken}"));
    drop(harness);
    place.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept() {
    keeps_every_sentence(Place::make(url(), COLUMNS).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept_on_mysql_where_there_is_one() {
    let Some(url) = optional_mysql() else { return };
    keeps_every_sentence(Place::make(url, COLUMNS).await).await;
}

#[tokio::test]
async fn n81_what_is_written_to_a_row_is_read() {
    let place = Place::make(url(), COLUMNS).await;
    let (store, node) = place.open().await;
    let body = "{\"_token\":\"abc\",\"views\":1}";
    store.insert("ours", body.as_bytes(), Timestamp::NEVER).await.unwrap().unwrap();
    node.write("nodes", body, Timestamp::NEVER).await.unwrap();
    for id in ["ours", "nodes"] {
        assert_eq!(store.read(id).await.unwrap().unwrap().bytes, body, "{id}");
    }
    assert_eq!(node.row("ours").await, node.row("nodes").await);
    place.drop().await;
}

#[tokio::test]
async fn n82_a_row_that_was_removed_is_not_read() {
    let place = Place::make(url(), COLUMNS).await;
    let (store, node) = place.open().await;
    node.write("a", "{}", Timestamp::NEVER).await.unwrap();
    assert!(matches!(store.end("a", None).await.unwrap(), Ended::Ended(_)));
    assert_eq!(store.read("a").await.unwrap(), None);
    assert_eq!(node.row("a").await, None);
    place.drop().await;
}

#[tokio::test]
async fn n83_rows_that_are_too_old_are_removed_and_others_are_not() {
    let place = Place::make(url(), COLUMNS).await;
    let (store, node) = place.open().await;
    let due = place.clock.now() + LIFETIME;
    node.write("old", "{}", due).await.unwrap();
    node.write("young", "{}", due + Duration::from_millis(2)).await.unwrap();
    let sweep = store.capabilities().sweep.unwrap();
    // node-session removes what is older than its lifetime, not what is as old.
    place.clock.set(due);
    assert_eq!(sweep.sweep(100).await.unwrap().removed, 0);
    place.clock.set(due + Duration::from_millis(1));
    assert_eq!(sweep.sweep(100).await.unwrap().removed, 1);
    assert_eq!(node.row("old").await, None);
    assert!(node.row("young").await.is_some());
    place.drop().await;
}

#[tokio::test]
async fn a_row_has_the_body_as_a_json_string_and_milliseconds() {
    let place = Place::make(url(), COLUMNS).await;
    let (store, node) = place.open().await;
    let later = place.clock.now() + LIFETIME;
    let now = last_activity(later);
    let body = r#"{"_token":"t","a":"é \ud83d"}"#;
    let version = store.insert("a", body.as_bytes(), later).await.unwrap().unwrap();
    let payload = r#""{\"_token\":\"t\",\"a\":\"é \\ud83d\"}""#.to_owned();
    assert_eq!(node.row("a").await, Some((payload.clone(), now)));
    node.write_payload("a", payload, now).await.unwrap();
    let read = store.read("a").await.unwrap();
    assert!(
        read.is_some_and(|read| read.bytes == body && read.version == version && read.expires_at == later)
    );
    place.drop().await;
}

/// node-session's process would end when it has to write it.
#[tokio::test]
async fn a_character_that_nodes_connection_does_not_carry_is_refused_and_the_old_body_stays() {
    let place = Place::make(url(), COLUMNS).await;
    let (_, node) = place.open().await;
    let store = place.builder().wide_characters(false).build_bodies().await.unwrap();
    let version = store.insert("a", "\"é\"".as_bytes(), Timestamp::NEVER).await.unwrap().unwrap();
    let error = store.replace("a", version, "\"😀\"".as_bytes(), Timestamp::NEVER).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(node.row("a").await.unwrap().0, r#""\"é\"""#);
    place.drop().await;
}

#[tokio::test]
async fn a_payload_of_one_layer_is_read_and_written_back_with_two() {
    let place = Place::make(url(), COLUMNS).await;
    let (store, node) = place.open().await;
    node.write_payload("a", "{\"views\":1}".into(), last_activity(Timestamp::NEVER)).await.unwrap();
    let read = store.read("a").await.unwrap().unwrap();
    assert_eq!(read.bytes, "{\"views\":1}");
    let replaced = store.replace("a", read.version, b"{\"views\":2}", Timestamp::NEVER).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)));
    assert_eq!(node.row("a").await.unwrap().0, r#""{\"views\":2}""#);
    place.drop().await;
}

#[tokio::test]
async fn a_table_that_cannot_hold_what_node_session_writes_is_refused_in_one_clear_line() {
    for (from, to, words) in [
        ("bigint", "int", "the column lastActivity of TABLE is of type int, not bigint"),
        (
            "id varchar(255) COLLATE utf8mb4_bin",
            "id varchar(255) COLLATE utf8mb4_general_ci",
            "the column id of TABLE has the collation utf8mb4_general_ci, to which different ids are the same; \
             it needs utf8mb4_bin",
        ),
        ("UNIQUE KEY", "KEY", "the column id of TABLE is neither its primary key nor unique"),
        (
            "longtext COLLATE utf8mb4_bin",
            "longtext COLLATE utf8mb3_bin",
            "the column payload of TABLE has the collation utf8mb3_bin, whose characters are not all of Unicode; \
             it needs utf8mb4_bin",
        ),
    ] {
        let place = Place::make(url(), &COLUMNS.replace(from, to)).await;
        let error = place.builder().build_bodies().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup, "{error:?}");
        assert_eq!(error.to_string().replace(&place.table, "TABLE"), words);
        place.drop().await;
    }
}
