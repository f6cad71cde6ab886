//! Bodies in MariaDB or MySQL, as express-mysql-session keeps them, in tables of the check's own.

use std::sync::Arc;

use cloakroom_conformance::bodies::{Harness, OtherPackage, Rounding};
use cloakroom_mysql::MysqlStore;
use cloakroom_mysql::sqlx::{self, AssertSqlSafe, MySqlPool};
use cloakroom_tower::store::{Result, Timestamp, async_trait};

use super::{Bodies, in_tables, refused, unusable};
use crate::stores::{self, Trial};
use crate::trouble::Trouble;

/// What express-mysql-session does, on connections of its own.
#[derive(Debug)]
struct Node {
    pool: MySqlPool,
    table: String,
}

/// Makes the table as the package makes it.
pub(super) async fn open(url: &str, trial: &Trial) -> std::result::Result<Bodies, Trouble> {
    let url = stores::bodies::client_url(url, &["layout", "table", "prefix"])?;
    let (table, prefix) = (format!("{}sessions", trial.prefix), trial.prefix.clone());
    let builder = MysqlStore::builder(&url).map_err(|error| unusable(&error))?;
    let builder = builder.table(&*table).table_prefix(&*prefix).clock(Arc::new(trial.clock.clone()));
    let pool = MySqlPool::connect(&url).await.map_err(|error| unusable(&error))?;
    let tables = format!("{table}, {prefix}ended");
    let make = format!(
        "CREATE TABLE {table} (session_id varchar(128) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
        expires int unsigned NOT NULL, data mediumtext COLLATE utf8mb4_bin) ENGINE = InnoDB"
    );
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&pool).await.map_err(|error| unusable(&error))?;
    let node = Node { pool: pool.clone(), table: table.clone() };
    let tidy = Box::pin(async move {
        let drop = AssertSqlSafe(format!("DROP TABLE IF EXISTS {tables}"));
        sqlx::raw_sql(drop).execute(&pool).await?;
        Ok(())
    });
    let harness = |store| Harness::new(store, trial.clock.clone(), node).rounding(Rounding::Nearest);
    in_tables(builder.open_bodies().await, tidy, harness).await
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let sql = format!(
            "INSERT INTO {} (session_id, expires, data) VALUES (?, ?, ?)
            ON DUPLICATE KEY UPDATE expires = VALUES(expires), data = VALUES(data)",
            self.table
        );
        let second = ((expires_at.as_millis() + 500) / 1_000).min(u64::from(u32::MAX));
        let question = sqlx::query(AssertSqlSafe(sql)).bind(id.to_owned()).bind(second).bind(body.to_owned());
        question.execute(&self.pool).await.map(drop).map_err(refused)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        let sql = format!("SELECT COUNT(*) FROM {} WHERE session_id = ?", self.table);
        let question = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id.to_owned());
        let count: i64 = question.fetch_one(&self.pool).await.map_err(refused)?;
        Ok(count > 0)
    }
}
