//! `cloakroom check`: the whole suite on a store that is named by its URL.

use std::path::Path;
use std::process::Output;

use crate::server::{FILE, MEMORY, Playground, SQLITE, command};

/// What is checked here is not the disk, which would take most of the time.
const FILE_IN_THE_CACHE: &str = "file:sessions?durability=process";
const SQLITE_IN_THE_CACHE: &str = "sqlite:sessions.db?durability=process";

async fn check(folder: &Path, arguments: &[&str]) -> Output {
    command(folder).arg("check").args(arguments).output().await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn a_sound_store_passes_and_keeps_nothing_of_the_check() {
    for store in [MEMORY, FILE_IN_THE_CACHE, SQLITE_IN_THE_CACHE] {
        let folder = tempfile::tempdir().unwrap();
        let output = check(folder.path(), &[store]).await;
        assert!(output.status.success(), "{store}: {output:?}");
        assert!(said(&output).contains(" 0 broken"), "{store}: {}", said(&output));
        assert_eq!(names(folder.path()), [""; 0], "{store}");
    }
}

/// What is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What is in a SQLite file.
fn tables(folder: &Path) -> Vec<String> {
    let database = cloakroom_sqlite::rusqlite::Connection::open(folder.join("sessions.db")).unwrap();
    let mut look = database.prepare("SELECT name FROM sqlite_schema ORDER BY name").unwrap();
    look.query_map([], |row| row.get(0)).unwrap().map(|name| name.unwrap()).collect()
}

/// Starts a check, waits until it has begun to make something, and ends it with this signal.
async fn interrupt(folder: &Path, store: &str, signal: &str, has_begun: impl Fn() -> bool) {
    let mut child = command(folder)
        .args(["check", store])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while !has_begun() {
        assert_eq!(child.try_wait().unwrap(), None, "{store}: it ended before it could be interrupted");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{store} {signal}: {output:?}");
    assert!(said.contains("interrupted; what was made is removed"), "{store} {signal}: {said}");
}

#[tokio::test]
async fn f35_a_check_that_a_signal_ends_leaves_nothing() {
    for signal in ["INT", "TERM"] {
        for store in [FILE, SQLITE] {
            let folder = tempfile::tempdir().unwrap();
            interrupt(folder.path(), store, signal, || !names(folder.path()).is_empty()).await;
            assert_eq!(names(folder.path()), [""; 0], "{store} {signal}");
        }
    }
}

#[tokio::test]
async fn f35_a_check_that_a_signal_ends_leaves_a_file_in_use_as_it_was() {
    for signal in ["INT", "TERM"] {
        let Playground { folder, server } = Playground::on(SQLITE).await;
        let before = (names(folder.path()), tables(folder.path()));
        interrupt(folder.path(), SQLITE, signal, || {
            tables(folder.path()).iter().any(|name| name.contains("check"))
        })
        .await;
        assert_eq!((names(folder.path()), tables(folder.path())), before, "{signal}");
        server.stop().await;
    }
}

/// Servers that count what they keep.
#[cfg(all(feature = "memcached", feature = "redis"))]
mod servers {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use cloakroom_services::{Instance, Service};

    use super::{check, interrupt};

    /// Sends a line, and reads until `end` comes.
    fn ask(url: &str, line: &str, end: &str) -> String {
        let (_, address) = url.split_once("://").unwrap();
        let mut stream = TcpStream::connect(address.trim_end_matches('/')).unwrap();
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        let (mut said, mut buffer) = (String::new(), [0; 4096]);
        while !said.ends_with(end) {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "{said}");
            said.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        said
    }

    fn keys_in_redis(url: &str) -> u64 {
        ask(url, "DBSIZE", "\r\n").trim().trim_start_matches(':').parse().unwrap()
    }

    fn items_in_memcached(url: &str) -> u64 {
        let stats = ask(url, "stats", "END\r\n");
        let (_, rest) = stats.split_once("curr_items ").unwrap();
        rest.lines().next().unwrap().parse().unwrap()
    }

    async fn leaves_nothing(service: Service, count: fn(&str) -> u64) {
        let server = Instance::start(service).unwrap();
        let (url, folder) = (server.url(), tempfile::tempdir().unwrap());
        let output = check(folder.path(), &[&url]).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(count(&url), 0, "after a check");
        for signal in ["INT", "TERM"] {
            interrupt(folder.path(), &url, signal, || count(&url) > 0).await;
            assert_eq!(count(&url), 0, "after {signal}");
        }
    }

    #[tokio::test]
    async fn f35_a_check_leaves_nothing_in_redis() {
        leaves_nothing(Service::Redis, keys_in_redis).await;
    }

    #[tokio::test]
    async fn f35_a_check_leaves_nothing_in_memcached() {
        leaves_nothing(Service::Memcached, items_in_memcached).await;
    }
}

/// Makes a test of each server.
#[cfg(feature = "all-stores")]
macro_rules! on_servers {
    ($($name:ident: $service:ident;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let output = check(folder.path(), &[&cloakroom_services::Service::$service.shared()]).await;
                assert!(output.status.success(), "{output:?}");
                assert!(said(&output).contains(" 0 broken"), "{}", said(&output));
            }
        )*
    };
}

#[cfg(feature = "all-stores")]
on_servers! {
    mongodb_passes: Mongodb;
    memcached_passes: Memcached;
    redis_passes: Redis;
}

#[tokio::test]
async fn the_sessions_of_a_store_that_is_checked_stay() {
    for store in [FILE, SQLITE] {
        let Playground { folder, server } = Playground::on(store).await;
        let client = server.client();
        client.run(serde_json::json!([{"insert": ["coat", "green"]}])).await;
        let output = check(folder.path(), &[store, "--only", "clear"]).await;
        assert!(output.status.success(), "{store}: {output:?}");
        assert_eq!(client.session().await["data"]["coat"], "green", "{store}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sessions.db"), "no database, but long enough to be looked at")
        .unwrap();
    let output = check(folder.path(), &[SQLITE]).await;
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("sqlite:sessions.db cannot be opened"),
        "{output:?}"
    );
}

