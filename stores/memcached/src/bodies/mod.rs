//! Bodies of Node's sessions, as connect-memcached keeps them.

mod operation;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{
    Body, BodyCapabilities, BodyStore, Clock, Ended, Error, ErrorKind, Replaced, Result, StoreKey, Timestamp,
    Version, async_trait,
};
use data_encoding::BASE64URL_NOPAD;

use crate::memory::Memory;
use crate::pool::{Pool, in_time};
use operation::Operation;

/// The longest name of an item, in bytes. Node goes by a hash of longer ones.
const LONGEST_NAME: usize = 250;

/// Keeps the bodies of Node's sessions in memcached, as connect-memcached does.
///
/// [`Builder::build_bodies`](crate::Builder::build_bodies) makes one.
///
/// | | as it is kept |
/// |---|---|
/// | name | prefix and id |
/// | value | the body, with the flags 2: JSON |
/// | time to live | whole seconds, rounded down, one at least |
/// | mark of an end | `cloakroom-ended:` and the BLAKE3 hash of the name in base64url = `1`, for a day after it was last needed |
///
/// The first eight bytes of the body's BLAKE3 hash stand for it when it is replaced.
///
/// memcached changes one item at a time. So an end first puts `null` in the place of the body, on condition that the body is
/// the one that was read: Node reads no session from it, and to us, it has ended. Then it writes the mark and removes the `null`.
/// Where a process is killed in between, the next one that meets the `null` does so.
#[derive(Clone)]
pub struct MemcachedBodies(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) pool: Pool,
    pub(crate) prefix: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) largest: usize,
    pub(crate) memory: Memory,
}

/// The names of a session's body and of the mark of its end.
struct Names {
    body: String,
    mark: String,
    /// What the body goes by in our own memory.
    key: StoreKey,
}

impl MemcachedBodies {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Connects, so that whatever is wrong shows.
    pub(crate) async fn check(&self) -> Result<()> {
        let inner = &*self.0;
        let _room = in_time!(inner, connection, Ok::<_, Error>(connection.room()))?;
        Ok(())
    }
}

impl Inner {
    /// Returns the names for an id; `None` if memcached or Node has no item of that name.
    fn names(&self, id: &str) -> Option<Names> {
        let body = format!("{}{id}", self.prefix);
        if body.len() > LONGEST_NAME || !body.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let key = StoreKey::from_bytes(body.as_bytes()).ok()?;
        let hash = blake3::hash(body.as_bytes());
        Some(Names {
            body,
            mark: format!("cloakroom-ended:{}", BASE64URL_NOPAD.encode(hash.as_bytes())),
            key,
        })
    }

    async fn end(&self, names: &Names, expected: Option<Version>) -> Result<Ended> {
        in_time!(self, connection, Operation::new(self, connection, names).end(expected).await)
    }
}

#[async_trait]
impl BodyStore for MemcachedBodies {
    async fn read(&self, id: &str) -> Result<Option<Body>> {
        let inner = &*self.0;
        let Some(names) = inner.names(id) else { return Ok(None) };
        in_time!(inner, connection, Operation::new(inner, connection, &names).read().await)
    }

    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        let inner = &*self.0;
        let names = inner.names(id).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "prefix and id have 1 to 250 visible ascii characters here")
        })?;
        in_time!(inner, connection, Operation::new(inner, connection, &names).insert(body, expires_at).await)
    }

    async fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced> {
        let inner = &*self.0;
        let Some(names) = inner.names(id) else { return Ok(Replaced::Missing) };
        in_time!(
            inner,
            connection,
            Operation::new(inner, connection, &names).replace(expected, body, expires_at).await
        )
    }

    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        let inner = &*self.0;
        let Some(names) = inner.names(id) else { return Ok(false) };
        in_time!(inner, connection, Operation::new(inner, connection, &names).touch(expires_at).await)
    }

    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        let Some(names) = self.0.names(id) else { return Ok(Ended::Missing) };
        let inner = Arc::clone(&self.0);
        // A request that is dropped must not leave an end without its mark.
        let end = tokio::spawn(async move { inner.end(&names, expected).await });
        end.await
            .map_err(|cause| Error::new(ErrorKind::Other, "the end was broken off").with_source(cause))?
    }

    /// The server removes what has expired, and cannot name its keys.
    fn capabilities(&self) -> BodyCapabilities<'_> {
        BodyCapabilities::NONE
    }
}

impl fmt::Debug for MemcachedBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemcachedBodies")
            .field("server", &self.0.pool.address)
            .field("prefix", &self.0.prefix)
            .finish_non_exhaustive()
    }
}
