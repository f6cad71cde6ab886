//! Sessions of older and newer versions of the program.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use cloakroom::stores::MemoryStore;
use cloakroom::{Config, ErrorKind, NewerSchema, PlainRequest, Session, SessionManager};

/// Programs of several versions, on one store.
struct Versions {
    store: Arc<MemoryStore>,
    cookie: PlainRequest,
}

impl Versions {
    /// Stores a session that a program without a version fills.
    async fn new(fill: impl FnOnce(&Session)) -> Self {
        let store = Arc::new(MemoryStore::new());
        let request = manager(&store, Config::default()).begin(&PlainRequest::default());
        fill(&request.load().await.unwrap());
        let cookie = request.commit().await.unwrap().set_cookie.unwrap();
        let cookie = PlainRequest::with_cookie(cookie.split(';').next().unwrap());
        Self { store, cookie }
    }

    fn program(&self, config: Config) -> SessionManager {
        manager(&self.store, config)
    }

    async fn session(&self, manager: &SessionManager) -> Session {
        manager.begin(&self.cookie).load().await.unwrap()
    }
}

fn manager(store: &Arc<MemoryStore>, config: Config) -> SessionManager {
    SessionManager::from_arc(store.clone(), config).unwrap()
}

/// Each upgrade counts itself in the session.
fn counting(version: u32) -> Config {
    Config::default().schema(version, move |from, session| {
        assert!(from < version);
        session.increment("upgrades", 1).map(drop)
    })
}

#[tokio::test]
async fn an_older_session_is_upgraded_before_a_handler_sees_it_and_stored_at_once() {
    let versions = Versions::new(|session| session.insert("cart", "coat,hat").unwrap()).await;
    let split = Config::default().schema(1, |from, session| {
        assert_eq!(from, 0);
        let cart = session.take::<String>("cart")?.unwrap_or_default();
        session.insert("cart", cart.split(',').collect::<Vec<_>>())
    });
    let (first, second) = (versions.program(split.clone()), versions.program(split));
    let session = versions.session(&first).await;
    assert_eq!(session.get::<Vec<String>>("cart").unwrap().unwrap(), ["coat", "hat"]);
    drop(session);
    let session = versions.session(&second).await;
    assert_eq!(session.get::<Vec<String>>("cart").unwrap().unwrap(), ["coat", "hat"]);
}

#[tokio::test]
async fn of_parallel_requests_one_upgrade_is_stored_and_no_change_is_lost() {
    let versions = Versions::new(|session| session.insert("hits", 0).unwrap()).await;
    let manager = versions.program(counting(3));
    // Every request meets the old session: each begins its upgrade before any is stored.
    let waiting = Arc::new(tokio::sync::Barrier::new(8));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (manager, cookie, waiting) = (manager.clone(), versions.cookie.clone(), waiting.clone());
        tasks.spawn(async move {
            waiting.wait().await;
            let request = manager.begin(&cookie);
            request.load().await.unwrap().increment("hits", 1).unwrap();
            let _ = request.commit().await.unwrap();
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let session = versions.session(&manager).await;
    assert_eq!((session.get("upgrades").unwrap(), session.get("hits").unwrap()), (Some(1), Some(8)));
}

#[tokio::test]
async fn an_upgrade_that_meets_another_one_is_given_up() {
    let versions = Versions::new(|session| session.insert("hits", 0).unwrap()).await;
    let other = versions.program(counting(1));
    let (cookie, runs) = (versions.cookie.clone(), Arc::new(AtomicU32::new(0)));
    let counted = runs.clone();
    // While this upgrade is under way, another process finishes its own.
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let receiver = Mutex::new(receiver);
    let slow = Config::default().schema(1, move |_, session| {
        counted.fetch_add(1, Ordering::Relaxed);
        let (other, cookie, done) = (other.clone(), cookie.clone(), sender.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { other.begin(&cookie).load().await.unwrap() });
            done.send(()).unwrap();
        });
        receiver.lock().unwrap().recv().unwrap();
        session.increment("upgrades", 1).map(drop)
    });
    let session = versions.session(&versions.program(slow)).await;
    assert_eq!(session.get("upgrades").unwrap(), Some(1));
    assert_eq!(runs.load(Ordering::Relaxed), 1, "the second look finds the session upgraded");
}

