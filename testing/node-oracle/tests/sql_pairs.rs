//! Pairs of an Express application and a Rust application that keep sessions in one table: connect-pg-simple in PostgreSQL,
//! express-mysql-session in MariaDB.
//!
//! Servers are named by `CLOAKROOM_TEST_*`; a pair whose server is not named is skipped loudly, as in the other suites.

#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "helpers of tests say what they skip")]

#[path = "scenarios/express.rs"]
mod express;
mod scenarios;

use std::time::Duration;

use cloakroom_mysql::MysqlStore;
use cloakroom_node::{Express, NodeStore};
use cloakroom_node_oracle::{Browser, NodeApp, Result, RustApp};
use cloakroom_postgres::PostgresStore;
use cloakroom_postgres::sqlx::{self, AssertSqlSafe, MySqlPool, PgPool};

use express::Bodies;
use scenarios::Pair;

const SECRET: &str = "keyboard cat";
/// Not that of any server: a column without a time zone has to be read in the one that Node's connections have.
const ZONE: &str = "America/New_York";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    /// The server's database has the time zone of the servers, or `ZONE`.
    Postgres {
        in_zone: bool,
    },
    Mariadb,
}

/// A table that one pair shares; the Node application makes it.
struct Place {
    server: Server,
    url: String,
    table: String,
}

fn shared(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        eprintln!("SKIPPED: {variable} names no server");
    }
    url
}

/// A name that no other test has.
fn unused() -> String {
    format!("oracle_{:016x}", getrandom::u64().unwrap())
}

impl Place {
    /// Finds a place on the server that tests share; `None` if there is no server.
    async fn find(server: Server) -> Result<Option<Self>> {
        match server {
            Server::Mariadb => {
                Ok(shared("CLOAKROOM_TEST_MARIADB").map(|url| Self { server, url, table: unused() }))
            }
            Server::Postgres { in_zone } => {
                let Some(url) = shared("CLOAKROOM_TEST_POSTGRES") else { return Ok(None) };
                let (host, _) = url.rsplit_once('/').ok_or("a URL without a database")?;
                // The names of connect-pg-simple's index and constraint are the same for every table.
                let (database, pool) = (unused(), PgPool::connect(&url).await?);
                let mut orders = vec![format!("CREATE DATABASE {database}")];
                orders.extend(in_zone.then(|| format!("ALTER DATABASE {database} SET timezone TO '{ZONE}'")));
                for order in orders {
                    sqlx::raw_sql(AssertSqlSafe(order)).execute(&pool).await?;
                }
                Ok(Some(Self { server, url: format!("{host}/{database}"), table: "session".into() }))
            }
        }
    }

    /// Starts Express, which makes the table, and a Rust application beside it.
    async fn pair(&self, express: &Express, settings: &[(&str, &str)]) -> Result<Pair> {
        let store = if self.server == Server::Mariadb { "mysql" } else { "postgres" };
        let own = [("STORE", store), ("URL", &self.url), ("PREFIX", &self.table), ("SECRETS", SECRET)];
        let settings: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
        let node = NodeApp::start("express", &settings).await?;
        // connect-pg-simple makes it when it is first used.
        Browser::new().text(node.port(), "/count").await?;
        let rust = RustApp::start(express.config(), self.store(express).await?).await?;
        Ok(Pair { node, rust })
    }

    async fn store(&self, express: &Express) -> Result<NodeStore> {
        Ok(match self.server {
            Server::Mariadb => {
                let builder = MysqlStore::builder(&self.url)?.table(&self.table);
                express.store(builder.table_prefix(format!("{}_", self.table)).open_bodies().await?)
            }
            Server::Postgres { .. } => {
                express.store(PostgresStore::builder(&self.url)?.table(&self.table).open_bodies().await?)
            }
        })
    }

    /// Returns by how many seconds the expiry of a body's row is not what Node writes for the expiry of its cookie.
    async fn difference(&self, id: &str) -> Result<i64> {
        Ok(match self.server {
            Server::Mariadb => {
                let sql = format!(
                    "SELECT CAST(expires AS SIGNED) - CAST(ROUND(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', STR_TO_DATE(
                        JSON_UNQUOTE(JSON_EXTRACT(data, '$.cookie.expires')), '%Y-%m-%dT%H:%i:%s.%fZ'
                    )) / 1000000) AS SIGNED) FROM {} WHERE session_id = ?",
                    self.table
                );
                let pool = MySqlPool::connect(&self.url).await?;
                sqlx::query_scalar(AssertSqlSafe(sql)).bind(id.to_owned()).fetch_one(&pool).await?
            }
            Server::Postgres { .. } => {
                let sql = format!(
                    "SELECT (extract(epoch FROM expire AT TIME ZONE '{ZONE}')
                        - ceil(extract(epoch FROM (sess->'cookie'->>'expires')::timestamptz)))::bigint
                    FROM session WHERE sid = $1"
                );
                let pool = PgPool::connect(&self.url).await?;
                sqlx::query_scalar(AssertSqlSafe(sql)).bind(id.to_owned()).fetch_one(&pool).await?
            }
        })
    }

    /// Removes the table, or the database.
    async fn remove(self, pair: Pair) -> Result {
        drop(pair);
        if self.server == Server::Mariadb {
            let pool = MySqlPool::connect(&self.url).await?;
            let order = format!("DROP TABLE {0}, {0}_ended", self.table);
            sqlx::raw_sql(AssertSqlSafe(order)).execute(&pool).await?;
        } else if let (Some(url), Some((_, database))) =
            (shared("CLOAKROOM_TEST_POSTGRES"), self.url.rsplit_once('/'))
        {
            let order = format!("DROP DATABASE {database} WITH (FORCE)");
            sqlx::raw_sql(AssertSqlSafe(order)).execute(&PgPool::connect(&url).await?).await?;
        }
        Ok(())
    }
}

