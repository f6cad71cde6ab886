#![doc = include_str!("../README.md")]

mod cipher;
mod keys;

pub use cipher::{NoRandom, Opener, PREAMBLE, Sealer, TAG};
pub use keys::{SealingKeys, WeakSecret};
