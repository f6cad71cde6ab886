//! Changes of the interface, against the last release.
//!
//! Before the first release nothing is promised, so there is nothing to compare with: comparing with some commit would
//! only look like a check.

use std::process::Command;

use crate::shell::{Result, cargo, root, run as execute, succeeds};

pub(crate) fn run() -> Result {
    let Some(tag) = last_release()? else {
        println!("SKIPPED: no tag of a release (`v1.2.3`) leads here, so no interface is promised yet");
        return Ok(());
    };
    if !succeeds(&mut cargo("semver-checks --version")) {
        println!(
            "SKIPPED: cargo-semver-checks is not installed (`cargo install cargo-semver-checks --locked`)"
        );
        return Ok(());
    }
    execute(&mut cargo(&format!("semver-checks --workspace --all-features --baseline-rev {tag}")))
}

/// Returns the newest tag of a release that this commit comes after.
fn last_release() -> Result<Option<String>> {
    let mut git = Command::new("git");
    git.current_dir(root()).args(["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]);
    let output = git.output()?;
    let tag = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok((output.status.success() && !tag.is_empty()).then_some(tag))
}
