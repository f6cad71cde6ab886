#![doc = include_str!("../README.md")]

mod address;
mod bodies;
mod builder;
mod connection;
mod error;
mod layout;
mod memory;
mod pool;
mod protocol;
mod records;
mod store;

pub use bodies::MemcachedBodies;
pub use builder::Builder;
pub use store::MemcachedStore;
