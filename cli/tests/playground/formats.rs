//! `cloakroom demo --format`: the playground with the cookies and bodies of Node's packages.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Playground, Server};

const SECRET: &str = "keyboard cat";

async fn playground(format: &str, more: &[&str]) -> Playground {
    Playground::with(&[&["--format", format, "--secret", SECRET], more].concat()).await
}

/// Runs a script; returns the first cookie that came back, as `name=value; attributes`.
async fn cookie_of(client: &Client, script: Value) -> String {
    client.try_run(script).await.unwrap().header("set-cookie").unwrap().to_owned()
}

/// The one file of a folder, by its name.
fn one_file(folder: &Path) -> (String, Value) {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    let names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    let [name] = &names[..] else { panic!("{names:?}") };
    (name.clone(), serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap())
}

#[tokio::test]
async fn the_format_express_is_that_of_express_session_with_session_file_store_and_passport() {
    let Playground { folder, server } = playground("express", &[]).await;
    let client = server.client();
    let cookie = cookie_of(&client, json!([{"increment": ["views", 1]}, {"log_in": "alice"}])).await;
    assert!(cookie.starts_with("connect.sid=s%3A") && cookie.ends_with("; Path=/; HttpOnly"), "{cookie}");
    let (name, body) = one_file(&folder.path().join("sessions"));
    assert_eq!(name.strip_suffix(".json").map(str::len), Some(32), "{name}");
    assert_eq!((&body["views"], &body["passport"]), (&json!(1), &json!({"user": "alice"})));
    assert_eq!(body["cookie"]["path"], "/");
    server.stop().await;
    let other = Server::start(folder.path(), &["--format", "express", "--secret", SECRET]).await;
    let session = client.at(&other.address).session().await;
    assert_eq!((&session["user"], &session["data"]["views"]), (&json!("alice"), &json!(1)));
}

#[tokio::test]
async fn the_format_koa_is_that_of_koa_generic_session() {
    let Playground { server, .. } = playground("koa", &[]).await;
    let client = server.client();
    let answer = client.try_run(json!([{"insert": ["k", 1]}])).await.unwrap();
    let cookies: Vec<_> =
        answer.headers.get_all("set-cookie").iter().map(|one| one.to_str().unwrap()).collect();
    assert!(cookies[0].starts_with("koa.sid=") && cookies[1].starts_with("koa.sid.sig="), "{cookies:?}");
    assert_eq!(client.session().await["data"], json!({"k": 1}));
}

#[tokio::test]
async fn the_format_node_session_is_that_of_its_file_driver() {
    let Playground { folder, server } = playground("node-session", &["--idle-timeout", "10m"]).await;
    let client = server.client();
    let cookie = cookie_of(&client, json!([{"insert": ["k", 1]}])).await;
    assert!(cookie.starts_with("node_session=s%3A") && cookie.contains("; Max-Age=600;"), "{cookie}");
    let (name, body) = one_file(&folder.path().join("sessions"));
    assert_eq!((name.len(), &body["k"]), (40, &json!(1)));
}

#[tokio::test]
async fn the_page_of_a_user_says_that_node_keeps_no_index_of_users() {
    for format in ["express", "koa", "node-session"] {
        let Playground { folder: _folder, server } = playground(format, &[]).await;
        let client = server.client();
        client.run(json!([{"log_in": "alice"}])).await;
        let page = client.get("/").await;
        assert!(page.status == 200 && page.body.contains("keep no index of them"), "{format}: {page:?}");
    }
}

/// The shared Redis, as connect-redis has it.
#[cfg(feature = "redis")]
#[tokio::test]
async fn a_body_in_redis_is_that_of_connect_redis() {
    let url = crate::server::redis();
    let Playground { server, folder } = playground("express", &["--store", &url]).await;
    let client = server.client();
    client.run(json!([{"insert": ["coat", "green"]}])).await;
    let cookie = format!("connect.sid={}", client.cookie().unwrap());
    let explained =
        crate::explain::explain(folder.path(), &[&cookie, "--secret", SECRET, "--store", &url]).await;
    assert!(explained.contains("\n  coat: a string, 7 bytes\n"), "{explained}");
}

