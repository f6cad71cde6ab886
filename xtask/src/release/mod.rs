//! What must hold before the crates are published. Nothing here publishes.
//!
//! Everything is looked at in a clean clone of the last commit, as crates.io and docs.rs will see it.

mod checkout;
mod contents;
mod order;
mod requirements;
mod semver;
mod versions;

use std::path::Path;

use cargo_metadata::{CargoOpt, Metadata, MetadataCommand, Package};
use clap::Args;

use crate::shell::{Result, root, step};
use checkout::Checkout;

pub(crate) use semver::run as semver;

/// Checks that all crates could be published now
#[derive(Args)]
pub(crate) struct Release {
    /// Says that nothing is to be published: people publish, with RELEASING.md
    #[arg(long, required = true)]
    dry_run: bool,
    /// Builds only the contract, the engine and the tower adapter, and no packages; minutes instead of an hour
    #[arg(long)]
    core: bool,
}

/// The crates that every application has.
const CORE: [&str; 3] = ["cloakroom-store", "cloakroom", "cloakroom-tower"];

impl Release {
    pub(crate) fn run(&self) -> Result {
        let clone = Checkout::make()?;
        let metadata = clone.metadata()?;
        let published = published(&metadata);
        step("requirements of packages", || requirements::check(&metadata, &published))?;
        step("order of publishing", || order::print(&published))?;
        step("packages", || clone.package(&metadata, self.core))?;
        step("contents of packages", || contents::check(&clone, &published))?;
        let built: Vec<_> =
            published.iter().copied().filter(|package| !self.core || is_core(package)).collect();
        step("documentation, as docs.rs builds it", || clone.document(&built))?;
        step("oldest Rust", || versions::oldest_rust(&clone, &built))?;
        step("changes of the interface", semver::run)?;
        step("oldest dependencies", || versions::oldest_dependencies(&clone))?;
        println!("\n{} crates are ready to be published; RELEASING.md says how", published.len());
        Ok(())
    }
}

/// Checks what takes no build: for the lint.
pub(crate) fn requirements() -> Result {
    let metadata = metadata(&root().join("Cargo.toml"))?;
    let published = published(&metadata);
    requirements::check(&metadata, &published)?;
    order::of(&published).map(|_| ())
}

fn metadata(manifest: &Path) -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    Ok(command.manifest_path(manifest).features(CargoOpt::AllFeatures).exec()?)
}

/// Returns the crates that are published: `publish` is not false.
fn published(metadata: &Metadata) -> Vec<&Package> {
    let members = metadata.workspace_packages().into_iter();
    members
        .filter(|package| package.publish.as_ref().is_none_or(|registries| !registries.is_empty()))
        .collect()
}

fn is_core(package: &Package) -> bool {
    CORE.contains(&package.name.as_str())
}

/// Returns `--package` and its name for each.
fn selection<'a>(packages: impl IntoIterator<Item = &'a str>) -> String {
    packages.into_iter().map(|name| format!("--package {name}")).collect::<Vec<_>>().join(" ")
}
