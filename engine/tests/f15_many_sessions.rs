//! A user with very many, very large sessions costs the store no more at once than a page of heads.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use cloakroom::store::{
    Capabilities, CreateOutcome, Cursor, HeadPage, OwnerKey, Owners, Record, RecordHead, Result, Store,
    StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};
use cloakroom::stores::{CachedStore, Durability, FileStore, MemoryStore, MigratingStore};
use cloakroom::{Config, PlainRequest, SessionManager};
use cloakroom_conformance::LongList;

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
    fn hand_over(&self, stored: Option<&VersionedRecord>) {
        self.1.loaded.fetch_add(stored.map_or(0, |stored| stored.record.payload.len()), Relaxed);
    }
}

#[async_trait]
impl Store for Counted {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        let found = self.0.load(key, touch).await?;
        self.hand_over(found.as_ref());
        Ok(found)
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.0.create(key, record).await
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        let updated = self.0.update(key, expected, record).await?;
        self.hand_over(if let UpdateOutcome::Conflict(stored) = &updated { Some(stored) } else { None });
        Ok(updated)
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.0.touch(key, expires_at).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let removed = self.0.delete(key).await?;
        self.hand_over(removed.as_ref());
        Ok(removed)
    }
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE.with_owners(self)
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

async fn log_in(engine: &SessionManager, coat: &str) {
    let pending = engine.begin(&PlainRequest::default());
    let session = pending.load().await.unwrap();
    session.insert("coat", coat).unwrap();
    session.log_in("alice").unwrap();
    let _outcome = pending.commit().await.unwrap();
}

/// The most on a page behind the first one.
const LARGEST_PAGE: usize = 250;

/// No page was larger than that, and nothing else handed payloads over.
fn is_bounded(counts: &Counts, most_pages: usize) {
    assert!(counts.heads.load(Relaxed) <= LARGEST_PAGE, "{counts:?}");
    assert!(counts.bytes.load(Relaxed) <= LARGEST_PAGE * RecordHead::PAYLOAD_BYTES, "{counts:?}");
    assert!((1..=most_pages).contains(&counts.pages.swap(0, Relaxed)), "{counts:?}");
    assert_eq!(counts.loaded.load(Relaxed), 0, "{counts:?}");
}

#[tokio::test]
async fn f15_a_user_with_1500_large_sessions_costs_a_page_of_heads_at_a_time() {
    let counts = Arc::new(Counts::default());
    let store = Counted(Arc::new(MemoryStore::new()), Arc::clone(&counts));
    let config = || Config::plain_http().sweep_interval(None).max_sessions_per_user(None);
    let engine = SessionManager::new(store.clone(), config()).unwrap();
    let coat = "c".repeat(SIZE);
    for _ in 0..LOG_INS {
        log_in(&engine, &coat).await;
    }

    assert_eq!(engine.sessions().list("alice").await.unwrap().len(), LOG_INS);
    is_bounded(&counts, LOG_INS / MOST_HEADS + 1);
    assert_eq!(engine.sessions().count("alice").await.unwrap(), LOG_INS);
    is_bounded(&counts, LOG_INS / MOST_HEADS + 1);

    // A cap that comes later ends all but the newest: it looks at all twice, before and after.
    let capped = SessionManager::new(store.clone(), config().max_sessions_per_user(10)).unwrap();
    log_in(&capped, &coat).await;
    is_bounded(&counts, 2 * (LOG_INS / MOST_HEADS + 1));
    assert_eq!(capped.sessions().count("alice").await.unwrap(), 10);

    assert_eq!(engine.sessions().revoke_all("alice").await.unwrap(), 10);
    is_bounded(&counts, 2);
}

