//! The servers themselves, asked past the store.

use cloakroom_redis::redis::cluster::{ClusterClient, ClusterConnection};
use cloakroom_redis::redis::{Client, Connection, ConnectionLike, FromRedisValue, cmd};

/// A server.
pub(crate) struct Raw<C>(C);

impl Raw<Connection> {
    pub(crate) fn server(url: &str) -> Self {
        Self(Client::open(url).unwrap().get_connection().unwrap())
    }

    /// The number in the line `name:value` of `INFO section`.
    pub(crate) fn number(&mut self, section: &str, name: &str) -> u64 {
        let info: String = self.ask(&format!("INFO {section}"));
        let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let digits = value.map(|value| value.trim_start_matches("calls="));
        digits.and_then(|value| value.split([',', '\r']).next()).map_or(0, |value| value.parse().unwrap())
    }
}

impl Raw<ClusterConnection> {
    pub(crate) fn cluster(url: &str) -> Self {
        Self(ClusterClient::new(nodes(url)).unwrap().get_connection().unwrap())
    }
}

impl<C: ConnectionLike> Raw<C> {
    /// Sends words that are separated by spaces.
    pub(crate) fn ask<T: FromRedisValue>(&mut self, words: &str) -> T {
        let mut words = words.split(' ');
        let mut command = cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        command.query(&mut self.0).unwrap()
    }
}

/// The URL of each node of a cluster.
pub(crate) fn nodes(url: &str) -> Vec<String> {
    let hosts = url.strip_prefix("redis+cluster://").unwrap();
    hosts.split(',').map(|host| format!("redis://{host}")).collect()
}
