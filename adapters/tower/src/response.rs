//! Headers and errors: what the engine's words are in HTTP.

use cloakroom::{Engine, Error, ErrorKind, Outcome};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, Entry, HeaderName, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// A response with a text body: what an application answers when a session cannot be saved.
pub trait ErrorResponse {
    /// Makes the response.
    fn into_response(self) -> Response<String>;
}

impl ErrorResponse for Response<String> {
    fn into_response(self) -> Response<String> {
        self
    }
}

impl ErrorResponse for (StatusCode, String) {
    fn into_response(self) -> Response<String> {
        let mut response = Response::new(self.1);
        *response.status_mut() = self.0;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}

/// The status that an error of the engine is answered with.
pub const fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Unavailable | ErrorKind::Contended => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Gone => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The default: a status and one line that tells a client nothing it must not know.
pub(crate) fn plain(error: &Error) -> Response<String> {
    let line = match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Contended => {
            "The session could not be reached. Please try again."
        }
        ErrorKind::Gone => "The session ended while this request was under way.",
        _ => "The session could not be used.",
    };
    (status_of(error.kind()), line.to_owned()).into_response()
}

static CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Says in headers what the client must learn.
pub(crate) fn write_headers(headers: &mut HeaderMap, outcome: Outcome, engine: &Engine) {
    if outcome.vary {
        vary_by_cookie(headers);
    }
    let Some(set_cookie) = outcome.set_cookie else { return };
    let Ok(mut set_cookie) = HeaderValue::try_from(set_cookie) else { return };
    // Whoever logs headers does not log the id, and HTTP/2 keeps it out of its table.
    set_cookie.set_sensitive(true);
    remove_same_name(headers, engine.cookie_name());
    headers.append(SET_COOKIE, set_cookie);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if outcome.ended && engine.clears_site_data() {
        headers.insert(&CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\", \"cookies\", \"storage\""));
    }
}

fn vary_by_cookie(headers: &mut HeaderMap) {
    let names = |value: &HeaderValue| {
        let mut parts = value.as_bytes().split(|&byte| byte == b',');
        parts.any(|part| part.trim_ascii().eq_ignore_ascii_case(b"cookie") || part.trim_ascii() == b"*")
    };
    match headers.entry(VARY) {
        Entry::Vacant(none) => {
            none.insert(HeaderValue::from_static("Cookie"));
        }
        Entry::Occupied(said) if said.iter().any(names) => {}
        Entry::Occupied(mut said) => said.append(HeaderValue::from_static("Cookie")),
    }
}

/// A response never has two `Set-Cookie` headers of one name (RFC 6265bis, section 4.1.1): ours is the last word.
fn remove_same_name(headers: &mut HeaderMap, name: &str) {
    let is_ours = |value: &HeaderValue| {
        let rest = value.as_bytes().trim_ascii_start().strip_prefix(name.as_bytes());
        rest.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"="))
    };
    if !headers.contains_key(SET_COOKIE) || !headers.get_all(SET_COOKIE).iter().any(is_ours) {
        return;
    }
    let others: Vec<HeaderValue> =
        headers.get_all(SET_COOKIE).iter().filter(|value| !is_ours(value)).cloned().collect();
    headers.remove(SET_COOKIE);
    others.into_iter().for_each(|other| {
        headers.append(SET_COOKIE, other);
    });
}
