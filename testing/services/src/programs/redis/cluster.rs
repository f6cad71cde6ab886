//! Redis Cluster: three masters, each with a replica.

use std::process::Command;

use super::{super::addresses, CLI, Redis, ask};
use crate::{Result, Server, process::check, wait};

const MASTERS: usize = 3;

/// A node that has been silent for so many milliseconds is taken for dead, and its replica takes over.
const NODE_TIMEOUT: u16 = 2000;

pub(crate) fn start(arguments: &[&str]) -> Result<Vec<Server>> {
    (0..2 * MASTERS)
        .map(|_| {
            let node = Redis::with(&format!(
                "--cluster-enabled yes --cluster-config-file nodes.conf --cluster-node-timeout {NODE_TIMEOUT} \
                 --repl-diskless-sync-delay 0 --cluster-replica-validity-factor 0"
            ));
            Server::start(node, arguments)
        })
        .collect()
}

/// Makes one cluster of new nodes: the first three are masters.
pub(crate) fn create(servers: &[Server]) -> Result {
    let nodes = addresses(servers);
    let mut command = Command::new(CLI.path()?);
    command.args(["--cluster", "create"]).args(nodes.split(','));
    check(command.args(["--cluster-replicas", "1", "--cluster-yes"])).map(drop)
}

/// Waits until every node knows of every slot, and every replica has what its master has.
pub(crate) fn wait(servers: &[Server]) -> Result {
    wait::until_true("the cluster", || {
        let is_whole = |server: &Server| {
            let info = ask(server.port(), "CLUSTER INFO").unwrap_or_default();
            let nodes = ask(server.port(), "CLUSTER NODES").unwrap_or_default();
            let replication = ask(server.port(), "INFO replication").unwrap_or_default();
            info.contains("cluster_state:ok")
                && info.contains("cluster_slots_ok:16384")
                && nodes.lines().filter(|line| !line.contains("fail") && line.contains("slave ")).count()
                    == MASTERS
                && !replication.contains("master_link_status:down")
        };
        Ok(servers.iter().all(is_whole))
    })
}

pub(crate) fn url(servers: &[Server]) -> String {
    format!("redis+cluster://{}", addresses(servers))
}
