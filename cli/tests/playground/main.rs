//! The real binary, on every store, over real connections.

mod client;
mod command;
mod kills;
mod page;
mod places;
mod routes;
mod server;
mod steps;