/// How many bytes this process has read so far.
fn read() -> usize {
    let counts = std::fs::read_to_string("/proc/self/io").unwrap();
    counts.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

#[tokio::test]
async fn f15_a_page_of_1200_large_files_reads_their_beginnings() {
    let folder = tempfile::tempdir().unwrap();
    let builder = FileStore::builder(folder.path().join("sessions")).durability(Durability::Process);
    let store = builder.build().await.unwrap();
    let cost = LongList::measure(&store, &store, 100_000, read).await.unwrap();
    cost.assert_bounded(300_000, usize::MAX);
}

#[tokio::test]
async fn f15_a_list_before_two_stores_is_read_in_pages() {
    let memory = || Arc::new(MemoryStore::new());
    let tiered = CachedStore::builder(memory(), memory()).build();
    let moving = MigratingStore::write_through(memory(), memory());
    for store in [&tiered as &dyn Store, &moving] {
        LongList::measure(store, store, 20_000, || 0).await.unwrap().assert_bounded(0, 0);
    }
}

/// Before the second page of the first list is asked for, a session of it moves to a key of the first page.
#[derive(Clone, Debug)]
struct Renewing {
    memory: Arc<MemoryStore>,
    moved: Arc<Mutex<Option<(SessionManager, String)>>>,
}

impl Renewing {
    /// The keys of alice's records after a place.
    async fn keys(&self, after: Option<&Cursor>) -> Vec<StoreKey> {
        let alice = OwnerKey::new("alice").unwrap();
        let page = self.memory.list(&alice, after, HeadPage::MOST).await.unwrap();
        page.heads.into_iter().map(|head| head.key).collect()
    }

    /// Renews the session's id until its record comes after the place, or until it does not.
    async fn renew(&self, engine: &SessionManager, cookie: &mut String, after: &Cursor, is_after: bool) {
        loop {
            let before = self.keys(None).await;
            let pending = engine.begin(&PlainRequest::with_cookie(cookie.as_str()));
            pending.load().await.unwrap().cycle_id();
            let set = pending.commit().await.unwrap().set_cookie.unwrap();
            set.split(';').next().unwrap().clone_into(cookie);
            let rest = self.keys(Some(after)).await;
            if is_after == rest.iter().any(|key| !before.contains(key)) {
                return;
            }
        }
    }
}

#[async_trait]
impl Store for Renewing {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.memory.load(key, touch).await
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        self.memory.create(key, record).await
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.memory.update(key, expected, record).await
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.memory.touch(key, expires_at).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.memory.delete(key).await
    }
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE.with_owners(self)
    }
}

#[async_trait]
impl Owners for Renewing {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        let renewing = if after.is_some() { self.moved.lock().unwrap().take() } else { None };
        if let (Some((engine, mut cookie)), Some(after)) = (renewing, after) {
            self.renew(&engine, &mut cookie, after, false).await;
        }
        self.memory.list(owner, after, limit).await
    }
    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        self.memory.revoke(owner, at).await
    }
}

#[tokio::test]
async fn f15_a_session_that_is_renewed_from_page_to_page_is_ended_all_the_same() {
    let store = Renewing { memory: Arc::new(MemoryStore::new()), moved: Arc::default() };
    let config = Config::plain_http().sweep_interval(None).max_sessions_per_user(None);
    let engine = SessionManager::new(store.clone(), config).unwrap();
    for _ in 0..2 * MOST_HEADS + 50 {
        log_in(&engine, "coat").await;
    }
    let pending = engine.begin(&PlainRequest::default());
    let session = pending.load().await.unwrap();
    session.log_in("alice").unwrap();
    let cookie = pending.commit().await.unwrap().set_cookie.unwrap();
    let mut cookie = cookie.split(';').next().unwrap().to_owned();
    let middle = store
        .memory
        .list(&OwnerKey::new("alice").unwrap(), None, MOST_HEADS + 9)
        .await
        .unwrap()
        .next
        .unwrap();
    store.renew(&engine, &mut cookie, &middle, true).await;
    let handle = engine.begin(&PlainRequest::with_cookie(&cookie)).load().await.unwrap().public_id().unwrap();
    *store.moved.lock().unwrap() = Some((engine.clone(), cookie));

    assert!(engine.sessions().revoke("alice", &handle).await.unwrap());
    assert!(store.moved.lock().unwrap().is_none(), "it was renewed meanwhile");
    assert_eq!(engine.sessions().count("alice").await.unwrap(), 2 * MOST_HEADS + 50);
}
