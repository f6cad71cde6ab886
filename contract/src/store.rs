//! The contract.

use std::fmt;

use async_trait::async_trait;

use crate::{Capabilities, Record, Result, StoreKey, Timestamp, Touch, Version, VersionedRecord};

/// A place for session records.
///
/// The rules are on the [front page](crate); each method repeats its own. There are no default methods: a default
/// would hide a decision that each store must take. What only some stores can do is a [capability](Capabilities).
///
/// Every method is one atomic step: other callers see the store before it or after it. A future that is dropped
/// before it is ready leaves the step either done or not begun.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Loads the live record under `key`, whole (its owner too, whatever capabilities the store has), or `None` if it is missing or expired.
    ///
    /// With `touch`, also moves the expiry if the record is sliding and the touch is due: in the same step, and in the same
    /// trip where the server can. The answer then carries the new expiry. The version stays.
    /// A touch that cannot be written fails no load: the record is answered as it is; see [`MissedTouches`](crate::MissedTouches).
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>>;

    /// Keeps `record` under a key that has no live record.
    ///
    /// Where there is one, that record stays as it is. Where the record's owner was revoked at or after
    /// [`Owner::logged_in_at`](crate::Owner::logged_in_at), nothing is kept. A record that is already past its own expiry is gone as soon
    /// as it is written.
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome>;

    /// Replaces the live record under `key`, whole (payload, expiry, owner), if it has the version `expected`.
    ///
    /// Never creates. An expiry that is earlier than the present one is taken as it is. A record that is already
    /// past its own expiry is gone as soon as it is written.
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome>;

    /// Moves the expiry of the live record under `key` to `expires_at`, if that is later; says whether there is one.
    ///
    /// Never creates, never changes payload, owner or version, and also moves a record that is not sliding.
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool>;

    /// Removes the live record under `key` and returns it, or `None` if it does not exist. Deleting twice is fine.
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>>;

    /// Returns what this store can do beyond these methods.
    fn capabilities(&self) -> Capabilities<'_>;
}

/// The result of a [`Store::create`].
///
/// The outcomes are complete: a caller has to decide on each of them, so that one more is a new version of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum CreateOutcome {
    /// The record is kept, with this version.
    Created(Version),
    /// A live record has this key; it is unchanged.
    AlreadyExists,
    /// The owner was revoked at or after the record's `logged_in_at`; nothing is kept.
    Revoked,
}

/// The result of a [`Store::update`].
///
/// The outcomes are complete: a caller has to decide on each of them, so that one more is a new version of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum UpdateOutcome {
    /// The record is replaced and has this version now.
    Updated(Version),
    /// Another version is there, this one; it is unchanged.
    Conflict(VersionedRecord),
    /// No live record has this key.
    NotFound,
    /// The new record's owner was revoked at or after its `logged_in_at`; nothing is changed.
    Revoked,
}
