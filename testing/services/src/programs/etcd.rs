//! etcd: one node, or three that speak TLS with clients.

use std::{process::Command, sync::Arc};

use super::{addresses, connect, http};
use crate::{
    Certificates, Result, Server,
    port::Port,
    process::Account,
    program::{Place, Program},
    tool::Tool,
    wait,
};

pub(crate) const SERVER: Tool = Tool::debian("etcd", "etcd-server");

const MEMBERS: usize = 3;

/// One member of a cluster, which may be its only one.
#[derive(Debug)]
pub(crate) struct Etcd {
    certificates: Option<Certificates>,
    number: usize,
    /// Where each member talks with the others; on the second port it says how it is, without TLS.
    peers: Arc<[Port]>,
}

pub(crate) fn single(arguments: &[&str]) -> Result<Server> {
    let peers = Arc::new([Port::free()?]);
    Server::start(Etcd { certificates: None, number: 0, peers }, arguments)
}

pub(crate) fn cluster(certificates: Option<&Certificates>, arguments: &[&str]) -> Result<Vec<Server>> {
    let ports = (0..MEMBERS).map(|_| Port::free()).collect::<Result<Vec<_>>>()?;
    let peers = Arc::<[Port]>::from(ports);
    (0..MEMBERS)
        .map(|number| {
            let member = Etcd { certificates: certificates.cloned(), number, peers: Arc::clone(&peers) };
            Server::start(member, arguments)
        })
        .collect()
}

/// Waits until every member knows of a leader.
pub(crate) fn wait(servers: &[Server]) -> Result {
    wait::until_true("the members", || Ok(servers.iter().all(Server::is_whole)))
}

pub(crate) fn url(servers: &[Server]) -> String {
    format!("etcds://{}", addresses(servers))
}

impl Etcd {
    fn health(&self) -> u16 {
        self.peers.get(self.number).map_or(0, Port::second)
    }
}

impl Program for Etcd {
    fn tool(&self) -> Tool {
        SERVER
    }

    fn account(&self) -> Account {
        Account::Own
    }

    fn prepare(&self, place: &Place) -> Result {
        match &self.certificates {
            Some(certificates) => certificates.copy_to(place.folder(), self.account()).map(drop),
            None => Ok(()),
        }
    }

    fn arguments(&self, place: &Place, command: &mut Command) {
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        let clients = format!("{scheme}://127.0.0.1:{}", place.port.number());
        let peers = self.peers.iter().map(|port| format!("http://127.0.0.1:{}", port.number()));
        let peers = peers.enumerate().collect::<Vec<_>>();
        let cluster = peers.iter().map(|(number, peer)| format!("member{number}={peer}")).collect::<Vec<_>>();
        command.args(["--name", &format!("member{}", self.number), "--data-dir"]);
        command.arg(place.folder().join("etcd"));
        command.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
        for (_, peer) in peers.iter().filter(|(number, _)| *number == self.number) {
            command.args(["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]);
        }
        command.args(["--initial-cluster", &cluster.join(",")]);
        command.args(["--listen-metrics-urls", &format!("http://127.0.0.1:{}", self.health())]);
        if self.certificates.is_some() {
            command.args(["--cert-file", "tls/server.pem", "--key-file", "tls/server.key"]);
        }
    }

    /// One of several has to wait for others, which are not started before it listens.
    fn is_ready(&self, place: &Place) -> bool {
        if self.peers.len() > 1 { connect(place.port.number()).is_ok() } else { self.is_whole() }
    }

    fn is_whole(&self) -> bool {
        http::ask(self.health(), "GET", "/health", "", "")
            .is_ok_and(|response| http::is_ok(&response) && response.contains(r#""health":"true""#))
    }

    fn initialize(&self, _: &Place) -> Result {
        Ok(())
    }

    fn url(&self, place: &Place) -> String {
        let scheme = if self.certificates.is_some() { "etcds" } else { "etcd" };
        format!("{scheme}://127.0.0.1:{}", place.port.number())
    }
}
