//! Tables that a Node application and a Rust application share.

use std::time::Duration;

use cloakroom_mysql::MysqlStore;
use cloakroom_node::{Express, NodeStore};
use cloakroom_node_oracle::{Browser, NodeApp, Result, RustApp};
use cloakroom_postgres::PostgresStore;
use cloakroom_postgres::sqlx::{self, AssertSqlSafe, MySqlPool, PgPool};
use cloakroom_sqlite::SqliteStore;
use cloakroom_sqlite::rusqlite::{Connection, OptionalExtension as _};
use tempfile::TempDir;

use crate::express::Bodies;
use crate::scenarios::Pair;

pub(crate) const SECRET: &str = "keyboard cat";
/// Not that of any server: a column without a time zone has to be read in the one that Node's connections have.
const ZONE: &str = "America/New_York";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// The server's database has the time zone of the servers, or `ZONE`.
    Postgres {
        in_zone: bool,
    },
    Mariadb,
    /// No server but a file, with a write-ahead log or without.
    Sqlite {
        has_log: bool,
    },
}

/// A table that one pair shares; the Node application makes it.
pub(crate) struct Place {
    server: Server,
    /// Of SQLite, the file.
    url: String,
    table: String,
    _folder: Option<TempDir>,
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
    pub(crate) async fn find(server: Server) -> Result<Option<Self>> {
        match server {
            Server::Mariadb => {
                let url = shared("CLOAKROOM_TEST_MARIADB");
                Ok(url.map(|url| Self { server, url, table: unused(), _folder: None }))
            }
            Server::Sqlite { .. } => {
                let folder = tempfile::tempdir()?;
                let url =
                    folder.path().join("sessions").to_str().ok_or("a folder without a name")?.to_owned();
                Ok(Some(Self { server, url, table: unused(), _folder: Some(folder) }))
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
                let url = format!("{host}/{database}");
                Ok(Some(Self { server, url, table: "session".into(), _folder: None }))
            }
        }
    }

    /// Starts Express, which makes the table, and a Rust application beside it.
    pub(crate) async fn pair(&self, express: &Express, settings: &[(&str, &str)]) -> Result<Pair> {
        let (store, has_log) = match self.server {
            Server::Mariadb => ("mysql", false),
            Server::Postgres { .. } => ("postgres", false),
            Server::Sqlite { has_log } => ("sqlite", has_log),
        };
        let concurrent = if has_log { "1" } else { "0" };
        let own = [("STORE", store), ("URL", &self.url), ("PREFIX", &self.table), ("SECRETS", SECRET)];
        let own = own.into_iter().chain([("CONCURRENT", concurrent)]);
        let settings: Vec<_> = own.chain(settings.iter().copied()).collect();
        let node = NodeApp::start("express", &settings).await?;
        // connect-pg-simple makes it when it is first used.
        Browser::new().text(node.port(), "/count").await?;
        let rust = RustApp::start(express.config(), self.store(express).await?).await?;
        Ok(Pair { node, rust })
    }

    async fn store(&self, express: &Express) -> Result<NodeStore> {
        Ok(match self.server {
            Server::Mariadb => {
                let builder = MysqlStore::from_url(&self.url)?.table(&self.table);
                express.store(builder.prefix(format!("{}_", self.table)).build_bodies().await?)
            }
            Server::Postgres { .. } => {
                express.store(PostgresStore::from_url(&self.url)?.table(&self.table).build_bodies().await?)
            }
            Server::Sqlite { .. } => {
                express.store(SqliteStore::builder(&self.url).table(&self.table).build_bodies().await?)
            }
        })
    }

    /// Returns by how many seconds the expiry of a body's row is not what Node writes for the expiry of its cookie.
    pub(crate) async fn difference(&self, id: &str) -> Result<i64> {
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
            Server::Sqlite { .. } => {
                let sql = format!(
                    "SELECT CAST(round(expired / 1000
                        - (julianday(json_extract(sess, '$.cookie.expires')) - 2440587.5) * 86400) AS INTEGER)
                    FROM {} WHERE sid = ?",
                    self.table
                );
                self.file()?.query_row(&sql, [id], |row| row.get(0))?
            }
        })
    }

    /// Opens the file of a pair that has no server.
    fn file(&self) -> Result<Connection> {
        let connection = Connection::open(&self.url)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        Ok(connection)
    }

    /// Removes the table, or the database.
    pub(crate) async fn remove(self, pair: Pair) -> Result {
        drop(pair);
        if self.server == Server::Mariadb {
            let pool = MySqlPool::connect(&self.url).await?;
            let order = format!("DROP TABLE {0}, {0}_ended", self.table);
            sqlx::raw_sql(AssertSqlSafe(order)).execute(&pool).await?;
        } else if matches!(self.server, Server::Postgres { .. })
            && let (Some(url), Some((_, database))) =
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
            Server::Sqlite { .. } => {
                let sql = format!("SELECT sess FROM {} WHERE sid = ?", self.table);
                self.file()?.query_row(&sql, [id], |row| row.get(0)).optional()?
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
        } else if matches!(self.server, Server::Sqlite { .. }) {
            let sql = format!(
                "INSERT OR REPLACE INTO {} VALUES (?, (unixepoch() + 86400) * 1000.0, ?)",
                self.table
            );
            self.file()?.execute(&sql, [id, body])?;
        } else {
            let question = sqlx::query(
                "INSERT INTO session (sid, sess, expire) VALUES ($1, $2::json, now() + interval '1 day')",
            );
            question.bind(id).bind(body).execute(&PgPool::connect(&self.url).await?).await?;
        }
        Ok(())
    }
}
