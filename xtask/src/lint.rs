//! What must hold before a test is run.

use crate::{
    layers, licences, rows,
    shell::{Result, cargo, run as execute, step, succeeds},
    words,
};

pub(crate) fn run() -> Result {
    step("format", || execute(&mut cargo("fmt --all --check")))?;
    step("layers", layers::run)?;
    step("licences", licences::run)?;
    step("rows", rows::run)?;
    step("words", words::run)?;
    step("clippy", || execute(&mut cargo("clippy --workspace --all-targets --all-features -- -D warnings")))?;
    step("documentation", documentation)?;
    step("cargo-deny", deny)
}

/// Libraries only: the command is called `cloakroom` like the engine, and would overwrite the engine's pages.
fn documentation() -> Result {
    let mut command = cargo("doc --workspace --lib --no-deps --all-features");
    execute(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Duplicates and sources, and advisories where their database can be reached. The licences, which must never go
/// unchecked, do not wait for this tool.
fn deny() -> Result {
    if !succeeds(&mut cargo("deny --version")) {
        println!("SKIPPED: cargo-deny is not installed (`cargo install cargo-deny --locked`)");
        return Ok(());
    }
    let check = "deny --all-features check --hide-inclusion-graph";
    execute(&mut cargo(&format!("{check} bans licenses sources")))?;
    if !succeeds(&mut cargo("deny fetch db")) {
        println!("SKIPPED: the database of advisories cannot be fetched");
        return Ok(());
    }
    execute(&mut cargo(&format!("{check} advisories")))
}
