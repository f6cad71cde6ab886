//! Bodies as express-mysql-session keeps them, on a real server.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use std::time::Duration;

use cloakroom_conformance::bodies::{self, Harness, OtherPackage, Rounding};
use cloakroom_mysql::sqlx::{self, AssertSqlSafe, MySqlPool};
use cloakroom_mysql::{Builder, MysqlBodies, MysqlStore};
use cloakroom_services::optional_mysql;
use cloakroom_store::{BodyStore, Error, ErrorKind, ManualClock, Result, Timestamp, async_trait};
use support::{number, run, unused, url};

/// What a Node application with express-mysql-session does, on connections of its own.
#[derive(Debug)]
struct Node {
    pool: MySqlPool,
    table: String,
}

fn broken(error: sqlx::Error) -> Error {
    Error::new(ErrorKind::Other, "the server refuses it").with_source(error)
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let sql = format!(
            "INSERT INTO `{}` (session_id, expires, data) VALUES (?, ?, ?)
            ON DUPLICATE KEY UPDATE expires = VALUES(expires), data = VALUES(data)",
            self.table
        );
        let second = ((expires_at.as_millis() + 500) / 1_000).min(u64::from(u32::MAX));
        let question = sqlx::query(AssertSqlSafe(sql)).bind(id.to_owned()).bind(second).bind(body.to_owned());
        question.execute(&self.pool).await.map(drop).map_err(broken)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        let sql = format!("SELECT COUNT(*) FROM `{}` WHERE session_id = ?", self.table);
        let question = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id.to_owned());
        let count: i64 = question.fetch_one(&self.pool).await.map_err(broken)?;
        Ok(count > 0)
    }
}

/// The columns that express-mysql-session makes.
const COLUMNS: &str =
    "(session_id varchar(128) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, expires int unsigned NOT NULL,
    data mediumtext COLLATE utf8mb4_bin) ENGINE = InnoDB";

/// A table of a test's own, and marks of its own; the table's name has quotes in it.
struct Place {
    table: String,
    prefix: String,
    url: String,
}

impl Place {
    async fn make(columns: &str) -> Self {
        Self::at(url(), columns).await
    }

    async fn at(url: String, columns: &str) -> Self {
        let place = Self { table: format!("sessions of-{}", unused("node")), prefix: unused("t"), url };
        run(&place.url, format!("CREATE TABLE `{}` {columns}", place.table)).await;
        place
    }

    fn builder(&self) -> Builder {
        let builder = MysqlStore::from_url(&self.url).unwrap();
        builder.table(self.table.clone()).prefix(self.prefix.clone())
    }

    fn node(&self) -> Node {
        Node { pool: MySqlPool::connect_lazy(&self.url).unwrap(), table: self.table.clone() }
    }

    async fn drop(self) {
        run(&self.url, format!("DROP TABLE IF EXISTS `{}`, {}ended", self.table, self.prefix)).await;
    }
}

async fn open(builder: Builder, clock: &ManualClock) -> MysqlBodies {
    builder.clock(clock.clone()).build_bodies().await.unwrap()
}

async fn keeps_every_sentence(place: Place) {
    let clock = ManualClock::at(Timestamp::now());
    let store = open(place.builder(), &clock).await;
    let harness = Harness::new(store, clock, place.node()).rounding(Rounding::Nearest);
    bodies::all(&harness).await.unwrap_or_else(|broken| panic!("{broken}"));
    drop(harness);
    place.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept() {
    keeps_every_sentence(Place::make(COLUMNS).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept_on_mysql_where_there_is_one() {
    let Some(url) = optional_mysql() else { return };
    keeps_every_sentence(Place::at(url, COLUMNS).await).await;
}

#[tokio::test]
async fn old_marks_are_forgotten_and_needed_ones_are_not() {
    let place = Place::make(COLUMNS).await;
    let clock = ManualClock::at(Timestamp::now());
    let (store, node) = (open(place.builder(), &clock).await, place.node());
    let later = |hours: u64| Duration::from_secs(hours * 3_600);
    let end = async |id: &str| {
        store.insert(id, b"{}", Timestamp::NEVER).await.unwrap().unwrap();
        store.end(id, None).await.unwrap()
    };
    let count = async || number(&place.url, format!("SELECT COUNT(*) FROM {}ended", place.prefix)).await;
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
    let id = "session_id varchar(128) COLLATE utf8mb4_bin PRIMARY KEY";
    for (columns, words) in [
        (format!("({id}, data mediumtext)"), "the table TABLE has no column expires"),
        (
            format!("({id}, expires int, data mediumtext)"),
            "the column expires of TABLE is of type int(11), not int unsigned",
        ),
        (
            format!("({id}, expires int unsigned, data blob)"),
            "the column data of TABLE is of type blob, not mediumtext",
        ),
        (
            format!("({id}, expires int unsigned, data mediumtext) ENGINE = MyISAM"),
            "the table TABLE is not of the engine InnoDB",
        ),
        (
            "(session_id varchar(128) COLLATE utf8mb4_bin, expires int unsigned, data mediumtext)".into(),
            "the column session_id of TABLE is neither its primary key nor unique",
        ),
        (
            "(session_id varchar(128) COLLATE utf8mb4_general_ci PRIMARY KEY, expires int unsigned, data mediumtext)"
                .into(),
            "the column session_id of TABLE has the collation utf8mb4_general_ci, to which different ids are the \
             same; it needs utf8mb4_bin",
        ),
    ] {
        let place = Place::make(&columns).await;
        assert_eq!(refusal(&place, place.builder()).await, words);
        place.drop().await;
    }
}

#[tokio::test]
async fn what_else_is_missing_is_reported_in_one_clear_line() {
    let place = Place::make(COLUMNS).await;
    let nowhere = refusal(&place, place.builder().table("nowhere")).await;
    assert_eq!(nowhere, "there is no table nowhere: let the Node application make it, or set Builder::table");
    let ended = refusal(&place, place.builder().create_ended(false)).await;
    assert_eq!(ended, "the table ended of ended sessions is missing: make it by hand, as the README says");
    let store = place.builder().build_bodies().await.unwrap();
    run(&place.url, format!("DROP TABLE `{}`", place.table)).await;
    let error = store.read("a").await.unwrap_err();
    assert!(error.kind() == ErrorKind::Setup && error.to_string().contains("Node's sessions"), "{error:?}");
    place.drop().await;
}

/// A server that is not strict would cut it off.
#[tokio::test]
async fn what_the_column_has_no_room_for_is_too_large() {
    let place = Place::make(&COLUMNS.replace("mediumtext", "text")).await;
    let store = place.builder().build_bodies().await.unwrap();
    let largest = vec![b'1'; 65_535];
    store.insert("a", &largest, Timestamp::NEVER).await.unwrap().unwrap();
    assert_eq!(store.read("a").await.unwrap().unwrap().bytes, largest);
    let error = store.insert("b", &[largest, vec![b'1']].concat(), Timestamp::NEVER).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    place.drop().await;
}
