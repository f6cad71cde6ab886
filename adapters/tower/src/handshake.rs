//! Handshakes of WebSockets. A CSRF token cannot protect them, because a page's script cannot set their headers.

use cloakroom::adapter::Handshake;
use http::header::{HOST, ORIGIN, UPGRADE};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use smallvec::SmallVec;

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Returns whether a request asks for another protocol: over HTTP/1.1 a `GET` with `Upgrade`, over HTTP/2 a `CONNECT`.
pub(crate) fn is_handshake<Q>(request: &Request<Q>) -> bool {
    let method = request.method();
    method == Method::CONNECT || (method == Method::GET && request.headers().contains_key(UPGRADE))
}

/// Returns whether a handshake was not begun by a page of another origin, unless that is one of `allowed`.
pub(crate) fn is_from_here<Q>(request: &Request<Q>, allowed: &[HeaderValue]) -> bool {
    let (headers, uri) = (request.headers(), request.uri());
    let host = || headers.get(HOST)?.to_str().ok();
    let (origin, site) = (lines(headers, &ORIGIN), lines(headers, &SEC_FETCH_SITE));
    let host = uri.authority().map(Authority::as_str).or_else(host);
    let handshake =
        Handshake::new(&origin, &site).with_host(host).with_https(uri.scheme() == Some(&Scheme::HTTPS));
    handshake.is_from_here(allowed)
}

fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> SmallVec<[&'a [u8]; 2]> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
}
