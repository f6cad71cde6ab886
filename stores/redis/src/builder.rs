//! The options of a store, and their defaults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, Error, ErrorKind, MissedTouches, Result, StoreUrl, SystemClock};
use redis::aio::ConnectionManager;
use redis::cluster::ClusterClientBuilder;
use redis::{ClientTlsConfig, ProtocolVersion, TlsCertificates};

use crate::bodies::{self, RedisBodies};
use crate::compare::Compare;
use crate::layout::{LONGEST_HEAD, Layout, PREFIX};
use crate::link::{Dial, Link, Timeouts};
use crate::place::Place;
use crate::server::{Server, Wait};
use crate::store::{Inner, RedisStore};
use crate::url::{self, Url};

/// The longest prefix, in bytes.
const LONGEST_PREFIX: usize = 64;
/// A Redis string has at most 512 MiB, a length in our records nine digits.
const LARGEST_PAYLOAD: usize = (512 << 20) - LONGEST_HEAD;

/// Sets the options of a [`RedisStore`]; [`RedisStore::from_url`] makes one.
#[must_use]
pub struct Builder {
    place: Place,
    clock: Arc<dyn Clock>,
    has_own_clock: bool,
    prefix: String,
    max_payload_bytes: usize,
    wait: Option<Wait>,
    may_evict: bool,
    timeouts: Timeouts,
    certificates: TlsCertificates,
    protocol: ProtocolVersion,
}

impl Builder {
    fn at(place: Place) -> Self {
        Self {
            place,
            clock: Arc::new(SystemClock),
            has_own_clock: false,
            prefix: PREFIX.into(),
            max_payload_bytes: 16 << 20,
            wait: None,
            may_evict: false,
            timeouts: Timeouts { connect: Duration::from_secs(3), response: Duration::from_secs(3) },
            certificates: TlsCertificates { root_cert: None, client_tls: None },
            protocol: ProtocolVersion::RESP2,
        }
    }

    pub(crate) fn from_url(url: &str) -> Result<Self> {
        let mut url = StoreUrl::parse(url)?;
        let place = Url::parse(url.without_settings())?;
        let sentinels = (url.text("sentinel_username")?, url.text("sentinel_password")?);
        let mut builder = Self::at(Place::Url(Box::new(place), sentinels));
        if let Some(bytes) = url.parsed("max_payload_bytes")? {
            builder = builder.max_payload_bytes(bytes);
        }
        let at_most = url.duration("replica_timeout")?.unwrap_or(Duration::from_secs(1));
        builder.wait = url.parsed("wait_for_replicas")?.map(|replicas| Wait { replicas, at_most });
        builder.prefix = url.text("prefix")?.unwrap_or(builder.prefix);
        builder.protocol = url.read("protocol", url::protocol)?.unwrap_or(builder.protocol);
        builder.timeouts.response = url.duration("request_timeout")?.unwrap_or(builder.timeouts.response);
        builder.timeouts.connect = url.duration("connect_timeout")?.unwrap_or(builder.timeouts.connect);
        builder.may_evict = url.flag("allow_eviction")?.unwrap_or(builder.may_evict);
        builder.certificates.root_cert = url.file("ca")?;
        let (cert, key) = (url.file("cert")?, url.file("key")?);
        url.finish()?;
        match (cert, key) {
            (None, None) => Ok(builder),
            (Some(cert), Some(key)) => Ok(builder.client_certificate(cert, key)),
            _ => Err(Error::new(ErrorKind::Invalid, "the settings cert and key belong together")),
        }
    }

    pub(crate) fn given(manager: ConnectionManager) -> Self {
        Self::at(Place::Given(manager))
    }

    pub(crate) fn cluster(nodes: ClusterClientBuilder) -> Self {
        Self::at(Place::Nodes(Box::new(nodes)))
    }

