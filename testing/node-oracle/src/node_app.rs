//! A Node application in a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Result;

/// A Node application that listens on a port; it ends with this value.
#[derive(Debug)]
pub struct NodeApp {
    process: Child,
    port: u16,
}

impl NodeApp {
    /// Starts `apps/NAME.js` with these settings in its environment.
    ///
    /// # Errors
    /// Node or the packages are not installed, or the application does not start.
    pub async fn start(name: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let modules = modules()?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("apps").join(name).with_extension("js");
        let mut process = Command::new("node")
            .arg("--no-deprecation")
            .arg(script)
            .env("NODE_PATH", modules)
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).await?;
        let port = line.trim().parse().map_err(|_| format!("{name}.js does not start"))?;
        Ok(Self { process, port })
    }

    /// Returns the id of its process, while that runs.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Returns its port on the loopback address.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// Returns the folder of the packages.
fn modules() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/node-oracle/node_modules");
    if folder.is_dir() {
        return Ok(folder.canonicalize()?);
    }
    Err("the Node packages are missing: run `cargo xtask node`".into())
}
