//! Requests under way.

use hyper::http::request::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::way::Way;
use crate::{Answer, Gate, soon};

/// A request that has loaded and changed its session, and has not committed.
#[derive(Debug)]
pub struct Held {
    exchange: Exchange,
    gate: Gate,
}

impl Held {
    pub(crate) fn new(exchange: Exchange, gate: Gate) -> Self {
        Self { exchange, gate }
    }

    /// Lets it commit, and waits for its answer.
    pub async fn release(self) -> Answer {
        self.let_go().answer().await
    }

    /// Lets it commit, and waits for nothing.
    pub fn let_go(self) -> Exchange {
        self.gate.open();
        self.exchange
    }

    /// Cuts the connection: the client goes away before the request commits.
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
    pub(crate) fn begin(way: &Way, request: Builder, over: oneshot::Receiver<()>) -> Self {
        let way = way.clone();
        Self { answer: tokio::spawn(async move { way.send(request).await }), over }
    }

    /// Waits for the answer.
    pub async fn answer(self) -> Answer {
        soon("the answer to a request", self.answer).await.expect("the request was answered")
    }

    /// Waits until the server closes the connection without an answer, as it does when a handler panics.
    pub async fn fails(self) {
        assert!(soon("a request that fails", self.answer).await.is_err(), "it was answered");
    }

    /// Goes away: closes the connection (over HTTP/2, resets the stream and leaves the connection open), and waits until
    /// the server has dropped the request.
    pub async fn cut(self) {
        self.answer.abort();
        let _gone = self.answer.await;
        let _over = soon("the server notices that its client went away", self.over).await;
    }
}
