//! A socket that closes when its session ends, wherever that happens.

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use cloakroom_tower::Session;

async fn news(upgrade: WebSocketUpgrade, session: Session) -> Response {
    upgrade.on_upgrade(|socket| send_news(socket, session))
}

async fn send_news(mut socket: WebSocket, session: Session) {
    let ended = session.ended();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            _reason = &mut ended => {
                let frame = CloseFrame { code: 4401, reason: "the session has ended".into() };
                let _ = socket.send(Message::Close(Some(frame))).await;
                return;
            }
            message = socket.recv() => match message {
                Some(Ok(_)) => {} // what the page asks for
                _ => return,
            },
        }
    }
}

// The test:

use crate::browser::Browser;
use axum::Router;
use axum::routing::get;
use cloakroom_tower::{Config, SessionError, SessionLayer, SessionManager, stores::MemoryStore};
use futures_util::StreamExt as _;
use tokio_tungstenite::tungstenite::Message as Sent;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

#[tokio::test]
async fn a_quiet_socket_closes_when_its_session_is_revoked() {
    let manager = SessionManager::new(MemoryStore::new(), Config::plain_http()).unwrap();
    let log_in = async |session: Session| session.log_in("alice").map_err(SessionError::from);
    let app = Router::new().route("/news", get(news)).route("/log-in", get(log_in));
    let app = app.layer(SessionLayer::from_manager(manager.clone()));
    let mut browser = Browser::new(app.clone());
    browser.get("/log-in").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let mut request = format!("ws://{address}/news").into_client_request().unwrap();
    request.headers_mut().insert("cookie", browser.cookie().unwrap().parse().unwrap());
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    manager.sessions().revoke_all("alice").await.unwrap();
    let Some(Ok(Sent::Close(Some(frame)))) = socket.next().await else { panic!("it is closed") };
    assert_eq!(u16::from(frame.code), 4401);
}
