//! The servers themselves, asked past the store.

use cloakroom_redis::redis::cluster::{ClusterClient, ClusterConnection};
use cloakroom_redis::redis::{Client, Connection, ConnectionLike, FromRedisValue, Value, cmd};

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

/// Masters that are watched: each tells what clients ask it for, and marks what scripts call.
pub(crate) struct Watch {
    /// The connection whose notices are read, and one to ask on.
    servers: Vec<(Connection, Connection)>,
    seen: u64,
}

impl Watch {
    pub(crate) fn on(urls: &[String]) -> Self {
        let server = |url: &String| {
            let connect = || Client::open(url.as_str()).unwrap().get_connection().unwrap();
            let (mut told, mut asks) = (connect(), connect());
            let about: String = cmd("INFO").arg("replication").query(&mut asks).unwrap();
            cmd("MONITOR").exec(&mut told).unwrap();
            about.contains("role:master").then_some((told, asks))
        };
        Self { servers: urls.iter().filter_map(server).collect(), seen: 0 }
    }

    /// How many commands with a word that begins like this clients have sent since the watch began.
    pub(crate) fn commands(&mut self, word: &str) -> u64 {
        let begin = format!("\"{word}");
        self.count(|line| line.contains(&begin) && !line.contains(" lua] "))
    }

    /// How often scripts have read a whole record since the watch began. A watch counts by one of its methods only.
    pub(crate) fn records_read_by_scripts(&mut self) -> u64 {
        self.count(|line| line.contains(" lua] \"GET\" ") && line.contains("r:{"))
    }

    fn count(&mut self, is_meant: impl Fn(&str) -> bool) -> u64 {
        for (told, asks) in &mut self.servers {
            cmd("ECHO").arg("the end").exec(asks).unwrap();
            loop {
                let Value::SimpleString(line) = told.recv_response().unwrap() else { panic!() };
                if line.ends_with("\"ECHO\" \"the end\"") {
                    break;
                }
                self.seen += u64::from(is_meant(&line));
            }
        }
        self.seen
    }
}

/// The URL of each node of a cluster.
pub(crate) fn nodes(url: &str) -> Vec<String> {
    let hosts = url.strip_prefix("redis+cluster://").unwrap();
    hosts.split(',').map(|host| format!("redis://{host}")).collect()
}
