//! A shared store is a store.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{
    Abilities, Created, Record, Result, Store, StoreKey, Stored, Timestamp, Touch, Updated, Version,
};

/// What an async function of a `dyn` trait returns.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Hands everything on: an `Arc<dyn Store>` can be given to whatever takes a store.
///
/// Written without the macro's async functions, which would box every answer a second time.
impl<S: Store + ?Sized> Store for Arc<S> {
    fn load<'s, 'k, 'a>(&'s self, key: &'k StoreKey, touch: Option<Touch>) -> Answer<'a, Option<Stored>>
    where
        's: 'a,
        'k: 'a,
        Self: 'a,
    {
        (**self).load(key, touch)
    }

    fn create<'s, 'k, 'r, 'a>(&'s self, key: &'k StoreKey, record: &'r Record) -> Answer<'a, Created>
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
    ) -> Answer<'a, Updated>
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

    fn delete<'s, 'k, 'a>(&'s self, key: &'k StoreKey) -> Answer<'a, Option<Stored>>
    where
        's: 'a,
        'k: 'a,
        Self: 'a,
    {
        (**self).delete(key)
    }

    fn abilities(&self) -> Abilities<'_> {
        (**self).abilities()
    }
}
