//! Servers for tests: real ones, started for the test and gone after it, none of the machine's own.
//!
//! Most tests share the servers that `cargo xtask services run -- cargo test …` starts, and ask for them by
//! [`Service::shared`]. A test of an outage has an [`Instance`] of its own, which it may kill, pause and restart:
//!
//! ```no_run
//! use cloakroom_services::{Instance, Service};
//!
//! # fn main() -> cloakroom_services::Result {
//! let shared = Service::Redis.shared();
//!
//! let mut mine = Instance::start(Service::Postgres)?;
//! let url = mine.url().to_owned();
//! mine.pause()?; // as `kill -STOP`: it accepts connections and never answers
//! mine.resume()?;
//! mine.kill()?; // as `kill -9`
//! mine.restart()?; // on the same port, with what it had on disk
//! # drop((shared, url));
//! # Ok(())
//! # }
//! ```
//!
//! Every server listens on a free port of 127.0.0.1 and keeps its files in a temporary folder. It is killed when
//! its instance is dropped, and also when the test's process dies in any other way. As root, servers that refuse
//! to be root run as `nobody`. All this is Linux: `setpriv`, `/proc`, abstract sockets.

mod certificates;
mod instance;
#[cfg(feature = "outages")]
pub mod outages;
mod port;
mod process;
mod program;
mod programs;
#[cfg(feature = "proxy")]
pub mod proxy;
mod server;
mod service;
mod shared;
mod tool;
mod wait;

pub use certificates::Certificates;
pub use instance::Instance;
pub use port::Port;
pub use programs::DURABLE_REDIS;
pub use server::Server;
pub use service::Service;
pub use shared::{optional_mysql, shared_authority};
pub use tool::{Source, Tool, Wheel, programs_folder};

/// What starting and stopping answers: any error is for a person, and its text says what to do.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
