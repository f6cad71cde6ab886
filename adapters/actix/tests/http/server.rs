//! A real server: sockets, streams, clients that go away.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, rt, web};
use cloakroom_actix::{Session, SessionError, SessionMiddleware};
use futures_util::{SinkExt, StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::{count, log_out, sessions};

/// Begins a request and waits until the test lets it go on.
#[derive(Clone, Debug, Default)]
struct Gate(Arc<(Notify, Notify)>);

async fn slow(session: Session, gate: web::Data<Gate>) -> Result<String, SessionError> {
    gate.0.0.notify_one();
    gate.0.1.notified().await;
    Ok(session.increment("n", 10)?.to_string())
}

async fn chat(request: HttpRequest, body: web::Payload, session: Session) -> Result<HttpResponse, Error> {
    let (response, mut socket, mut messages) = actix_ws::handle(&request, body)?;
    rt::spawn(async move {
        while let Some(Ok(_)) = messages.recv().await {
            session.increment("n", 1).unwrap();
            let answer = match session.save().await {
                Ok(()) => session.get_or("n", 0).unwrap().to_string(),
                Err(error) => format!("{:?}", error.kind()),
            };
            socket.text(answer).await.unwrap();
        }
    });
    Ok(response)
}

async fn streams(session: Session) -> Result<HttpResponse, SessionError> {
    session.insert("report", "under way")?;
    let body = stream::once(async move {
        session.insert("report", "ready")?;
        session.save().await?;
        Ok::<_, SessionError>(web::Bytes::from_static(b"the report"))
    });
    Ok(HttpResponse::Ok().streaming(body))
}

async fn report(session: Session) -> Result<String, SessionError> {
    Ok(session.get_or("report", String::new())?)
}

async fn panics(session: Session) -> String {
    session.insert("n", 99).unwrap();
    panic!("a handler of an application")
}

fn serve(sessions: SessionMiddleware, gate: Gate) -> SocketAddr {
    let server = HttpServer::new(move || {
        App::new()
            .wrap(sessions.clone())
            .app_data(web::Data::new(gate.clone()))
            .route("/", web::get().to(count))
            .route("/", web::head().to(count))
            .route("/out", web::get().to(log_out))
            .route("/slow", web::get().to(slow))
            .route("/chat", web::get().to(chat))
            .route("/streams", web::get().to(streams))
            .route("/report", web::get().to(report))
            .route("/panics", web::get().to(panics))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    rt::spawn(server.run());
    address
}

async fn open(address: SocketAddr, method: &str, path: &str, cookie: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Sends a request and returns the head and the body of what comes back; nothing if the connection is closed.
async fn ask(address: SocketAddr, method: &str, path: &str, cookie: &str) -> (String, String) {
    let mut text = String::new();
    open(address, method, path, cookie).await.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    (head.to_ascii_lowercase(), body.to_owned())
}

async fn begin(address: SocketAddr) -> String {
    let mut text = String::new();
    open(address, "GET", "/", "a=b").await.read_to_string(&mut text).await.unwrap();
    let cookie = text.split("session=").nth(1).and_then(|rest| rest.split(';').next()).unwrap();
    format!("session={cookie}")
}

#[actix_web::test]
async fn a_head_request_keeps_its_session_and_has_no_body() {
    let address = serve(sessions(), Gate::default());
    let cookie = begin(address).await;
    let (head, body) = ask(address, "HEAD", "/", &cookie).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("vary: cookie") && body.is_empty(), "{head}");
    assert_eq!(ask(address, "GET", "/", &cookie).await.1, "3");
}

#[actix_web::test]
async fn a_streamed_body_saves_its_session_and_an_id_is_sent_before_it() {
    let address = serve(sessions(), Gate::default());
    let cookie = begin(address).await;
    let (head, body) = ask(address, "GET", "/streams", &cookie).await;
    assert!(head.starts_with("http/1.1 200") && body.contains("the report"), "{head}{body}");
    assert_eq!(ask(address, "GET", "/report", &cookie).await.1, "ready");
}

#[actix_web::test]
async fn a_socket_saves_its_session_beside_other_requests_and_learns_of_a_log_out() {
    let address = serve(sessions(), Gate::default());
    let cookie = begin(address).await;
    let mut request = format!("ws://{address}/chat").into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    for (said, others) in [("2", "3"), ("4", "5")] {
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(said));
        assert_eq!(ask(address, "GET", "/", &cookie).await.1, others);
    }
    ask(address, "GET", "/out", &cookie).await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("Gone"));
}

#[actix_web::test]
async fn a_handler_runs_to_its_end_for_a_client_that_went_away_and_its_changes_are_stored() {
    let gate = Gate::default();
    let address = serve(sessions(), gate.clone());
    let cookie = begin(address).await;
    let stream = open(address, "GET", "/slow", &cookie).await;
    gate.0.0.notified().await;
    drop(stream);
    gate.0.1.notify_one();
    while ask(address, "GET", "/", &cookie).await.1.parse::<u32>().unwrap() < 10 {}
}

#[actix_web::test]
async fn a_handler_that_panics_stores_nothing() {
    let address = serve(sessions(), Gate::default());
    let cookie = begin(address).await;
    assert_eq!(ask(address, "GET", "/panics", &cookie).await, (String::new(), String::new()));
    assert_eq!(ask(address, "GET", "/", &cookie).await.1, "2");
}
