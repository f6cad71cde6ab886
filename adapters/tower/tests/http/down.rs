//! A store that fails every call, so that a request that asks it shows an error.

use cloakroom_tower::cloakroom::store::{
    Capabilities, CreateOutcome, Error, ErrorKind, Record, Result, Store, StoreKey, Touch, UpdateOutcome,
    Version, VersionedRecord, async_trait,
};
use cloakroom_tower::{Config, SessionLayer, StoreOutage, Timestamp};

#[derive(Debug)]
pub(crate) struct Down;

/// A layer on it that does not wait for it to come back.
pub(crate) fn layer() -> SessionLayer {
    layer_with(|config| config)
}

/// The same with other options.
pub(crate) fn layer_with(change: impl FnOnce(Config) -> Config) -> SessionLayer {
    let outage = StoreOutage::default().retry_for(std::time::Duration::ZERO);
    let config = Config::plain_http().cookie_name("session").outage(outage);
    SessionLayer::with_config(Down, change(config)).unwrap()
}

/// What the store's error says, which must reach no client.
pub(crate) const ITS_WORDS: &str = "10.0.0.7 refused the connection";

fn down<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unavailable, ITS_WORDS))
}

#[async_trait]
impl Store for Down {
    async fn load(&self, _: &StoreKey, _: Option<Touch>) -> Result<Option<VersionedRecord>> {
        down()
    }

    async fn create(&self, _: &StoreKey, _: &Record) -> Result<CreateOutcome> {
        down()
    }

    async fn update(&self, _: &StoreKey, _: Version, _: &Record) -> Result<UpdateOutcome> {
        down()
    }

    async fn touch(&self, _: &StoreKey, _: Timestamp) -> Result<bool> {
        down()
    }

    async fn delete(&self, _: &StoreKey) -> Result<Option<VersionedRecord>> {
        down()
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE
    }
}
