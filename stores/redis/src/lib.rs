#![doc = include_str!("../README.md")]

mod bodies;
mod builder;
mod compare;
mod cursor;
mod digits;
mod error;
mod layout;
mod link;
mod nodes;
mod owners;
mod place;
mod records;
mod register;
mod scan;
mod scripts;
mod server;
mod server_clock;
mod store;
mod url;
mod write;

pub use bodies::RedisBodies;
pub use builder::Builder;
pub use redis;
pub use store::RedisStore;
