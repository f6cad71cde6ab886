//! Serves, and ends cleanly.

use std::future::IntoFuture;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::signals::Signals;
use crate::trouble::Trouble;

/// How long requests under way may take after a signal: longer than a script sleeps, shorter than most supervisors wait.
const PATIENCE: Duration = Duration::from_secs(15);

/// Serves HTTP/1.1 and HTTP/2 until a signal comes, then lets requests under way end. A second signal ends it at once.
pub(crate) async fn until_a_signal(
    listener: TcpListener,
    app: Router,
    mut signals: Signals,
) -> Result<(), Trouble> {
    let stop = Arc::new(Notify::new());
    let stopped = stop.clone();
    // Answers are one write each: to wait for more would only make them late.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    let serving = axum::serve(listener, app)
        .with_graceful_shutdown(async move { stopped.notified().await })
        .into_future();
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended.map_err(|error| cannot_serve(&error)),
        () = signals.next() => stop.notify_one(),
    }
    tokio::select! {
        ended = serving => ended.map_err(|error| cannot_serve(&error)),
        () = signals.next() => Ok(()),
        () = tokio::time::sleep(PATIENCE) => Ok(()),
    }
}

fn cannot_serve(error: &io::Error) -> Trouble {
    Trouble::failure("cannot serve any more").because(error)
}
