//! What is in the packages: all that is needed, nothing of this machine, and not much.

use std::{fs, path::Path, process::Command};

use cargo_metadata::Package;

use super::{checkout::Checkout, requirements::LICENCES};
use crate::shell::Result;

/// The largest package, in bytes. crates.io takes ten times as much; sources alone never need it.
const LARGEST: u64 = 1 << 20;

pub(super) fn check(clone: &Checkout, packages: &[&Package]) -> Result {
    let mut wrong = Vec::new();
    for package in packages {
        let file = Checkout::file(package);
        let bytes = fs::metadata(&file).map_err(|error| format!("{}: {error}", file.display()))?.len();
        let names = tar("-tzf", &file)?;
        println!("{:>6} KiB, {:>3} files: {}", bytes.div_ceil(1024), names.lines().count(), package.name);
        let mut faults = faults(&names, bytes);
        let text = tar("-xzOf", &file)?;
        let private = clone.private_paths().into_iter().filter(|path| text.contains(path.as_str()));
        faults.extend(private.map(|path| format!("names {path}, which is of this machine")));
        wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", package.name)));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n    ").into()) }
}

fn tar(flags: &str, file: &Path) -> Result<String> {
    let output = Command::new("tar").arg(flags).arg(file).output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("tar {flags} {}: {}", file.display(), String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// Finds what is missing among these files, and what is not to be there.
fn faults(names: &str, bytes: u64) -> Vec<String> {
    let files: Vec<_> = names.lines().filter_map(|line| line.split_once('/')).map(|(_, file)| file).collect();
    let needed = LICENCES.into_iter().chain(["README.md", "Cargo.toml"]);
    let missing = needed.filter(|file| !files.contains(file)).map(|file| format!("{file} is missing"));
    let made_by_cargo = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml", "Cargo.toml.orig", "README.md"];
    let is_known =
        |file: &str| file.starts_with("src/") || made_by_cargo.contains(&file) || LICENCES.contains(&file);
    let stray = files.iter().filter(|file| !is_known(file)).map(|file| format!("{file} is not for users"));
    let large = (bytes > LARGEST).then(|| format!("{bytes} bytes are more than {LARGEST}"));
    missing.chain(stray).chain(large).collect()
}

#[cfg(test)]
mod tests {
    use super::faults;

    const WHOLE: &str =
        "a-1.0/Cargo.toml\na-1.0/README.md\na-1.0/LICENSE-MIT\na-1.0/LICENSE-APACHE\na-1.0/src/lib.rs\n";

    #[test]
    fn sources_readme_and_licences_are_a_whole_package() {
        assert_eq!(faults(WHOLE, 1000), Vec::<String>::new());
    }

    #[test]
    fn a_missing_licence_a_stray_file_and_a_large_package_are_found() {
        assert_eq!(faults(&WHOLE.replace("LICENSE-MIT", "src/MIT"), 1000), ["LICENSE-MIT is missing"]);
        assert_eq!(faults(&format!("{WHOLE}a-1.0/notes.txt\n"), 1000), ["notes.txt is not for users"]);
        assert_eq!(faults(WHOLE, 2 << 20).len(), 1);
    }
}
