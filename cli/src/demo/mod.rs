//! The playground: one server in which anyone can try a session with a browser or with curl.
//!
//! Everything it does goes through the public API of the engine and of the tower adapter.

mod api;
mod args;
pub(crate) mod guard;
mod metrics;
mod node;
pub(crate) mod page;
pub(crate) mod serve;
mod settings;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use cloakroom::Metrics;
use cloakroom_tower::store::Store;
use cloakroom_tower::stores::MigratingStore;
use cloakroom_tower::{Config, SessionManager};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use crate::signals::Signals;
use crate::stores;
use crate::trouble::Trouble;
pub(crate) use args::{DemoArgs, address, host};
use guard::Guard;

/// Serves until a signal ends it.
pub(crate) async fn run(args: DemoArgs) -> Result<(), Trouble> {
    let Chosen { config, store, place } = match args.format.package() {
        Some(package) => node::open(&args, package).await?,
        None => open(&args).await?,
    };
    let metrics = metrics::install()?;
    let config = config.observer(Metrics::new());
    let engine = SessionManager::from_arc(store, config).map_err(|error| settings::contradiction(&error))?;
    let listener = TcpListener::bind(&args.listen).await.map_err(|error| cannot_listen(&args, &error))?;
    let address = listener.local_addr().map_err(|error| cannot_listen(&args, &error))?;
    let signals = Signals::catch()?;
    for line in advice(&args, &place, address) {
        let _ = writeln!(io::stderr(), "{line}");
    }
    // The parent process may have closed our output: no reason not to serve.
    let _ = writeln!(io::stdout(), "listening on http://{address}").and_then(|()| io::stdout().flush());
    let guard = Guard::new(address, &args.listen, &args.hosts);
    serve::until_a_signal(listener, router(&engine, metrics, guard), signals).await
}

/// What the command line asks for.
struct Chosen {
    config: Config,
    store: Arc<dyn Store>,
    /// Where sessions are kept.
    place: String,
}

/// Opens a store of our own format.
async fn open(args: &DemoArgs) -> Result<Chosen, Trouble> {
    let config = settings::config(args)?;
    let opened = stores::open(args.store.as_deref().unwrap_or(stores::DEFAULT)).await?;
    let store = both_stores(args, opened.store).await?;
    Ok(Chosen { config, store, place: opened.place })
}

/// During a migration, the store and the one beside it.
async fn both_stores(args: &DemoArgs, store: Arc<dyn Store>) -> Result<Arc<dyn Store>, Trouble> {
    Ok(match (&args.migrating_from, &args.migrating_to) {
        (Some(old), _) => {
            Arc::new(MigratingStore::write_through(stores::open_source(old).await?.store, store))
        }
        (None, Some(new)) => Arc::new(MigratingStore::read_through(store, stores::open(new).await?.store)),
        (None, None) => store,
    })
}

fn router(engine: &SessionManager, metrics: PrometheusHandle, guard: Guard) -> Router {
    Router::new()
        .merge(page::router(engine))
        .merge(api::router(engine))
        .merge(metrics::router(metrics))
        .fallback(api::not_found)
        .method_not_allowed_fallback(api::method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(Arc::new(guard), guard::check))
}

/// Prints warnings for the person who starts it.
fn advice(args: &DemoArgs, place: &str, address: SocketAddr) -> Vec<String> {
    let cookie = if args.trust_forwarded_proto {
        "cookies are Secure where X-Forwarded-Proto says https: let no request in but through a proxy that sets it"
    } else {
        "cookies are fit for plain http, for trying things out: they carry no Secure attribute"
    };
    let mut lines = vec![format!("sessions are kept {place}"), cookie.to_owned()];
    if !address.ip().is_loopback() {
        lines.push("everyone who can reach this address can see and end all sessions".to_owned());
        lines.push(
            "requests for other names than this address are refused; --host NAME allows one".to_owned(),
        );
    }
    lines
}

fn cannot_listen(args: &DemoArgs, error: &io::Error) -> Trouble {
    Trouble::failure(format!("cannot listen on {}", args.listen)).because(error)
}
