//! The figures that gate: instructions, allocations and store trips per request.

use crate::{
    setup::{Tool, ensure},
    shell::{Result, cargo, run as execute, step},
};

const VALGRIND: [Tool; 1] = [Tool { program: "valgrind", package: "valgrind" }];

pub(crate) fn run(growth: bool) -> Result {
    step("valgrind", || ensure(&VALGRIND))?;
    step("cost of a request", || execute(&mut cargo("run --release --package cloakroom-bench -- table")))?;
    if growth {
        step("growth", || execute(&mut cargo("run --release --package cloakroom-bench -- growth")))?;
    }
    Ok(())
}
