//! What a server is: a program, its files, and how one sees that it is ready.

use std::{fmt::Debug, path::Path, process::Command};

use crate::{
    Result,
    port::Port,
    process::{self, Account},
    tool::Tool,
};

/// A kind of server.
pub(crate) trait Program: Debug + Send + Sync {
    /// The program.
    fn tool(&self) -> Tool;

    /// As whom it runs.
    fn account(&self) -> Account;

    /// Makes what has to be in the folder before the first start.
    fn prepare(&self, place: &Place) -> Result;

    /// Says how to start it.
    fn arguments(&self, place: &Place, command: &mut Command);

    /// Returns whether it answers a question of its own protocol. Not answering yet is not an error.
    fn is_ready(&self, place: &Place) -> bool;

    /// Returns whether it has found the others that it works with.
    fn is_whole(&self) -> bool {
        true
    }

    /// Makes what can only be made while it runs, after the first start.
    fn initialize(&self, place: &Place) -> Result;

    /// The signal on which it ends in order, without waiting for its clients.
    fn stop_signal(&self) -> &'static str {
        "TERM"
    }

    /// Where it is, for a client.
    fn url(&self, place: &Place) -> String;
}

/// Where one server has its files and listens.
#[derive(Debug)]
pub(crate) struct Place {
    /// A folder that belongs to the server's account. What is in it is gone when it is restarted empty.
    pub(crate) folder: std::path::PathBuf,
    pub(crate) port: Port,
}

impl Place {
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A command about this server, run as its account, in its folder.
    pub(crate) fn command(&self, account: Account, tool: &Tool) -> Result<Command> {
        let mut command = process::command(account, &tool.path()?);
        command.current_dir(&self.folder);
        Ok(command)
    }
}
