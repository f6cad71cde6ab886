//! A pair of a node-session application with its database driver and a Rust application that share a table in MariaDB.
//!
//! The server is named by `CLOAKROOM_TEST_MARIADB`; without it, the tests are skipped loudly, as in the other suites.

#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "helpers of tests say what they skip")]

#[expect(dead_code, reason = "an end of Node's is another one here")]
mod scenarios;

use std::time::Duration;

use cloakroom_mysql::MysqlStore;
use cloakroom_mysql::sqlx::{self, AssertSqlSafe, MySqlPool};
use cloakroom_node::NodeSession;
use cloakroom_node_oracle::{Browser, NodeApp, Result, RustApp};

use scenarios::{Pair, a_new_id_on_either_side_goes_on, counts_on, values_of_every_kind_pass};

const SECRET: &str = "keyboard cat";
const LIFETIME: Duration = Duration::from_secs(300);

/// A table that one pair shares. People make it: node-session does not.
struct Place {
    url: String,
    table: String,
    pool: MySqlPool,
}

impl Place {
    /// Makes a table on the server that tests share; `None` if there is no server.
    async fn make() -> Result<Option<Self>> {
        let Ok(url) = std::env::var("CLOAKROOM_TEST_MARIADB") else {
            eprintln!("SKIPPED: CLOAKROOM_TEST_MARIADB names no server");
            return Ok(None);
        };
        let (table, pool) =
            (format!("oracle_{:016x}", getrandom::u64().unwrap()), MySqlPool::connect(&url).await?);
        let order = format!(
            "CREATE TABLE {table} (id varchar(255) COLLATE utf8mb4_bin NOT NULL, payload longtext COLLATE utf8mb4_bin,
            lastActivity bigint, UNIQUE KEY (id)) ENGINE = InnoDB"
        );
        sqlx::raw_sql(AssertSqlSafe(order)).execute(&pool).await?;
        Ok(Some(Self { url, table, pool }))
    }

    async fn pair(&self, preset: &NodeSession, settings: &[(&str, &str)]) -> Result<Pair> {
        let own = [("DATABASE", &*self.url), ("TABLE", &self.table), ("SECRET", SECRET)];
        let settings: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
        let node = NodeApp::start("node-session", &settings).await?;
        let builder =
            MysqlStore::from_url(&self.url)?.table(&self.table).node_session(LIFETIME).wide_characters(true);
        let bodies = builder.prefix(format!("{}_", self.table)).build_bodies().await?;
        let rust = RustApp::start_node_session(preset.config(), preset.store(bodies)).await?;
        Ok(Pair { node, rust })
    }

    async fn payload(&self, id: &str) -> Result<Option<String>> {
        let sql = format!("SELECT payload FROM {} WHERE id = ?", self.table);
        let question = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id.to_owned());
        Ok(question.fetch_optional(&self.pool).await?)
    }

    async fn run(&self, sql: String) -> Result {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.pool).await?;
        Ok(())
    }

    async fn remove(self, pair: Pair) -> Result {
        drop(pair);
        self.run(format!("DROP TABLE {0}, {0}_ended", self.table)).await
    }
}

fn node_session() -> Result<NodeSession> {
    Ok(NodeSession::new([SECRET])?.lifetime(LIFETIME))
}

#[tokio::test(flavor = "multi_thread")]
async fn node_session_and_its_database_driver_share_sessions() -> Result {
    let Some(place) = Place::make().await? else { return Ok(()) };
    let pair = place.pair(&node_session()?, &[]).await?;
    counts_on(&pair).await?;
    a_new_id_on_either_side_goes_on(&pair).await?;
    place.remove(pair).await
}

