//! Installs what a task needs beyond Rust, where it may; else says the one line to type.

use std::{env, process::Command};

use crate::shell::{Result, run, succeeds};

/// A program, and the Debian package that has it.
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
}

/// Makes sure that all these programs are there.
pub(crate) fn ensure(tools: &[Tool]) -> Result {
    let missing = missing(tools);
    if missing.is_empty() {
        for tool in tools {
            println!("{} is there", tool.program);
        }
        return Ok(());
    }
    install(&missing)?;
    let still = self::missing(tools);
    if still.is_empty() {
        Ok(())
    } else {
        Err(format!("installed, and still missing: {}", still.join(" ")).into())
    }
}

/// Returns the packages of the programs that are not on the `PATH`.
fn missing(tools: &[Tool]) -> Vec<&'static str> {
    tools.iter().filter(|tool| !is_there(tool.program)).map(|tool| tool.package).collect()
}

fn is_there(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Installs packages of Debian.
pub(crate) fn install(packages: &[&str]) -> Result {
    let typed = format!("sudo apt-get update && sudo apt-get install -y {}", packages.join(" "));
    let root = Root::find_or_say(packages, &typed)?;
    run(root.apt_get().arg("update"))?;
    run(root.apt_get().args(["install", "-y", "--no-install-recommends"]).args(packages))
}

/// How this user may become root.
enum Root {
    Already,
    WithSudo,
}

impl Root {
    /// Returns how this user becomes root; an error that says what to type if there is no apt or no way.
    fn find_or_say(packages: &[&str], typed: &str) -> Result<Self> {
        if !is_there("apt-get") {
            return Err(format!("missing, and not to be installed by apt-get: {}", packages.join(" ")).into());
        }
        Self::find().ok_or_else(|| {
            format!(
                "this needs root, and there is no sudo without a password. Type this, then run it again:\n    {typed}"
            )
            .into()
        })
    }

    fn find() -> Option<Self> {
        let id = Command::new("id").arg("-u").output().ok()?;
        if id.stdout.trim_ascii() == b"0" {
            return Some(Self::Already);
        }
        succeeds(Command::new("sudo").args(["-n", "true"])).then_some(Self::WithSudo)
    }

    fn command(&self, program: &str) -> Command {
        match self {
            Self::Already => Command::new(program),
            Self::WithSudo => {
                let mut command = Command::new("sudo");
                command.args(["-n", program]);
                command
            }
        }
    }

    /// Waits for another apt-get to end. The runlevel 1 is one in which Debian starts no server that it installs.
    fn apt_get(&self) -> Command {
        let mut command = self.command("env");
        command.args(["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"]);
        command.args(["-o", "DPkg::Lock::Timeout=300"]);
        command
    }
}