impl Bodies for Place {
    async fn body(&self, id: &str) -> Result<Option<String>> {
        Ok(match self.server {
            Server::Mariadb => {
                let sql = format!("SELECT data FROM {} WHERE session_id = ?", self.table);
                let pool = MySqlPool::connect(&self.url).await?;
                let question = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id.to_owned());
                question.fetch_optional(&pool).await?
            }
            Server::Postgres { .. } => {
                let question =
                    sqlx::query_scalar("SELECT sess::text FROM session WHERE sid = $1").bind(id.to_owned());
                question.fetch_optional(&PgPool::connect(&self.url).await?).await?
            }
        })
    }

    async fn write(&self, id: &str, body: &str) -> Result {
        let (id, body) = (id.to_owned(), body.to_owned());
        if self.server == Server::Mariadb {
            let sql = format!(
                "INSERT INTO {} (session_id, expires, data) VALUES (?, UNIX_TIMESTAMP() + 86400, ?)",
                self.table
            );
            let pool = MySqlPool::connect(&self.url).await?;
            sqlx::query(AssertSqlSafe(sql)).bind(id).bind(body).execute(&pool).await?;
        } else {
            let question = sqlx::query(
                "INSERT INTO session (sid, sess, expire) VALUES ($1, $2::json, now() + interval '1 day')",
            );
            question.bind(id).bind(body).execute(&PgPool::connect(&self.url).await?).await?;
        }
        Ok(())
    }
}

fn express() -> Express {
    Express::new([SECRET]).unwrap()
}

macro_rules! pairs {
    ($($name:ident: $server:expr;)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn sessions_are_shared() -> Result {
                let Some(place) = Place::find($server).await? else { return Ok(()) };
                let pair = place.pair(&express(), &[]).await?;
                express::sessions_are_shared(&pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_lifetime_is_shared_and_rows_expire_when_node_says_so() -> Result {
                let Some(place) = Place::find($server).await? else { return Ok(()) };
                let hour = express().max_age(Duration::from_secs(3600));
                let pair = place.pair(&hour, &[("MAX_AGE", "3600000")]).await?;
                express::a_lifetime_is_shared(&pair).await?;
                rows_expire_when_node_says_so(&place, &pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn passport_log_ins_and_log_outs_are_shared() -> Result {
                let Some(place) = Place::find($server).await? else { return Ok(()) };
                let pair = place.pair(&express().passport(), &[("PASSPORT", "text")]).await?;
                express::log_ins_and_log_outs_are_shared(&pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn flash_messages_and_csrf_tokens_are_shared() -> Result {
                let Some(place) = Place::find($server).await? else { return Ok(()) };
                let pair = place.pair(&express(), &[("FLASH", "1"), ("CSRF", "1")]).await?;
                express::flash_messages_and_csrf_tokens_are_shared(&pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn no_write_of_ours_is_lost_while_node_reads() -> Result {
                let Some(place) = Place::find($server).await? else { return Ok(()) };
                let pair = place.pair(&express(), &[]).await?;
                express::no_write_of_ours_is_lost_while_node_reads(&pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn what_node_writes_back_after_a_log_out_is_no_session_for_us() -> Result {
                let Some(place) = Place::find($server).await? else { return Ok(()) };
                let pair = place.pair(&express(), &[]).await?;
                express::what_node_writes_back_after_a_log_out_is_no_session_for_us(&pair, &place).await?;
                place.remove(pair).await
            }
        }
    )*};
}

pairs! {
    connect_pg_simple: Server::Postgres { in_zone: true };
    express_mysql_session: Server::Mariadb;
}

/// Whichever side has written last.
async fn rows_expire_when_node_says_so(place: &Place, pair: &Pair) -> Result {
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        browser.text(first, "/count").await?;
        // A look moves the row's expiry and leaves the body, so there is none between a write and the comparison.
        let id = browser.text(pair.node.port(), "/id").await?;
        for port in [first, second, first, second, second, first] {
            browser.text(port, "/count").await?;
            assert_eq!(place.difference(&id).await?, 0, "node begins: {node_begins}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_pg_simple_in_the_time_zone_of_the_server_shares_sessions() -> Result {
    let Some(place) = Place::find(Server::Postgres { in_zone: false }).await? else { return Ok(()) };
    let pair = place.pair(&express(), &[]).await?;
    express::sessions_are_shared(&pair).await?;
    place.remove(pair).await
}
