#![doc = include_str!("../README.md")]

pub mod body;
//TMP pub mod connect_flash;
pub mod cookie;
//TMP pub mod csrf;
pub mod date;
pub mod node_session;
//TMP pub mod passport;
