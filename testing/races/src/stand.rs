//! The test server, its store and its clock.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{any, get};
use cloakroom::{Config, ManualClock, SessionInfo, SessionManager, Timestamp};
use cloakroom_tower::{Session, SessionError, SessionLayer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::actix;
use crate::script::{Scripts, run, watch};
use crate::way::Way;
use crate::{Browser, Events, Gated, Kind, Opened};

/// A server on a port of its own, on a store of its own, going by a clock that is moved by hand.
#[derive(Debug)]
pub struct Stand {
    /// The clock of engine and store.
    pub clock: ManualClock,
    /// The store.
    pub store: Gated,
    /// The engine that the server uses.
    pub engine: SessionManager,
    /// What the engine told.
    pub events: Events,
    server: Server,
    opened: Arc<Opened>,
}

#[derive(Debug)]
struct Server {
    address: SocketAddr,
    scripts: Scripts,
    router: Router,
    #[expect(dead_code, reason = "it is dropped with this")]
    running: Running,
}

impl Stand {
    /// Builds a stand with the defaults.
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, |config| config).await
    }

    /// Builds a stand whose configuration `change` has changed.
    pub async fn with(kind: Kind, change: impl FnOnce(Config) -> Config) -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
        let opened = Arc::new(kind.open(&clock).await);
        let store = Gated::new(opened.store.clone());
        Self::on(clock, store, opened, change).await
    }

    /// Starts another server, with an engine of its own, on the same records and clock.
    pub async fn beside(&self, change: impl FnOnce(Config) -> Config) -> Self {
        let store = Gated::new(self.opened.store.clone());
        Self::on(self.clock.clone(), store, self.opened.clone(), change).await
    }

    async fn on(
        clock: ManualClock,
        store: Gated,
        opened: Arc<Opened>,
        change: impl FnOnce(Config) -> Config,
    ) -> Self {
        let events = Events::default();
        let config = opened.kind.config().clock(clock.clone()).observer(events.clone()).sweep_interval(None);
        let limit = opened.kind.commit_timeout();
        let config = config.commit_timeout(limit).deadline(limit);
        let engine =
            SessionManager::new(store.clone(), change(config)).expect("the test's configuration is sound");
        let server = Server::start(engine.clone(), opened.kind).await;
        Self { clock, store, engine, events, server, opened }
    }

    /// Makes a browser without a cookie.
    pub fn browser(&self) -> Browser {
        let name = self.engine.cookie_name().to_owned();
        let way = Way::to(self.server.address, !self.opened.kind.is_express());
        Browser::new(way, self.server.scripts.clone(), name)
    }

    /// Makes a browser whose session holds `coat = "red"`.
    pub async fn guest(&self) -> Browser {
        let mut browser = self.browser();
        let put = async |session: Session| Ok(session.insert("coat", "red")?);
        browser.run(put).await.ok();
        browser
    }

    /// Makes a browser in which `user` has logged in, out of a session that holds `coat = "red"`.
    pub async fn user(&self, user: &'static str) -> Browser {
        let mut browser = self.guest().await;
        browser.run(async move |session: Session| Ok(session.log_in(user)?)).await.ok();
        browser
    }

    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Returns the application, for tests that make more requests than there are ports.
    pub fn router(&self) -> Router {
        self.server.router.clone()
    }

    /// Returns the folder of the store, if it has one.
    pub fn folder(&self) -> &Path {
        self.opened.folder.path()
    }

    /// Lets time pass.
    pub fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Lists the sessions of a user.
    pub async fn sessions_of(&self, user: &str) -> Vec<SessionInfo> {
        self.engine.sessions().list(user).await.expect("a store that is up lists")
    }

    /// Counts the live records, redirects included.
    pub async fn records(&self) -> usize {
        self.store.records().await.len()
    }

    /// Counts the live records that have an owner.
    pub async fn owned_records(&self) -> usize {
        self.store.records().await.iter().filter(|entry| entry.stored.record.owner.is_some()).count()
    }
}

impl Server {
    async fn start(manager: SessionManager, kind: Kind) -> Self {
        let scripts = Scripts::default();
        let router = router(SessionLayer::from_manager(manager.clone()), &scripts);
        let (address, running) = match kind {
            Kind::Actix => actix::serve(manager, scripts.clone()),
            _ => serve(router.clone()).await,
        };
        Self { address, scripts, router, running }
    }
}

/// A server that runs; it ends when this is dropped.
pub(crate) enum Running {
    Axum(JoinHandle<()>),
    Actix(actix_web::dev::ServerHandle),
}

async fn serve(router: Router) -> (SocketAddr, Running) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("a bound listener has an address");
    let task = tokio::spawn(async move {
        let _ended = axum::serve(listener, router).await;
    });
    (address, Running::Axum(task))
}

fn router(layer: SessionLayer, scripts: &Scripts) -> Router {
    Router::new()
        .route("/renewed", any(run).layer(axum::middleware::from_fn(renew_first)))
        .route("/", any(run))
        .route("/visit", any(visit))
        .route("/look", any(look))
        .layer(layer)
        .route("/still", get(async || "still"))
        .layer(axum::middleware::from_fn_with_state(scripts.clone(), watch))
        .with_state(scripts.clone())
}

/// Counts visits: what a route without a script does.
async fn visit(session: Session) -> Result<String, SessionError> {
    Ok(session.increment("visits", 1)?.to_string())
}

/// Looks at the session, says whether there is one, and changes nothing.
async fn look(session: Session) -> &'static str {
    if session.is_new() { "new" } else { "known" }
}

/// Renews the id before the handler sees the request, as a middleware of an application may.
async fn renew_first(session: Session, request: Request, next: Next) -> Response {
    session.cycle_id();
    next.run(request).await
}

impl Drop for Running {
    fn drop(&mut self) {
        match self {
            Self::Axum(task) => task.abort(),
            // The command is sent by the call; what it returns waits for the workers.
            Self::Actix(handle) => drop(handle.stop(false)),
        }
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Axum(_) => "Axum(..)",
            Self::Actix(_) => "Actix(..)",
        })
    }
}
