//! The real command, as processes: the playground twice, and the migration, all of which are killed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Result;
use crate::migration::stores::{ABSOLUTE, GRACE, IDLE};

/// Where the two playgrounds are now.
#[derive(Clone, Debug)]
pub(crate) struct Addresses(Arc<[Mutex<String>; 2]>);

impl Addresses {
    pub(crate) fn of(&self, which: usize) -> String {
        self.0[which].lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, which: usize, address: String) {
        *self.0[which].lock().unwrap_or_else(PoisonError::into_inner) = address;
    }
}

/// Two playgrounds in the middle of a migration.
#[derive(Debug)]
pub(crate) struct Playgrounds {
    program: PathBuf,
    urls: [String; 2],
    phases: [Phase; 2],
    children: [Child; 2],
    pub(crate) addresses: Addresses,
}

/// What a playground does with records of the old store.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// It writes to the old store, and finds what others have moved.
    Follows,
    /// It writes to the new store, and moves what it meets.
    Moves,
}

impl Playgrounds {
    /// Starts one that follows, and one that moves.
    pub(crate) async fn start(program: &Path, from: &str, to: &str) -> Result<Self> {
        let urls = [from.to_owned(), to.to_owned()];
        let phases = [Phase::Follows, Phase::Moves];
        let (follows, at) = start(program, phases[0], &urls).await?;
        let (moves, and_at) = start(program, phases[1], &urls).await?;
        let addresses = Addresses(Arc::new([Mutex::new(at), Mutex::new(and_at)]));
        Ok(Self { program: program.to_owned(), urls, phases, children: [follows, moves], addresses })
    }

    /// Kills one of them, and starts another in its place.
    pub(crate) async fn kill_and_restart(&mut self, which: usize) -> Result {
        self.children[which].kill().await?;
        let (child, address) = start(&self.program, self.phases[which], &self.urls).await?;
        self.addresses.set(which, address);
        self.children[which] = child;
        Ok(())
    }

    /// Replaces the one that follows by another that moves, as when a new version is rolled out.
    pub(crate) async fn let_both_move(&mut self) -> Result {
        self.phases = [Phase::Moves; 2];
        self.kill_and_restart(0).await
    }

    pub(crate) async fn stop(mut self) -> Result {
        for child in &mut self.children {
            child.kill().await?;
        }
        Ok(())
    }
}

async fn start(program: &Path, phase: Phase, urls: &[String; 2]) -> Result<(Child, String)> {
    let [from, to] = urls;
    let stores = match phase {
        Phase::Follows => ["--store", from, "--migrating-to", to],
        Phase::Moves => ["--store", to, "--migrating-from", from],
    };
    let seconds = |span: Duration| format!("{}s", span.as_secs());
    let mut child = Command::new(program)
        .args(["demo", "--listen", "127.0.0.1:0"])
        .args(stores)
        .args([
            "--idle-timeout",
            &seconds(IDLE),
            "--absolute-timeout",
            &seconds(ABSOLUTE),
            "--renewal-grace-period",
            &seconds(GRACE),
        ])
        // A session is touched when it was not for four seconds.
        .args(["--touch-threshold", "0.0001"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut line = String::new();
    if let Some(said) = child.stdout.take() {
        BufReader::new(said).read_line(&mut line).await?;
    }
    let address = line.trim_end().strip_prefix("listening on http://");
    Ok((child, address.ok_or("a playground did not start")?.to_owned()))
}

/// `cloakroom migrate FROM TO`, not yet started.
pub(crate) fn migrate(program: &Path, from: &str, to: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["migrate", from, to]).stdin(Stdio::null()).kill_on_drop(true);
    command
}
