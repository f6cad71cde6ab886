//! Bodies as connect-sqlite3 keeps them.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use cloakroom_conformance::bodies::{self, Harness, OtherPackage, Rounding};
use cloakroom_sqlite::rusqlite::{self, Connection, params};
use cloakroom_sqlite::{Builder, Durability, SqliteBodies, SqliteStore};
use cloakroom_store::{BodyStore, Error, ErrorKind, ManualClock, Replaced, Result, Timestamp, async_trait};
use tempfile::TempDir;

/// The table that connect-sqlite3 makes.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS sessions (sid PRIMARY KEY, expired, sess)";

/// What a Node application with connect-sqlite3 does, on a connection of its own.
#[derive(Debug)]
struct Node(Mutex<Connection>);

fn broken(error: rusqlite::Error) -> Error {
    Error::new(ErrorKind::Other, "the database refuses it").with_source(error)
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO sessions VALUES (?, CAST(? AS REAL), ?)";
        let millis = expires_at.as_millis().cast_signed();
        self.0.lock().unwrap().execute(sql, params![id, millis, body]).map(drop).map_err(broken)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sessions WHERE sid = ?)";
        self.0.lock().unwrap().query_row(sql, [id], |row| row.get(0)).map_err(broken)
    }
}

/// A database of a Node application.
struct Place {
    folder: TempDir,
}

impl Place {
    fn make(sql: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.connect().execute_batch(sql).unwrap();
        place
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("sessions")
    }

