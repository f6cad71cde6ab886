#![doc = include_str!("../README.md")]

pub mod bodies;
mod case;
mod cases;
mod expect;
mod failure;
mod harness;
mod heads;
mod hostile;
mod immediately;
mod list;
mod reference;
mod secret;
mod suite;
mod trial;

pub use case::{Case, cases};
pub use failure::{Failure, FailureKind, Verdict};
pub use harness::{Capability, Harness, Limits, LiveHarness, ManualHarness};
pub use heads::{LongList, heads_of};
pub use immediately::Immediately;
pub use reference::{Inside, Reference};

#[doc(hidden)]
pub use case::{InTheMaking as __Harness, run_as_test as __run_as_test};
