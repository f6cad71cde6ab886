//! memcached.

use std::process::Command;

use crate::{
    Result,
    process::Account,
    program::{Place, Program},
    tool::Tool,
};

pub(crate) const SERVER: Tool = Tool::debian("memcached", "memcached");

#[derive(Debug)]
pub(crate) struct Memcached;

impl Program for Memcached {
    fn tool(&self) -> Tool {
        SERVER
    }

    fn account(&self) -> Account {
        Account::NeverRoot
    }

    fn prepare(&self, _: &Place) -> Result {
        Ok(())
    }

    fn arguments(&self, place: &Place, command: &mut Command) {
        command.args(["--listen=127.0.0.1", "--udp-port=0"]);
        command.arg(format!("--port={}", place.port.number()));
    }

    fn is_ready(&self, place: &Place) -> bool {
        super::ask(place.port.number(), b"version\r\n").is_ok_and(|answer| answer.starts_with(b"VERSION "))
    }

    fn initialize(&self, _: &Place) -> Result {
        Ok(())
    }

    fn url(&self, place: &Place) -> String {
        format!("memcached://127.0.0.1:{}", place.port.number())
    }
}
