#![doc = include_str!("../README.md")]
// docs.rs says at each item which feature brings it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod capabilities;
mod clock;
mod error;
mod key;
mod record;
mod shared;
mod store;
mod timestamp;
mod url;

pub use async_trait::async_trait;
pub use body::{Body, BodyCapabilities, BodyIds, BodyStore, Ended, IdPage, Replaced};
pub use bytes::Bytes;
pub use capabilities::{
    Capabilities, Cursor, Entry, HeadPage, Immediate, MissedTouches, Owners, Page, RecordHead, Scan,
    ServerClock, Sweep, SweepStats,
};
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, ErrorKind, Result};
pub use key::{OwnerKey, StoreKey};
pub use record::{Owner, Record, Touch, Version, VersionedRecord};
pub use store::{CreateOutcome, Store, UpdateOutcome};
pub use timestamp::Timestamp;
pub use url::StoreUrl;
