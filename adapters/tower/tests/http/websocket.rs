//! A WebSocket whose task keeps the session.

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use cloakroom_tower::Session;
use futures_util::{SinkExt, StreamExt};
use http::header::{COOKIE, SET_COOKIE};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message as Sent, handshake::client::Response as Upgraded};

use crate::client::Client;
use crate::{count, layer, log_out, read};

/// Counts every message and answers with the result.
async fn count_messages(upgrade: WebSocketUpgrade, session: Session) -> Response {
    upgrade.on_upgrade(async move |mut socket: WebSocket| {
        while let Some(Ok(Message::Text(_))) = socket.recv().await {
            session.increment("n", 1).unwrap();
            let answer = match session.save().await {
                Ok(()) => session.get_or("n", 0).unwrap().to_string(),
                Err(error) => format!("{:?}", error.kind()),
            };
            let is_over = answer.parse::<u32>().is_err();
            socket.send(answer.into()).await.unwrap();
            if is_over {
                break;
            }
        }
    })
}

fn router() -> Router {
    let router = Router::new().route("/", any(count)).route("/read", any(read)).route("/out", any(log_out));
    router.route("/socket", any(count_messages)).layer(layer())
}

/// Serves the router, and opens a socket with the client's cookie.
async fn open(router: Router, client: &Client) -> (WebSocketStream<TcpStream>, Upgraded) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut request = format!("ws://{address}/socket").into_client_request().unwrap();
    if let Some(cookie) = client.cookie() {
        request.headers_mut().insert(COOKIE, format!("session={cookie}").parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    tokio_tungstenite::client_async(request, stream).await.unwrap()
}

/// Says something and waits for what comes back; nothing if the socket is closed.
async fn say(socket: &mut WebSocketStream<TcpStream>) -> Option<String> {
    socket.send(Sent::text("hello")).await.ok()?;
    match socket.next().await?.ok()? {
        Sent::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

#[tokio::test]
async fn a_socket_saves_its_session_beside_other_requests() {
    let router = router();
    let client = Client::new(router.clone());
    client.get("/").await;
    let (mut socket, upgraded) = open(router, &client).await;
    assert!(!upgraded.headers().contains_key(SET_COOKIE));
    assert_eq!(say(&mut socket).await.as_deref(), Some("2"));
    assert_eq!(client.get("/").await.body, "3");
    assert_eq!(say(&mut socket).await.as_deref(), Some("4"));
    assert_eq!(client.get("/read").await.body, "4");
}

#[tokio::test]
async fn a_log_out_meanwhile_ends_the_socket_s_session() {
    let router = router();
    let client = Client::new(router.clone());
    client.get("/").await;
    let (mut socket, _) = open(router, &client).await;
    assert_eq!(say(&mut socket).await.as_deref(), Some("2"));
    let old = client.snapshot();
    client.get("/out").await;
    assert_eq!(say(&mut socket).await.as_deref(), Some("Gone"));
    assert_eq!(say(&mut socket).await, None, "the socket is closed");
    assert_eq!(old.get("/read").await.body, "0");
}

#[tokio::test]
async fn a_socket_cannot_begin_a_session_because_its_response_was_sent() {
    let router = router();
    let client = Client::new(router.clone());
    let (mut socket, upgraded) = open(router, &client).await;
    assert!(!upgraded.headers().contains_key(SET_COOKIE));
    assert_eq!(say(&mut socket).await.as_deref(), Some("ResponseSent"));
}
