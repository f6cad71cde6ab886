//! The server that is driven, if it is started for that.

use std::sync::{Arc, Mutex, PoisonError};

use cloakroom_services::{DURABLE_REDIS, Instance, Service};

use super::Place;
use crate::Result;

#[derive(Clone, Debug)]
pub(super) struct Server {
    url: String,
    instance: Option<Arc<Mutex<Instance>>>,
}

impl Server {
    pub(super) fn start(place: &Place) -> Result<Self> {
        Ok(match place {
            Place::Url(url) => Self { url: url.clone(), instance: None },
            Place::Service(service) => {
                let instance = Instance::start_with(*service, durable(*service))?;
                Self { url: instance.url(), instance: Some(Arc::new(Mutex::new(instance))) }
            }
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Kills it, waits as a supervisor would, and starts it again with what is on its disk.
    pub(super) async fn kill_and_restart(&self) -> Result {
        let instance = self.instance.clone().ok_or("only a server that was started here can be killed")?;
        tokio::task::spawn_blocking(move || {
            let mut instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
            instance.kill()?;
            std::thread::sleep(std::time::Duration::from_millis(100));
            instance.restart()
        })
        .await?
    }
}

/// What makes a server durable that by itself is not.
fn durable(service: Service) -> &'static [&'static str] {
    match service {
        Service::Redis
        | Service::RedisTls
        | Service::RedisCluster
        | Service::RedisSentinel
        | Service::Valkey => &DURABLE_REDIS,
        _ => &[],
    }
}
