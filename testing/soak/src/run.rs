//! Drives workers: operations that overlap, and kills.

mod drive;
mod life;
mod server;
mod worker;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use cloakroom_services::Service;

use crate::{Fault, Result, history::Op};
use drive::Drive;

/// How to drive.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program whose `worker` is started: this one.
    pub program: PathBuf,
    /// On which store.
    pub store: Place,
    /// How many operations, about.
    pub operations: usize,
    /// How many sessions at a time.
    pub sessions: usize,
    /// How many processes.
    pub workers: usize,
    /// How many times a process is killed and another takes its place.
    pub client_kills: usize,
    /// How many times the server is killed and started again.
    pub server_kills: usize,
    /// Whether some sessions are left alone until their time is over, which takes some seconds.
    pub waits: bool,
    /// By how many seconds the clocks of the processes are wrong at most, ahead or behind; 0: they are right. Servers keep
    /// their own time.
    pub skew: u32,
    /// What is wrong with the store, or the worker.
    pub fault: Option<Fault>,
    /// Where chance begins.
    pub seed: u64,
}

/// Where the store is.
#[derive(Clone, Debug)]
pub enum Place {
    /// At a URL.
    Url(String),
    /// In a server that is started for it.
    Service(Service),
    /// In two servers: a fast one, which all processes share, in front of a durable one.
    Tiers {
        /// The fast one.
        fast: Service,
        /// The durable one, which may be killed.
        durable: Service,
    },
}

impl Place {
    /// Returns whether the store there can end all sessions of a user, at once for all processes. Where memcached is
    /// the fast tier, others know within its bound, which the checker knows nothing of.
    pub(crate) fn has_owners(&self) -> bool {
        match self {
            Self::Url(url) => !url.starts_with("memcached:"),
            Self::Service(service) => *service != Service::Memcached,
            Self::Tiers { fast, durable } => ![fast, durable].contains(&&Service::Memcached),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Every operation.
    pub history: Vec<Op>,
    /// How many processes were killed.
    pub client_kills: usize,
    /// How many times the server was killed.
    pub server_kills: usize,
    /// How long it took.
    pub took: Duration,
}

/// Drives a store and hands out the history.
///
/// # Errors
/// A worker or the server does not start.
pub async fn run(settings: Settings) -> Result<Ran> {
    let begin = Instant::now();
    let drive = Drive::start(settings).await?;
    let (client_kills, server_kills) = drive.run().await?;
    Ok(Ran { history: drive.history(), client_kills, server_kills, took: begin.elapsed() })
}
