//! Sessions that a Node application and an engine use in turns, as far as that shows in bodies and cookies.

#![allow(unused_must_use, reason = "most tests look at the body that a request left, not at its outcome")]
#![allow(clippy::unwrap_used, reason = "what the tests share fails as a test does")]

mod bodies;
mod cookies;
mod csrf;
mod log_ins;
mod moving;
mod stage;
