//! etcd, one node.

use std::process::Command;

use super::http;
use crate::{
    Result,
    process::Account,
    program::{Place, Program},
    tool::Tool,
};

pub(crate) const SERVER: Tool = Tool::debian("etcd", "etcd-server");

#[derive(Debug)]
pub(crate) struct Etcd;

impl Program for Etcd {
    fn tool(&self) -> Tool {
        SERVER
    }

    fn account(&self) -> Account {
        Account::Own
    }

    fn prepare(&self, _: &Place) -> Result {
        Ok(())
    }

    fn arguments(&self, place: &Place, command: &mut Command) {
        let clients = format!("http://127.0.0.1:{}", place.port.number());
        let peers = format!("http://127.0.0.1:{}", place.port.second());
        command.args(["--name", "one", "--data-dir"]).arg(place.folder().join("etcd"));
        command.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
        command.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
        command.args(["--initial-cluster", &format!("one={peers}")]);
    }

    fn is_ready(&self, place: &Place) -> bool {
        http::ask(place.port.number(), "GET", "/health", "", "")
            .is_ok_and(|response| http::is_ok(&response) && response.contains(r#""health":"true""#))
    }

    fn initialize(&self, _: &Place) -> Result {
        Ok(())
    }

    fn url(&self, place: &Place) -> String {
        format!("etcd://127.0.0.1:{}", place.port.number())
    }
}
