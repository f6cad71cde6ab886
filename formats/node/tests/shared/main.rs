//! Sessions that a Node application and an engine use in turns, as far as that shows in bodies and cookies.

#![allow(unused_must_use, reason = "most tests look at the body that a request left, not at its outcome")]

mod bodies;
mod cookies;
mod log_ins;
mod stage;
