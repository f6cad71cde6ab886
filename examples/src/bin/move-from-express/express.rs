//! The process of the Express application.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Result;

/// A running `express.js`. It ends when its standard input does, so with this program, whatever ends that.
pub(crate) struct Express {
    _process: Child,
    address: SocketAddr,
}

impl Express {
    /// Starts it on a free port; installs its packages first, if they are missing.
    pub(crate) async fn start(store: &str, secret: &str) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/move-from-express/express.js");
        let mut process = Command::new("node")
            .arg(script)
            .env("NODE_PATH", packages().await?)
            .env("NODE_ENV", "production")
            .env("STORE", store)
            .env("SECRET", secret)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("Node cannot be started; is it installed? {error}"))?;
        let output = process.stdout.take().ok_or("Node has no output")?;
        let mut port = String::new();
        BufReader::new(output).read_line(&mut port).await?;
        let port = port.trim().parse::<u16>().map_err(|_| "express.js does not start")?;
        Ok(Self { _process: process, address: SocketAddr::from(([127, 0, 0, 1], port)) })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Returns the folder of Express and its packages.
async fn packages() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = root.join("target/node-oracle/node_modules");
    if !folder.is_dir() {
        let mut install = Command::new("cargo");
        let status = install.args(["xtask", "node"]).current_dir(&root).status().await?;
        if !status.success() {
            return Err("the packages of Express cannot be installed: `cargo xtask node` failed".into());
        }
    }
    Ok(folder.canonicalize()?)
}
