//! A WebSocket that uses its session, and ends with it.

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::{get, post};
use cloakroom_tower::{Session, SessionError, SessionLayer};
use std::time::Duration;

/// The page makes the session, because a socket cannot set a cookie.
async fn page(session: Session) -> Result<&'static str, SessionError> {
    session.insert("opened", true)?;
    Ok("a page that opens the socket")
}

async fn chat(upgrade: WebSocketUpgrade, session: Session) -> Response {
    upgrade.on_upgrade(|socket| talk(socket, session))
}

async fn talk(mut socket: WebSocket, session: Session) {
    let mut minute = tokio::time::interval(Duration::from_secs(60));
    loop {
        tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(_))) => drop(session.increment("messages", 1)),
                Some(Ok(_)) => {}
                _ => return,
            },
            _ = minute.tick() => session.touch(), // a quiet socket keeps its session alive
        }
        if session.save().await.is_err() {
            return; // logged out, or the store is down: the socket closes
        }
    }
}

async fn log_out(session: Session) {
    session.log_out();
}

fn app(layer: SessionLayer) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/chat", get(chat))
        .route("/log-out", post(log_out))
        .layer(layer)
}

// The test:

use crate::browser::Browser;
use cloakroom_tower::{Config, stores::MemoryStore};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message as Sent;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

#[tokio::test]
async fn a_socket_ends_with_its_session() {
    let app = app(SessionLayer::with_config(MemoryStore::new(), Config::plain_http()).unwrap());
    let mut browser = Browser::new(app.clone());
    browser.get("/").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let mut request = format!("ws://{address}/chat").into_client_request().unwrap();
    request.headers_mut().insert("cookie", browser.cookie().unwrap().parse().unwrap());
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    socket.send(Sent::text("hello")).await.unwrap();
    browser.post("/log-out", "").await;
    socket.send(Sent::text("are you there?")).await.unwrap();
    assert!(!matches!(socket.next().await, Some(Ok(Sent::Text(_)))), "it is closed");
}
