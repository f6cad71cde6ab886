//! Faults that were found once, each as a test of its whole kind. A test's name begins with the number of its fault.
//!
//! * [`store`] is a store that counts what it is asked, and that a test can stop, fail, hang and make lose its answers.
//! * [`browser`] carries the cookie from one request to the next.
//! * [`stage`] is an engine with its clock, its store and its events; several can share one store, as processes do.
//! * [`watchdog`] turns a deadlock into a failed test.

#![expect(clippy::unwrap_used, reason = "a test")]

mod browser;
mod clock;
mod events;
mod reentrant;
mod rule;
mod stage;
mod store;
mod watchdog;

mod f01_closures;
mod f01_everything;
mod f03_save;
mod f04_long_requests;
mod f05_several_ids;
mod f06_ignored_ends;
mod f07_rolling;
mod f08_log_outs;
mod f09_read_only;
mod f10_clocks;
mod f11_shorter_idle;
mod f12_crashes;
mod f13_sweep;
mod f14_deadline;
mod f14_known_down;
mod f18_large_cookies;
mod f19_renewals;
mod f29_many_cookies;
mod f31_tiers;
mod f32_sessions;
mod s15_clocks;

/// Needs `RequestSession::keep_alive(&self) -> impl Future<Output = ()>`, which an adapter polls beside the handler.
mod needs_keep_alive;

/// Needs `Event::EndIgnored { reason: End }`: a log-out that did not end anything, because another session is there now.
mod needs_end_ignored;

/// Needs `Event::UnsavedChanges`: the last handle of an answered request was dropped with changes that no `save` stored.
mod needs_unsaved_changes;