/// The adapter removes no row of node-session's table, as that has no primary key for it: Node ends a session with a new id.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_of_ours_is_one_for_node_and_an_end_of_nodes_is_a_new_session_here() -> Result {
    let Some(place) = Place::make().await? else { return Ok(()) };
    let pair = place.pair(&node_session()?, &[]).await?;
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        browser.text(first, "/count").await?;
        let copy = browser.clone();
        browser.text(pair.rust.port(), "/destroy").await?;
        for port in [first, second] {
            assert_eq!(copy.clone().text(port, "/views").await?, "0", "node begins: {node_begins}");
        }
        let mut browser = Browser::new();
        browser.text(first, "/count").await?;
        browser.text(pair.node.port(), "/destroy").await?;
        for port in [first, second] {
            assert_eq!(browser.text(port, "/views").await?, "0", "node begins: {node_begins}");
        }
        assert_eq!(browser.text(first, "/count").await?, "1");
        assert_eq!(browser.text(second, "/count").await?, "2");
    }
    place.remove(pair).await
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_kind_pass_through_the_table() -> Result {
    let Some(place) = Place::make().await? else { return Ok(()) };
    let pair = place.pair(&node_session()?, &[]).await?;
    values_of_every_kind_pass(&pair).await?;
    place.remove(pair).await
}

#[tokio::test(flavor = "multi_thread")]
async fn flash_values_and_csrf_tokens_of_node_session_are_shared() -> Result {
    let Some(place) = Place::make().await? else { return Ok(()) };
    let pair = place.pair(&node_session()?, &[]).await?;
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        browser.text(first, "/flash?type=info&text=saved").await?;
        assert_eq!(browser.text(second, "/flashes?type=info").await?, "\"saved\"", "{node_begins}");
        assert_eq!(browser.text(first, "/flashes?type=info").await?, "null", "{node_begins}");
        let token = browser.text(first, "/token").await?;
        assert_eq!(browser.text(second, "/token").await?, token);
        assert_eq!(browser.post(second, "/form", &format!("CSRF-Token: {token}")).await?.status, 200);
    }
    place.remove(pair).await
}

/// Each side reads what the other has written, and the times of both are those of the last use.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_alike_whichever_side_has_written_it() -> Result {
    let Some(place) = Place::make().await? else { return Ok(()) };
    let pair = place.pair(&node_session()?, &[]).await?;
    let mut browser = Browser::new();
    let age = async || -> Result<i64> {
        let sql = format!(
            "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 - lastActivity AS SIGNED) FROM {}",
            place.table
        );
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&place.pool).await?)
    };
    browser.text(pair.node.port(), "/count").await?;
    let id = browser.text(pair.node.port(), "/id").await?;
    for port in [pair.rust.port(), pair.node.port(), pair.rust.port()] {
        browser.text(port, "/count").await?;
        let payload = place.payload(&id).await?.ok_or("there is no row")?;
        assert!(payload.starts_with(r#""{\"_token\":\""#), "{payload}");
        assert!((0..60_000).contains(&age().await?), "the last activity was now");
    }
    place.remove(pair).await
}

/// A session that ended here stays ended for us, although Node writes it back.
#[tokio::test(flavor = "multi_thread")]
async fn what_node_writes_back_after_an_end_is_not_a_session_for_us() -> Result {
    let Some(place) = Place::make().await? else { return Ok(()) };
    let pair = place.pair(&node_session()?, &[]).await?;
    let mut browser = Browser::new();
    browser.text(pair.node.port(), "/count").await?;
    let id = browser.text(pair.rust.port(), "/id").await?;
    let copy = browser.clone();
    place.run(format!("CREATE TABLE {0}_copy AS SELECT * FROM {0}", place.table)).await?;
    browser.text(pair.rust.port(), "/destroy").await?;
    assert_eq!(place.payload(&id).await?, None);
    place.run(format!("INSERT INTO {0} SELECT * FROM {0}_copy", place.table)).await?;
    assert_eq!(copy.clone().text(pair.rust.port(), "/views").await?, "0");
    assert_eq!(place.payload(&id).await?, None, "the row is removed when it is read, for Node too");
    place.run(format!("DROP TABLE {}_copy", place.table)).await?;
    place.remove(pair).await
}
