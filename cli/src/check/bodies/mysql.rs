//! Bodies in MariaDB or MySQL, as express-mysql-session or node-session keeps them, in tables of the check's own.

use cloakroom_conformance::bodies::{Harness, OtherPackage, Rounding};
use cloakroom_mysql::MysqlStore;
use cloakroom_mysql::sqlx::{self, AssertSqlSafe, MySqlPool};
use cloakroom_tower::store::{Result, Timestamp, async_trait};

use super::{Bodies, in_tables, refused, unusable};
use crate::stores::bodies::{Layout, NODE_SESSION_LIFETIME};
use crate::stores::mysql::BODY_SETTINGS;
use crate::stores::{self, Trial};
use crate::trouble::Trouble;

/// What the package does, on connections of its own.
#[derive(Debug)]
struct Node {
    pool: MySqlPool,
    table: String,
    layout: Layout,
}

/// The tables as the packages make them, or ask for them.
const EXPRESS: &str =
    "(session_id varchar(128) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, expires int unsigned NOT NULL,
    data mediumtext COLLATE utf8mb4_bin) ENGINE = InnoDB";
const NODE_SESSION: &str =
    "(id varchar(255) COLLATE utf8mb4_bin NOT NULL, payload longtext COLLATE utf8mb4_bin,
    lastActivity bigint, UNIQUE KEY (id)) ENGINE = InnoDB";

/// Makes a table for the package.
pub(super) async fn open(url: &str, layout: Layout, trial: &Trial) -> std::result::Result<Bodies, Trouble> {
    let url = stores::bodies::client_url(url, &BODY_SETTINGS)?;
    let (table, prefix) = (format!("{}sessions", trial.prefix), trial.prefix.clone());
    let builder = MysqlStore::from_url(&url).map_err(|error| unusable(&error))?;
    let mut builder = builder.table(&*table).prefix(&*prefix).clock(trial.clock.clone());
    let (columns, rounding) = match layout {
        Layout::NodeSessionTable => (NODE_SESSION, Rounding::Exact),
        _ => (EXPRESS, Rounding::Nearest),
    };
    if layout == Layout::NodeSessionTable {
        builder = builder.node_session(NODE_SESSION_LIFETIME).wide_characters(true);
    }
    let pool = MySqlPool::connect(&url).await.map_err(|error| unusable(&error))?;
    let tables = format!("{table}, {prefix}ended");
    let make = format!("CREATE TABLE {table} {columns}");
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&pool).await.map_err(|error| unusable(&error))?;
    let node = Node { pool: pool.clone(), table: table.clone(), layout };
    let tidy = Box::pin(async move {
        let drop = AssertSqlSafe(format!("DROP TABLE IF EXISTS {tables}"));
        sqlx::raw_sql(drop).execute(&pool).await?;
        Ok(())
    });
    let harness = |store| Harness::new(store, trial.clock.clone(), node).rounding(rounding);
    in_tables(builder.build_bodies().await, tidy, harness).await
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let (sql, time, stored) = if self.layout == Layout::NodeSessionTable {
            let lifetime = NODE_SESSION_LIFETIME.as_millis();
            let last_activity = u128::from(expires_at.as_millis()).saturating_sub(lifetime);
            let stored = serde_json::to_string(body).map_err(refused)?;
            (
                "(id, lastActivity, payload) VALUES (?, ?, ?)
                ON DUPLICATE KEY UPDATE lastActivity = VALUES(lastActivity), payload = VALUES(payload)",
                u64::try_from(last_activity).unwrap_or(u64::MAX),
                stored,
            )
        } else {
            (
                "(session_id, expires, data) VALUES (?, ?, ?)
                ON DUPLICATE KEY UPDATE expires = VALUES(expires), data = VALUES(data)",
                ((expires_at.as_millis() + 500) / 1_000).min(u64::from(u32::MAX)),
                body.to_owned(),
            )
        };
        let sql = AssertSqlSafe(format!("INSERT INTO {} {sql}", self.table));
        let question = sqlx::query(sql).bind(id.to_owned()).bind(time).bind(stored);
        question.execute(&self.pool).await.map(drop).map_err(refused)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        let key = if self.layout == Layout::NodeSessionTable { "id" } else { "session_id" };
        let sql = format!("SELECT COUNT(*) FROM {} WHERE {key} = ?", self.table);
        let question = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id.to_owned());
        let count: i64 = question.fetch_one(&self.pool).await.map_err(refused)?;
        Ok(count > 0)
    }
}
