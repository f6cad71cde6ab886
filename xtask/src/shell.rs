//! Steps and commands, shown as they run.

use std::{
    env,
    error::Error,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

/// What a task answers: any error ends it, and its text says what to do.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Returns the folder of the workspace.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Runs one step under a heading, and says how long it took.
pub(crate) fn step(heading: &str, run: impl FnOnce() -> Result) -> Result {
    println!("\n== {heading}");
    let start = Instant::now();
    run().map_err(|error| format!("{heading}: {error}"))?;
    println!("== {heading}: done in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Makes a `cargo` command with these arguments, separated by spaces, in the folder of the workspace.
pub(crate) fn cargo(arguments: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

/// Runs a command to its end; another exit status than 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result {
    println!("$ {}", shown(command));
    let status = command.status().map_err(|error| format!("`{}`: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", shown(command)).into()) }
}

/// Runs a command like [`run`], and also passes every line of stdout to `see`.
pub(crate) fn run_and_see(command: &mut Command, mut see: impl FnMut(&str)) -> Result {
    println!("$ {}", shown(command));
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
        let line = line?;
        println!("{line}");
        see(&line);
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", shown(command)).into()) }
}

/// Has the temporary files of a command, and of what it starts, in memory, where the system has a folder for that with
/// room: tests look at what survives the death of a process, and waiting for a disk would be most of their time.
pub(crate) fn in_memory(command: &mut Command) -> &mut Command {
    const FOLDER: &str = "/dev/shm";
    const ENOUGH: u64 = 4 << 20; // KiB
    let room = || {
        let said = Command::new("df").args(["--output=avail", "-k", FOLDER]).output().ok()?;
        String::from_utf8(said.stdout).ok()?.lines().nth(1)?.trim().parse::<u64>().ok()
    };
    if env::var_os("TMPDIR").is_none() && room().is_some_and(|room| room >= ENOUGH) {
        command.env("TMPDIR", FOLDER);
    }
    command
}

/// Returns whether a command runs and succeeds; it is not shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// Returns the command as one would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or_default().to_string_lossy();
    let set = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}='{}'", name.to_string_lossy(), value?.to_string_lossy()))
    });
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    set.chain([program.into_owned()]).chain(arguments).collect::<Vec<_>>().join(" ")
}
