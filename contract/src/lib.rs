#![doc = include_str!("../README.md")]

mod abilities;
mod body;
mod clock;
mod error;
mod key;
mod record;
mod shared;
mod store;
mod timestamp;

pub use abilities::{
    Abilities, Cursor, Entry, HeadPage, Immediate, Owners, Page, RecordHead, Scan, ServerClock, Sweep, Swept,
};
pub use async_trait::async_trait;
pub use body::{Body, BodyStore, Ended, Replaced};
pub use bytes::Bytes;
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, ErrorKind, Result};
pub use key::{OwnerKey, StoreKey};
pub use record::{Owner, Record, Stored, Touch, Version};
pub use store::{Created, Store, Updated};
pub use timestamp::Timestamp;
