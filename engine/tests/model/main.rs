//! The engine against a small model of what it promises, under every order of events.
//!
//! * [`spec`] is the model: sessions as maps, ids as names that lead to them, requests one after the other.
//! * [`gate`] stops every operation on the store until a scheduler lets it go: on time, late, never answered, failed.
//! * [`world`] runs requests ([`script`]) against the engine and tells the model what reached the store and what the
//!   handlers saw; whatever differs is a violation, printed with the whole course of events.
//! * [`seeded`] has stores that break the contract: each must be found out.
//! * [`explore`] goes through all orders of a small case; [`random`] draws large ones.
//!
//! `CLOAKROOM_CASES=20` does twenty times as much as a plain `cargo test`; `CLOAKROOM_INTERLEAVINGS=10000000` runs so many
//! random interleavings and prints how many there were (`cargo test --test model -- --nocapture as_many`).

mod cap;
mod client;
mod explore;
mod faults;
mod gate;
mod interleavings;
mod named;
mod plan;
mod random;
mod script;
mod seeded;
mod spec;
mod store;
mod trips;
mod values;
mod world;

/// How much more than usual is to be tried.
fn thoroughness() -> u32 {
    std::env::var("CLOAKROOM_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1).max(1)
}
