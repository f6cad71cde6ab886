//! Bodies on real servers and in files, with a clock that the suite moves.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom::ManualClock;
use cloakroom::store::{BodyStore, Clock, Result, Store, Timestamp, async_trait};
use cloakroom_conformance::{Harness, Limits};
use cloakroom_memcached::MemcachedStore;
use cloakroom_mongodb::MongoStore;
use cloakroom_mongodb::mongodb::Client;
use cloakroom_mysql::MysqlStore;
use cloakroom_mysql::sqlx::{self, AssertSqlSafe, MySqlPool, PgPool};
use cloakroom_node::{Express, FileBodies, FileLayout, MemoryBodies, NodeSession};
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_services::Service;
use cloakroom_sqlite::SqliteStore;
use cloakroom_sqlite::rusqlite::Connection;
use tempfile::TempDir;

use crate::in_bodies::InBodies;
use crate::{LEFT_OUT, LEFT_OUT_OF_ITEMS, LEFT_OUT_OF_REDIS};

/// By how much the suite's clock is late: some layouts give a body up to a second more.
const LATE: Duration = Duration::from_secs(1);
/// How exactly the clocks of servers that tell an expiry by themselves are read.
const MINUTE: Duration = Duration::from_secs(60);

type Tidy = Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>;

/// Sessions of Express in one place.
pub(crate) struct Place {
    store: Arc<dyn Store>,
    other: Arc<dyn Store>,
    clock: ManualClock,
    limits: Limits,
    sentence: Arc<AtomicU64>,
    tidy: Tidy,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("store", &self.store).finish_non_exhaustive()
    }
}

#[async_trait]
impl Harness for Place {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    fn now(&self) -> Timestamp {
        self.clock.now() - LATE
    }

    async fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    async fn reopen(&self) -> Result<Option<Arc<dyn Store>>> {
        Ok(Some(Arc::clone(&self.other)))
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

fn moment() -> ManualClock {
    let minute = Timestamp::now().as_millis() / 60_000 * 60_000;
    ManualClock::at(Timestamp::from_millis(minute) + LATE)
}

impl Place {
    /// Takes two handles on the same bodies, whose expiry the suite's clock decides.
    fn new(
        clock: ManualClock,
        bodies: [impl BodyStore; 2],
        tidy: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let sentence = Arc::default();
        let stores = bodies.map(|bodies| in_bodies(bodies, Duration::from_secs(1), &sentence));
        Self::of(clock, stores, sentence, tidy)
    }

    fn of(
        clock: ManualClock,
        [store, other]: [Arc<dyn Store>; 2],
        sentence: Arc<AtomicU64>,
        tidy: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let limits = Limits::default().pace(MINUTE * 60, LATE * 2).leave_out(LEFT_OUT);
        Self { store, other, clock, limits, sentence, tidy: Mutex::new(Box::pin(tidy)) }
    }

    /// Begins a sentence. One about scans begins in an empty place: a scan reads every body by itself.
    pub(crate) async fn next_sentence(&self, name: &str) {
        self.sentence.fetch_add(1, Ordering::Relaxed);
        if let Some(scan) = self.store.capabilities().scan
            && ["scan", "page"].iter().any(|word| name.contains(word))
        {
            scan.clear().await.unwrap();
        }
    }

    /// Takes two handles on the same bodies, whose expiry the server's clock decides.
    fn on_server_clock(
        clock: ManualClock,
        bodies: [impl BodyStore; 2],
        left_out: &'static [(&'static str, &'static str)],
    ) -> Self {
        let sentence = Arc::default();
        let [store, other] = bodies.map(|bodies| in_bodies(bodies, MINUTE, &sentence));
        let limits = Limits::default()
            .among_others()
            .pace(MINUTE * 60, LATE * 2)
            .longest_wait(Duration::ZERO)
            .leave_out(left_out);
        Self { store, other, clock, limits, sentence, tidy: Mutex::new(Box::pin(async {})) }
    }

    /// Removes what is left.
    pub(crate) async fn close(self) {
        let Self { store, other, tidy, .. } = self;
        drop((store, other));
        tidy.into_inner().unwrap().await;
    }
}

fn in_bodies(bodies: impl BodyStore, unit: Duration, sentence: &Arc<AtomicU64>) -> Arc<dyn Store> {
    let express = Express::new(["keyboard cat"]).unwrap();
    Arc::new(InBodies::new(express.store(bodies), unit, sentence))
}

/// Makes a folder in memory, where there is such a place: what a disk keeps is not looked at.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A name that nothing has used before.
fn unused() -> String {
    format!("c_{:016x}_", getrandom::u64().unwrap())
}

pub(crate) async fn redis() -> Place {
    let (clock, prefix, url) = (moment(), unused(), Service::Redis.shared());
    let open = async || {
        let builder = RedisStore::from_url(&url).unwrap().prefix(&*prefix).clock(clock.clone());
        builder.build_bodies().await.unwrap()
    };
    Place::on_server_clock(clock.clone(), [open().await, open().await], LEFT_OUT_OF_REDIS)
}

pub(crate) async fn memcached() -> Place {
    let (clock, prefix, url) = (moment(), unused(), Service::Memcached.shared());
    let open = async || {
        let builder = MemcachedStore::from_url(&url).unwrap().prefix(&*prefix).clock(clock.clone());
        builder.build_bodies().await.unwrap()
    };
    Place::on_server_clock(clock.clone(), [open().await, open().await], LEFT_OUT_OF_ITEMS)
}

pub(crate) async fn sqlite() -> Place {
    let (clock, folder) = (moment(), folder());
    let path = folder.path().join("sessions");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE sessions (sid PRIMARY KEY, expired, sess)").unwrap();
    let open = async || {
        let builder = SqliteStore::builder(&path).busy_timeout(MINUTE).clock(clock.clone());
        builder.build_bodies().await.unwrap()
    };
    let bodies = [open().await, open().await];
    Place::new(clock.clone(), bodies, async move { drop(folder) })
}

pub(crate) async fn postgres() -> Place {
    let (clock, prefix) = (moment(), unused());
    let url = format!("{}?sslmode=disable", Service::Postgres.shared());
    let pool = PgPool::connect(&url).await.unwrap();
    let make = format!(
        "CREATE TABLE {prefix}s (sid varchar NOT NULL PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)"
    );
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&pool).await.unwrap();
    let open = async || {
        let builder = PostgresStore::from_url(&url).unwrap().table(format!("{prefix}s")).prefix(&*prefix);
        builder.time_zone("UTC").clock(clock.clone()).build_bodies().await.unwrap()
    };
    let bodies = [open().await, open().await];
    let drop = format!("DROP TABLE {prefix}s, {prefix}ended");
    Place::new(clock.clone(), bodies, async move {
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&pool).await.unwrap();
    })
}

