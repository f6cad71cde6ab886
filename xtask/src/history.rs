//! Processes hammer every store and are killed, and so are the servers: the history checker in full.

use std::process::Command;

use cloakroom_services::Service;

use crate::services;
use crate::shell::{Result, cargo, in_memory, root, run as execute, step};

pub(crate) fn run(arguments: &[String]) -> Result {
    // The features of the tests, so that nothing is built twice.
    const BUILD: &str = "build --workspace --exclude cloakroom-browser-tests --all-features --bin history";
    step("build", || execute(&mut cargo(BUILD)))?;
    step("programs of the servers", || services::install(&Service::ALL))?;
    step("every store", || {
        let mut command = Command::new(root().join("target/debug/history"));
        execute(in_memory(command.arg("all").args(arguments)))
    })
}
