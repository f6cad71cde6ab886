//! The least that could be called a session: a table of bytes behind a cookie.
//!
//! A layer scans the cookie header, looks the id up in a sharded table, and puts length-prefixed bytes back. No expiry, no
//! versions, no merging, no hashing at rest: what Cloakroom costs beyond this is what it does beyond this.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::extract::FromRequestParts;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use foldhash::fast::RandomState;
use http::header::{COOKIE, HeaderValue, SET_COOKIE};
use http::request::Parts;
use http::{Request, Response};
use pin_project_lite::pin_project;
use serde_json::Value;
use tower_layer::Layer;
use tower_service::Service;

type Id = [u8; 43];
type Shard = Mutex<HashMap<Id, Bytes, RandomState>>;

struct Table {
    shards: Vec<Shard>,
    hasher: RandomState,
    key: Option<[u8; 32]>,
}

impl Table {
    fn shard(&self, id: &Id) -> std::sync::MutexGuard<'_, HashMap<Id, Bytes, RandomState>> {
        let number = usize::try_from(self.hasher.hash_one(id) >> 58).unwrap_or(0);
        self.shards[number].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_cookie(&self, header: &[u8]) -> Option<Id> {
        let pair = header
            .split(|&byte| byte == b';')
            .map(<[u8]>::trim_ascii)
            .find(|pair| pair.starts_with(b"session="))?;
        let value = &pair[8..];
        let id: Id = *value.first_chunk()?;
        match &self.key {
            None => (value.len() == 43).then_some(id),
            Some(key) => {
                let mut given = [0; 32];
                BASE64URL_NOPAD.decode_mut(value.get(44..87)?, &mut given).ok()?;
                (blake3::keyed_hash(key, &id) == given).then_some(id)
            }
        }
    }

    fn write_cookie(&self, id: &Id) -> String {
        let mut cookie = String::with_capacity(160);
        cookie.push_str("session=");
        cookie.push_str(std::str::from_utf8(id).unwrap_or_default());
        if let Some(key) = &self.key {
            cookie.push('.');
            BASE64URL_NOPAD.encode_append(blake3::keyed_hash(key, id).as_bytes(), &mut cookie);
        }
        cookie.push_str("; Max-Age=43200; Path=/; HttpOnly; SameSite=Lax");
        cookie
    }
}

/// Puts the table around a service.
#[derive(Clone)]
pub(crate) struct FloorLayer(Arc<Table>);

impl FloorLayer {
    pub(crate) fn new(secret: Option<&str>) -> Self {
        let shards = (0..64).map(|_| Shard::default()).collect();
        let key = secret.map(|secret| blake3::derive_key("floor", secret.as_bytes()));
        Self(Arc::new(Table { shards, hasher: RandomState::default(), key }))
    }
}

impl<S> Layer<S> for FloorLayer {
    type Service = FloorService<S>;
    fn layer(&self, inner: S) -> FloorService<S> {
        FloorService { inner, table: self.0.clone() }
    }
}

#[derive(Clone)]
pub(crate) struct FloorService<S> {
    inner: S,
    table: Arc<Table>,
}

/// One request's session.
#[derive(Clone)]
pub(crate) struct FloorSession(Arc<Visit>);

struct Visit {
    table: Arc<Table>,
    id: Option<Id>,
    new: Mutex<Option<Vec<u8>>>,
}

impl FloorSession {
    fn bytes(&self) -> Option<Bytes> {
        let id = self.0.id?;
        self.0.table.shard(&id).get(&id).cloned()
    }

    /// The place of a value in the frames.
    fn find(bytes: &[u8], key: &str) -> Option<std::ops::Range<usize>> {
        let mut at = 0;
        while at < bytes.len() {
            let name = at + 1..at + 1 + usize::from(bytes[at]);
            let length = usize::from(u16::from_le_bytes([bytes[name.end], bytes[name.end + 1]]));
            let value = name.end + 2..name.end + 2 + length;
            if &bytes[name] == key.as_bytes() {
                return Some(value);
            }
            at = value.end;
        }
        None
    }

    pub(crate) fn read(&self, key: &str) -> Option<u64> {
        let bytes = self.bytes()?;
        serde_json::from_slice(&bytes[Self::find(&bytes, key)?]).ok()
    }

    pub(crate) fn increment(&self, key: &str) {
        let Some(bytes) = self.bytes() else { return };
        let Some(place) = Self::find(&bytes, key) else { return };
        let number: i64 = serde_json::from_slice(&bytes[place.clone()]).unwrap_or(0);
        let value = (number + 1).to_string();
        let mut new = Vec::with_capacity(bytes.len() + 4);
        new.extend_from_slice(&bytes[..place.start - 2]);
        new.extend_from_slice(&u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
        new.extend_from_slice(value.as_bytes());
        new.extend_from_slice(&bytes[place.end..]);
        self.put(new);
    }

    pub(crate) fn insert(&self, key: &str, value: &[u8]) {
        let mut new = Vec::with_capacity(64);
        frame(&mut new, key, value);
        self.put(new);
    }

    pub(crate) fn begin(&self, values: &[(&str, Value)]) {
        let mut new = Vec::new();
        for (key, value) in values {
            frame(&mut new, key, value.to_string().as_bytes());
        }
        self.put(new);
    }

    fn put(&self, new: Vec<u8>) {
        *self.0.new.lock().unwrap_or_else(PoisonError::into_inner) = Some(new);
    }
}

fn frame(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    out.push(u8::try_from(key.len()).unwrap_or(0));
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(value);
}

impl<S: Sync> FromRequestParts<S> for FloorSession {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().expect("the layer is around every route"))
    }
}

impl<S, Q, B> Service<Request<Q>> for FloorService<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = FloorFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let id = request.headers().get(COOKIE).and_then(|header| self.table.read_cookie(header.as_bytes()));
        let session = FloorSession(Arc::new(Visit { table: self.table.clone(), id, new: Mutex::new(None) }));
        request.extensions_mut().insert(session.clone());
        FloorFuture { inner: self.inner.call(request), session }
    }
}

pin_project! {
    pub(crate) struct FloorFuture<F> {
        #[pin]
        inner: F,
        session: FloorSession,
    }
}

impl<F, B, E> Future for FloorFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut result = ready!(this.inner.poll(cx));
        let visit = &this.session.0;
        let new = visit.new.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(new), Ok(response)) = (new, &mut result) {
            let id = visit.id.unwrap_or_else(|| {
                let (mut bytes, mut id) = ([0; 32], [0; 43]);
                getrandom::fill(&mut bytes).expect("random bytes");
                BASE64URL_NOPAD.encode_mut(&bytes, &mut id);
                let cookie = HeaderValue::try_from(visit.table.write_cookie(&id)).expect("a clean header");
                response.headers_mut().append(SET_COOKIE, cookie);
                id
            });
            visit.table.shard(&id).insert(id, new.into());
        }
        Poll::Ready(result)
    }
}
