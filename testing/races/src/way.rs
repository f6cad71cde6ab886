//! The transports between a browser and the server.

use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::http::request::Builder;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::Answer;

type Sender = http2::SendRequest<Empty<Bytes>>;

/// The way to a server.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    /// Over HTTP/2, all requests share a connection; over HTTP/1.1, each has its own.
    http2: Option<Arc<OnceCell<Sender>>>,
    /// Whether the server takes cookies of ended sessions away.
    removes: bool,
}

impl Way {
    pub(crate) fn to(address: SocketAddr, removes: bool) -> Self {
        Self { address, http2: None, removes }
    }

    pub(crate) fn through(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    pub(crate) fn over_http2(self) -> Self {
        Self { http2: Some(Arc::default()), ..self }
    }

    pub(crate) async fn send(&self, request: Builder) -> Answer {
        Answer { leaves_ended: !self.removes, ..self.carry(request).await }
    }

    async fn carry(&self, request: Builder) -> Answer {
        let request = request.body(Empty::new()).expect("the test's request is sound");
        let Some(connection) = &self.http2 else { return self.send_alone(request).await };
        let mut sender = connection.get_or_init(|| self.connect()).await.clone();
        answer(sender.send_request(self.absolute(request)).await.expect("the server answers")).await
    }

    async fn send_alone(&self, request: Request<Empty<Bytes>>) -> Answer {
        let stream = TcpStream::connect(self.address).await.expect("the server accepts connections");
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.expect("a handshake sends nothing");
        let exchange =
            async move { answer(sender.send_request(request).await.expect("the server answers")).await };
        tokio::join!(exchange, connection).0
    }

    async fn connect(&self) -> Sender {
        let stream = TcpStream::connect(self.address).await.expect("the server accepts connections");
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, connection) = handshake.expect("the server speaks HTTP/2");
        tokio::spawn(connection);
        sender
    }

    /// HTTP/2 has no `Host`: the address is in the request's URI.
    fn absolute(&self, mut request: Request<Empty<Bytes>>) -> Request<Empty<Bytes>> {
        request.headers_mut().remove(hyper::header::HOST);
        let uri = format!("http://{}{}", self.address, request.uri());
        *request.uri_mut() = uri.parse().expect("the test's URI is sound");
        request
    }
}

async fn answer(response: Response<Incoming>) -> Answer {
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body arrives whole").to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    Answer { status: head.status, headers: head.headers, body, leaves_ended: false }
}
