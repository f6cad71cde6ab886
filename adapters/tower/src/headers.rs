//! What a response with a session says to browsers and to the caches between.

use cloakroom::{ResponseUpdate, SessionManager};
use http::header::{CACHE_CONTROL, EXPIRES, Entry, HeaderName, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue};

/// Whether shared caches may store a response that looked at its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    Private,
    /// The application said so.
    Shared,
}

static CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Says in headers what the client must learn.
pub(crate) fn write_headers(
    headers: &mut HeaderMap,
    outcome: ResponseUpdate,
    engine: &SessionManager,
) -> Sharing {
    // Another package's format may send no cookie at a log-out.
    if outcome.set_cookie.is_none() && !outcome.ended {
        return if outcome.vary { keep_private(headers) } else { Sharing::Private };
    }
    forbid_storing(headers);
    for set_cookie in outcome.set_cookie.into_iter().chain(outcome.more_cookies) {
        add_cookie(headers, set_cookie);
    }
    if outcome.ended && engine.clears_site_data() {
        headers.insert(&CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\", \"cookies\", \"storage\""));
    }
    Sharing::Private
}

fn add_cookie(headers: &mut HeaderMap, set_cookie: String) {
    if let Some((name, _)) = set_cookie.split_once('=') {
        remove_same_name(headers, name);
    }
    if let Ok(mut set_cookie) = HeaderValue::try_from(set_cookie) {
        // What logs headers does not log the id, and HTTP/2 keeps it out of its table.
        set_cookie.set_sensitive(true);
        headers.append(SET_COOKIE, set_cookie);
    }
}

/// Keeps a response out of every cache, whatever the application said. `no-store` alone is switched off by common
/// settings of caches, and headers for CDNs come before it (RFC 9213).
pub(crate) fn forbid_storing(headers: &mut HeaderMap) {
    vary_by_cookie(headers);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-store"));
    headers.remove(EXPIRES);
    while let Some(name) = headers.keys().find(|name| is_for_shared_caches(name)).cloned() {
        headers.remove(name);
    }
}

/// Keeps what was made for one user from the next one: `private`, unless the application says who may store it.
fn keep_private(headers: &mut HeaderMap) -> Sharing {
    vary_by_cookie(headers);
    let said_to_caches = headers.iter().any(|(name, value)| {
        is_for_shared_caches(name) && !directives(value).any(|(name, _)| forbids_sharing(name))
    });
    let sharing = match headers.entry(CACHE_CONTROL) {
        Entry::Vacant(silence) => {
            silence.insert(HeaderValue::from_static("private"));
            Sharing::Private
        }
        Entry::Occupied(mut said) => match sharing_of(said.iter()) {
            Some(sharing) => sharing,
            None => {
                let line = joined(said.iter().map(HeaderValue::as_bytes).chain([b"private".as_slice()]));
                said.insert(line.unwrap_or(HeaderValue::from_static("private")));
                Sharing::Private
            }
        },
    };
    if said_to_caches { Sharing::Shared } else { sharing }
}

/// What `Cache-Control` says of shared caches; `None` if nothing.
fn sharing_of<'a>(lines: impl Iterator<Item = &'a HeaderValue>) -> Option<Sharing> {
    let mut sharing = None;
    for (name, argument) in lines.flat_map(directives) {
        // With an argument, `private` speaks of the fields that it names, and some caches store the whole.
        if forbids_sharing(name) && argument.is_none() {
            return Some(Sharing::Private);
        }
        if name.eq_ignore_ascii_case(b"public") || name.eq_ignore_ascii_case(b"s-maxage") {
            sharing = Some(Sharing::Shared);
        }
    }
    sharing
}

fn forbids_sharing(directive: &[u8]) -> bool {
    directive.eq_ignore_ascii_case(b"private") || directive.eq_ignore_ascii_case(b"no-store")
}

/// The directives of a line, each with its argument.
fn directives(line: &HeaderValue) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let mut is_quoted = false;
    let parts = line.as_bytes().split(move |&byte| {
        is_quoted ^= byte == b'"';
        byte == b',' && !is_quoted
    });
    parts.map(|part| match part.iter().position(|&byte| byte == b'=') {
        Some(equals) => (part[..equals].trim_ascii(), Some(&part[equals + 1..])),
        None => (part.trim_ascii(), None),
    })
}

/// Whether a header speaks to shared caches, over the head of `Cache-Control`.
fn is_for_shared_caches(name: &HeaderName) -> bool {
    let name = name.as_str();
    // The targeted fields of RFC 9213 are called `CDN-Cache-Control`, or so with the name of a CDN before it.
    name.ends_with("-cache-control")
        || ["surrogate-control", "x-accel-expires", "edge-control"].contains(&name)
}

/// Makes `Vary` one line that begins with `Cookie`. Some proxies read the first of several lines only, some the last.
fn vary_by_cookie(headers: &mut HeaderMap) {
    match headers.entry(VARY) {
        Entry::Vacant(silence) => {
            silence.insert(HeaderValue::from_static("Cookie"));
        }
        Entry::Occupied(mut said) => {
            let line = varying(said.iter());
            said.insert(line);
        }
    }
}

fn varying<'a>(lines: impl Iterator<Item = &'a HeaderValue>) -> HeaderValue {
    let mut names: Vec<&[u8]> = vec![b"Cookie"];
    for name in lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b',')).map(<[u8]>::trim_ascii) {
        if name == b"*" {
            return HeaderValue::from_static("*");
        }
        if !name.is_empty() && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    joined(names.into_iter()).unwrap_or(HeaderValue::from_static("Cookie"))
}

/// Joins what was in headers already, so that it is fit for one.
fn joined<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Option<HeaderValue> {
    let parts: Vec<&[u8]> = parts.filter(|part| !part.is_empty()).collect();
    HeaderValue::from_bytes(&parts.join(b", ".as_slice())).ok()
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
