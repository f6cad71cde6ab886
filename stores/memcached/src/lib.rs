#![doc = include_str!("../README.md")]

mod address;
mod builder;
mod connection;
mod error;
mod layout;
mod memory;
mod pool;
mod protocol;
mod records;
mod store;

pub use builder::Builder;
pub use store::MemcachedStore;
