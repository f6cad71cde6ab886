//! What must hold before a test is run.

use cargo_metadata::MetadataCommand;

use crate::{
    api, layers, licences, links, release, rows,
    shell::{Result, cargo, root, run as execute, step, succeeds},
    words,
};

pub(crate) fn run() -> Result {
    step("format", || execute(&mut cargo("fmt --all --check")))?;
    step("layers", layers::run)?;
    step("licences", licences::run)?;
    step("rows", rows::run)?;
    step("words", words::run)?;
    step("links", links::run)?;
    step("requirements of packages", release::requirements)?;
    step("api", api::run)?;
    step("clippy", || execute(&mut cargo("clippy --workspace --all-targets --all-features -- -D warnings")))?;
    step("the command with each store alone", each_store)?;
    step("documentation", documentation)?;
    step("cargo-deny", deny)?;
    step("changes of the interface", release::semver)
}

/// The features of the command that bring a store; one of them is the default.
const STORES: [&str; 9] =
    ["dynamodb", "etcd", "memcached", "mongodb", "mysql", "postgres", "redb", "redis", "sqlite"];

/// With all features at once, what the code of one store takes from that of another is not seen. The rest of the
/// workspace is chosen as for clippy above, so that only the command is built again, and no dependency of it.
fn each_store() -> Result {
    let others = features_without("cloakroom-cli")?;
    for store in [None].into_iter().chain(STORES.map(Some)) {
        let features = others.iter().cloned().chain(store.map(|store| format!("cloakroom-cli/{store}")));
        let features = features.collect::<Vec<_>>().join(",");
        let selection = format!("--workspace --all-targets --no-default-features --features={features}");
        execute(&mut cargo(&format!("clippy {selection} -- -D warnings")))?;
    }
    Ok(())
}

/// Returns all features of all crates but this one, as `crate/feature`.
fn features_without(name: &str) -> Result<Vec<String>> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    let others = metadata.packages.iter().filter(|package| *package.name != name);
    Ok(others
        .flat_map(|package| package.features.keys().map(|key| format!("{}/{key}", package.name)))
        .collect())
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
