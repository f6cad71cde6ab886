//! Bodies as connect-redis keeps them, on real servers.

#[path = "servers/shared.rs"]
mod shared;

use cloakroom_conformance::bodies::{self, Expiry, Harness, OtherPackage};
use cloakroom_redis::redis::aio::MultiplexedConnection;
use cloakroom_redis::redis::{self, Client, RedisError};
use cloakroom_services::Service;
use cloakroom_store::{Error, ErrorKind, ManualClock, Result, Timestamp, async_trait};

/// What a Node application with connect-redis does, on a connection of its own.
#[derive(Debug)]
struct Node {
    connection: MultiplexedConnection,
    prefix: String,
}

fn broken(error: RedisError) -> Error {
    Error::new(ErrorKind::Other, "the server refuses it").with_source(error)
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let seconds = expires_at.since(Timestamp::now()).as_secs() + 1;
        let mut set = redis::cmd("SET");
        set.arg(format!("{}{id}", self.prefix)).arg(body).arg("EX").arg(seconds);
        set.query_async(&mut self.connection.clone()).await.map_err(broken)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        let mut exists = redis::cmd("EXISTS");
        exists.arg(format!("{}{id}", self.prefix));
        exists.query_async(&mut self.connection.clone()).await.map_err(broken)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept() {
    for service in [Service::Redis, Service::Valkey] {
        let (clock, prefix) = (ManualClock::at(Timestamp::now()), shared::prefix());
        let builder = shared::shared(service, "").prefix(&*prefix).clock(clock.clone());
        let store = builder.build_bodies().await.unwrap();
        let client = Client::open(service.shared()).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        let harness = Harness::new(store, clock, Node { connection, prefix }).expiry(Expiry::ServersClock);
        bodies::all(&harness).await.unwrap_or_else(|broken| panic!("{service}: {broken}"));
    }
}
