//! What an outage of the store costs.

use cloakroom_tower::{Config, OutageFallback, StoreOutage};
use std::time::Duration;

fn config() -> Config {
    let outage = StoreOutage::default()
        .retry_for(Duration::from_millis(250)) // after an error
        .fallback(OutageFallback::AnonymousReadOnly); // then serve pages as to a guest
    Config::default()
        .deadline(Duration::from_secs(2)) // the longest that a request waits for its store, all trips together
        .outage(outage)
}

// The test:

use crate::browser::Browser;
use axum::{Router, routing::get};
use cloakroom_tower::store::{
    Capabilities, CreateOutcome, Error, ErrorKind, Record, Result, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version, VersionedRecord, async_trait,
};
use cloakroom_tower::{Session, SessionError, SessionLayer, stores::MemoryStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A store that can be down.
#[derive(Clone, Debug, Default)]
struct Frail(Arc<MemoryStore>, Arc<AtomicBool>);

impl Frail {
    fn up(&self) -> Result<&MemoryStore> {
        let is_down = self.1.load(Ordering::Relaxed);
        if is_down { Err(Error::new(ErrorKind::Unavailable, "down")) } else { Ok(&self.0) }
    }
}

#[async_trait]
impl Store for Frail {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.up()?.load(key, touch).await
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.up()?.create(key, record).await
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.up()?.update(key, expected, record).await
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.up()?.touch(key, expires_at).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.up()?.delete(key).await
    }
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE
    }
}

async fn greet(session: Session) -> std::result::Result<String, SessionError> {
    Ok(format!("hello {}", session.get_or("name", "guest".to_owned())?))
}

async fn learn_the_name(session: Session) -> std::result::Result<(), SessionError> {
    Ok(session.insert("name", "alice")?)
}

#[tokio::test(start_paused = true)]
async fn pages_are_served_as_to_a_guest_while_the_store_is_down() {
    let store = Frail::default();
    let layer = SessionLayer::with_config(store.clone(), config()).unwrap();
    let app = Router::new().route("/", get(greet)).route("/name", get(learn_the_name)).layer(layer);
    let mut browser = Browser::new(app);
    browser.get("/name").await;
    assert_eq!(browser.get("/").await.text, "hello alice");
    store.1.store(true, Ordering::Relaxed);
    assert_eq!(browser.get("/").await.text, "hello guest");
    store.1.store(false, Ordering::Relaxed);
    assert_eq!(browser.get("/").await.text, "hello alice", "the session is still there");
}
