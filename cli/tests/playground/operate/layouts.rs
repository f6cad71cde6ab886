//! A store may hold sessions of several programs: which are meant is never guessed.

use serde_json::json;

use super::{refused, said};
use crate::server::{Playground, SQLITE};

#[tokio::test]
async fn a_folder_of_node_is_not_taken_for_ours() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = folder.path().join("sessions");
    std::fs::create_dir(&sessions).unwrap();
    std::fs::write(sessions.join("Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf.json"), "{\"cookie\":{}}").unwrap();
    for arguments in [&["list"][..], &["revoke", "--all", "--yes"], &["sweep"]] {
        let (code, error) = refused(folder.path(), arguments, "file:sessions").await;
        assert!(code == 2 && error.contains("session-file-store"), "{error}");
    }
}

#[tokio::test]
async fn a_file_with_tables_of_two_programs_needs_a_layout() {
    let Playground { folder, server } = Playground::on(SQLITE).await;
    server.client().run(json!([{"insert": ["k", 1]}])).await;
    assert_eq!(said(folder.path(), &["count"], SQLITE).await, "1\n");
    let file = cloakroom_sqlite::rusqlite::Connection::open(folder.path().join("sessions.db")).unwrap();
    file.execute_batch(
        "CREATE TABLE sessions (sid PRIMARY KEY, expired, sess); INSERT INTO sessions VALUES ('a', 1, '{}')",
    )
    .unwrap();
    let (code, error) = refused(folder.path(), &["count"], SQLITE).await;
    assert!(code == 2 && error.contains("(connect-sqlite3): add ?layout=NAME"), "{error}");
    assert_eq!(said(folder.path(), &["count"], "sqlite:sessions.db?layout=cloakroom").await, "1\n");
    let (code, error) = refused(folder.path(), &["count"], "sqlite:sessions.db?layout=unheard-of").await;
    assert!(code == 2 && error.contains("layout"), "{error}");
}

/// A Redis of the test's own, with sessions of three layouts.
#[cfg(feature = "redis")]
#[tokio::test]
async fn three_layouts_in_one_redis_are_distinguished() {
    use crate::server::Server;
    use cloakroom_services::{Instance, Service};
    let (folder, redis) = (tempfile::tempdir().unwrap(), Instance::start(Service::Redis).unwrap());
    let url = redis.url();
    let secret = ["--secret", "keyboard cat"];
    for (format, secret, count) in [("native", &[][..], 1), ("express", &secret, 2), ("koa", &secret, 3)] {
        let flags = [&["--format", format, "--store", &url], secret].concat();
        let server = Server::start(folder.path(), &flags).await;
        for _ in 0..count {
            server.client().run(json!([{"insert": ["k", 1]}])).await;
        }
        server.stop().await;
    }
    let (code, error) = refused(folder.path(), &["count"], &url).await;
    assert!(code == 2 && error.contains("(connect-redis, koa-redis): add ?layout=NAME"), "{error}");
    let ours = format!("{url}?layout=cloakroom");
    assert_eq!(said(folder.path(), &["count"], &ours).await, "1\n");
}
