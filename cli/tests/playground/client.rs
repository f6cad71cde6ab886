//! A client with a cookie jar, as browsers have one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, HeaderMap, SET_COOKIE};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

type Problem = Box<dyn std::error::Error + Send + Sync>;

/// Clones share their jar.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    address: String,
    jar: Arc<Mutex<BTreeMap<String, String>>>,
    headers: Vec<(&'static str, &'static str)>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), jar: Arc::default(), headers: Vec::new() }
    }

    /// Another browser, on the same server.
    pub(crate) fn stranger(&self) -> Self {
        Self::new(&self.address)
    }

    /// The same cookies as now, but a jar of its own: what a request in flight still carries, or a thief.
    pub(crate) fn copy(&self) -> Self {
        let jar = self.jar.lock().unwrap().clone();
        Self { jar: Arc::new(Mutex::new(jar)), ..self.clone() }
    }

    /// The same jar, at another server.
    pub(crate) fn at(&self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self.clone() }
    }

    /// Sends this header with every request.
    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sends this value of a header with every request, as another page or program would: the jar stays the same.
    pub(crate) fn with(&self, name: &'static str, value: &'static str) -> Self {
        self.clone().header(name, value)
    }

    /// The session cookie, as it is in the jar.
    pub(crate) fn cookie(&self) -> Option<String> {
        self.jar.lock().unwrap().values().next().cloned()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.jar.lock().unwrap().insert(name.into(), value.into());
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", String::new()).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<String>) -> Answer {
        self.send("POST", path, "application/json", body.into()).await.unwrap()
    }

    /// Sends a form; `fields` are written as they are.
    pub(crate) async fn submit(&self, path: &str, fields: &str) -> Answer {
        self.send("POST", path, "application/x-www-form-urlencoded", fields.to_owned()).await.unwrap()
    }

    /// Runs a script that must succeed.
    pub(crate) async fn run(&self, steps: Value) -> Value {
        let answer = self.try_run(steps).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }

    /// Runs a script on a server that may die meanwhile.
    pub(crate) async fn try_run(&self, steps: Value) -> Result<Answer, Problem> {
        self.send("POST", "/api/do", "application/json", json!({ "do": steps }).to_string()).await
    }

    /// The session, as another request sees it.
    pub(crate) async fn session(&self) -> Value {
        self.get("/api/session").await.json()["session"].take()
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: String,
    ) -> Result<Answer, Problem> {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let response = sender.send_request(self.request(method, path, kind, body)?).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        connection.abort();
        parts.headers.get_all(SET_COOKIE).iter().for_each(|cookie| self.keep(cookie.to_str().unwrap()));
        let body = String::from_utf8(body.to_vec())?;
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: String,
    ) -> Result<Request<Full<Bytes>>, Problem> {
        let mut request = Request::builder().method(method).uri(path);
        if !self.headers.iter().any(|(name, _)| *name == "host") {
            request = request.header(HOST, &self.address);
        }
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let jar = self.jar.lock().unwrap();
        let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        Ok(request.body(Full::new(body.into()))?)
    }

    fn keep(&self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        let mut jar = self.jar.lock().unwrap();
        if attributes.contains("Max-Age=0;") {
            jar.remove(name);
        } else {
            jar.insert(name.into(), value.into());
        }
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Says that it is an error of this status and kind, in the form that all errors have.
    pub(crate) fn assert_error(&self, status: u16, kind: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let error = self.json();
        assert_eq!(error["error"]["kind"], kind, "{self:?}");
        assert!(error["error"]["message"].is_string(), "{self:?}");
    }
}