/// A playground of a format on these bodies counts a session on after a restart, and `explain` finds it there.
#[cfg(feature = "all-stores")]
async fn is_shared(format: &str, cookie: &str, url: &str) {
    let Playground { server, folder } = playground(format, &["--store", url]).await;
    let client = server.client();
    client.run(json!([{"insert": ["coat", "green"]}])).await;
    server.stop().await;
    let flags = ["--format", format, "--secret", SECRET, "--store", url];
    let server = Server::start(folder.path(), &flags).await;
    let client = client.at(&server.address);
    assert_eq!(client.session().await["data"]["coat"], "green", "{url}");
    let cookie = format!("{cookie}={}", client.cookie().unwrap());
    let flags = [&cookie, "--secret", SECRET, "--store", url];
    let explained = crate::explain::explain(folder.path(), &flags).await;
    assert!(explained.contains("\n  coat: a string, 7 bytes\n"), "{url}: {explained}");
    server.stop().await;
}

#[cfg(feature = "all-stores")]
#[tokio::test]
async fn a_body_in_sqlite_is_that_of_connect_sqlite3() {
    use cloakroom_sqlite::rusqlite::Connection;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE visits (sid PRIMARY KEY, expired, sess)").unwrap();
    is_shared("express", "connect.sid", &format!("sqlite:{}?table=visits", path.display())).await;
    let sql = "SELECT sess LIKE '{\"cookie\":{%\"coat\":\"green\"%' FROM visits";
    assert!(connection.query_row(sql, [], |row| row.get::<_, bool>(0)).unwrap());
}

#[cfg(feature = "all-stores")]
#[tokio::test]
async fn a_body_in_memcached_is_that_of_connect_memcached() {
    let url = cloakroom_services::Service::Memcached.shared();
    let prefix = format!("playground{:016x}:", getrandom::u64().unwrap());
    is_shared("express", "connect.sid", &format!("{url}?prefix={prefix}")).await;
}

#[cfg(feature = "all-stores")]
#[tokio::test]
async fn a_body_in_mongodb_is_that_of_connect_mongo() {
    let url = crate::server::mongodb();
    is_shared("express", "connect.sid", &url).await;
    is_shared("express", "connect.sid", &format!("{url}?collection=documents&stringify=false")).await;
    let client = cloakroom_mongodb::mongodb::Client::with_uri_str(&url).await.unwrap();
    let database = client.default_database().unwrap();
    for (collection, kind) in [("sessions", "string"), ("documents", "object")] {
        let sessions = database.collection::<cloakroom_mongodb::mongodb::bson::Document>(collection);
        let of_kind = cloakroom_mongodb::mongodb::bson::doc! { "session": { "$type": kind } };
        assert_eq!(sessions.count_documents(of_kind).await.unwrap(), 1, "{collection}");
    }
}

#[cfg(feature = "all-stores")]
#[tokio::test]
async fn a_body_in_mariadb_is_that_of_node_sessions_database_driver() {
    use cloakroom_mysql::sqlx::{AssertSqlSafe, MySqlPool, query_scalar, raw_sql};
    let (url, number) = (cloakroom_services::Service::Mariadb.shared(), getrandom::u64().unwrap());
    let pool = MySqlPool::connect(&url).await.unwrap();
    let table = format!("visits_{number:016x}");
    let make = format!(
        "CREATE TABLE {table} (id varchar(255) COLLATE utf8mb4_bin NOT NULL, payload longtext COLLATE utf8mb4_bin,
        lastActivity bigint, UNIQUE KEY (id)) ENGINE = InnoDB"
    );
    raw_sql(AssertSqlSafe(make)).execute(&pool).await.unwrap();
    let url = format!("{url}?table={table}&prefix=t_{number:016x}_");
    is_shared("node-session", "node_session", &url).await;
    let question = AssertSqlSafe(format!("SELECT payload FROM {table}"));
    let payload: String = query_scalar(question).fetch_one(&pool).await.unwrap();
    assert!(payload.starts_with(r#""{\"_token\":\""#), "{payload}");
    let drop = AssertSqlSafe(format!("DROP TABLE {table}, t_{number:016x}_ended"));
    raw_sql(drop).execute(&pool).await.unwrap();
}
