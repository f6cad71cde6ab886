//! A fresh `cloakroom demo`, in memory, on a free port.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{HOW_TO_RUN, Result, process::Process};

/// The name of the session cookie in every playground that the tests start.
pub const COOKIE_NAME: &str = "coat";

/// A running playground. Dropping it kills the server, and with it every session.
#[derive(Debug)]
pub struct Playground {
    url: String,
    _process: Process,
}

impl Playground {
    /// Starts a playground of its own for one test.
    ///
    /// # Errors
    /// The binary is missing, or does not say within 30 seconds where it listens.
    pub fn start() -> Result<Self> {
        let mut command = Command::new(binary()?);
        command.args(["demo", "--listen", "127.0.0.1:0", "--store", "memory:", "--cookie-name", COOKIE_NAME]);
        let (process, url) = Process::start(&mut command, listening_on)?;
        Ok(Self { url, _process: process })
    }

    /// Returns the URL of the page.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// `CLOAKROOM_BIN`, or the `cloakroom` that cargo put beside the folder of the running test.
fn binary() -> Result<PathBuf> {
    env::var_os("CLOAKROOM_BIN").map_or_else(|| built("cloakroom"), |path| Ok(path.into()))
}

/// Returns the program that cargo put beside the folder of the running test.
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    let test = env::current_exe()?;
    let built = test.parent().and_then(Path::parent).map(|folder| folder.join(name));
    built.filter(|path| path.is_file()).ok_or_else(|| format!("{name} is not built. {HOW_TO_RUN}").into())
}

fn listening_on(line: &str) -> Option<String> {
    line.strip_prefix("listening on ").map(|url| url.trim().trim_end_matches('/').to_owned())
}
