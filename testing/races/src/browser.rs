//! What sends requests and keeps a cookie.

use std::net::SocketAddr;

use axum::response::IntoResponse;
use cloakroom_tower::{LazySession, Session, SessionError};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::header::{COOKIE, SET_COOKIE};
use hyper::http::request::Builder;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::script::{HEADER, Script, Scripts};
use crate::{Gate, soon};

/// A browser: a cookie, and where to send it. A clone is the same browser as it was at that moment: what a request in
/// flight still carries.
#[derive(Clone)]
pub struct Browser {
    address: SocketAddr,
    scripts: Scripts,
    name: String,
    cookie: Option<String>,
    path: &'static str,
}

impl Browser {
    pub(crate) fn new(address: SocketAddr, scripts: Scripts, name: String) -> Self {
        Self { address, scripts, name, cookie: None, path: "/" }
    }

    /// The same browser, whose scripts run at another path.
    #[must_use]
    pub fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// The cookie's value.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Puts a value into the jar, as an attacker does.
    pub fn plant(&mut self, value: impl Into<String>) {
        self.cookie = Some(value.into());
    }

    /// Sends a request that does what `script` does, takes its answer and obeys its `Set-Cookie`.
    pub async fn run<F, Fut, T>(&mut self, script: F) -> Answer
    where
        F: FnOnce(Session) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, SessionError>> + Send + 'static,
        T: IntoResponse + 'static,
    {
        let answer = self.start(script).answer().await;
        self.obey(&answer);
        answer
    }

    /// Sends a request and does not wait for its answer. The script begins when its session is loaded.
    pub fn start<F, Fut, T>(&self, script: F) -> Exchange
    where
        F: FnOnce(Session) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, SessionError>> + Send + 'static,
        T: IntoResponse + 'static,
    {
        self.start_lazily(async move |lazy: LazySession| script(lazy.load().await?).await)
    }

    /// Sends a request whose script loads its session by itself, or does not.
    pub fn start_lazily<F, Fut, T>(&self, script: F) -> Exchange
    where
        F: FnOnce(LazySession) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, SessionError>> + Send + 'static,
        T: IntoResponse + 'static,
    {
        let script: Script = Box::new(|lazy| Box::pin(async move { script(lazy).await.into_response() }));
        let (number, over) = self.scripts.add(script);
        let request = self.request(self.path).header(HEADER, number);
        Exchange::begin(self.address, request, over)
    }

    /// Sends a request, and waits until it has loaded its session and made its changes; there it stops.
    pub async fn hold<F>(&self, change: F) -> Held
    where
        F: FnOnce(&Session) -> cloakroom::Result<()> + Send + 'static,
    {
        let gate = Gate::new("a request has made its changes");
        let here = gate.clone();
        let exchange = self.start(async move |session: Session| {
            change(&session)?;
            here.pass().await;
            Ok(())
        });
        gate.reached().await;
        Held { exchange, gate }
    }

    /// Sends a request without a script.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.address, self.request(path)).await
    }

    /// Sends a request that the test has made, and does not obey its `Set-Cookie`.
    pub async fn send(&self, request: Builder) -> Answer {
        send(self.address, request).await
    }

    /// A request as this browser sends it.
    pub fn request(&self, path: &str) -> Builder {
        let request = Request::get(path).header(hyper::header::HOST, "localhost");
        match &self.cookie {
            Some(value) => request.header(COOKIE, format!("{}={value}", self.name)),
            None => request,
        }
    }

    /// Does what the answer's `Set-Cookie` says.
    pub fn obey(&mut self, answer: &Answer) {
        if answer.removes_cookie() {
            self.cookie = None;
        } else if let Some(value) = answer.new_cookie() {
            self.cookie = Some(value);
        }
    }

    /// Reads a value, in a request of its own.
    pub async fn read<T: DeserializeOwned>(&self, key: &'static str) -> Option<T> {
        let script = async move |session: Session| {
            Ok(session.get::<serde_json::Value>(key)?.unwrap_or_default().to_string())
        };
        let answer = self.start(script).answer().await;
        serde_json::from_str(&answer.body).expect("a value is JSON")
    }

    /// Whether the server knows the session, asked in a request of its own.
    pub async fn is_known(&self) -> bool {
        self.start(async |session: Session| Ok((!session.is_new()).to_string())).answer().await.body == "true"
    }

    /// Who is logged in, asked in a request of its own.
    pub async fn user(&self) -> Option<String> {
        let answer =
            self.start(async |session: Session| Ok(session.user().unwrap_or_default())).answer().await;
        Some(answer.body).filter(|user| !user.is_empty())
    }
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Browser").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A request that has loaded and changed its session, and has not committed.
#[derive(Debug)]
pub struct Held {
    exchange: Exchange,
    gate: Gate,
}

