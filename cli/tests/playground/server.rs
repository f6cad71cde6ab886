//! Starts and ends the real binary.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::client::Client;

/// A process of the playground. Killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: String,
}

impl Server {
    /// Starts one on a free port and waits until it says that it listens.
    pub(crate) async fn start(folder: &Path, args: &[&str]) -> Self {
        Self::start_command(command(folder).arg("demo").args(args)).await
    }

    /// Starts `demo` with what else is set on the command: its environment.
    pub(crate) async fn start_command(command: &mut Command) -> Self {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).await.unwrap();
        let address = line.strip_prefix("listening on http://").expect("the one line").trim_end().to_owned();
        Self { child, stdout, address }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Ends it as a machine does that runs out of memory.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end with the signal of that name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; what else it said on its standard output comes too.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).await.unwrap();
        (self.child.wait().await.unwrap(), rest)
    }

    pub(crate) async fn stop(self) {
        self.signal("TERM");
        let (status, rest) = self.ended().await;
        assert!(status.success(), "{status}");
        assert_eq!(rest, "");
    }
}

/// The binary, to be run in `folder`.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
    command.current_dir(folder).kill_on_drop(true);
    command
}

/// A folder with a store in it, and a server on that store.
pub(crate) struct Playground {
    pub(crate) folder: TempDir,
    pub(crate) server: Server,
}

impl Playground {
    pub(crate) async fn on(store: &str) -> Self {
        Self::with(&["--store", store]).await
    }

    pub(crate) async fn with(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), flags).await;
        Self { folder, server }
    }

    pub(crate) fn client(&self) -> Client {
        self.server.client()
    }
}

pub(crate) const MEMORY: &str = "memory:";
pub(crate) const FILE: &str = "file:sessions";
pub(crate) const SQLITE: &str = "sqlite:sessions.db";

/// The shared Redis, under a prefix that no other test has.
#[cfg(feature = "redis")]
pub(crate) fn redis() -> String {
    let url = cloakroom_services::Service::Redis.shared();
    format!("{url}?prefix=playground{:016x}:", getrandom::u64().unwrap())
}

/// The shared MongoDB, with a database that no other test has.
#[cfg(feature = "mongodb")]
pub(crate) fn mongodb() -> String {
    let url = cloakroom_services::Service::Mongodb.shared();
    format!("{}/playground{:016x}", url.trim_end_matches('/'), getrandom::u64().unwrap())
}

/// Makes a test of each function for each store.
macro_rules! on_every_store {
    ($($test:ident),* $(,)?) => {
        crate::server::on_every_store!(@ memory = crate::server::MEMORY, $($test),*);
        crate::server::on_every_store!(@ file = crate::server::FILE, $($test),*);
        crate::server::on_every_store!(@ sqlite = crate::server::SQLITE, $($test),*);
    };
    (@ $store:ident = $url:expr, $($test:ident),*) => {
        mod $store {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&crate::server::Playground::on($url).await).await;
            })*
        }
    };
}
pub(crate) use on_every_store;
