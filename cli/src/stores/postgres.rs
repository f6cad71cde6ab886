//! `postgres://user:password@host:port/database`, with `prefix=NAME`, `schema=NAME` and the settings of the client.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_postgres::PostgresStore;
use cloakroom_postgres::sqlx::postgres::PgConnectOptions;

use super::bodies::OpenedBodies;
use super::url::StoreUrl;
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

/// Makes the tables if they are missing, so that trying it out needs no preparation; not where sessions are only read.
pub(super) async fn open(mut url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let options = options(&url.without(&["prefix", "schema"]))?;
    let place = place(&options);
    let mut builder = PostgresStore::with_options(options);
    if let Some(prefix) = url.take("prefix", |text| Some(text.to_owned()))? {
        builder = builder.table_prefix(prefix);
    }
    if let Some(schema) = url.take("schema", |text| Some(text.to_owned()))? {
        builder = builder.schema(schema);
    }
    let (trial, source) = (url.trial.take(), url.source);
    if let Some(trial) = &trial {
        builder = builder.table_prefix(trial.prefix.clone()).clock(Arc::new(trial.clock.clone()));
    }
    let failed = |error| did_not_open(&format!("postgres at {place}"), &error);
    if !source {
        builder.create_tables().await.map_err(failed)?;
    }
    let store = builder.clone().open().await;
    if store.is_err() && trial.is_some() {
        let _made_before = builder.drop_tables().await;
    }
    let store = store.map_err(failed)?;
    let mut opened =
        Opened::new(store, format!("in PostgreSQL at {place}, in tables made by this if they were missing"));
    if trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(builder.drop_tables().await?) }));
    }
    Ok(opened)
}

/// Opens the bodies of a Node application, in `table` and `schema`, with `time_zone`; the table of ended sessions has the `prefix`.
pub(super) async fn open_bodies(
    mut url: StoreUrl<'_>,
    lifetime: Option<Duration>,
) -> Result<OpenedBodies, Trouble> {
    let options = options(&url.without(&["layout", "table", "prefix", "schema", "time_zone"]))?;
    let place = place(&options);
    let mut builder = PostgresStore::with_options(options);
    let text = |text: &str| Some(text.to_owned());
    if let Some(table) = url.take("table", text)? {
        builder = builder.table(table);
    }
    if let Some(prefix) = url.take("prefix", text)? {
        builder = builder.table_prefix(prefix);
    }
    if let Some(schema) = url.take("schema", text)? {
        builder = builder.schema(schema);
    }
    if let Some(zone) = url.take("time_zone", text)? {
        builder = builder.time_zone(zone);
    }
    let opened = builder.open_bodies().await;
    let bodies = opened.map_err(|error| did_not_open(&format!("postgres at {place}"), &error))?;
    Ok(OpenedBodies { bodies: Arc::new(bodies), place: format!("in PostgreSQL at {place}"), lifetime })
}

fn options(url: &str) -> Result<PgConnectOptions, Trouble> {
    let wrong = || Trouble::usage("a store URL looks like postgres://user:password@host/database");
    url.parse().map_err(|_| wrong())
}

/// Without user and password.
fn place(options: &PgConnectOptions) -> String {
    let (host, port) = (options.get_host(), options.get_port());
    format!("{host}:{port}/{}", options.get_database().unwrap_or_default())
}
