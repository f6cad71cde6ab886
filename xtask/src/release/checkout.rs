//! A clean clone, and what cargo does in it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::{Metadata, Package};

use super::{metadata, published, selection};
use crate::shell::{Result, cargo, root, run as execute, succeeds};

/// A clone of the last commit, which vanishes in the end.
pub(super) struct Checkout {
    folder: tempfile::TempDir,
}

impl Checkout {
    pub(super) fn make() -> Result<Self> {
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

    pub(super) fn metadata(&self) -> Result<Metadata> {
        metadata(&self.path().join("Cargo.toml"))
    }

    /// Makes a `cargo` command in the clone. What it builds stays for the next run.
    pub(super) fn cargo(&self, arguments: &str) -> Command {
        let mut command = cargo(arguments);
        command.current_dir(self.path()).env("CARGO_TARGET_DIR", built());
        command
    }

    /// Makes a `cargo` command of another toolchain, which rustup must have.
    pub(super) fn cargo_of(&self, toolchain: &str, arguments: &str) -> Command {
        let mut command = Command::new("rustup");
        command.current_dir(self.path()).args(["run", toolchain, "cargo"]).args(arguments.split_whitespace());
        // Cargo sets it for what it runs, such as this program.
        command.env_remove("RUSTUP_TOOLCHAIN").env("CARGO_TARGET_DIR", built());
        command
    }

    /// Packs all crates together, so that those not published yet find each other, and builds each from its package.
    pub(super) fn package(&self, metadata: &Metadata, only_pack: bool) -> Result {
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

    /// Returns the file of a package.
    pub(super) fn file(package: &Package) -> PathBuf {
        built().join("package").join(format!("{}-{}.crate", package.name, package.version))
    }

    /// Returns the paths that no package may name: of the clone, of the work tree and of the user.
    pub(super) fn private_paths(&self) -> Vec<String> {
        // That of root is the same on every machine, and is in texts about servers.
        let home = env::var("HOME").ok().filter(|home| home.len() > "/root".len());
        let paths = [Some(self.path().display().to_string()), Some(root().display().to_string()), home];
        paths.into_iter().flatten().collect()
    }

    /// docs.rs has nightly, which shows at each item the feature that brings it.
    pub(super) fn document(&self, packages: &[&Package]) -> Result {
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

/// Returns where the checks build: it stays for the next run.
fn built() -> PathBuf {
    root().join("target/release-check")
}
