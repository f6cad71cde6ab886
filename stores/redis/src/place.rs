//! The addresses of the servers, and the client's settings for them.

use cloakroom_store::{Error, ErrorKind, Result};
use redis::aio::ConnectionManager;
use redis::cluster::ClusterClientBuilder;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo, RedisResult,
    TlsCertificates, TlsMode,
};

use crate::error::error;
use crate::link::{Dial, Timeouts};
use crate::url::{Kind, Url};

/// Where the servers are.
pub(crate) enum Place {
    /// By URL; user and password for the sentinels.
    Url(Box<Url>, (Option<String>, Option<String>)),
    Given(ConnectionManager),
    Nodes(Box<ClusterClientBuilder>),
}

impl Place {
    /// Returns a word for what it is.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Url(url, _) => match url.kind {
                Kind::Server => "server",
                Kind::Cluster => "cluster",
                Kind::Sentinel(_) => "sentinel",
            },
            Self::Given(_) => "given connection",
            Self::Nodes(_) => "cluster",
        }
    }

    pub(crate) fn dial(
        self,
        timeouts: Timeouts,
        certificates: TlsCertificates,
        protocol: ProtocolVersion,
    ) -> Result<Dial> {
        let (url, sentinels) = match self {
            Self::Given(manager) => return Ok(Dial::Given(manager)),
            Self::Nodes(nodes) => return Dial::cluster(*nodes, timeouts).map_err(|cause| error(&cause)),
            Self::Url(url, sentinels) => (url, sentinels),
        };
        let has_some = certificates.root_cert.is_some() || certificates.client_tls.is_some();
        if url.tls {
            choose_cryptography();
        } else if has_some {
            return Err(Error::new(ErrorKind::Invalid, "certificates are for TLS: use rediss://"));
        }
        let certificates = has_some.then_some(certificates);
        let asked = Asked { url: &url, certificates, protocol, timeouts };
        let dial = match &url.kind {
            Kind::Server => asked.server(),
            Kind::Cluster => asked.cluster(),
            Kind::Sentinel(master) => asked.sentinel(master, sentinels),
        };
        dial.map_err(|cause| error(&cause))
    }
}

/// What a URL and the options ask for.
struct Asked<'a> {
    url: &'a Url,
    certificates: Option<TlsCertificates>,
    protocol: ProtocolVersion,
    timeouts: Timeouts,
}

impl Asked<'_> {
    fn server(self) -> RedisResult<Dial> {
        let info = self.infos()?.remove(0);
        let client = match self.certificates {
            Some(certificates) => Client::build_with_tls(info, certificates)?,
            None => Client::open(info)?,
        };
        Ok(Dial::server(client, self.timeouts))
    }

    fn cluster(self) -> RedisResult<Dial> {
        let mut nodes = ClusterClientBuilder::new(self.infos()?);
        if let Some(certificates) = self.certificates {
            nodes = nodes.certs(certificates);
        }
        Dial::cluster(nodes, self.timeouts)
    }

    fn sentinel(
        self,
        master: &str,
        (username, password): (Option<String>, Option<String>),
    ) -> RedisResult<Dial> {
        let url = self.url;
        let mut builder = SentinelClientBuilder::new(url.addresses(), master, SentinelServerType::Master)?
            .set_client_to_redis_db(url.database)
            .set_client_to_redis_protocol(self.protocol);
        if let Some(username) = &url.username {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = &url.password {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(username) = username {
            builder = builder.set_client_to_sentinel_username(username);
        }
        if let Some(password) = password {
            builder = builder.set_client_to_sentinel_password(password);
        }
        if url.tls {
            builder = builder
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_sentinel_tls_mode(TlsMode::Secure);
        }
        if let Some(certificates) = self.certificates {
            builder = builder
                .set_client_to_redis_certificates(certificates.clone())
                .set_client_to_sentinel_certificates(certificates);
        }
        Ok(Dial::sentinel(builder.build()?, self.timeouts))
    }

    fn infos(&self) -> RedisResult<Vec<ConnectionInfo>> {
        let url = self.url;
        let mut settings = RedisConnectionInfo::default().set_db(url.database).set_protocol(self.protocol);
        if let Some(username) = &url.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &url.password {
            settings = settings.set_password(password);
        }
        let info = |address: redis::ConnectionAddr| {
            Ok(address.into_connection_info()?.set_redis_settings(settings.clone()))
        };
        url.addresses().into_iter().map(info).collect()
    }
}

/// Cryptography for TLS, unless the application has chosen one already.
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another provider was installed before, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}
