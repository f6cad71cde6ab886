#![doc = include_str!("../README.md")]

mod bodies;
mod builder;
mod capabilities;
mod error;
mod layout;
mod owned;
mod owners;
mod records;
mod scan;
mod server;
mod server_clock;
mod setup;
mod store;

pub use bodies::MongoBodies;
pub use builder::Builder;
pub use mongodb;
pub use store::MongoStore;
