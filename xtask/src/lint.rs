//! What must hold before a test is run.

use crate::{
    layers, licences,
    shell::{Result, cargo, run as execute, step, succeeds},
};

pub(crate) fn run() -> Result {
    step("format", || execute(&mut cargo("fmt --all --check")))?;
    step("layers", layers::run)?;
    step("licences", licences::run)?;
    step("clippy", || execute(&mut cargo("clippy --workspace --all-targets --all-features -- -D warnings")))?;
    step("documentation", documentation)?;
    step("cargo-deny", deny)
}

/// Libraries only: the command is called `cloakroom` like the engine, and would overwrite the engine's pages.
fn documentation() -> Result {
    let mut command = cargo("doc --workspace --lib --no-deps --all-features");
    execute(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Advisories, duplicates and sources. The licences, which must never go unchecked, do not wait for this tool.
fn deny() -> Result {
    if succeeds(&mut cargo("deny --version")) {
        return execute(&mut cargo("deny --all-features check"));
    }
    println!("SKIPPED: cargo-deny is not installed (`cargo install cargo-deny --locked`)");
    Ok(())
}
