//! What sends requests and keeps a cookie.

use axum::response::IntoResponse;
use cloakroom_tower::{LazySession, Session, SessionError};
use hyper::Request;
use hyper::header::COOKIE;
use hyper::http::request::Builder;
use serde::de::DeserializeOwned;

use crate::script::{HEADER, Script, Scripts};
use crate::way::Way;
use crate::{Answer, Exchange, Gate, Held};

/// A browser: a cookie, and where to send it. A clone is the same browser as it was at that moment: what a request in
/// flight still carries.
#[derive(Clone)]
pub struct Browser {
    way: Way,
    scripts: Scripts,
    name: String,
    cookie: Option<String>,
    others: Vec<String>,
    path: &'static str,
}

impl Browser {
    pub(crate) fn new(way: Way, scripts: Scripts, name: String) -> Self {
        Self { way, scripts, name, cookie: None, others: Vec::new(), path: "/" }
    }

    /// Returns the same browser, whose scripts run at another path.
    #[must_use]
    pub fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// Returns the same browser, which asks a proxy at another address.
    #[must_use]
    pub fn through(self, proxy: std::net::SocketAddr) -> Self {
        Self { way: self.way.through(proxy), ..self }
    }

    /// Returns the same browser over HTTP/2: its requests share a connection, and what it cuts is a stream.
    #[must_use]
    pub fn over_http2(self) -> Self {
        Self { way: self.way.over_http2(), ..self }
    }

    /// Returns the same browser, which also sends another one's cookie, in a header of its own.
    #[must_use]
    pub fn also_sending(mut self, other: &Self) -> Self {
        self.others.extend(other.cookie.clone());
        self
    }

    /// Returns the same browser, which sends all its cookies in one header.
    #[must_use]
    pub fn in_one_header(mut self) -> Self {
        let between = format!("; {}=", self.name);
        let all: Vec<_> = self.cookie.into_iter().chain(self.others.drain(..)).collect();
        self.cookie = Some(all.join(&between));
        self
    }

    /// Returns the cookie's value.
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
        Exchange::begin(&self.way, request, over)
    }

    /// Builds a request that does what a script does, for [`send`](Self::send).
    pub fn scripted<F, Fut, T>(&self, script: F) -> Builder
    where
        F: FnOnce(LazySession) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, SessionError>> + Send + 'static,
        T: IntoResponse + 'static,
    {
        let script: Script = Box::new(|lazy| Box::pin(async move { script(lazy).await.into_response() }));
        let (number, _) = self.scripts.add(script);
        self.request(self.path).header(HEADER, number)
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
        Held::new(exchange, gate)
    }

    /// Sends a request without a script.
    pub async fn get(&self, path: &str) -> Answer {
        self.way.send(self.request(path)).await
    }

    /// Sends a request that the test has made, and does not obey its `Set-Cookie`.
    pub async fn send(&self, request: Builder) -> Answer {
        self.way.send(request).await
    }

    /// Builds a request as this browser sends it.
    pub fn request(&self, path: &str) -> Builder {
        let request = Request::get(path).header(hyper::header::HOST, "localhost");
        let cookies = self.cookie.iter().chain(&self.others);
        cookies.fold(request, |request, value| request.header(COOKIE, format!("{}={value}", self.name)))
    }

    /// Does what the answer's `Set-Cookie` says.
    pub fn obey(&mut self, answer: &Answer) {
        if answer.is_removal() {
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

    /// Returns whether the server knows the session, asked in a request of its own.
    pub async fn is_known(&self) -> bool {
        self.start(async |session: Session| Ok((!session.is_new()).to_string())).answer().await.body == "true"
    }

    /// Returns the user who is logged in, asked in a request of its own.
    pub async fn user(&self) -> Option<String> {
        let answer =
            self.start(async |session: Session| Ok(session.user().unwrap_or_default())).answer().await;
        Some(answer.body).filter(|user| !user.is_empty())
    }
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Browser").field("address", &self.way.address).finish_non_exhaustive()
    }
}
