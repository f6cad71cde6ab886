//! `mysql://user:password@host:port/database`, whose settings the store reads by itself.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_mysql::MysqlStore;
use cloakroom_mysql::sqlx::mysql::MySqlConnectOptions;

use super::bodies::{Layout, NODE_SESSION_LIFETIME, OpenedBodies};
use super::url::StoreUrl;
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

/// Makes the tables if they are missing, unless sessions are to be read from them: a trial has prepared nothing.
pub(super) async fn open(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let place = place(url.whole)?;
    let failed = |error| did_not_open(&format!("mysql at {place}"), &error);
    let mut builder = MysqlStore::from_url(url.whole).map_err(failed)?;
    if let Some(trial) = &url.trial {
        builder = builder.prefix(trial.prefix.clone()).clock(trial.clock.clone());
    }
    if !url.source {
        builder.create_tables().await.map_err(failed)?;
    }
    let store = builder.clone().build().await;
    if store.is_err() && url.trial.is_some() {
        let _made_before = builder.drop_all().await;
    }
    let store = store.map_err(failed)?;
    let mut opened = Opened::new(
        store,
        format!("in MariaDB or MySQL at {place}, in tables made by this if they were missing"),
    );
    if url.trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(builder.drop_all().await?) }));
    }
    Ok(opened)
}

/// What bodies have of a URL beside what the client reads.
pub(crate) const BODY_SETTINGS: [&str; 4] = ["layout", "table", "prefix", "wide_characters"];

/// Opens the bodies of a Node application.
pub(super) async fn open_bodies(
    url: &str,
    layout: Layout,
    mut lifetime: Option<Duration>,
) -> Result<OpenedBodies, Trouble> {
    let place = place(url)?;
    let failed = |error| did_not_open(&format!("mysql at {place}"), &error);
    let mut builder = MysqlStore::from_url(url).map_err(failed)?;
    if layout == Layout::NodeSessionTable {
        builder = builder.node_session(*lifetime.get_or_insert(NODE_SESSION_LIFETIME));
    }
    let bodies = builder.build_bodies().await.map_err(failed)?;
    Ok(OpenedBodies { bodies: Arc::new(bodies), place: format!("in MariaDB or MySQL at {place}"), lifetime })
}

/// Returns where a URL leads, without user and password.
fn place(url: &str) -> Result<String, Trouble> {
    let wrong = |_| Trouble::usage("a store URL looks like mysql://user:password@host/database");
    let options: MySqlConnectOptions = url.parse().map_err(wrong)?;
    let (host, port) = (options.get_host(), options.get_port());
    Ok(format!("{host}:{port}/{}", options.get_database().unwrap_or_default()))
}
