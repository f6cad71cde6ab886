#![doc = include_str!("../README.md")]

mod builder;
mod capabilities;
mod error;
mod layout;
mod owner;
mod store;

pub use builder::Builder;
pub use cloakroom_sealing::{self, SealingKeys, WeakSecret};
pub use store::EncryptedStore;
