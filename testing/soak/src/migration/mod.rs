//! A migration under traffic and kills: `cloakroom migrate` moves the sessions of one server to another, is killed again
//! and again, and meanwhile two processes of the playground serve clients who write, log in, get new ids and log out.
//!
//! Afterwards every session is looked for: those that no client ended are in the new store with everything that was
//! acknowledged, those that were ended are nowhere, and the old store holds marks alone.
//!
//! ```console
//! $ cargo xtask migration                       # 100,000 sessions, between Redis and PostgreSQL, both ways
//! $ cargo xtask migration --sessions 5000       # sooner
//! ```

mod client;
mod fill;
mod http;
mod processes;
mod report;
mod run;
mod stores;
mod traffic;
mod verdict;

pub use report::Report;
pub use run::{Settings, run};
