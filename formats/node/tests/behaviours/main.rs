//! What the test suites of the Node packages say, one test for each behaviour: see `docs/node-behaviours.md`.

#![expect(clippy::unwrap_used, reason = "tests")]

mod attributes;
mod https;
mod koa;
mod koa_store;
mod lifetime;
mod loading;
mod methods;
mod node_session;
mod node_session_flash;
mod saving;
mod secrets;
mod social_tables;
mod stage;
mod store_errors;
mod watched;
