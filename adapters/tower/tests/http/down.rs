//! A store that never answers: whoever asks it is seen.

use cloakroom_tower::cloakroom::store::{
    Abilities, Created, Error, ErrorKind, Record, Result, Store, StoreKey, Stored, Touch, Updated, Version,
    async_trait,
};
use cloakroom_tower::{Config, Outage, SessionLayer, Timestamp};

#[derive(Debug)]
pub(crate) struct Down;

/// A layer on it that does not wait for it to come back.
pub(crate) fn layer() -> SessionLayer {
    let outage = Outage { wait: std::time::Duration::ZERO, ..Outage::default() };
    SessionLayer::configured(Down, Config::plain_http().cookie_name("session").outage(outage)).unwrap()
}

/// What it says, and nobody must hear.
pub(crate) const ITS_WORDS: &str = "10.0.0.7 refused the connection";

fn down<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unavailable, ITS_WORDS))
}

#[async_trait]
impl Store for Down {
    async fn load(&self, _: &StoreKey, _: Option<Touch>) -> Result<Option<Stored>> {
        down()
    }

    async fn create(&self, _: &StoreKey, _: &Record) -> Result<Created> {
        down()
    }

    async fn update(&self, _: &StoreKey, _: Version, _: &Record) -> Result<Updated> {
        down()
    }

    async fn touch(&self, _: &StoreKey, _: Timestamp) -> Result<bool> {
        down()
    }

    async fn delete(&self, _: &StoreKey) -> Result<Option<Stored>> {
        down()
    }

    fn abilities(&self) -> Abilities<'_> {
        Abilities::NONE
    }
}
