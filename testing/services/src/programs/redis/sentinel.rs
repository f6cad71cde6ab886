//! Redis under Sentinel: a master, two replicas, three sentinels.

use std::{fs, process::Command};

use super::{super::addresses, Redis, SENTINEL, ask};
use crate::{
    Result, Server,
    process::Account,
    program::{Place, Program},
    tool::Tool,
    wait,
};

const REPLICAS: usize = 2;
const SENTINELS: usize = 3;

/// The master's name among the sentinels.
const NAME: &str = "mymaster";

/// The master first, then its replicas, then the sentinels.
pub(crate) fn start(arguments: &[&str]) -> Result<Vec<Server>> {
    let mut servers = vec![Server::start(Redis::with("--repl-diskless-sync-delay 0"), arguments)?];
    let master = servers.iter().map(Server::port).next().unwrap_or_default();
    for _ in 0..REPLICAS {
        let replica = Redis::with(&format!("--replicaof 127.0.0.1 {master} --repl-diskless-sync-delay 0"));
        servers.push(Server::start(replica, arguments)?);
    }
    for _ in 0..SENTINELS {
        servers.push(Server::start(Sentinel { master }, &[])?);
    }
    Ok(servers)
}

/// Waits until every sentinel knows the replicas and the other sentinels.
pub(crate) fn wait(servers: &[Server]) -> Result {
    let sentinels = servers.get(1 + REPLICAS..).unwrap_or_default();
    wait::until_true("the sentinels", || {
        let knows_all = |sentinel: &Server| {
            let master = ask(sentinel.port(), &format!("SENTINEL MASTER {NAME}")).unwrap_or_default();
            let says = |name: &str, value: usize| master.contains(&format!("{name}\n{value}\n"));
            says("num-slaves", REPLICAS) && says("num-other-sentinels", SENTINELS - 1)
        };
        Ok(sentinels.iter().all(knows_all))
    })
}

pub(crate) fn url(servers: &[Server]) -> String {
    format!("redis+sentinel://{}/{NAME}", addresses(servers.get(1 + REPLICAS..).unwrap_or_default()))
}

/// One sentinel.
#[derive(Debug)]
struct Sentinel {
    /// The port of the node that is master at first.
    master: u16,
}

impl Program for Sentinel {
    fn tool(&self) -> Tool {
        SENTINEL
    }

    fn account(&self) -> Account {
        Account::Own
    }

    /// The file is Sentinel's own from the first start on: it writes there what it learns.
    fn prepare(&self, place: &Place) -> Result {
        let Self { master } = self;
        let settings = format!(
            "port {}\nbind 127.0.0.1\nsentinel monitor {NAME} 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds {NAME} 1000\nsentinel failover-timeout {NAME} 5000\n",
            place.port.number()
        );
        Ok(fs::write(place.folder().join("sentinel.conf"), settings)?)
    }

    fn arguments(&self, _: &Place, command: &mut Command) {
        command.arg("sentinel.conf");
    }

    fn is_ready(&self, place: &Place) -> bool {
        ask(place.port.number(), "PING").is_ok_and(|answer| answer.trim() == "PONG")
    }

    fn initialize(&self, _: &Place) -> Result {
        Ok(())
    }

    fn url(&self, place: &Place) -> String {
        format!("redis://127.0.0.1:{}", place.port.number())
    }
}
