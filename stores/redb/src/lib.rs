#![doc = include_str!("../README.md")]

mod builder;
mod capabilities;
mod database;
mod disk;
mod error;
mod layout;
mod owners;
mod records;
mod scan;
mod store;
mod sweep;
mod tables;
mod task;
mod threads;
mod writer;

pub use builder::{Builder, Durability};
pub use redb;
pub use store::RedbStore;
