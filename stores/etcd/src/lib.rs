#![doc = include_str!("../README.md")]

mod address;
mod builder;
mod capabilities;
mod error;
mod layout;
mod leases;
mod members;
mod memory;
mod messages;
mod owners;
mod records;
mod scan;
mod server;
mod store;
mod transaction;

pub use builder::Builder;
pub use store::EtcdStore;
