//! What the test suites of the Node packages say, one test for each behaviour: see `docs/node-behaviours.md`.

#![allow(unused_must_use, reason = "many tests look at the body that a request left, not at its outcome")]
#![allow(clippy::unwrap_used, reason = "what the tests share fails as a test does")]

mod attributes;
mod https;
mod koa;
mod koa_store;
mod late_cookies;
mod lifetime;
mod loading;
mod methods;
mod node_session;
mod node_session_drivers;
mod node_session_flash;
mod node_session_values;
mod own_cookie;
mod path;
mod saving;
mod secrets;
mod social_tables;
mod stage;
mod store_errors;
mod watched;