#[tokio::test]
async fn a_new_session_has_the_version_of_its_program_and_keeps_it() {
    let versions = Versions::new(|session| session.insert("a", 1).unwrap()).await;
    let manager = versions.program(counting(2));
    let request = manager.begin(&PlainRequest::default());
    let session = request.load().await.unwrap();
    session.insert("a", 1).unwrap();
    session.save().await.unwrap();
    session.log_in("alice").unwrap();
    session.clear();
    let cookie = request.commit().await.unwrap().set_cookie.unwrap();
    let cookie = PlainRequest::with_cookie(cookie.split(';').next().unwrap());
    let session = manager.begin(&cookie).load().await.unwrap();
    assert_eq!(session.user().as_deref(), Some("alice"));
    assert!(!session.contains("upgrades"));
}

#[tokio::test]
async fn an_older_program_refuses_a_newer_session_and_leaves_it_alone() {
    let versions = Versions::new(|session| session.insert("a", 1).unwrap()).await;
    let (old, new) = (versions.program(counting(1)), versions.program(counting(2)));
    let held = versions.session(&old).await;
    held.insert("a", 2).unwrap();
    let session = versions.session(&new).await;
    assert_eq!(session.get("upgrades").unwrap(), Some(2));
    let request = old.begin(&versions.cookie);
    assert_eq!(request.load().await.unwrap_err().kind(), ErrorKind::NewerSchema);
    assert_eq!(request.commit().await.unwrap().set_cookie, None, "the cookie stays");
    assert_eq!(held.save().await.unwrap_err().kind(), ErrorKind::NewerSchema);
    assert_eq!(held.reload().await.unwrap_err().kind(), ErrorKind::NewerSchema);
    assert_eq!(versions.session(&new).await.get("a").unwrap(), Some(1));
}

#[tokio::test]
async fn an_older_program_that_may_use_a_newer_session_never_sets_its_version_back() {
    let versions = Versions::new(|session| session.insert("a", 1).unwrap()).await;
    let old = versions.program(counting(1).newer_schema(NewerSchema::Use));
    let new = versions.program(counting(2));
    drop(versions.session(&new).await);
    let session = versions.session(&old).await;
    session.insert("a", 2).unwrap();
    session.save().await.unwrap();
    let session = versions.session(&new).await;
    assert_eq!((session.get("a").unwrap(), session.get("upgrades").unwrap()), (Some(2), Some(1)));
}

#[tokio::test]
async fn an_upgrade_that_fails_leaves_the_session_as_it_is() {
    let versions = Versions::new(|session| session.insert("a", 1).unwrap()).await;
    let failing = Config::default().schema(1, |_, session| {
        session.remove("a");
        session
            .get::<u32>("b")?
            .ok_or("there is no b")
            .map_err(Box::<dyn std::error::Error + Send + Sync>::from)?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    });
    let logging_in = Config::default().schema(1, |_, session| session.log_in("mallory"));
    for config in [failing, logging_in] {
        let error = versions.program(config).begin(&versions.cookie).load().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Hook);
    }
    let session = versions.session(&versions.program(Config::default())).await;
    assert_eq!((session.get("a").unwrap(), session.user()), (Some(1), None));
}

#[tokio::test]
async fn a_peek_shows_the_upgraded_values_and_stores_nothing() {
    let versions = Versions::new(|session| session.insert("a", 1).unwrap()).await;
    let view = versions.program(counting(1)).begin(&versions.cookie).peek().await.unwrap().unwrap();
    assert_eq!(view.get("upgrades").unwrap(), Some(1));
    assert!(!versions.session(&versions.program(Config::default())).await.contains("upgrades"));
}

#[tokio::test]
async fn a_flash_value_outlives_the_upgrade_before_its_request() {
    let versions = Versions::new(|session| session.flash("notice", "saved").unwrap()).await;
    let manager = versions.program(counting(1));
    let request = manager.begin(&versions.cookie);
    assert_eq!(request.load().await.unwrap().get::<String>("notice").unwrap().as_deref(), Some("saved"));
    let _ = request.commit().await.unwrap();
    assert!(!versions.session(&manager).await.contains("notice"));
}
