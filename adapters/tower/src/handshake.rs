//! Handshakes of WebSockets, which no token can guard: a page's script cannot give them a header.

use http::header::{GetAll, HOST, ORIGIN, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request asks for another protocol: over HTTP/1.1 a `GET` with `Upgrade`, over HTTP/2 a `CONNECT`.
pub(crate) fn is_handshake<Q>(request: &Request<Q>) -> bool {
    let method = request.method();
    method == Method::CONNECT || (method == Method::GET && request.headers().contains_key(UPGRADE))
}

/// Whether a handshake was not begun by a page of another origin.
///
/// Browsers say where it began, in `Sec-Fetch-Site` or in `Origin`. A client that says neither is no browser: no page
/// can have made it send its cookies.
pub(crate) fn is_from_here<Q>(request: &Request<Q>, allowed: &[HeaderValue]) -> bool {
    let headers = request.headers();
    let Ok(origin) = at_most_one(&headers.get_all(ORIGIN)) else { return false };
    if origin.is_some_and(|origin| {
        allowed.iter().any(|allowed| allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
    }) {
        return true;
    }
    match at_most_one(&headers.get_all(&SEC_FETCH_SITE)) {
        Ok(Some(site)) => site == "same-origin" || site == "none",
        Ok(None) => origin.is_none_or(|origin| is_own(origin, request)),
        Err(_) => false,
    }
}

/// Says two things at once.
struct Several;

fn at_most_one<'a>(values: &GetAll<'a, HeaderValue>) -> Result<Option<&'a HeaderValue>, Several> {
    let mut values = values.iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Several),
    }
}

/// Whether an origin is that of the address which was asked. Behind a proxy the scheme is not known, and the host is
/// what the proxy says.
fn is_own<Q>(origin: &HeaderValue, request: &Request<Q>) -> bool {
    let Some((scheme, authority)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    let uri = request.uri();
    let Some(asked) = uri.authority().map(|authority| authority.as_str()).or(host(request.headers())) else {
        return false;
    };
    let is_downgraded = scheme == "http" && uri.scheme_str() == Some("https");
    !is_downgraded && without_port(authority, scheme).eq_ignore_ascii_case(without_port(asked, scheme))
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST)?.to_str().ok()
}

/// Takes off the port that goes without saying.
fn without_port<'a>(authority: &'a str, scheme: &str) -> &'a str {
    let port = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}
