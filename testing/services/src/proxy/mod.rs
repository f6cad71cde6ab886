//! A TCP proxy in front of a server, whose faults a test controls.
//!
//! It knows bytes and no protocol, so it stands in front of any server:
//!
//! ```no_run
//! use cloakroom_services::proxy::{Fault, Proxy};
//! use cloakroom_services::{Instance, Service};
//!
//! # fn main() -> cloakroom_services::Result {
//! let server = Instance::start(Service::Redis)?;
//! let proxy = Proxy::to(&server.url())?;
//! let url = proxy.url(); // the server's, with the proxy's port
//!
//! proxy.set(Fault::LoseAnswer { to: b"EVALSHA".to_vec() }); // the script runs, its answer is lost
//! // … a write, whose answer never comes …
//! assert_eq!(proxy.losses(), 1);
//! proxy.set(Fault::Refuse); // as if the server were down
//! proxy.cut(); // and what was connected is so no more
//! # drop(url);
//! # Ok(())
//! # }
//! ```
//!
//! The proxy runs on a thread of its own: a test may block, or have a runtime of any kind. When a method returns,
//! what it asked for is in force.

mod fault;
mod link;
mod listener;
mod state;

pub use fault::Fault;
pub use listener::Proxy;
