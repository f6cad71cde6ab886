//! The oldest Rust and the oldest dependencies that the manifests promise.

use std::collections::BTreeMap;

use cargo_metadata::{Package, semver::Version};

use super::{CORE, checkout::Checkout, selection};
use crate::shell::{Result, run as execute, succeeds};

/// Checks each crate with the Rust that it states, where rustup has it. (Clippy's `incompatible_msrv`, which the lint
/// runs, looks at our own code only, and needs no toolchain.)
pub(super) fn oldest_rust(clone: &Checkout, packages: &[&Package]) -> Result {
    let mut by_version: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for package in packages {
        if let Some(version) = &package.rust_version {
            by_version.entry(version).or_default().push(*package);
        }
    }
    for (version, packages) in by_version {
        let toolchain = name(version);
        if !succeeds(&mut clone.cargo_of(&toolchain, "--version")) {
            println!("SKIPPED: Rust {toolchain} (`rustup toolchain install {toolchain} --profile minimal`)");
            continue;
        }
        // What a feature of the command brings may need a newer Rust.
        let (commands, libraries): (Vec<_>, Vec<_>) =
            packages.into_iter().partition(|package| package.default_run.is_some());
        for (packages, features) in [(libraries, "--all-features"), (commands, "")] {
            if !packages.is_empty() {
                let selection = selection(packages.iter().map(|package| package.name.as_str()));
                execute(&mut clone.cargo_of(&toolchain, &format!("check --locked {features} {selection}")))?;
            }
        }
    }
    Ok(())
}

/// Checks the crates that every application has with the oldest direct dependencies that their manifests allow. Changes
/// the clone's Cargo.lock, so it comes last.
pub(super) fn oldest_dependencies(clone: &Checkout) -> Result {
    // The option is of nightly cargo, and nothing is compiled by this call.
    let mut resolve = clone.cargo("update -Z direct-minimal-versions");
    execute(resolve.env("RUSTC_BOOTSTRAP", "1"))?;
    execute(&mut clone.cargo(&format!("check --locked --all-features {}", selection(CORE))))
}

/// Returns how rustup calls the toolchain that a manifest names: `1.89` is the newest 1.89.
fn name(version: &Version) -> String {
    match version.patch {
        0 => format!("{}.{}", version.major, version.minor),
        _ => version.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Version, name};

    #[test]
    fn a_toolchain_is_called_as_in_the_manifest() {
        assert_eq!(name(&Version::new(1, 89, 0)), "1.89");
        assert_eq!(name(&Version::new(1, 94, 1)), "1.94.1");
    }
}
