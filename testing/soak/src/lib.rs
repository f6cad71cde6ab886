//! The history checker: what must never happen to a session, whatever else happens.
//!
//! Four processes on one store carry out thousands of overlapping operations on some dozens of sessions, and are killed
//! and restarted under way; where the store's server is durable, so is the server. Every operation is noted before it
//! is sent and when it is answered. Then [`check()`] reads the notes and finds
//! 1. every write that was acknowledged and is not there,
//! 2. every write that is there twice, or that was refused and is there,
//! 3. every item that was pushed and neither taken nor left, or that was taken and is there, and every value that two
//!    requests claimed,
//! 4. every session that was seen after it had ended, had expired, or had been revoked,
//! 5. every id that came back to life or was given out twice.
//!
//! ```console
//! $ history run --store sqlite:sessions.db --operations 20000
//! $ history run --service postgres --operations 20000 --server-kills 5
//! $ history run --service redis --skew 3600                           # clocks are wrong by up to an hour
//! $ history run --store sqlite:sessions.db --fault update-creates     # it must find that
//! $ history check history.jsonl                                       # a history that was kept
//! ```
//!
//! What is not known is never held against a store: an operation whose process was killed may have taken place or not.

mod actions;
pub mod check;
mod clock;
mod dice;
mod faults;
pub mod history;
pub mod migration;
pub mod run;
mod stores;
mod wire;
pub mod worker;

pub use check::{Violation, check};
pub use faults::Fault;

/// What running answers: any error is for a person.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
