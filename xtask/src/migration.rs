//! Many sessions move between two servers, under traffic and kills.

use std::process::Command;

use cloakroom_services::Service;

use crate::services;
use crate::shell::{Result, cargo, in_memory, root, run as execute, step};

pub(crate) fn run(arguments: &[String]) -> Result {
    // The features of the tests, so that nothing is built twice.
    const BUILD: &str =
        "build --workspace --exclude cloakroom-browser-tests --all-features --bin cloakroom --bin migration";
    step("build", || execute(&mut cargo(BUILD)))?;
    step("programs of the servers", || services::install(&[Service::Redis, Service::Postgres]))?;
    step("migration", || {
        let built = root().join("target/debug");
        let mut command = Command::new(built.join("migration"));
        execute(in_memory(command.arg("--program").arg(built.join("cloakroom")).args(arguments)))
    })
}