#[tokio::test]
async fn bodies_in_a_folder_have_no_suite() {
    let folder = tempfile::tempdir().unwrap();
    let output = check(folder.path(), &["file:sessions?layout=session-file-store"]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(names(folder.path()), [""; 0]);
    let output = check(folder.path(), &["file:sessions?layout=connect-redis"]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

/// The layouts of Node's packages, on servers of the test's own.
#[cfg(feature = "all-stores")]
mod layouts {
    use std::io::{Read, Write};

    use cloakroom_services::Service;

    use super::{check, names, said};
    use cloakroom_sqlite::rusqlite;

    async fn passes(service: Service, end: &str) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("{}{end}", service.shared());
        let output = check(folder.path(), &[&url]).await;
        assert!(output.status.success(), "{output:?}");
        let said = said(&output);
        assert!(said.contains(" 0 broken") && !said.starts_with("0 sentences"), "{said}");
    }

    #[tokio::test]
    async fn connect_redis_passes() {
        passes(Service::Redis, "?layout=connect-redis").await;
    }

    #[tokio::test]
    async fn connect_pg_simple_passes() {
        // PostgreSQL starts a process for each connection, which takes a busy machine a while.
        let end = "?layout=connect-pg-simple&connect_timeout=30&request_timeout=30s";
        passes(Service::Postgres, end).await;
    }

    #[tokio::test]
    async fn express_mysql_session_passes() {
        passes(Service::Mariadb, "?layout=express-mysql-session").await;
    }

    #[tokio::test]
    async fn node_session_passes() {
        passes(Service::Mariadb, "?layout=node-session").await;
    }

    #[tokio::test]
    async fn connect_memcached_passes() {
        passes(Service::Memcached, "?layout=connect-memcached").await;
    }

    #[tokio::test]
    async fn connect_mongo_passes() {
        passes(Service::Mongodb, "?layout=connect-mongo").await;
    }

    #[tokio::test]
    async fn connect_mongo_passes_with_documents() {
        passes(Service::Mongodb, "?layout=connect-mongo&stringify=false").await;
    }

    /// Where there is no file, one beside it is made and removed; where there is one, its tables stay.
    #[tokio::test]
    async fn connect_sqlite3_passes_and_a_check_of_it_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let url = "sqlite:sessions?layout=connect-sqlite3";
        let output = check(folder.path(), &[url]).await;
        assert!(output.status.success() && said(&output).contains(" 0 broken"), "{output:?}");
        assert_eq!(names(folder.path()), [""; 0]);
        let connection = rusqlite::Connection::open(folder.path().join("sessions")).unwrap();
        connection.execute_batch("CREATE TABLE sessions (sid PRIMARY KEY, expired, sess)").unwrap();
        let output = check(folder.path(), &[url]).await;
        assert!(output.status.success() && said(&output).contains(" 0 broken"), "{output:?}");
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 2, "the table of node and the index of its key");
        assert_eq!(names(folder.path()), ["sessions"]);
    }

    #[tokio::test]
    async fn a_check_of_bodies_leaves_nothing_in_mongodb() {
        let server = cloakroom_services::Instance::start(Service::Mongodb).unwrap();
        let url = format!("{}/shop", server.url().trim_end_matches('/'));
        let folder = tempfile::tempdir().unwrap();
        let output = check(folder.path(), &[&format!("{url}?layout=connect-mongo")]).await;
        assert!(output.status.success(), "{output:?}");
        let client = cloakroom_mongodb::mongodb::Client::with_uri_str(&url).await.unwrap();
        let left = client.database("shop").list_collection_names().await.unwrap();
        assert_eq!(left, [""; 0]);
    }

    #[tokio::test]
    async fn a_check_of_bodies_leaves_only_marks_in_memcached() {
        let server = cloakroom_services::Instance::start(Service::Memcached).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let output = check(folder.path(), &[&format!("{}?layout=connect-memcached", server.url())]).await;
        assert!(output.status.success(), "{output:?}");
        let dump = dump(&server.url());
        let names: Vec<_> = dump.lines().filter_map(|line| line.strip_prefix("key=")).collect();
        let is_mark = |name: &&str| name.starts_with("cloakroom-ended") && !name.contains("exp=-1");
        assert!(!names.is_empty() && names.iter().all(is_mark), "{dump}");
    }

    /// What memcached has, a line each.
    fn dump(url: &str) -> String {
        let (_, address) = url.split_once("://").unwrap();
        let mut stream = std::net::TcpStream::connect(address.trim_end_matches('/')).unwrap();
        stream.write_all(b"lru_crawler metadump all\r\n").unwrap();
        let mut dump = Vec::new();
        let mut answer = [0; 4096];
        while !dump.ends_with(b"END\r\n") {
            let read = stream.read(&mut answer).unwrap();
            assert!(read > 0, "the server hung up");
            dump.extend(&answer[..read]);
        }
        String::from_utf8(dump).unwrap()
    }

    /// Sends a line to Redis, and returns how many keys it has.
    fn keys(url: &str) -> String {
        let (_, address) = url.split_once("://").unwrap();
        let mut stream = std::net::TcpStream::connect(address.trim_end_matches('/')).unwrap();
        stream.write_all(b"DBSIZE\r\n").unwrap();
        let mut answer = [0; 64];
        let read = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..read]).trim().to_owned()
    }

    #[tokio::test]
    async fn a_check_of_bodies_leaves_nothing_in_redis() {
        let server = cloakroom_services::Instance::start(Service::Redis).unwrap();
        let (url, folder) = (server.url(), tempfile::tempdir().unwrap());
        let output = check(folder.path(), &[&format!("{url}?layout=koa-redis")]).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(keys(&url), ":0");
    }
}
