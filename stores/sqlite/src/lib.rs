#![doc = include_str!("../README.md")]

mod bodies;
mod builder;
mod capabilities;
mod database;
mod error;
mod identity;
mod layout;
mod owners;
mod reader;
mod records;
mod scan;
mod setup;
mod store;
mod sweep;
mod task;
mod threads;
mod writer;

pub use bodies::SqliteBodies;
pub use builder::{Builder, Durability};
pub use rusqlite;
pub use store::SqliteStore;