impl Held {
    /// Lets it commit, and waits for its answer.
    pub async fn release(self) -> Answer {
        self.let_go().answer().await
    }

    /// Lets it commit, and waits for nothing.
    pub fn let_go(self) -> Exchange {
        self.gate.open();
        self.exchange
    }

    /// Its client goes away before it commits.
    pub async fn cut(self) {
        self.exchange.cut().await;
    }
}

/// A request under way.
#[derive(Debug)]
pub struct Exchange {
    answer: JoinHandle<Answer>,
    over: oneshot::Receiver<()>,
}

impl Exchange {
    fn begin(address: SocketAddr, request: Builder, over: oneshot::Receiver<()>) -> Self {
        Self { answer: tokio::spawn(send(address, request)), over }
    }

    /// Waits for the answer.
    pub async fn answer(self) -> Answer {
        soon("the answer to a request", self.answer).await.expect("the request was answered")
    }

    /// Waits until the server closes the connection without an answer, as it does when a handler panics.
    pub async fn fails(self) {
        assert!(soon("a request that fails", self.answer).await.is_err(), "it was answered");
    }

    /// Goes away: closes the connection, and waits until the server has dropped the request.
    pub async fn cut(self) {
        self.answer.abort();
        let _gone = self.answer.await;
        let _over = soon("the server notices that its client went away", self.over).await;
    }
}

/// Sends one request on a connection of its own.
async fn send(address: SocketAddr, request: Builder) -> Answer {
    let stream = TcpStream::connect(address).await.expect("the server accepts connections");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a handshake sends nothing");
    let request = request.body(Empty::<Bytes>::new()).expect("the test's request is sound");
    let exchange = async move {
        let response = sender.send_request(request).await.expect("the server answers");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body arrives whole").to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    };
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The `Set-Cookie` header; there is never more than one.
    pub fn set_cookie(&self) -> Option<&str> {
        let all: Vec<_> = self.headers.get_all(SET_COOKIE).iter().collect();
        assert!(all.len() < 2, "two Set-Cookie headers");
        all.first().map(|value| value.to_str().expect("our cookies are text"))
    }

    /// Whether it neither sets nor removes the cookie.
    pub fn leaves_cookie(&self) -> bool {
        self.set_cookie().is_none()
    }

    /// Whether it removes the cookie.
    pub fn removes_cookie(&self) -> bool {
        self.set_cookie().is_some_and(|header| header.contains("; Max-Age=0;"))
    }

    /// The value that it sets the cookie to.
    pub fn new_cookie(&self) -> Option<String> {
        let header = self.set_cookie().filter(|_| !self.removes_cookie())?;
        let (_, rest) = header.split_once('=')?;
        Some(rest.split(';').next().unwrap_or_default().to_owned())
    }

    /// The `Max-Age` that it gives the cookie.
    pub fn max_age(&self) -> Option<u64> {
        let (_, rest) = self.set_cookie()?.split_once("; Max-Age=")?;
        rest.split(';').next()?.parse().ok()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Fails the test unless the request succeeded.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "often only the check matters")]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self
    }
}
