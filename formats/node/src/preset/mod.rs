//! Presets: the defaults and behaviours of each package, for an engine that shares its sessions.

mod express;
mod koa;
mod signed_cookies;
mod social_tables;

pub use express::Express;
pub use koa::Koa;
pub use social_tables::SocialTables;

use crate::cookie::Attributes;

/// Makes the attributes of a cookie whose lifetime is decided by the engine.
fn without_lifetime(attributes: &Attributes) -> Attributes {
    Attributes { max_age: None, expires: None, ..attributes.clone() }
}
