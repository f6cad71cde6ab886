//! Requests a second through real servers, against bare handlers.

use cloakroom_services::Service;

use crate::services;
use crate::shell::{Result, cargo, run as execute, step};

pub(crate) fn run() -> Result {
    const PACKAGE: &str = "--release --package cloakroom-load --bin throughput";
    step("build", || execute(&mut cargo(&format!("build {PACKAGE}"))))?;
    step("requests a second: database, route, bare, with Cloakroom, ratio", || {
        services::with(&[Service::Redis, Service::Postgres], |variables| {
            let mut command = cargo(&format!("run --quiet {PACKAGE}"));
            execute(command.envs(variables.iter().map(|(name, value)| (name, value))))
        })
    })
}
