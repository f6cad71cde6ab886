#![doc = include_str!("../README.md")]

mod builder;
mod capabilities;
mod conditions;
mod connect;
mod error;
mod layout;
mod owners;
mod scan;
mod store;
mod table;
mod transaction;
mod unheard;

pub use aws_sdk_dynamodb;
pub use builder::Builder;
pub use store::DynamoStore;
