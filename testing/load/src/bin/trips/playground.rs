//! A playground on a store, as a process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use cloakroom_services::Result;

/// Killed when it is dropped.
pub(crate) struct Playground {
    child: Child,
    pub(crate) address: String,
}

impl Playground {
    pub(crate) fn start(program: &str, store: &str, touch_threshold: &str) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["demo", "--listen", "127.0.0.1:0", "--store", store, "--touch-threshold", touch_threshold])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let mut line = String::new();
        if let Some(said) = child.stdout.take() {
            BufReader::new(said).read_line(&mut line)?;
        }
        let address = line.strip_prefix("listening on http://").ok_or("the playground did not start")?;
        Ok(Self { address: address.trim_end().to_owned(), child })
    }
}

impl Drop for Playground {
    fn drop(&mut self) {
        // It is dead, or will be when it is waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
