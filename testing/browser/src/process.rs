//! A process that says on stdout when it is ready, and is killed when its guard is dropped.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use crate::Result;

/// How long a process may take until it says that it is ready.
const START: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts `command` and waits for the first line of its stdout in which `ready` finds what the caller needs.
    ///
    /// # Errors
    /// The process cannot be started, or says no such line within 30 seconds or before its stdout ends.
    pub(crate) fn start(
        command: &mut Command,
        ready: impl Fn(&str) -> Option<String>,
    ) -> Result<(Self, String)> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{name} could not be started: {error}"))?;
        let stdout = child.stdout.take().ok_or("stdout was not piped")?;
        let process = Self(child);
        let found = first(&lines(stdout), ready)
            .map_err(|said| format!("{name} did not say that it is ready; it said {said:?}"))?;
        Ok((process, found))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either call fails only if the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads to the end on a thread of its own, so that a process which goes on talking is never blocked by a full pipe.
fn lines(stdout: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(std::result::Result::ok) {
            // The receiver is gone once the process is ready.
            let _ = sender.send(line);
        }
    });
    receiver
}

/// Returns what `ready` finds first, or the whole output instead.
fn first(
    lines: &Receiver<String>,
    ready: impl Fn(&str) -> Option<String>,
) -> std::result::Result<String, Vec<String>> {
    let deadline = Instant::now() + START;
    let mut said = Vec::new();
    while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        match ready(&line) {
            Some(found) => return Ok(found),
            None => said.push(line),
        }
    }
    Err(said)
}
