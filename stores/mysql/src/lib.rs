#![doc = include_str!("../README.md")]

mod bodies;
mod builder;
mod capabilities;
mod connections;
mod error;
mod layout;
mod owners;
mod records;
mod scan;
mod server_clock;
mod settings;
mod setup;
mod statements;
mod store;
mod sweep;
mod transaction;

pub use bodies::MysqlBodies;
pub use builder::Builder;
pub use sqlx;
pub use store::MysqlStore;
