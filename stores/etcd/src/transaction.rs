//! A transaction: conditions, what to do if all hold, what to do otherwise. etcd carries it out as one atomic step.

use cloakroom_store::Bytes;

use crate::messages::{
    Compare, DeleteRangeRequest, KeyValue, PutRequest, RangeRequest, Request, RequestOp, Response,
    TxnRequest, TxnResponse, With,
};

const EQUAL: i32 = 0;
const GREATER: i32 = 1;
const LESS: i32 = 2;
const VERSION: i32 = 0;
const MOD_REVISION: i32 = 2;
const VALUE: i32 = 3;

/// A key, or all from one up to another, which is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) first: Bytes,
    /// Empty for one key.
    pub(crate) end: Bytes,
}

impl Keys {
    pub(crate) fn one(key: impl Into<Bytes>) -> Self {
        Self { first: key.into(), end: Bytes::new() }
    }

    pub(crate) fn range(first: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        Self { first: first.into(), end: end.into() }
    }
}

fn compare(keys: Keys, result: i32, target: i32, with: With) -> Compare {
    Compare { result, target, key: keys.first, range_end: keys.end, with: Some(with) }
}

/// Requires that the key does not exist.
pub(crate) fn is_missing(keys: Keys) -> Compare {
    compare(keys, EQUAL, VERSION, With::Version(0))
}

/// Requires that the key was last written at this revision.
pub(crate) fn is_of(key: impl Into<Bytes>, revision: i64) -> Compare {
    compare(Keys::one(key), EQUAL, MOD_REVISION, With::ModRevision(revision))
}

/// Requires that none of the keys was written after this revision.
pub(crate) fn are_until(keys: Keys, revision: i64) -> Compare {
    compare(keys, LESS, MOD_REVISION, With::ModRevision(revision + 1))
}

/// Requires that the key has this value.
pub(crate) fn is_value(key: impl Into<Bytes>, value: Bytes) -> Compare {
    compare(Keys::one(key), EQUAL, VALUE, With::Value(value))
}

/// Requires that the value begins so, and is longer. etcd compares values as bytes.
pub(crate) fn begins_with(key: &Bytes, beginning: Vec<u8>) -> [Compare; 2] {
    let mut beyond = beginning.clone();
    while let Some(last) = beyond.pop() {
        if last < u8::MAX {
            beyond.push(last + 1);
            break;
        }
    }
    let than =
        |result, value: Vec<u8>| compare(Keys::one(key.clone()), result, VALUE, With::Value(value.into()));
    [than(GREATER, beginning), than(LESS, beyond)]
}

fn op(request: Request) -> RequestOp {
    RequestOp { request: Some(request) }
}

/// Reads one key.
pub(crate) fn get(key: impl Into<Bytes>) -> RequestOp {
    op(Request::Range(RangeRequest { key: key.into(), ..RangeRequest::default() }))
}

/// Reads keys, with their values or without; up to a number unless that is 0, at a revision unless that is 0.
pub(crate) fn range(keys: Keys, limit: i64, keys_only: bool, revision: i64) -> RequestOp {
    let Keys { first, end } = keys;
    op(Request::Range(RangeRequest { key: first, range_end: end, limit, revision, keys_only }))
}

/// Writes a key; lease 0 is for ever.
pub(crate) fn put(key: impl Into<Bytes>, value: impl Into<Bytes>, lease: i64) -> RequestOp {
    op(Request::Put(PutRequest { key: key.into(), value: value.into(), lease }))
}

/// Removes keys, and hands them back if asked to.
pub(crate) fn delete(keys: Keys, prev_kv: bool) -> RequestOp {
    op(Request::DeleteRange(DeleteRangeRequest { key: keys.first, range_end: keys.end, prev_kv }))
}

/// Does all of it, without a condition.
pub(crate) fn always(success: Vec<RequestOp>) -> TxnRequest {
    TxnRequest { success, ..TxnRequest::default() }
}

/// Returns the revision at which the transaction was carried out.
pub(crate) fn revision(response: &TxnResponse) -> i64 {
    response.header.as_ref().map_or(0, |header| header.revision)
}

/// Returns what the operation of this number read or removed.
pub(crate) fn found(response: &TxnResponse, number: usize) -> &[KeyValue] {
    match response.responses.get(number).and_then(|op| op.response.as_ref()) {
        Some(Response::Range(range)) => &range.kvs,
        Some(Response::DeleteRange(deleted)) => &deleted.prev_kvs,
        _ => &[],
    }
}

/// Returns whether it changes nothing, however it goes.
pub(crate) fn only_reads(request: &TxnRequest) -> bool {
    let mut all = request.success.iter().chain(&request.failure);
    all.all(|op| matches!(op.request, Some(Request::Range(_))))
}