    fn connect(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(30)).unwrap();
        connection
    }

    fn node(&self) -> Node {
        Node(Mutex::new(self.connect()))
    }

    fn builder(&self) -> Builder {
        SqliteStore::builder(self.path()).busy_timeout(Duration::from_secs(30))
    }

    async fn open(&self, clock: &ManualClock) -> SqliteBodies {
        self.builder().clock(clock.clone()).build_bodies().await.unwrap()
    }

    fn text(&self, sql: &str) -> String {
        self.connect().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

/// The moment, in whole milliseconds as Node counts.
fn now() -> ManualClock {
    ManualClock::at(Timestamp::from_millis(Timestamp::now().as_millis()))
}

async fn keeps_every_sentence(place: &Place) {
    let clock = now();
    let store = place.open(&clock).await;
    let harness = Harness::new(store, clock, place.node()).rounding(Rounding::Exact);
    bodies::all(&harness).await.unwrap_or_else(|broken| panic!("{broken}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept() {
    let place = Place::make(TABLE);
    keeps_every_sentence(&place).await;
    assert_eq!(place.text("PRAGMA journal_mode"), "delete", "the file stays as node made it");
}

/// The option `concurrentDb` of connect-sqlite3.
#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept_with_a_write_ahead_log() {
    keeps_every_sentence(&Place::make(&format!("PRAGMA journal_mode = wal; {TABLE}"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_as_node_writes_it_and_the_file_is_still_nodes() {
    let place = Place::make(TABLE);
    let store = place.open(&now()).await;
    let until = Timestamp::from_micros(Timestamp::now().as_micros() / 1_000 * 1_000 + 60_000_999);
    store.insert("a", b"{\"cookie\":{}}", until).await.unwrap().unwrap();
    let row = place.text(
        "SELECT typeof(sid) || typeof(expired) || typeof(sess) || (expired = CAST(expired AS INTEGER)) FROM sessions",
    );
    assert_eq!(row, "textrealtext1", "whole milliseconds");
    let header = place
        .text("SELECT application_id || '-' || user_version FROM pragma_application_id, pragma_user_version");
    assert_eq!(header, "0-0");
}

/// Node compares as SQLite does: a value that is not a number is later than every moment, and a missing one is not.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_put_into_the_table_is_read_as_node_reads_it() {
    let place = Place::make(TABLE);
    let store = place.open(&now()).await;
    place
        .connect()
        .execute_batch(
            "INSERT INTO sessions VALUES ('text', 'soon', '{}'), ('endless', 9e999, '{}'), ('null', NULL, '{}'),
                ('past', -1, '{}'), ('bodiless', 9e999, NULL), ('blob', 9e15, CAST('{}' AS BLOB)),
                ('whole', 253402300799998, '{}')",
        )
        .unwrap();
    let expiry = async |id: &str| store.read(id).await.unwrap().map(|body| (body.bytes, body.expires_at));
    let body = |until| Some(("{}".into(), until));
    for id in ["text", "endless", "blob"] {
        assert_eq!(expiry(id).await, body(Timestamp::NEVER), "{id}");
    }
    assert_eq!(expiry("whole").await, body(Timestamp::from_millis(253_402_300_799_998)));
    for id in ["null", "past", "bodiless"] {
        assert_eq!(expiry(id).await, None, "{id}");
        assert!(store.insert(id, b"{}", Timestamp::NEVER).await.unwrap().is_some(), "{id} makes room");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_marks_are_forgotten_and_needed_ones_are_not() {
    let place = Place::make(TABLE);
    let clock = now();
    let (store, node) = (place.open(&clock).await, place.node());
    let end = async |id: &str| {
        store.insert(id, b"{}", Timestamp::NEVER).await.unwrap().unwrap();
        store.end(id, None).await.unwrap()
    };
    let count = || place.text("SELECT CAST(count(*) AS TEXT) FROM cloakroom_ended");
    for id in ["a", "b"] {
        let _ended = end(id).await;
    }
    assert_eq!(count(), "2");
    clock.advance(Duration::from_secs(23 * 3_600));
    node.write("b", "{}", Timestamp::NEVER).await.unwrap();
    assert_eq!(store.read("b").await.unwrap(), None);
    clock.advance(Duration::from_secs(2 * 3_600));
    let _ended = end("c").await;
    assert_eq!(count(), "2", "a is forgotten, b was needed");
}

/// Without a write-ahead log, a commit waits for those who read, and a reader for a commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_waits_for_one_who_reads_and_then_takes_effect() {
    let place = Place::make(TABLE);
    let store = place.open(&now()).await;
    let version = store.insert("a", b"1", Timestamp::NEVER).await.unwrap().unwrap();
    let node = place.connect();
    node.execute_batch("BEGIN; SELECT * FROM sessions").unwrap();
    let _row: String = node.query_row("SELECT sess FROM sessions", [], |row| row.get(0)).unwrap();
    let write = {
        let store = store.clone();
        tokio::spawn(async move { store.replace("a", version, b"2", Timestamp::NEVER).await.unwrap() })
    };
    // The writer has asked for its lock when none can begin to read.
    while place.connect_at_once().query_row("SELECT 1 FROM sessions", [], |_| Ok(())).is_ok() {
        assert!(!write.is_finished(), "it did not wait");
        tokio::task::yield_now().await;
    }
    node.execute_batch("COMMIT").unwrap();
    assert!(matches!(write.await.unwrap(), Replaced::Replaced(_)));
    assert_eq!(store.read("a").await.unwrap().unwrap().bytes, "2");
}

impl Place {
    /// Connects without waiting for locks.
    fn connect_at_once(&self) -> Connection {
        let connection = self.connect();
        connection.busy_timeout(Duration::ZERO).unwrap();
        connection
    }
}

async fn refusal(builder: Builder) -> String {
    let error = builder.build_bodies().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup, "{error:?}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_not_nodes_is_refused_in_one_clear_line() {
    for columns in [
        "(sid PRIMARY KEY, sess)",
        "(sid, expired, sess)",
        "(sid, expired, sess, PRIMARY KEY (sid, expired))",
        "(sid INTEGER PRIMARY KEY, expired, sess)",
        "(sid NUMERIC PRIMARY KEY, expired, sess)",
        "(sid PRIMARY KEY COLLATE NOCASE, expired, sess)",
        "(sid PRIMARY KEY, expired TEXT, sess)",
        "(sid PRIMARY KEY, expired, sess INTEGER)",
    ] {
        let place = Place::make(&format!("CREATE TABLE sessions {columns}"));
        let words = refusal(place.builder()).await;
        assert!(words.contains("not as connect-sqlite3 makes it"), "{columns}: {words}");
        assert_eq!(
            place.text("SELECT CAST(count(*) AS TEXT) FROM sqlite_schema WHERE name LIKE 'cloak%'"),
            "0"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_is_missing_is_reported_in_one_clear_line() {
    let place = Place::make(TABLE);
    let nowhere = "there is no table of Node's sessions in that place: let the Node application make it; \
                   are path and table right?";
    assert_eq!(refusal(place.builder().table("nowhere")).await, nowhere);
    let missing = place.folder.path().join("missing");
    assert_eq!(refusal(SqliteStore::builder(&missing)).await, nowhere);
    assert!(!missing.exists(), "no file is made");
    let ended = refusal(place.builder().create_if_missing(false)).await;
    assert!(ended.contains("ended sessions is missing"), "{ended}");
    place.connect().execute_batch("CREATE TABLE other_ended (id, until)").unwrap();
    let foreign = refusal(place.builder().prefix("other_")).await;
    assert!(foreign.contains("not as the README says"), "{foreign}");
    let memory = SqliteStore::memory_builder().build_bodies().await.unwrap_err();
    assert_eq!(memory.kind(), ErrorKind::Invalid);

    let store = place.builder().durability(Durability::Process).build_bodies().await.unwrap();
    place.connect().execute_batch("DROP TABLE sessions").unwrap();
    let error = store.read("a").await.unwrap_err();
    assert!(error.kind() == ErrorKind::Setup && error.to_string().contains("Node's sessions"), "{error:?}");
}

/// The SQL on the page of the crate.
#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_ended_sessions_that_is_made_by_hand_will_do() {
    let readme = include_str!("../README.md");
    let (_, sql) = readme.split_once("```sql\n").unwrap();
    let place = Place::make(&format!("{TABLE}; {}", sql.split_once("```").unwrap().0));
    let store = place.builder().create_if_missing(false).build_bodies().await.unwrap();
    store.insert("a", b"{}", Timestamp::NEVER).await.unwrap().unwrap();
    let _ended = store.end("a", None).await.unwrap();
    assert_eq!(store.insert("a", b"{}", Timestamp::NEVER).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_any_name_will_do_and_has_marks_of_its_own() {
    let place = Place::make(
        "CREATE TABLE \"a \"\"b\"\" c\" (sid PRIMARY KEY, expired, sess); CREATE TABLE d AS SELECT 1",
    );
    place.connect().execute_batch(TABLE).unwrap();
    let (odd, plain) = (place.builder().table("a \"b\" c"), place.builder());
    let (odd, plain) = (odd.build_bodies().await.unwrap(), plain.build_bodies().await.unwrap());
    let body: &[u8] = b"{}";
    for store in [&odd, &plain] {
        store.insert("a", body, Timestamp::NEVER).await.unwrap().unwrap();
    }
    let _ended = odd.end("a", None).await.unwrap();
    assert_eq!(plain.read("a").await.unwrap().unwrap().bytes, body);
    let loud = place.builder().table("SESSIONS").build_bodies().await.unwrap();
    let _ended = loud.end("a", None).await.unwrap();
    assert_eq!(plain.insert("a", body, Timestamp::NEVER).await.unwrap(), None, "the same table");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_or_no_text_is_refused_and_the_old_one_stays() {
    let place = Place::make(TABLE);
    let store = place.builder().max_payload_bytes(8).build_bodies().await.unwrap();
    let version = store.insert("a", b"12345678", Timestamp::NEVER).await.unwrap().unwrap();
    for (body, kind) in [(&b"123456789"[..], ErrorKind::TooLarge), (b"\xff", ErrorKind::Invalid)] {
        assert_eq!(store.replace("a", version, body, Timestamp::NEVER).await.unwrap_err().kind(), kind);
        assert_eq!(store.insert("b", body, Timestamp::NEVER).await.unwrap_err().kind(), kind);
    }
    assert_eq!(store.read("a").await.unwrap().unwrap().bytes, "12345678");
}
