//! The server that is driven, if it is started for that.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloakroom_services::{DURABLE_REDIS, Instance, Service};

use super::Place;
use crate::{Result, stores::TIERED};

#[derive(Clone, Debug)]
pub(super) struct Server {
    url: String,
    /// The one that is killed.
    instance: Option<Arc<Mutex<Instance>>>,
    /// How often.
    kills: Arc<AtomicUsize>,
    /// The fast one in front of it.
    _fast: Option<Arc<Instance>>,
}

impl Server {
    pub(super) fn start(place: &Place) -> Result<Self> {
        Ok(match place {
            Place::Url(url) => Self { url: url.clone(), instance: None, kills: Arc::default(), _fast: None },
            Place::Service(service) => {
                let instance = Instance::start_with(*service, durably(*service))?;
                let url = trusting(&instance, surely(*service, instance.url()));
                let instance = Some(Arc::new(Mutex::new(instance)));
                Self { url, instance, kills: Arc::default(), _fast: None }
            }
            Place::Tiers { fast, durable } => {
                let fast = Instance::start(*fast)?;
                let instance = Instance::start_with(*durable, durably(*durable))?;
                let url = format!("{TIERED}{} {}", fast.url(), surely(*durable, instance.url()));
                let instance = Some(Arc::new(Mutex::new(instance)));
                Self { url, instance, kills: Arc::default(), _fast: Some(Arc::new(fast)) }
            }
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Kills it, waits as a supervisor would, and starts it again with what is on its disk; of several members of
    /// which most have to live, one after the other.
    pub(super) async fn kill_and_restart(&self) -> Result {
        let instance = self.instance.clone().ok_or("only a server that was started here can be killed")?;
        let kills = self.kills.fetch_add(1, Ordering::Relaxed);
        let supervisor = || std::thread::sleep(Duration::from_millis(100));
        tokio::task::spawn_blocking(move || {
            let mut instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
            if instance.service() == Service::EtcdCluster {
                let members = instance.servers();
                let member = &mut members[kills % members.len()];
                member.kill()?;
                supervisor();
                return member.restart();
            }
            instance.kill()?;
            supervisor();
            instance.restart()
        })
        .await?
    }
}

/// The URL with the certificate to trust, where a server speaks nothing but TLS.
fn trusting(instance: &Instance, url: String) -> String {
    match instance.certificates() {
        Some(certificates) if url.starts_with("etcds:") => {
            format!("{url}?ca={}", certificates.authority().display())
        }
        _ => url,
    }
}

/// Returns the URL through which no read shows a write that a crash can take back.
fn surely(service: Service, url: String) -> String {
    if service == Service::MongodbReplicas { url + "&readConcernLevel=linearizable" } else { url }
}

/// What makes a server durable that by itself is not.
fn durably(service: Service) -> &'static [&'static str] {
    match service {
        Service::Redis
        | Service::RedisTls
        | Service::RedisCluster
        | Service::RedisSentinel
        | Service::Valkey => &DURABLE_REDIS,
        _ => &[],
    }
}
