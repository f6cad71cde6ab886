//! A user with very many, very large sessions costs the store no more at once than a page of heads.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use cloakroom::store::{
    Abilities, Created, Cursor, HeadPage, OwnerKey, Owners, Record, RecordHead, Result, Store, StoreKey,
    Stored, Timestamp, Touch, Updated, Version, async_trait,
};
use cloakroom::stores::MemoryStore;
use cloakroom::{Config, Engine, Plain};

const LOG_INS: usize = 1_500;
const SIZE: usize = 20_000;
/// What a page may cost: a hundred heads.
const MOST_HEADS: usize = 100;

/// What the store was asked for, and what it handed over.
#[derive(Debug, Default)]
struct Counts {
    pages: AtomicUsize,
    /// The most heads, and the most bytes of payloads, of one page.
    heads: AtomicUsize,
    bytes: AtomicUsize,
    /// The bytes of payloads that all other calls handed over.
    loaded: AtomicUsize,
}

#[derive(Clone, Debug)]
struct Counted(Arc<MemoryStore>, Arc<Counts>);

impl Counted {
    fn hand_over(&self, stored: Option<&Stored>) {
        self.1.loaded.fetch_add(stored.map_or(0, |stored| stored.record.payload.len()), Relaxed);
    }
}

#[async_trait]
impl Store for Counted {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<Stored>> {
        let found = self.0.load(key, touch).await?;
        self.hand_over(found.as_ref());
        Ok(found)
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created> {
        self.0.create(key, record).await
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<Updated> {
        let updated = self.0.update(key, expected, record).await?;
        self.hand_over(if let Updated::Conflict(stored) = &updated { Some(stored) } else { None });
        Ok(updated)
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.0.touch(key, expires_at).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<Stored>> {
        let removed = self.0.delete(key).await?;
        self.hand_over(removed.as_ref());
        Ok(removed)
    }
    fn abilities(&self) -> Abilities<'_> {
        Abilities::NONE.with_owners(self)
    }
}

#[async_trait]
impl Owners for Counted {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        let page = self.0.list(owner, after, limit).await?;
        let bytes = page.heads.iter().map(|head| head.payload_head.len()).sum();
        self.1.pages.fetch_add(1, Relaxed);
        self.1.heads.fetch_max(page.heads.len(), Relaxed);
        self.1.bytes.fetch_max(bytes, Relaxed);
        Ok(page)
    }
    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        self.0.revoke(owner, at).await
    }
}

async fn log_in(engine: &Engine, coat: &str) {
    let pending = engine.begin(&Plain::default());
    let session = pending.load().await.unwrap();
    session.insert("coat", coat).unwrap();
    session.log_in("alice").unwrap();
    let _outcome = pending.commit().await.unwrap();
}

/// No page was larger than a hundred heads, and nothing else handed payloads over.
fn is_bounded(counts: &Counts, most_pages: usize) {
    assert!(counts.heads.load(Relaxed) <= MOST_HEADS, "{counts:?}");
    assert!(counts.bytes.load(Relaxed) <= MOST_HEADS * RecordHead::PAYLOAD_BYTES, "{counts:?}");
    assert!((1..=most_pages).contains(&counts.pages.swap(0, Relaxed)), "{counts:?}");
    assert_eq!(counts.loaded.load(Relaxed), 0, "{counts:?}");
}

#[tokio::test]
async fn f15_a_user_with_1500_large_sessions_costs_a_page_of_heads_at_a_time() {
    let counts = Arc::new(Counts::default());
    let store = Counted(Arc::new(MemoryStore::new()), Arc::clone(&counts));
    let config = || Config::plain_http().sweep_every(None).sessions_per_user(None);
    let engine = Engine::new(store.clone(), config()).unwrap();
    let coat = "c".repeat(SIZE);
    for _ in 0..LOG_INS {
        log_in(&engine, &coat).await;
    }

    assert_eq!(engine.sessions().list("alice").await.unwrap().len(), LOG_INS);
    is_bounded(&counts, LOG_INS / MOST_HEADS + 1);
    assert_eq!(engine.sessions().count("alice").await.unwrap(), LOG_INS);
    is_bounded(&counts, LOG_INS / MOST_HEADS + 1);

    // A cap that comes later ends all but the newest: it looks at all twice, before and after.
    let capped = Engine::new(store.clone(), config().sessions_per_user(10)).unwrap();
    log_in(&capped, &coat).await;
    is_bounded(&counts, 2 * (LOG_INS / MOST_HEADS + 1));
    assert_eq!(capped.sessions().count("alice").await.unwrap(), 10);

    assert_eq!(engine.sessions().revoke_all("alice").await.unwrap(), 10);
    is_bounded(&counts, 2);
}
