//! Processes that die with us, and signals to them and to all that they started.

use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{OnceLock, mpsc},
    thread,
};

use crate::{Result, wait};

/// As whom a server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// As the user who runs the test.
    Own,
    /// As `nobody` if that user is root, because the server refuses to be root.
    NeverRoot,
}

impl Account {
    fn changes(self) -> bool {
        self == Self::NeverRoot && is_root()
    }

    /// Gives a file or folder, and what is in it, to this account.
    pub(crate) fn owns(self, path: &Path) -> Result {
        if self.changes() {
            check(Command::new("chown").arg("-R").arg("nobody:").arg(path))?;
        }
        Ok(())
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// `program`, run as `account`, killed by the system when the thread that started it is gone.
pub(crate) fn command(account: Account, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if account.changes() {
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
    }
    command.args(["--pdeathsig=KILL", "--"]).arg(program).stdin(Stdio::null());
    command
}

/// Starts a process that lives until it is killed or this process dies.
///
/// The system kills it when the *thread* that started it ends. A test's thread may end long before the test's
/// process, so one thread, which never ends, starts them all.
pub(crate) fn spawn(mut command: Command) -> Result<Child> {
    type Order = (Command, mpsc::Sender<io::Result<Child>>);
    static STARTER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (orders, ordered) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in ordered {
                // The receiver is gone only if its thread panicked; the child then ends with this process.
                let _ = answer.send(command.spawn());
            }
        });
        orders
    });
    // A group of its own: Ctrl-C in a terminal is for the test, which then ends its servers in order.
    command.process_group(0);
    let (answer, answered) = mpsc::channel();
    starter.send((command, answer))?;
    answered
        .recv()?
        .map_err(|error| format!("setpriv (Debian's util-linux) could not be started: {error}").into())
}

/// Runs a command to its end and hands out its stdout; if it fails, its words are the error.
pub(crate) fn check(command: &mut Command) -> Result<String> {
    let name = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    Err(format!("{name} failed ({}): {said}{}", output.status, String::from_utf8_lossy(&output.stderr))
        .into())
}

/// Sends a signal, by its name, to a process and to everything that it started.
pub(crate) fn signal_all(pid: u32, signal: &str) -> Result<Vec<u32>> {
    let family = family(pid);
    signal_to(&family, signal)?;
    Ok(family)
}

/// Sends a signal, by its name, to these processes. A process that has ended already is not an error.
pub(crate) fn signal_to(pids: &[u32], signal: &str) -> Result {
    // The shell's own `kill`, which is there where no package has brought the program.
    let mut command = Command::new("sh");
    command.args(["-c", "for pid; do kill -$0 $pid 2>/dev/null || true; done", signal]);
    check(command.args(pids.iter().map(u32::to_string))).map(drop)
}

/// Waits until none of these processes runs any more.
pub(crate) fn wait_for_end(pids: &[u32]) -> Result {
    wait::until_true("the end of a killed process", || Ok(pids.iter().all(|pid| Stat::read(*pid).is_none())))
}

/// Waits until every thread of these processes has stopped: the signal is sent to all at once and met by each in its time.
pub(crate) fn wait_for_stop(pids: &[u32]) -> Result {
    wait::until_true("a process that stops", || Ok(pids.iter().all(|pid| has_stopped(*pid))))
}

/// Returns whether no thread of the process runs.
fn has_stopped(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut states = threads.filter_map(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    });
    states.all(|state| matches!(state, 'T' | 't' | 'Z' | 'X'))
}

/// A process and all its descendants, parents first.
fn family(pid: u32) -> Vec<u32> {
    let everybody: Vec<_> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| Stat::read(entry.ok()?.file_name().to_str()?.parse().ok()?))
        .collect();
    let mut family = vec![pid];
    let mut at = 0;
    while let Some(parent) = family.get(at).copied() {
        family.extend(everybody.iter().filter(|stat| stat.parent == parent).map(|stat| stat.pid));
        at += 1;
    }
    family
}

/// What `/proc` says of a process that still runs.
struct Stat {
    pid: u32,
    parent: u32,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything, so the fields are counted from its end.
        let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        (state != "Z" && state != "X").then_some(Self { pid, parent })
    }
}