pub(crate) async fn mariadb() -> Place {
    let (clock, prefix) = (moment(), unused());
    let url = format!("{}?ssl-mode=DISABLED", Service::Mariadb.shared());
    let pool = MySqlPool::connect(&url).await.unwrap();
    let make = format!(
        "CREATE TABLE {prefix}s (session_id varchar(128) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
        expires int unsigned NOT NULL, data mediumtext COLLATE utf8mb4_bin) ENGINE = InnoDB"
    );
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&pool).await.unwrap();
    let open = async || {
        let builder = MysqlStore::from_url(&url).unwrap().table(format!("{prefix}s")).prefix(&*prefix);
        builder.clock(clock.clone()).build_bodies().await.unwrap()
    };
    let bodies = [open().await, open().await];
    let drop = format!("DROP TABLE {prefix}s, {prefix}ended");
    Place::new(clock.clone(), bodies, async move {
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&pool).await.unwrap();
    })
}

pub(crate) async fn mongodb() -> Place {
    let (clock, name) = (moment(), unused());
    let database = Client::with_uri_str(Service::Mongodb.shared()).await.unwrap().database("cloakroom");
    let open = async || {
        let builder = MongoStore::from_database(database.clone()).collection(&*name);
        builder.clock(clock.clone()).build_bodies().await.unwrap()
    };
    let bodies = [open().await, open().await];
    let database = database.clone();
    let sessions = database.collection::<cloakroom_mongodb::mongodb::bson::Document>(&name);
    Place::new(clock.clone(), bodies, async move { sessions.drop().await.unwrap() })
}

pub(crate) async fn memory() -> Place {
    let clock = moment();
    let bodies = MemoryBodies::with_clock(clock.clone());
    Place::new(clock, [bodies.clone(), bodies], async {})
}

pub(crate) async fn session_file_store() -> Place {
    let (clock, folder) = (moment(), folder());
    let open = async || {
        let layout = FileLayout::session_file_store().ttl(MINUTE * 60 * 24);
        FileBodies::open_with_clock(folder.path(), layout, clock.clone()).await.unwrap()
    };
    let bodies = [open().await, open().await];
    Place::new(clock, bodies, async move { drop(folder) })
}

/// Sessions of node-session, in files.
pub(crate) async fn node_session_files() -> Place {
    let (clock, folder) = (moment(), folder());
    let (preset, sentence) = (NodeSession::new(["keyboard cat"]).unwrap(), Arc::default());
    let open = async || {
        let layout = FileLayout::node_session();
        let bodies = FileBodies::open_with_clock(folder.path(), layout, clock.clone()).await.unwrap();
        Arc::new(InBodies::new(preset.store(bodies), Duration::from_secs(1), &sentence)) as Arc<dyn Store>
    };
    let stores = [open().await, open().await];
    Place::of(clock, stores, sentence.clone(), async move { drop(folder) })
}
