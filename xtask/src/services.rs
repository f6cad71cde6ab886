//! Real servers for the tests of stores: throw-away, on free ports, none of the machine's own.

mod holder;
mod install;

use std::{env, process::Command, time::Instant};

use clap::{Args, Subcommand};
use cloakroom_services::Service;

use crate::shell::{Result, run as execute};
use holder::Holder;
pub(crate) use install::ensure as install;

/// Starts and stops the servers that tests of stores need
#[derive(Subcommand)]
pub(crate) enum Services {
    /// Runs a command with all servers up, and stops them afterwards
    Run {
        #[command(flatten)]
        which: Which,
        /// The command, after `--`
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Leaves servers running, and prints the variables to export
    Up(Which),
    /// Stops the servers that were left running
    Down,
    /// Says which servers were left running, and where
    Status,
    /// Installs the servers' programs, where it may
    Install(Which),
    /// Keeps servers running for another task
    #[command(hide = true)]
    Hold {
        #[command(flatten)]
        which: Which,
        /// Until a client of its socket asks it to end, not until the end of stdin
        #[arg(long)]
        listen: bool,
    },
}

#[derive(Args)]
pub(crate) struct Which {
    /// Only these, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = named)]
    only: Vec<Service>,
}

fn named(name: &str) -> std::result::Result<Service, String> {
    Service::named(name).ok_or_else(|| {
        let all = Service::ALL.into_iter().chain([Service::Mysql]);
        let names: Vec<_> = all.map(Service::name).collect();
        format!("there are {}", names.join(", "))
    })
}

impl Which {
    fn services(&self) -> Vec<Service> {
        if self.only.is_empty() { Service::here() } else { self.only.clone() }
    }
}

impl Services {
    pub(crate) fn run(&self) -> Result {
        match self {
            Self::Run { which, command } => {
                let (program, arguments) = command.split_first().ok_or("there is no command")?;
                with(&which.services(), |variables| {
                    let mut command = Command::new(program);
                    execute(command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value))))
                })
            }
            Self::Up(which) => up(&which.services()),
            Self::Down => down(),
            Self::Status => status(),
            Self::Install(which) => install::ensure(&which.services()),
            Self::Hold { which, listen } => holder::hold(&which.services(), *listen),
        }
    }
}

/// Does something while services are up, with the variables that say where they are.
///
/// A service whose variable is set already is not started: another program runs it, for example `compose.yaml`.
pub(crate) fn with(services: &[Service], work: impl FnOnce(&[(String, String)]) -> Result) -> Result {
    let wanted: Vec<_> =
        services.iter().copied().filter(|service| env::var_os(service.variable()).is_none()).collect();
    if wanted.is_empty() {
        return work(&[]);
    }
    install::ensure(&wanted)?;
    let begin = Instant::now();
    let holder = Holder::start(&wanted, false)?;
    eprintln!("{} services are ready after {:.1} s", wanted.len(), begin.elapsed().as_secs_f64());
    let worked = work(&holder.variables);
    holder.stop()?;
    worked
}

fn up(services: &[Service]) -> Result {
    install::ensure(services)?;
    let holder = Holder::start(services, true)?;
    for (name, value) in &holder.variables {
        println!("export {name}='{value}'");
    }
    Ok(())
}

fn down() -> Result {
    match holder::ask("down")? {
        Some(_) => println!("the services are down"),
        None => println!("no services are up"),
    }
    Ok(())
}

fn status() -> Result {
    match holder::ask("status")? {
        Some(variables) => print!("{variables}"),
        None => println!("no services are up"),
    }
    Ok(())
}
