//! A store that never answers.

use cloakroom_actix::cloakroom::store::{
    Capabilities, CreateOutcome, Error, ErrorKind, Record, Result, Store, StoreKey, Touch, UpdateOutcome,
    Version, VersionedRecord, async_trait,
};
use cloakroom_actix::{Config, SessionMiddleware, StoreOutage, Timestamp};

#[derive(Debug)]
struct Down;

/// A middleware on it that does not wait for it to come back.
pub(crate) fn sessions() -> SessionMiddleware {
    sessions_with(|config| config)
}

/// The same with other options.
pub(crate) fn sessions_with(change: impl FnOnce(Config) -> Config) -> SessionMiddleware {
    let config = Config::plain_http()
        .cookie_name("session")
        .outage(StoreOutage::default().retry_for(std::time::Duration::ZERO));
    SessionMiddleware::with_config(Down, change(config)).unwrap()
}

/// What it says, and no client must read.
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
