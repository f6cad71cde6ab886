//! Opens connections to each kind of server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};
use tokio::sync::Mutex;

use super::line::Dialer;

/// Makes connections to one kind of server.
#[derive(Clone)]
pub(crate) enum Dial {
    Server(Dialer<MultiplexedConnection>),
    Given(ConnectionManager),
    Cluster(Dialer<ClusterConnection>),
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) response: Duration,
}

impl Timeouts {
    fn config(self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect))
            .set_response_timeout(Some(self.response))
    }

    /// Bounds the making of a connection, whatever it consists of.
    async fn bound<T>(self, dial: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let late = |_| RedisError::from(io::Error::from(io::ErrorKind::TimedOut));
        tokio::time::timeout(self.connect, dial).await.map_err(late)?
    }
}

impl Dial {
    pub(crate) fn server(client: Client, timeouts: Timeouts) -> Self {
        let client = Arc::new(client);
        Self::Server(Arc::new(move || {
            let client = Arc::clone(&client);
            let connect =
                async move { client.get_multiplexed_async_connection_with_config(&timeouts.config()).await };
            timeouts.bound(connect).boxed()
        }))
    }

    /// Asks the sentinels for the master, each time anew.
    pub(crate) fn sentinel(client: SentinelClient, timeouts: Timeouts) -> Self {
        let client = Arc::new(Mutex::new(client));
        Self::Server(Arc::new(move || {
            let client = Arc::clone(&client);
            let connect = async move {
                let master = client.lock().await.async_get_client().await?;
                master.get_multiplexed_async_connection_with_config(&timeouts.config()).await
            };
            timeouts.bound(connect).boxed()
        }))
    }

    pub(crate) fn cluster(nodes: ClusterClientBuilder, timeouts: Timeouts) -> RedisResult<Self> {
        let nodes = nodes.retries(0).connection_timeout(timeouts.connect).response_timeout(timeouts.response);
        let client = Arc::new(nodes.build()?);
        Ok(Self::Cluster(Arc::new(move || {
            let client = Arc::clone(&client);
            // Nodes that are down are waited for, once to say where the slots are and once to be connected.
            let patient = Timeouts { connect: timeouts.connect * 2, ..timeouts };
            let connect = async move { client.get_async_connection().await };
            patient.bound(connect).boxed()
        })))
    }
}
