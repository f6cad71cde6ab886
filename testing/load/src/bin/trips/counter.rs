//! Counts the trips to a server.

use cloakroom_services::proxy::Proxy;
use cloakroom_services::{Result, Service};

use crate::browser::Browser;

/// What counts the trips to a server.
pub(crate) enum Counter {
    /// A proxy in front of it counts the turns.
    Wire(Proxy),
    /// etcd itself, at this address: between requests it tries out how fast the connection is, and is answered.
    Etcd(String),
}

impl Counter {
    pub(crate) fn of(service: Service) -> Result<Self> {
        let url = service.shared();
        match service {
            Service::Etcd => Ok(Self::Etcd(url.trim_start_matches("etcd://").to_owned())),
            _ => Proxy::to(&url).map(Self::Wire),
        }
    }

    /// Where the playground finds the server.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Wire(proxy) => proxy.url().to_owned(),
            Self::Etcd(address) => format!("etcd://{address}"),
        }
    }

    /// How many trips there were so far.
    pub(crate) fn trips(&self) -> Result<usize> {
        match self {
            Self::Wire(proxy) => Ok(proxy.turns()),
            Self::Etcd(address) => {
                let metrics = Browser::read(address, "/metrics")?;
                let answers = metrics.lines().filter(|line| line.starts_with("grpc_server_handled_total{"));
                answers.map(|line| Ok(line.rsplit(' ').next().unwrap_or_default().parse::<usize>()?)).sum()
            }
        }
    }
}
