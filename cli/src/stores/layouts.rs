//! Finds sessions of packages of Node in a store: under the names that the packages use unless told otherwise.

use super::url::{self, StoreUrl};
use crate::trouble::Trouble;

/// Takes the setting `layout` out of a URL.
pub(crate) fn without_layout(url: &str) -> Result<(String, Option<String>), Trouble> {
    let url = url::find(url)?;
    let mut settings = StoreUrl::parse(&url)?.settings()?;
    let layout = settings.text("layout").map_err(|error| url::wrong(&error))?;
    Ok((settings.rest().map_err(|error| url::wrong(&error))?, layout))
}

/// Returns the layouts of Node's packages that have sessions in the store. Nothing is made or changed there; a store that
/// cannot be looked into has none.
pub(crate) async fn other_layouts(url: &str) -> Result<Vec<&'static str>, Trouble> {
    let (url, _) = without_layout(url)?;
    let parsed = StoreUrl::parse(&url)?;
    Ok(match parsed.scheme {
        "file" => in_folder(&parsed.path()?),
        #[cfg(feature = "sqlite")]
        "sqlite" => in_sqlite(&parsed.path()?),
        #[cfg(feature = "redis")]
        scheme if scheme.starts_with("redis") => in_redis(&url).await,
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => in_postgres(&url).await,
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => in_mysql(&url).await,
        #[cfg(feature = "mongodb")]
        "mongodb" | "mongodb+srv" => in_mongodb(&url).await,
        _ => Vec::new(),
    })
}

/// session-file-store names files `ID.json`, node-session by an id of 40 letters and digits.
fn in_folder(path: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    let Ok(files) = std::fs::read_dir(path) else { return found };
    let is_id = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    for name in files.flatten().filter_map(|file| file.file_name().into_string().ok()) {
        let layout = match name.strip_suffix(".json") {
            Some(id) if is_id(id) => "session-file-store",
            None if name.len() == 40 && is_id(&name) => "node-session",
            _ => continue,
        };
        if !found.contains(&layout) {
            found.push(layout);
        }
    }
    found
}

/// connect-sqlite3 has a table `sessions`.
#[cfg(feature = "sqlite")]
fn in_sqlite(path: &str) -> Vec<&'static str> {
    use cloakroom_sqlite::rusqlite::{Connection, OpenFlags};
    let Ok(connection) = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY) else {
        return Vec::new();
    };
    let sql = "SELECT EXISTS (SELECT sid, expired, sess FROM sessions)";
    let is_there = connection.query_row(sql, [], |row| row.get(0)).unwrap_or(false);
    if is_there { vec!["connect-sqlite3"] } else { Vec::new() }
}

/// connect-redis and koa-redis have a prefix each.
#[cfg(feature = "redis")]
async fn in_redis(url: &str) -> Vec<&'static str> {
    use cloakroom_redis::RedisStore;
    let mut found = Vec::new();
    let own = StoreUrl::parse(url).and_then(|url| url.settings()).ok();
    let own = own.and_then(|mut settings| settings.text("prefix").ok().flatten());
    let Ok(builder) = RedisStore::from_url(url) else { return found };
    let Ok(store) = builder.build().await else { return found };
    for (prefix, layout) in [("sess:", "connect-redis"), ("koa:sess:", "koa-redis")] {
        if own.as_deref() != Some(prefix) && store.has_keys_under(prefix).await.unwrap_or(false) {
            found.push(layout);
        }
    }
    found
}

/// connect-pg-simple has a table `session`.
#[cfg(feature = "postgres")]
async fn in_postgres(url: &str) -> Vec<&'static str> {
    use cloakroom_postgres::sqlx::{self, Connection, PgConnection};
    let ours = ["prefix", "schema", "connections", "request_timeout", "connect_timeout", "max_payload_bytes"];
    let Ok(url) = super::bodies::client_url(url, &ours) else { return Vec::new() };
    let Ok(mut connection) = PgConnection::connect(&url).await else { return Vec::new() };
    let question = "SELECT EXISTS (SELECT sid, sess, expire FROM session)";
    let is_there = sqlx::query_scalar(question).fetch_one(&mut connection).await.unwrap_or(false);
    let _ = connection.close().await;
    if is_there { vec!["connect-pg-simple"] } else { Vec::new() }
}

/// express-mysql-session and node-session have a table `sessions`, with columns of their own.
#[cfg(feature = "mysql")]
async fn in_mysql(url: &str) -> Vec<&'static str> {
    use cloakroom_mysql::sqlx::{self, Connection, MySqlConnection};
    let ours = ["prefix", "connections", "request_timeout", "connect_timeout", "max_payload_bytes"];
    let Ok(url) = super::bodies::client_url(url, &ours) else { return Vec::new() };
    let Ok(mut connection) = MySqlConnection::connect(&url).await else { return Vec::new() };
    let mut found = Vec::new();
    for (question, layout) in [
        ("SELECT EXISTS (SELECT session_id, expires, data FROM sessions)", "express-mysql-session"),
        ("SELECT EXISTS (SELECT id, payload, lastActivity FROM sessions)", "node-session"),
    ] {
        if sqlx::query_scalar(question).fetch_one(&mut connection).await.unwrap_or(false) {
            found.push(layout);
        }
    }
    let _ = connection.close().await;
    found
}

/// connect-mongo has a collection `sessions`, whose documents have a member `session`.
#[cfg(feature = "mongodb")]
async fn in_mongodb(url: &str) -> Vec<&'static str> {
    use cloakroom_mongodb::mongodb::Client;
    use cloakroom_mongodb::mongodb::bson::{Document, doc};
    let ours = ["collection", "request_timeout", "expiry_margin", "create_indexes", "max_payload_bytes"];
    let Ok(url) = super::bodies::client_url(url, &ours) else { return Vec::new() };
    let Ok(client) = Client::with_uri_str(&url).await else { return Vec::new() };
    let Some(database) = client.default_database() else { return Vec::new() };
    let sessions = database.collection::<Document>("sessions");
    let found = sessions.find_one(doc! { "session": { "$exists": true } }).await;
    if matches!(found, Ok(Some(_))) { vec!["connect-mongo"] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_taken_out_of_a_url() {
        let (rest, layout) = without_layout("redis://h?prefix=a:&layout=cloakroom").unwrap();
        assert_eq!(layout.as_deref(), Some("cloakroom"));
        assert!(rest.contains("prefix=a") && !rest.contains("layout"), "{rest}");
    }

    #[test]
    fn files_of_node_in_a_folder_are_recognized_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        std::fs::write(folder.path().join("photo.of.us.json"), "").unwrap();
        std::fs::create_dir(folder.path().join("records")).unwrap();
        assert!(in_folder(&path).is_empty());
        std::fs::write(folder.path().join("Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf.json"), "").unwrap();
        std::fs::write(folder.path().join("a".repeat(40)), "").unwrap();
        let mut found = in_folder(&path);
        found.sort_unstable();
        assert_eq!(found, ["node-session", "session-file-store"]);
    }
}
