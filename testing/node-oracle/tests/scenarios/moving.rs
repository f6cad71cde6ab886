//! Sessions of Express move to a store of our own and back, while a browser goes on.

use std::sync::Arc;

use cloakroom::store::Store;
use cloakroom::stores::MigratingStore;
use cloakroom_node::Express;
use cloakroom_node_oracle::{Browser, NodeApp, Result, RustApp};
use cloakroom_redis::RedisStore;
use cloakroom_sqlite::SqliteStore;

/// Moves what no request has asked for.
async fn the_rest(from: &Arc<dyn Store>, to: &Arc<dyn Store>) -> Result {
    let (store, mut after) = (MigratingStore::write_through(from.clone(), to.clone()), None);
    loop {
        let page = store.remaining(after.as_ref(), 100).await?;
        for entry in &page.entries {
            store.migrate_entry(entry).await?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Keeps a session in Redis as connect-redis does, then in SQLite as we do, then in Redis again; no browser notices.
pub(crate) async fn all_stay_logged_in(url: &str, prefix: &str, secret: &str) -> Result {
    let settings =
        [("STORE", "redis"), ("URL", url), ("PREFIX", prefix), ("SECRETS", secret), ("PASSPORT", "number")];
    let node = NodeApp::start("express", &settings).await?;
    let express = Express::new([secret])?.passport_with_numbers();
    let bodies = RedisStore::from_url(url)?.prefix(prefix).build_bodies().await?;
    let of_express: Arc<dyn Store> = Arc::new(express.store(bodies));
    let folder = tempfile::tempdir()?;
    let own: Arc<dyn Store> = Arc::new(SqliteStore::builder(folder.path().join("own.db")).build().await?);

    let (mut user, mut guest) = (Browser::new(), Browser::new());
    assert_eq!(user.text(node.port(), "/login?user=7").await?, "in");
    assert_eq!(user.text(node.port(), "/count").await?, "1");
    assert_eq!(guest.text(node.port(), "/count").await?, "1");

    let moving = MigratingStore::write_through(of_express.clone(), own.clone());
    let rust = RustApp::start(express.config(), moving).await?;
    assert_eq!(user.text(rust.port(), "/count").await?, "2", "with its request");
    the_rest(&of_express, &own).await?;

    let rust = RustApp::start(express.config(), own.clone()).await?;
    assert_eq!(user.text(rust.port(), "/user").await?, "7");
    assert_eq!(user.text(rust.port(), "/count").await?, "3");
    assert_eq!(guest.text(rust.port(), "/count").await?, "2", "with the rest");

    the_rest(&own, &of_express).await?;
    assert_eq!(user.text(node.port(), "/user").await?, "7");
    assert_eq!(user.text(node.port(), "/count").await?, "4");
    assert_eq!(guest.text(node.port(), "/count").await?, "3");
    Ok(())
}
