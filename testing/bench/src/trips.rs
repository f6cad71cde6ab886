//! Store trips of a request, by a store that counts.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use cloakroom_store::{
    Capabilities, CreateOutcome, ManualClock, Record, Result, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version, VersionedRecord,
};
use cloakroom_tower::cloakroom::{Config, PlainRequest, Session, SessionManager, stores::MemoryStore};
use std::time::Duration;

/// Counts every call.
#[derive(Debug)]
struct Counting {
    inner: MemoryStore,
    trips: Arc<AtomicU32>,
}

impl Counting {
    fn count(&self) -> &MemoryStore {
        self.trips.fetch_add(1, Ordering::Relaxed);
        &self.inner
    }
}

#[async_trait]
impl Store for Counting {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.count().load(key, touch).await
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.count().create(key, record).await
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.count().update(key, expected, record).await
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.count().touch(key, expires_at).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.count().delete(key).await
    }
    fn capabilities(&self) -> Capabilities<'_> {
        let mut capabilities = self.inner.capabilities();
        // Answers at once would pass by this store.
        capabilities.immediate = None;
        capabilities
    }
}

/// What a request does, the most trips it may take, and the trips it took.
pub(crate) type Trips = (&'static str, u32, u32);

pub(crate) fn all() -> Result<Vec<Trips>, Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let clock = ManualClock::at(Timestamp::now());
        let trips = Arc::new(AtomicU32::new(0));
        let inner = MemoryStore::builder().clock(clock.clone()).build();
        let store = Counting { inner, trips: trips.clone() };
        let engine = SessionManager::new(store, Config::plain_http().clock(clock.clone()))?;
        let mut bench = Bench { engine, trips, cookie: String::new() };
        let first = bench.request(|session| session.insert("n", 1)).await?;
        let read = bench.request(|session| session.get::<u32>("n").map(drop)).await?;
        let write = bench.request(|session| session.increment("n", 1).map(drop)).await?;
        clock.advance(Duration::from_secs(10 * 60));
        let touch = bench.request(|session| session.get::<u32>("n").map(drop)).await?;
        let log_in = bench.request(|session| session.log_in("alice")).await?;
        let log_out = bench
            .request(|session| {
                session.log_out();
                Ok(())
            })
            .await?;
        let untouched = bench.untouched().await?;
        Ok(vec![
            ("untouched", 0, untouched),
            ("read", 1, read),
            ("write", 2, write),
            ("first write", 1, first),
            ("read, touch due", 1, touch),
            ("log-in after a read", 3, log_in),
            ("log-out", 2, log_out),
        ])
    })
}

struct Bench {
    engine: SessionManager,
    trips: Arc<AtomicU32>,
    cookie: String,
}

impl Bench {
    async fn request(
        &mut self,
        handler: impl FnOnce(&Session) -> cloakroom_tower::cloakroom::Result<()>,
    ) -> Result<u32, Box<dyn Error>> {
        self.trips.store(0, Ordering::Relaxed);
        let pending = self.engine.begin(&PlainRequest::with_cookie(self.cookie.clone()));
        handler(&pending.load().await?)?;
        if let Some(cookie) = pending.commit().await?.set_cookie {
            cookie.split(';').next().unwrap_or_default().clone_into(&mut self.cookie);
        }
        Ok(self.trips.load(Ordering::Relaxed))
    }

    async fn untouched(&mut self) -> Result<u32, Box<dyn Error>> {
        self.trips.store(0, Ordering::Relaxed);
        let _ = self.engine.begin(&PlainRequest::with_cookie(self.cookie.clone())).commit().await?;
        Ok(self.trips.load(Ordering::Relaxed))
    }
}
