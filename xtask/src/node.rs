//! Installs the packages of the Node applications whose sessions are shared in the tests.

use std::{fs, path::PathBuf, process::Command};

use crate::shell::{Result, root, run as execute};

/// What names the packages, and pins them.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// Installs the packages into `target/node-oracle`, unless they are there as the lockfile pins them.
pub(crate) fn run() -> Result {
    let (from, to) = (root().join("testing/node-oracle/apps"), root().join("target/node-oracle"));
    let stamp = to.join("installed");
    let wanted = fs::read(from.join("package-lock.json"))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        println!("the packages are there");
        return Ok(());
    }
    fs::create_dir_all(&to)?;
    for file in FILES {
        fs::copy(from.join(file), to.join(file))?;
    }
    // No package needs a script to be installed, and none gets to run one.
    execute(npm(to).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    Ok(fs::write(stamp, wanted)?)
}

fn npm(folder: PathBuf) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(folder);
    npm
}
