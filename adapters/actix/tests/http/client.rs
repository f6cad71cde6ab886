//! A client with one cookie, talking to an application without a network.

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{COOKIE, HeaderMap, SET_COOKIE};
use actix_web::test::TestRequest;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The lines of a header, joined so that several are seen.
    pub(crate) fn header(&self, name: &str) -> String {
        let lines: Vec<_> = self.headers.get_all(name).map(|line| line.to_str().unwrap()).collect();
        lines.join(" | ")
    }

    /// The cookie that it sets, as a client sends it back.
    pub(crate) fn cookie(&self) -> String {
        self.header(SET_COOKIE.as_str()).split(';').next().unwrap().to_owned()
    }
}

/// Sends a request, with a cookie unless it is empty.
pub(crate) async fn send<A, B>(app: &A, cookie: &str, request: TestRequest) -> Answer
where
    A: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    let request = if cookie.is_empty() { request } else { request.insert_header((COOKIE, cookie)) };
    let response = app.call(request.to_request()).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body()).await.ok().unwrap();
    Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

pub(crate) async fn get<A, B>(app: &A, cookie: &str, path: &str) -> Answer
where
    A: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    send(app, cookie, TestRequest::get().uri(path)).await
}
