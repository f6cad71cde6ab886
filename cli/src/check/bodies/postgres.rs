//! Bodies in PostgreSQL, as connect-pg-simple keeps them, in tables of the check's own.

use cloakroom_conformance::bodies::{Harness, OtherPackage};
use cloakroom_postgres::PostgresStore;
use cloakroom_postgres::sqlx::{self, AssertSqlSafe, PgPool};
use cloakroom_tower::store::{Result, Timestamp, async_trait};

use super::{Bodies, in_tables, refused, unusable};
use crate::stores::{self, Trial};
use crate::trouble::Trouble;

/// What connect-pg-simple does, on connections of its own.
#[derive(Debug)]
struct Node {
    pool: PgPool,
    table: String,
}

/// Makes the table as the package makes it.
pub(super) async fn open(url: &str, trial: &Trial) -> std::result::Result<Bodies, Trouble> {
    let url = stores::bodies::client_url(url, &["layout", "table", "prefix", "schema", "time_zone"])?;
    let (table, prefix) = (format!("{}session", trial.prefix), trial.prefix.clone());
    let builder = PostgresStore::from_url(&url).map_err(|error| unusable(&error))?;
    let builder = builder.table(&*table).prefix(&*prefix).time_zone("UTC").clock(trial.clock.clone());
    let pool = PgPool::connect(&url).await.map_err(|error| unusable(&error))?;
    let tables = format!("{table}, {prefix}ended");
    let make = format!(
        "CREATE TABLE {table} (sid varchar NOT NULL PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)"
    );
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&pool).await.map_err(|error| unusable(&error))?;
    let node = Node { pool: pool.clone(), table: table.clone() };
    let tidy = Box::pin(async move {
        let drop = AssertSqlSafe(format!("DROP TABLE IF EXISTS {tables}"));
        sqlx::raw_sql(drop).execute(&pool).await?;
        Ok(())
    });
    let harness = |store| Harness::new(store, trial.clock.clone(), node);
    in_tables(builder.build_bodies().await, tidy, harness).await
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let sql = format!(
            "INSERT INTO {} (sid, sess, expire) VALUES ($1, $2::json, to_timestamp($3) AT TIME ZONE 'UTC')
            ON CONFLICT (sid) DO UPDATE SET sess = excluded.sess, expire = excluded.expire",
            self.table
        );
        let second = expires_at.as_millis().div_ceil(1_000).cast_signed();
        let question = sqlx::query(AssertSqlSafe(sql)).bind(id.to_owned()).bind(body.to_owned()).bind(second);
        question.execute(&self.pool).await.map(drop).map_err(refused)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        let sql = format!("SELECT EXISTS (SELECT FROM {} WHERE sid = $1)", self.table);
        let question = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id.to_owned());
        question.fetch_one(&self.pool).await.map_err(refused)
    }
}
