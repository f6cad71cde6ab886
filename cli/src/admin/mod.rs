//! A page for operators: who is online, on which devices, endings as they happen, and a button that ends a session.

mod actions;
mod endings;
mod operator;
mod password;
mod view;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::uri::Authority;
use axum::routing::{get, post};
use clap::Args;
use cloakroom_tower::stores::MemoryStore;
use cloakroom_tower::{Config, Secure, SessionLayer, SessionManager};
use tokio::net::TcpListener;

use crate::demo::guard::{self, Guard};
use crate::demo::page::Failure;
use crate::demo::{address, host, serve};
use crate::operate::{Sessions, StoreArgs, open};
use crate::signals::Signals;
use crate::trouble::Trouble;
use crate::{span, stores};
use endings::Endings;
use password::Password;

/// The options of `cloakroom admin`. Has no `Debug`: it leads to secrets.
#[derive(Args)]
#[command(after_help = stores::URL_HELP)]
pub(crate) struct AdminArgs {
    #[command(flatten)]
    store: StoreArgs,

    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3001", value_parser = address)]
    listen: String,

    /// Another name, of a proxy or a resolver, under which this server is reached; may be repeated
    #[arg(long = "host", value_name = "NAME[:PORT]", value_parser = host)]
    hosts: Vec<Authority>,

    /// Reads the password from a file; without it, from `CLOAKROOM_ADMIN_PASSWORD`; without either, makes one and prints it
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Serves plain http on an address that other machines reach: they can read the password on its way
    #[arg(long)]
    allow_plain_http: bool,

    /// Believes X-Forwarded-Proto, and serves pages that came over https only; for a proxy that sets it
    #[arg(long, conflicts_with = "allow_plain_http")]
    trust_forwarded_proto: bool,

    /// How long between two looks for sessions that ended
    #[arg(long, value_name = "SPAN", default_value = "5s", value_parser = span::parse)]
    every: Duration,
}

/// How many sessions the page has of its own, at most.
const MOST_VISITS: u64 = 10_000;

/// What all requests share.
struct Admin {
    sessions: Sessions,
    endings: Endings,
    password: Password,
    pages: view::Cursors,
}

/// Serves until a signal ends it.
pub(crate) async fn run(args: AdminArgs) -> Result<(), Trouble> {
    let password = Password::find(args.password_file.as_deref())?;
    let sessions = open(&args.store).await?;
    sessions.can_scan("show who is online")?;
    let failed =
        |error: io::Error| Trouble::failure(format!("cannot listen on {}", args.listen)).because(&error);
    let listener = TcpListener::bind(&args.listen).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    check_address(&args, bound)?;
    let signals = Signals::catch()?;
    if let Some(made) = password.made() {
        let _ = writeln!(io::stderr(), "the password is {made}");
    }
    let admin = Admin { sessions, endings: Endings::default(), password, pages: view::Cursors::default() };
    let admin = Arc::new(admin);
    let _ = writeln!(io::stdout(), "listening on http://{bound}").and_then(|()| io::stdout().flush());
    let looking = tokio::spawn(endings::look_forever(admin.clone(), args.every));
    let guard = Guard::new(bound, &args.listen, &args.hosts);
    let served = serve::until_a_signal(listener, router(admin, &args, guard)?, signals).await;
    looking.abort();
    served
}

/// Refuses an address that other machines reach, unless the operator says how the password is kept from them.
fn check_address(args: &AdminArgs, bound: SocketAddr) -> Result<(), Trouble> {
    if bound.ip().is_loopback() || args.allow_plain_http || args.trust_forwarded_proto {
        return Ok(());
    }
    Err(Trouble::usage(format!(
        "{bound} is reached by other machines, and plain http shows them the password: listen on 127.0.0.1 behind a proxy with \
         TLS, or say --trust-forwarded-proto or --allow-plain-http"
    )))
}

fn router(admin: Arc<Admin>, args: &AdminArgs, guard: Guard) -> Result<Router, Trouble> {
    let secure = if args.trust_forwarded_proto { Secure::Always } else { Secure::Never };
    let config = Config::default()
        .cookie_name("cloakroom-admin")
        .secure(secure)
        .trust_forwarded_proto(args.trust_forwarded_proto)
        .idle_timeout(Duration::from_secs(15 * 60))
        .absolute_timeout(Duration::from_secs(8 * 60 * 60));
    // Each visit of the log-in begins a session: no number of them may fill the memory.
    let store = MemoryStore::builder().max_records(MOST_VISITS).build();
    let own = SessionManager::new(store, config)
        .map_err(|error| Trouble::usage("the admin's own sessions").because(&error))?;
    let sessions = SessionLayer::from_manager(own).on_error(|error, _| Failure::of(error).into_text());
    Ok(Router::new()
        .route("/", get(view::online))
        .route("/endings", get(view::ended))
        .route("/log-in", get(view::log_in).post(actions::log_in))
        .route("/log-out", post(actions::log_out))
        .route("/revoke", post(actions::revoke))
        .route("/revoke-all", post(actions::revoke_all))
        .layer(sessions)
        .layer(axum::middleware::from_fn_with_state(Arc::new(guard), guard::check))
        .with_state(admin))
}
