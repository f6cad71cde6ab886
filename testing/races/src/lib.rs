//! A test server on which requests overlap in an order that the test decides.
//!
//! A [`Stand`] is a real axum server on a TCP port of its own, a store of the [`Kind`] asked for, and a clock that is
//! moved by hand. A [`Browser`] sends requests to it, each on a connection of its own, or over HTTP/2
//! all on one. What a request does is a closure
//! that the test hands over with it, so that it can wait at a [`Gate`] between any two of its steps. The store is wrapped
//! in [`Gated`], which stops or fails an operation before or after it took effect. No test sleeps: each waits
//! for an event that it can observe.
//!
//! [`races!`] makes a test of each race for each store.
#![expect(clippy::missing_panics_doc, reason = "a stand that does not stand fails its test")]

mod actix;
mod answer;
mod browser;
mod events;
mod exchange;
mod forger;
mod gate;
mod gated;
mod heard;
mod kind;
mod left_out;
mod macros;
mod run;
mod script;
mod spelling;
mod stand;
#[cfg(feature = "sql")]
mod tables;
mod way;

pub use answer::Answer;
pub use browser::Browser;
pub use events::Events;
pub use exchange::{Exchange, Held};
pub use forger::Forger;
pub use gate::{Gate, soon, until};
pub use gated::{Gated, Op, When};
pub use heard::Heard;
pub use kind::{Kind, Opened};
pub use run::run;
pub use spelling::{Secrets, decoded};
pub use stand::Stand;
pub use tower::ServiceExt;
