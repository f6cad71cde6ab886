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

/// The packages of the programs that are not on the `PATH`.
fn missing(tools: &[Tool]) -> Vec<&'static str> {
    tools.iter().filter(|tool| !is_there(tool.program)).map(|tool| tool.package).collect()
}

fn is_there(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn install(packages: &[&str]) -> Result {
    if !is_there("apt-get") {
        return Err(format!("missing, and not to be installed by apt-get: {}", packages.join(" ")).into());
    }
    let Some(root) = Root::find() else {
        return Err(format!(
            "this needs root, and there is no sudo without a password. Type this, then run it again:\n    \
             sudo apt-get update && sudo apt-get install -y {}",
            packages.join(" ")
        )
        .into());
    };
    run(root.apt_get().arg("update"))?;
    run(root.apt_get().args(["install", "-y", "--no-install-recommends"]).args(packages))
}

/// How this user may become root.
enum Root {
    Already,
    WithSudo,
}

impl Root {
    fn find() -> Option<Self> {
        let id = Command::new("id").arg("-u").output().ok()?;
        if id.stdout.trim_ascii() == b"0" {
            return Some(Self::Already);
        }
        succeeds(Command::new("sudo").args(["-n", "true"])).then_some(Self::WithSudo)
    }

    fn apt_get(&self) -> Command {
        let words: &[&str] = match self {
            Self::Already => &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
            Self::WithSudo => &["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
        };
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command
    }
}
