//! A WebSocket that keeps its session: it saves by itself, and learns that its user has logged out.
//!
//! Open <http://127.0.0.1:3000/> in a browser, in two tabs.
//!
//! ```console
//! $ cargo run -p cloakroom-examples --bin websocket
//! ```

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{Html, Response};
use axum::routing::{get, post};
use cloakroom_sqlite::SqliteStore;
use cloakroom_tower::{Config, ErrorKind, Session, SessionError, SessionLayer};

/// The session must exist before the socket opens: a cookie can only be set by a response.
async fn page(session: Session) -> Result<Html<&'static str>, SessionError> {
    session.insert("opened", true)?;
    Ok(Html(include_str!("websocket.html")))
}

async fn socket(upgrade: WebSocketUpgrade, session: Session) -> Response {
    upgrade.on_upgrade(move |socket| talk(socket, session))
}

async fn talk(mut socket: WebSocket, session: Session) {
    while let Some(Ok(Message::Text(_))) = socket.recv().await {
        let answer = match count(&session).await {
            Ok(count) => format!("message {count} of this session"),
            Err(error) if error.kind() == ErrorKind::Gone => "you have logged out".to_owned(),
            Err(_) => "the session could not be saved".to_owned(),
        };
        if socket.send(Message::Text(answer.into())).await.is_err() {
            return;
        }
    }
}

/// What other tabs counted meanwhile is merged by the save; `reload` shows it.
async fn count(session: &Session) -> Result<i64, cloakroom_tower::Error> {
    session.increment("messages", 1)?;
    session.save().await?;
    session.get_or("messages", 0)
}

async fn log_out(session: Session) {
    session.log_out();
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SqliteStore::open("sessions.db").await?;
    let app = Router::new()
        .route("/", get(page))
        .route("/socket", get(socket))
        .route("/log-out", post(log_out))
        .layer(SessionLayer::with_config(store, Config::plain_http())?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
