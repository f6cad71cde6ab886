//! The reverse proxy: routes that have moved go to Rust, all others to Express.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

#[derive(Clone)]
struct Proxy {
    client: Client<HttpConnector, Body>,
    express: SocketAddr,
    rust: SocketAddr,
    moved: Vec<String>,
}

/// Makes a proxy that sends `moved` and what is below it to `rust`, and the rest to `express`.
pub(crate) fn proxy(express: SocketAddr, rust: SocketAddr, moved: Vec<String>) -> Router {
    let client = Client::builder(TokioExecutor::new()).build_http();
    Router::new().fallback(forward).with_state(Proxy { client, express, rust, moved })
}

async fn forward(State(proxy): State<Proxy>, mut request: Request) -> Response {
    let has_moved = proxy.moved.iter().any(|route| is_below(route, request.uri().path()));
    let server = if has_moved { proxy.rust } else { proxy.express };
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Ok(uri) = format!("http://{server}{path}").parse::<Uri>() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = uri;
    match proxy.client.request(request).await {
        Ok(response) => response.into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// Returns whether a path is this route or below it: `/account/note` is below `/account`, `/accounts` is not.
fn is_below(route: &str, path: &str) -> bool {
    let rest = path.strip_prefix(route.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
