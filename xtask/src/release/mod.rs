//! What must hold before the crates are published. Nothing here publishes.
//!
//! Everything is looked at in a clean clone of the last commit, as crates.io and docs.rs will see it.

mod contents;
mod order;
mod requirements;
mod semver;
mod versions;

use std::{env, path::Path, process::Command};

use cargo_metadata::{CargoOpt, Metadata, MetadataCommand, Package};
use clap::Args;

use crate::shell::{Result, cargo, root, run as execute, step, succeeds};

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
        let clone = Clone::make()?;
        let metadata = clone.metadata()?;
        let published = published(&metadata);
        step("requirements of packages", || requirements::check(&metadata, &published))?;
        step("order of publishing", || order::print(&published))?;
        step("packages", || clone.package(&metadata, self.core))?;
        step("contents of packages", || contents::check(&clone.packages(), &published))?;
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

/// A clone of the last commit, which vanishes in the end.
struct Clone {
    folder: tempfile::TempDir,
}

impl Clone {
    fn make() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let status = Command::new("git").current_dir(root()).args(["status", "--porcelain"]).output()?;
        if !status.stdout.is_empty() {
            println!("SKIPPED: changes that are not committed; the last commit is looked at");
        }
        execute(Command::new("git").args(["clone", "--quiet"]).arg(root()).arg(folder.path()))?;
        Ok(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn metadata(&self) -> Result<Metadata> {
        metadata(&self.path().join("Cargo.toml"))
    }

    /// Makes a `cargo` command in the clone. What it builds stays for the next run.
    fn cargo(&self, arguments: &str) -> Command {
        let mut command = cargo(arguments);
        command.current_dir(self.path()).env("CARGO_TARGET_DIR", root().join("target/release-check"));
        command
    }

    /// Makes a `cargo` command of another toolchain, which rustup must have.
    fn cargo_of(&self, toolchain: &str, arguments: &str) -> Command {
        let mut command = self.cargo("");
        let mut other = Command::new("rustup");
        other.current_dir(self.path()).args(["run", toolchain, "cargo"]).args(arguments.split_whitespace());
        other.envs(
            command
                .env_remove("RUSTUP_TOOLCHAIN")
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        other.env_remove("RUSTUP_TOOLCHAIN");
        other
    }

    /// Packs all crates together, so that those not published yet find each other, and builds each from its package.
    fn package(&self, metadata: &Metadata, only_pack: bool) -> Result {
        let published = published(metadata);
        let others = metadata.workspace_packages().into_iter().filter(|package| !published.contains(package));
        let excluded: Vec<_> = others.map(|package| format!("--exclude {}", package.name)).collect();
        let verify = if only_pack { "--no-verify" } else { "" };
        if only_pack {
            println!("SKIPPED: the packages are not built");
        }
        execute(
            &mut self.cargo(&format!("package --quiet --locked --workspace {} {verify}", excluded.join(" "))),
        )
    }

    /// Returns the folder of the packages.
    fn packages(&self) -> Contents {
        Contents { folder: root().join("target/release-check/package"), clone: self.path().to_owned() }
    }

    /// docs.rs has nightly, which shows at each item the feature that brings it.
    fn document(&self, packages: &[&Package]) -> Result {
        let libraries =
            packages.iter().filter(|package| package.targets.iter().any(|target| target.is_lib()));
        let libraries = selection(libraries.map(|package| package.name.as_str()));
        let arguments = format!("doc --locked --no-deps --lib --all-features {libraries}");
        let has_nightly = succeeds(&mut self.cargo_of("nightly", "--version"));
        let (mut command, flags) = if has_nightly {
            (self.cargo_of("nightly", &arguments), "--cfg docsrs -D warnings")
        } else {
            println!("SKIPPED: there is no nightly, so the labels of features are not built");
            (self.cargo(&arguments), "-D warnings")
        };
        execute(command.env("RUSTDOCFLAGS", flags))
    }
}

/// Where the packages are, and where they were made.
struct Contents {
    folder: std::path::PathBuf,
    clone: std::path::PathBuf,
}

impl Contents {
    /// Returns the paths that no package may name: of the clone, of the work tree and of the user.
    fn private_paths(&self) -> Vec<String> {
        let home = env::var("HOME").ok().filter(|home| home.len() > "/root".len());
        let paths = [Some(self.clone.display().to_string()), Some(root().display().to_string()), home];
        paths.into_iter().flatten().collect()
    }
}
