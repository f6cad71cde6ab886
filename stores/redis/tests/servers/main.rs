//! What the suite cannot know: outages, failovers, foreign records, settings that are wrong, trips, and what is left behind.
#![expect(clippy::unwrap_used, reason = "a test")]

mod app;
mod compares;
mod errors;
mod failover;
mod outages;
mod owners;
mod raw;
mod resharding;
mod scripts;
mod shared;
mod trips;
mod updates;
