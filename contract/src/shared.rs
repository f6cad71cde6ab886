//! A shared store is a store, of records or of bodies.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{
    Body, BodyCapabilities, BodyStore, Capabilities, CreateOutcome, Ended, Record, Replaced, Result, Store,
    StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord,
};

/// What an async function of a `dyn` trait returns.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Hands everything on: an `Arc<dyn Store>` can be given to whatever takes a store.
///
/// Written without the macro's async functions, which would box every answer a second time.
impl<S: Store + ?Sized> Store for Arc<S> {
    fn load<'s, 'k, 'a>(
        &'s self,
        key: &'k StoreKey,
        touch: Option<Touch>,
    ) -> Answer<'a, Option<VersionedRecord>>
    where
        's: 'a,
        'k: 'a,
        Self: 'a,
    {
        (**self).load(key, touch)
    }

    fn create<'s, 'k, 'r, 'a>(&'s self, key: &'k StoreKey, record: &'r Record) -> Answer<'a, CreateOutcome>
    where
        's: 'a,
        'k: 'a,
        'r: 'a,
        Self: 'a,
    {
        (**self).create(key, record)
    }

    fn update<'s, 'k, 'r, 'a>(
        &'s self,
        key: &'k StoreKey,
        expected: Version,
        record: &'r Record,
    ) -> Answer<'a, UpdateOutcome>
    where
        's: 'a,
        'k: 'a,
        'r: 'a,
        Self: 'a,
    {
        (**self).update(key, expected, record)
    }

    fn touch<'s, 'k, 'a>(&'s self, key: &'k StoreKey, expires_at: Timestamp) -> Answer<'a, bool>
    where
        's: 'a,
        'k: 'a,
        Self: 'a,
    {
        (**self).touch(key, expires_at)
    }

    fn delete<'s, 'k, 'a>(&'s self, key: &'k StoreKey) -> Answer<'a, Option<VersionedRecord>>
    where
        's: 'a,
        'k: 'a,
        Self: 'a,
    {
        (**self).delete(key)
    }

    fn capabilities(&self) -> Capabilities<'_> {
        (**self).capabilities()
    }
}

/// Hands everything on: an `Arc<dyn BodyStore>` can be given to whatever takes a store of bodies.
///
/// Written without the macro's async functions, as above.
impl<S: BodyStore + ?Sized> BodyStore for Arc<S> {
    fn read<'s, 'i, 'a>(&'s self, id: &'i str) -> Answer<'a, Option<Body>>
    where
        's: 'a,
        'i: 'a,
        Self: 'a,
    {
        (**self).read(id)
    }

    fn insert<'s, 'i, 'b, 'a>(
        &'s self,
        id: &'i str,
        body: &'b [u8],
        expires_at: Timestamp,
    ) -> Answer<'a, Option<Version>>
    where
        's: 'a,
        'i: 'a,
        'b: 'a,
        Self: 'a,
    {
        (**self).insert(id, body, expires_at)
    }

    fn replace<'s, 'i, 'b, 'a>(
        &'s self,
        id: &'i str,
        expected: Version,
        body: &'b [u8],
        expires_at: Timestamp,
    ) -> Answer<'a, Replaced>
    where
        's: 'a,
        'i: 'a,
        'b: 'a,
        Self: 'a,
    {
        (**self).replace(id, expected, body, expires_at)
    }

    fn touch<'s, 'i, 'a>(&'s self, id: &'i str, expires_at: Timestamp) -> Answer<'a, bool>
    where
        's: 'a,
        'i: 'a,
        Self: 'a,
    {
        (**self).touch(id, expires_at)
    }

    fn end<'s, 'i, 'a>(&'s self, id: &'i str, expected: Option<Version>) -> Answer<'a, Ended>
    where
        's: 'a,
        'i: 'a,
        Self: 'a,
    {
        (**self).end(id, expected)
    }

    fn capabilities(&self) -> BodyCapabilities<'_> {
        (**self).capabilities()
    }
}
