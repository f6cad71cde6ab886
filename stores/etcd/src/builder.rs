//! The options of a store, and their defaults.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom_store::{Clock, Error, ErrorKind, MissedTouches, Result, StoreUrl, SystemClock};
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use crate::address::Address;
use crate::error::Failure;
use crate::layout::{Layout, PREFIX};
use crate::leases::Leases;
use crate::members::Members;
use crate::memory::Memory;
use crate::server::Server;
use crate::store::EtcdStore;

/// The longest prefix, in bytes.
const LONGEST_PREFIX: usize = 128;

/// Sets the options of an [`EtcdStore`]; [`EtcdStore::from_url`] makes one.
#[derive(Clone)]
#[must_use]
pub struct Builder {
    address: Address,
    prefix: String,
    authority: Option<Vec<u8>>,
    /// A certificate and its private key.
    identity: Option<(Vec<u8>, Vec<u8>)>,
    clock: Arc<dyn Clock>,
    request_timeout: Duration,
    expiry_margin: Duration,
    max_payload_bytes: usize,
}

impl Builder {
    pub(crate) fn from_url(url: &str) -> Result<Self> {
        let mut url = StoreUrl::parse(url)?;
        let mut builder = Self::new(Address::parse(url.without_settings())?);
        if let Some(prefix) = url.text("prefix")? {
            builder = builder.prefix(prefix);
        }
        builder.authority = url.file("ca")?;
        builder.identity = match (url.file("cert")?, url.file("key")?) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some((cert, key)),
            _ => return Err(Error::new(ErrorKind::Invalid, "the settings cert and key belong together")),
        };
        if let Some(timeout) = url.duration("request_timeout")? {
            builder = builder.request_timeout(timeout);
        }
        if let Some(margin) = url.duration("expiry_margin")? {
            builder = builder.expiry_margin(margin);
        }
        if let Some(bytes) = url.parsed("max_payload_bytes")? {
            builder = builder.max_payload_bytes(bytes);
        }
        url.finish()?;
        Ok(builder)
    }

    fn new(address: Address) -> Self {
        Self {
            address,
            prefix: PREFIX.into(),
            authority: None,
            identity: None,
            clock: Arc::new(SystemClock),
            request_timeout: Duration::from_secs(5),
            expiry_margin: Duration::from_secs(60 * 60),
            max_payload_bytes: 1 << 20,
        }
    }

    /// Sets what all keys begin with, so that several stores can share a cluster. `cloakroom/` unless set. It ends with a
    /// slash, and has no other: so no store's keys are among another's.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets whose certificates are trusted, in PEM, for a URL with TLS. The authorities that browsers trust unless set.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authority = Some(pem.into());
        self
    }

    /// Sets the certificate that is shown to servers that want one (`--client-cert-auth`), and its private key, both in
    /// PEM, for a URL with TLS. None is shown unless set.
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some((pem.into(), key.into()));
        self
    }

    /// Sets the clock that decides what has expired. The operating system's unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets how long a trip may take before the operation fails as
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable). 5 seconds unless set. Of several servers, each is given an
    /// equal part of it to answer a load, and to be connected with.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets how much longer than a record its lease lasts: once to twice that. An hour unless set.
    ///
    /// A record has expired all the same. The longer the margin, the more records share a lease.
    pub fn expiry_margin(mut self, margin: Duration) -> Self {
        self.expiry_margin = margin;
        self
    }

    /// Sets the largest payload that is kept, in bytes; a larger one is
    /// [`TooLarge`](cloakroom_store::ErrorKind::TooLarge). 1 MiB unless set; etcd takes about half a MiB more, unless it
    /// was started with another `--max-request-bytes`.
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes;
        self
    }

    /// Connects, and opens the store.
    ///
    /// # Errors
    /// [`Invalid`](cloakroom_store::ErrorKind::Invalid) if an option can never be right;
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable) if no server answers;
    /// [`Setup`](cloakroom_store::ErrorKind::Setup) if user or password are wrong, the user may not do this, the server's
    /// certificate is not trusted, or the server is too old or of another kind.
    pub async fn build(self) -> Result<EtcdStore> {
        let store = self.build_lazy()?;
        store.server.live().await?;
        Ok(store)
    }

    /// Opens the store and asks the server nothing yet, for an application that starts although etcd is down.
    /// Whatever is wrong shows at the first request. It must be called within a runtime of tokio.
    ///
    /// # Errors
    /// [`Invalid`](cloakroom_store::ErrorKind::Invalid) if an option can never be right.
    pub fn build_lazy(self) -> Result<EtcdStore> {
        if self.prefix.len() > LONGEST_PREFIX
            || self.prefix.find('/') != self.prefix.len().checked_sub(1)
            || self.prefix.len() < 2
        {
            return Err(Failure::WRONG_PREFIX.into());
        }
        let address = self.address;
        let tls = tls(&address, self.authority, self.identity)?;
        let server = Server {
            members: Members::connect(&address, tls.as_ref(), self.request_timeout)?,
            credentials: address.credentials,
            layout: Layout { prefix: self.prefix },
            clock: self.clock,
            timeout: self.request_timeout,
            slack: self.expiry_margin,
            leases: Leases::default(),
            memory: Memory::default(),
            token: Mutex::new(None),
            missed_touches: MissedTouches::default(),
        };
        Ok(EtcdStore::new(server, self.max_payload_bytes))
    }
}

/// Returns the trusted certificates, and ours; `None` for a URL without TLS.
fn tls(
    address: &Address,
    authority: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
) -> Result<Option<ClientTlsConfig>, Failure> {
    if !address.is_tls {
        let has_none = authority.is_none() && identity.is_none();
        return if has_none { Ok(None) } else { Err(Failure::WRONG_CERTIFICATE) };
    }
    let shown = identity.as_ref().map(|(certificate, _)| certificate);
    if !authority.iter().chain(shown).all(|pem| has_certificate(pem)) {
        return Err(Failure::WRONG_CERTIFICATE);
    }
    let tls = match authority {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        None => ClientTlsConfig::new().with_webpki_roots(),
    };
    Ok(Some(match identity {
        Some((certificate, key)) => tls.identity(Identity::from_pem(certificate, key)),
        None => tls,
    }))
}

/// Returns whether there is a certificate in the file. Without one it would mean "trust no server".
fn has_certificate(pem: &[u8]) -> bool {
    String::from_utf8_lossy(pem).contains("-----BEGIN CERTIFICATE-----")
}

impl fmt::Debug for Builder {
    /// Leaves out the address, which can hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("prefix", &self.prefix)
            .field("request_timeout", &self.request_timeout)
            .field("expiry_margin", &self.expiry_margin)
            .field("max_payload_bytes", &self.max_payload_bytes)
            .finish_non_exhaustive()
    }
}
