//! Under construction.

pub mod stores;