    /// Sets the clock that decides what has expired. The operating system's unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self.has_own_clock = true;
        self
    }

    /// Sets what all keys begin with, so that several stores can share a server. `cloakroom:` unless set; up to 64
    /// ASCII letters, digits and any of `:._/-`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the largest payload that is kept, in bytes; a larger one is [`ErrorKind::TooLarge`].
    /// 16 MiB unless set; at most 512 MiB less what a record has beside it.
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes.min(LARGEST_PAYLOAD);
        self
    }

    /// Has every write wait until so many replicas have it too, `at_most` so long; it fails as
    /// [`ErrorKind::Unavailable`] if they have not by then. No replica is waited for unless set.
    ///
    /// The page of the [crate] says what that protects from. Writes go through a connection of their own then, as
    /// Redis carries out nothing on one that waits.
    pub fn wait_for_replicas(mut self, replicas: u32, at_most: Duration) -> Self {
        self.wait = Some(Wait { replicas, at_most });
        self
    }

    /// Opens the store on a server that removes keys when its memory is used up: whose `maxmemory-policy` is another than
    /// `noeviction`. Such a server is refused unless this is called.
    ///
    /// It ends sessions early, and it forgets that a user was revoked, so that a log-in that was under way then may be
    /// kept. That is right for a store in front of a durable one, and for tests.
    pub fn allow_eviction(mut self) -> Self {
        self.may_evict = true;
        self
    }

    /// Sets how long an answer may take, after which the operation fails as [`ErrorKind::Unavailable`], and whether it
    /// took effect is not known. 3 seconds unless set. Not for a connection that was given: it has its own.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.response = timeout;
        self
    }

    /// Sets how long the making of a connection may take, as [`Builder::request_timeout`]. 3 seconds unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = timeout;
        self
    }

    /// Sets whom to trust, as PEM, instead of the authorities that the operating system trusts. For TLS.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.root_cert = Some(pem.into());
        self
    }

    /// Sets the certificate that is shown to servers that want one, as Redis does unless `tls-auth-clients` says
    /// otherwise, and its private key, both as PEM. None is shown unless set. For TLS.
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.certificates.client_tls =
            Some(ClientTlsConfig { client_cert: pem.into(), client_key: key.into() });
        self
    }

    /// Sets the protocol, RESP2 or RESP3: the first unless set. Nothing depends on it but that RESP3 notices a lost
    /// connection before it is used.
    pub fn protocol(mut self, protocol: ProtocolVersion) -> Self {
        self.protocol = protocol;
        self
    }

    /// Connects, and looks whether the server is one that the store can use.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if the server is too old, is of another kind than the URL says, refuses password or
    /// certificate, or removes keys when its memory is used up ([`Builder::allow_eviction`]); [`ErrorKind::Unavailable`] if it does not answer; [`ErrorKind::Invalid`] if an option can never be
    /// right.
    pub async fn build(self) -> Result<RedisStore> {
        let may_evict = self.may_evict;
        let store = self.build_lazy()?;
        store.0.compare.set(store.0.server.look().await?.compares);
        if !may_evict {
            store.0.server.look_for_eviction().await?;
        }
        Ok(store)
    }

    /// Makes a store that connects when it is used first, and then does not look what kind of server it is.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if an option can never be right, [`ErrorKind::Setup`] if a certificate cannot be read.
    pub fn build_lazy(self) -> Result<RedisStore> {
        check_prefix(&self.prefix)?;
        let (layout, kind) = (Layout::new(self.prefix.clone()), self.place.kind());
        let (clock, largest_payload) = (self.clock.clone(), self.max_payload_bytes);
        let has_own_clock = self.has_own_clock;
        let server = self.server()?;
        let tells_time = !has_own_clock && !server.is_cluster();
        let missed_touches = MissedTouches::default();
        let compare = Compare::new();
        let inner =
            Inner { server, layout, clock, tells_time, largest_payload, kind, missed_touches, compare };
        Ok(RedisStore(Arc::new(inner)))
    }

    /// Connects, and keeps bodies of Node's sessions instead of records: see [`RedisBodies`]. Set the prefix that the Node
    /// application uses; it may be empty.
    ///
    /// # Errors
    /// As for [`build`](Self::build), but a server that removes keys when its memory is used up is let pass: the Node
    /// application has chosen it.
    pub async fn build_bodies(self) -> Result<RedisBodies> {
        check_prefix(&self.prefix)?;
        let (clock, prefix, largest) = (self.clock.clone(), self.prefix.clone(), self.max_payload_bytes);
        let server = self.server()?;
        let _about = server.look().await?;
        Ok(RedisBodies(Arc::new(bodies::Inner { server, clock, prefix, largest })))
    }

    fn server(self) -> Result<Server> {
        // An answer that is to be late anyway must not look as if the server were dead.
        let waits = self.wait.map_or(Duration::ZERO, |wait| wait.at_most);
        let timeouts = Timeouts { response: self.timeouts.response + waits, ..self.timeouts };
        let dial = self.place.dial(timeouts, self.certificates, self.protocol)?;
        let own = self.wait.filter(|_| !matches!(dial, Dial::Given(_)));
        let writes = own.map(|_| Link::new(dial.clone(), timeouts.response));
        Ok(Server::new(Link::new(dial, timeouts.response), writes, self.wait))
    }
}

fn check_prefix(prefix: &str) -> Result<()> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b":._/-".contains(&byte);
    if prefix.len() <= LONGEST_PREFIX && prefix.bytes().all(letters) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Invalid, "a prefix has up to 64 ascii letters, digits and any of :._/-"))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("kind", &self.place.kind())
            .field("prefix", &self.prefix)
            .field("wait", &self.wait)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_could_be_a_pattern_or_a_hash_tag_is_refused() {
        for prefix in ["{", "}", "*", "?", "[a]", "a b", "a\\", "é", "a\n", &"a".repeat(65)] {
            assert_eq!(check_prefix(prefix).unwrap_err().kind(), ErrorKind::Invalid, "{prefix}");
        }
        for prefix in ["", "a", "cloakroom:", "shop/v1.sessions_-", &"a".repeat(64)] {
            assert!(check_prefix(prefix).is_ok(), "{prefix}");
        }
    }

    #[test]
    fn a_password_is_not_in_the_debug_of_a_builder_or_a_store() {
        let builder = Builder::from_url("redis://alice:secret@host").unwrap();
        assert!(!format!("{builder:?} {builder:#?}").contains("secret"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = runtime.block_on(async { builder.build_lazy().unwrap() });
        assert!(!format!("{store:?} {store:#?}").contains("secret"));
    }
}
