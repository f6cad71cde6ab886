//! The store outlives what happens to its server.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use cloakroom_postgres::PostgresStore;
use cloakroom_services::outages::{Durable, Opening};
use cloakroom_services::{Service, outlives};

const LIMIT: Duration = Duration::from_millis(700);

fn open(url: String) -> Opening {
    Box::pin(async move {
        let builder = PostgresStore::from_url(&format!("{url}?sslmode=disable")).unwrap();
        let builder = builder.request_timeout(LIMIT).connect_timeout(LIMIT);
        builder.create_tables().await.unwrap();
        Arc::new(builder.build().await.unwrap()) as _
    })
}

outlives!(Durable { service: Service::Postgres, open });
