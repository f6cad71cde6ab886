//! `mysql://user:password@host:port/database`, with `prefix=NAME` and the settings of the client.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_mysql::MysqlStore;
use cloakroom_mysql::sqlx::mysql::MySqlConnectOptions;

use super::bodies::{Layout, NODE_SESSION_LIFETIME, OpenedBodies};
use super::url::StoreUrl;
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

/// Makes the tables if they are missing, so that trying it out needs no preparation; not where sessions are only read.
pub(super) async fn open(mut url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let options = options(&url.without(&["prefix"]))?;
    let place = place(&options);
    let mut builder = MysqlStore::with_options(options);
    if let Some(prefix) = url.take("prefix", |text| Some(text.to_owned()))? {
        builder = builder.table_prefix(prefix);
    }
    let (trial, source) = (url.trial.take(), url.source);
    if let Some(trial) = &trial {
        builder = builder.table_prefix(trial.prefix.clone()).clock(Arc::new(trial.clock.clone()));
    }
    let failed = |error| did_not_open(&format!("mysql at {place}"), &error);
    if !source {
        builder.create_tables().await.map_err(failed)?;
    }
    let store = builder.clone().open().await;
    if store.is_err() && trial.is_some() {
        let _made_before = builder.drop_tables().await;
    }
    let store = store.map_err(failed)?;
    let mut opened = Opened::new(
        store,
        format!("in MariaDB or MySQL at {place}, in tables made by this if they were missing"),
    );
    if trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(builder.drop_tables().await?) }));
    }
    Ok(opened)
}

/// What [`open_bodies`] reads of a URL; the rest is the client's.
pub(crate) const BODY_SETTINGS: [&str; 4] = ["layout", "table", "prefix", "wide_characters"];

/// Opens the bodies of a Node application, in `table`; the table of ended sessions has the `prefix`.
pub(super) async fn open_bodies(
    mut url: StoreUrl<'_>,
    layout: Layout,
    mut lifetime: Option<Duration>,
) -> Result<OpenedBodies, Trouble> {
    let options = options(&url.without(&BODY_SETTINGS))?;
    let place = place(&options);
    let mut builder = MysqlStore::with_options(options);
    if let Some(table) = url.take("table", |text| Some(text.to_owned()))? {
        builder = builder.table(table);
    }
    if let Some(prefix) = url.take("prefix", |text| Some(text.to_owned()))? {
        builder = builder.table_prefix(prefix);
    }
    if layout == Layout::NodeSessionTable {
        let lifetime = lifetime.get_or_insert(NODE_SESSION_LIFETIME);
        builder = builder.node_session(*lifetime);
        builder =
            builder.wide_characters(url.take("wide_characters", |text| text.parse().ok())?.unwrap_or(false));
    }
    let opened = builder.open_bodies().await;
    let bodies = opened.map_err(|error| did_not_open(&format!("mysql at {place}"), &error))?;
    Ok(OpenedBodies { bodies: Arc::new(bodies), place: format!("in MariaDB or MySQL at {place}"), lifetime })
}

fn options(url: &str) -> Result<MySqlConnectOptions, Trouble> {
    let wrong = || Trouble::usage("a store URL looks like mysql://user:password@host/database");
    url.parse().map_err(|_| wrong())
}

/// Without user and password.
fn place(options: &MySqlConnectOptions) -> String {
    let (host, port) = (options.get_host(), options.get_port());
    format!("{host}:{port}/{}", options.get_database().unwrap_or_default())
}
