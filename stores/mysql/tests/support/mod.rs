//! Tables of a test's own on the server that tests share.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![allow(dead_code, reason = "each test uses some of it")]

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Mutex;
use std::thread;

use cloakroom_mysql::sqlx::{self, AssertSqlSafe, Connection, Executor, MySqlConnection};
use cloakroom_mysql::{Builder, MysqlStore};
use cloakroom_services::Service;
#[allow(unused_imports, reason = "each test uses some of them")]
pub(crate) use cloakroom_services::outages::{created, held, holding, key};

/// The server that tests share. Encryption has a test of its own; it would be most of the others' time.
pub(crate) fn url() -> String {
    format!("{}?ssl-mode=DISABLED", Service::Mariadb.shared())
}

/// A name that nothing has used before.
pub(crate) fn unused(what: &str) -> String {
    format!("{what}_{:016x}_", RandomState::new().hash_one(0))
}

/// The prefixes of tables that are empty: making them takes longer than most tests.
static FREE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Tables of a test's own, dropped with this.
#[derive(Debug)]
pub(crate) struct Tables {
    url: String,
    /// Whether they are emptied instead, for another test.
    lent: bool,
    pub(crate) prefix: String,
}

impl Tables {
    /// Makes tables with a prefix of their own.
    pub(crate) async fn make() -> Self {
        let tables = Self::named(unused("t"));
        // What survives a crash is tested on servers of the test's own; here, a disk's time would be most of it.
        run(&tables.url, "SET GLOBAL innodb_flush_log_at_trx_commit = 2".into()).await;
        tables.builder().create_tables().await.unwrap();
        tables
    }

    /// Tables for a test that leaves them as they were made.
    pub(crate) async fn lend() -> Self {
        let free = FREE.lock().unwrap().pop();
        let mut tables = match free {
            Some(prefix) => Self::named(prefix),
            None => Self::make().await,
        };
        tables.lent = true;
        tables
    }

    /// Makes nothing yet.
    pub(crate) fn named(prefix: String) -> Self {
        Self { url: url(), lent: false, prefix }
    }

    pub(crate) fn builder(&self) -> Builder {
        self.name(MysqlStore::from_url(&self.url).unwrap())
    }

    pub(crate) fn name(&self, builder: Builder) -> Builder {
        builder.prefix(&self.prefix)
    }

    pub(crate) async fn open(&self) -> MysqlStore {
        self.builder().build().await.unwrap()
    }

    fn empty(&self) -> String {
        format!("DELETE FROM {0}records; DELETE FROM {0}revocations", self.prefix)
    }

    fn drop_all(&self) -> String {
        format!("DROP TABLE IF EXISTS {0}records, {0}revocations", self.prefix)
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        let lent = self.lent.then(|| self.prefix.clone());
        let (url, sql) = (self.url.clone(), if self.lent { self.empty() } else { self.drop_all() });
        // A runtime cannot be waited for inside another one.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&url, sql));
        });
        if dropping.join().is_ok() {
            FREE.lock().unwrap().extend(lent);
        }
    }
}

/// Runs statements on a connection of their own.
pub(crate) async fn run(url: &str, sql: String) {
    let mut connection = MySqlConnection::connect(url).await.unwrap();
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.unwrap();
    connection.close().await.unwrap();
}

/// Asks for one number.
pub(crate) async fn number(url: &str, sql: String) -> i64 {
    let mut connection = MySqlConnection::connect(url).await.unwrap();
    let number = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    number
}
