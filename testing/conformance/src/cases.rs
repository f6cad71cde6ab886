//! The cases: an `async fn` for a sentence. Each makes records of its own and asks the store about them.

pub(crate) mod clearing;
pub(crate) mod creating;
pub(crate) mod deleting;
pub(crate) mod errors;
pub(crate) mod expiry;
pub(crate) mod handles;
pub(crate) mod keys;
pub(crate) mod listing;
pub(crate) mod loading;
pub(crate) mod owners;
pub(crate) mod payloads;
pub(crate) mod racing;
pub(crate) mod revoking;
pub(crate) mod scanning;
pub(crate) mod sweeping;
pub(crate) mod touching;
pub(crate) mod updating;
pub(crate) mod versions;
