//! Bodies in SQLite, as connect-sqlite3 keeps them, in tables of the check's own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloakroom_conformance::bodies::{Harness, OtherPackage, Rounding};
use cloakroom_sqlite::rusqlite::{self, Connection, params};
use cloakroom_tower::store::{Result, Timestamp, async_trait};
use tokio::task::spawn_blocking;

use super::{Bodies, in_tables, refused, unusable};
use crate::stores::Trial;
use crate::stores::sqlite::{BodyTrial, try_bodies};
use crate::trouble::Trouble;

/// How long one of many that write waits for the others.
const PATIENCE: Duration = Duration::from_secs(30);

/// What connect-sqlite3 does, on a connection of its own.
#[derive(Clone, Debug)]
struct Node {
    connection: Arc<Mutex<Connection>>,
    table: String,
}

/// Makes the table as the package makes it.
pub(super) async fn open(url: &str, trial: &Trial) -> std::result::Result<Bodies, Trouble> {
    let BodyTrial { path, builder, tidy } = try_bodies(url, trial)?;
    let table = format!("{}sessions", trial.prefix);
    let node = match make(path, table).await {
        Ok(node) => node,
        Err(error) => {
            let _made_in_part: crate::stores::Tidied = tidy.await;
            return Err(unusable(&error));
        }
    };
    let harness = |store| Harness::new(store, trial.clock.clone(), node).rounding(Rounding::Exact);
    in_tables(builder.busy_timeout(PATIENCE).build_bodies().await, tidy, harness).await
}

async fn make(path: String, table: String) -> Result<Node> {
    let work = move || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.execute_batch(&format!("CREATE TABLE {table} (sid PRIMARY KEY, expired, sess)"))?;
        Ok(Node { connection: Arc::new(Mutex::new(connection)), table })
    };
    spawn_blocking(work).await.map_err(refused)?.map_err(|error: rusqlite::Error| refused(error))
}

impl Node {
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection = Arc::clone(&self.connection);
        let work = move || work(&connection.lock().unwrap_or_else(PoisonError::into_inner));
        spawn_blocking(work).await.map_err(refused)?.map_err(refused)
    }
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let sql = format!("INSERT OR REPLACE INTO {} VALUES (?, CAST(? AS REAL), ?)", self.table);
        let (id, body, millis) = (id.to_owned(), body.to_owned(), expires_at.as_millis().cast_signed());
        self.work(move |connection| connection.execute(&sql, params![id, millis, body]).map(drop)).await
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {} WHERE sid = ?)", self.table);
        let id = id.to_owned();
        self.work(move |connection| connection.query_row(&sql, [id], |row| row.get(0))).await
    }
}
