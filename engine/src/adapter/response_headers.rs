//! What a response with a session says to browsers and to the caches between.

use smallvec::SmallVec;

use super::Sharing;
use super::caching::{allows_sharing, is_for_shared_caches, sharing_of, varying, with_private};
use crate::{Caching, ErrorKind, ResponseUpdate, SessionManager};

/// A header of a response that a session changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderField {
    /// `Cache-Control`
    CacheControl,
    /// `Clear-Site-Data`
    ClearSiteData,
    /// `Retry-After`
    RetryAfter,
    /// `Vary`
    Vary,
}

impl HeaderField {
    /// Returns the name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CacheControl => "cache-control",
            Self::ClearSiteData => "clear-site-data",
            Self::RetryAfter => "retry-after",
            Self::Vary => "vary",
        }
    }
}

/// A value that a session gives a header. An adapter can make each of them once, as a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderText {
    /// `*`
    Anything,
    /// `Cookie`
    Cookie,
    /// `private`
    Private,
    /// `private, no-cache, no-store`: keeps a response out of caches also where a common setting of one switches single
    /// words off.
    NoStore,
}

impl HeaderText {
    /// Returns the value.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Anything => "*",
            Self::Cookie => "Cookie",
            Self::Private => "private",
            Self::NoStore => "private, no-cache, no-store",
        }
    }
}

/// The headers of a response, as a framework keeps them.
pub trait ResponseHeaders {
    /// Sets a header to one value.
    fn set(&mut self, field: HeaderField, value: HeaderText);

    /// Sets a header to one value.
    fn set_text(&mut self, field: HeaderField, value: String);

    /// Adds a line to those that a header has.
    fn add(&mut self, field: HeaderField, value: String);

    /// Sets a header that is absent to `absent`. Replaces the values of one that is present by what `change`
    /// returns for them; `None` leaves them as they are.
    fn set_or_change(
        &mut self,
        field: HeaderField,
        absent: HeaderText,
        change: impl FnOnce(&[&[u8]]) -> Option<Vec<u8>>,
    );

    /// Removes every header whose name, in lower case, `is_meant` returns true for.
    fn remove_all(&mut self, is_meant: impl Fn(&str) -> bool);

    /// Returns whether `is_meant` returns true for any name, in lower case, and value.
    fn any(&self, is_meant: impl Fn(&str, &[u8]) -> bool) -> bool;

    /// Adds a `Set-Cookie` header. Its value holds a secret: mark it as sensitive where the framework can.
    fn add_cookie(&mut self, value: String);

    /// Sets a header, whose name is in lower case, to one value. It may hold a secret, as that of `add_cookie`.
    fn set_secret(&mut self, name: &str, value: String);

    /// Removes the `Set-Cookie` headers whose value `is_kept` returns false for.
    fn retain_cookies(&mut self, is_kept: impl Fn(&[u8]) -> bool);
}

/// Writes into headers what the client must learn, and what keeps the response from other users.
///
/// - A cookie is added in the place of others of its name. With it, and at a log-out, no cache may store the response.
/// - A response that used its session varies by `Cookie`, and is `private` unless the application says otherwise.
pub fn write_headers(
    headers: &mut impl ResponseHeaders,
    update: ResponseUpdate,
    manager: &SessionManager,
) -> Sharing {
    // Another package's format may send no cookie at a log-out.
    let has_cookies = update.set_cookie.is_some() || !update.more_cookies.is_empty();
    if !has_cookies && update.id_headers.is_empty() && !update.ended {
        let silence = silence_of(&update, manager.front().caching);
        let sharing = if update.vary { keep_private_or(headers, silence) } else { Sharing::Private };
        if update.vary && !manager.uses_cookies() {
            // What a transport reads is not known: every header may matter.
            headers.set(HeaderField::Vary, HeaderText::Anything);
        }
        return sharing;
    }
    forbid_storing(headers);
    for (name, value) in update.id_headers {
        headers.set_secret(&name, value);
    }
    if update.ended || update.logged_in {
        let directives: SmallVec<[&str; 4]> =
            manager.front().site_data(update.ended, update.sets_id).collect();
        if !directives.is_empty() {
            headers.add(HeaderField::ClearSiteData, directives.join(", "));
        }
    }
    add_cookies(headers, update.set_cookie, update.more_cookies);
    Sharing::Private
}

/// Returns whether [`answer_outage`] changes nothing of what an error says by itself.
pub fn answers_outages_as_usual(manager: &SessionManager) -> bool {
    manager.front().answers_outages_as_usual()
}

/// Makes the response to a request whose session could not be loaded or saved as the configuration wants it: sets
/// `Retry-After`, and returns the status that it should have.
///
/// `worded` is the status of a response that the application made of the error: its `Retry-After` stays, and so does its
/// status, unless it is the usual one of the error. `None` leaves the status, also if the error will not pass by itself.
pub fn answer_outage(
    headers: &mut impl ResponseHeaders,
    kind: ErrorKind,
    worded: Option<u16>,
    manager: &SessionManager,
) -> Option<u16> {
    if !kind.is_temporary() {
        return None;
    }
    let front = manager.front();
    if !(worded.is_some() && headers.any(|name, _| name == HeaderField::RetryAfter.name())) {
        headers.set_text(HeaderField::RetryAfter, front.retry_after.as_secs().to_string());
    }
    worded.is_none_or(|status| status == kind.status()).then_some(front.outage_status)
}

/// Keeps a response out of every cache, whatever the application said: for pages about an error of a session.
///
/// `no-store` alone is switched off by common settings of caches, and headers for CDNs come before it (RFC 9213).
pub fn forbid_storing(headers: &mut impl ResponseHeaders) {
    vary_by_cookie(headers);
    headers.set(HeaderField::CacheControl, HeaderText::NoStore);
    headers.remove_all(|name| name == "expires" || is_for_shared_caches(name));
}

/// Sets cookies, each in the place of others of its name, and keeps the response out of every cache.
pub fn set_cookies(headers: &mut impl ResponseHeaders, cookies: impl IntoIterator<Item = String>) {
    forbid_storing(headers);
    add_cookies(headers, None, cookies.into_iter().collect());
}

/// Keeps what was made for one user from the next one: `private`, unless the application says who may store it.
pub fn keep_private(headers: &mut impl ResponseHeaders) -> Sharing {
    keep_private_or(headers, HeaderText::Private)
}

/// Returns what `Cache-Control` becomes where the application says nothing in it.
fn silence_of(update: &ResponseUpdate, caching: Caching) -> HeaderText {
    match caching {
        Caching::NoStore => HeaderText::NoStore,
        Caching::UsersNoStore if update.has_user => HeaderText::NoStore,
        Caching::UsersNoStore | Caching::Private => HeaderText::Private,
    }
}

/// Keeps what was made for one user from the next one: `silence` where the application says nothing, and `private` unless
/// it says who may store it.
fn keep_private_or(headers: &mut impl ResponseHeaders, silence: HeaderText) -> Sharing {
    vary_by_cookie(headers);
    let said_to_caches = headers.any(|name, value| is_for_shared_caches(name) && allows_sharing(value));
    let mut said = Sharing::Private;
    headers.set_or_change(HeaderField::CacheControl, silence, |lines| match sharing_of(lines) {
        Some(sharing) => {
            said = sharing;
            None
        }
        None => Some(with_private(lines)),
    });
    if said_to_caches { Sharing::Shared } else { said }
}

fn vary_by_cookie(headers: &mut impl ResponseHeaders) {
    headers.set_or_change(HeaderField::Vary, HeaderText::Cookie, |lines| Some(varying(lines)));
}

/// A response never has two `Set-Cookie` headers of one name and place (RFC 6265bis, section 4.1.1): ours are the last word.
fn add_cookies(headers: &mut impl ResponseHeaders, first: Option<String>, more: Vec<String>) {
    let replaces = |other: &[u8]| first.iter().chain(&more).any(|cookie| has_name_of(cookie, other));
    headers.retain_cookies(|other| !replaces(other));
    first.into_iter().chain(more).for_each(|cookie| headers.add_cookie(cookie));
}

/// Returns whether another `Set-Cookie` header is of a cookie of the same name.
fn has_name_of(cookie: &str, other: &[u8]) -> bool {
    let Some((name, _)) = cookie.split_once('=') else { return false };
    let rest = other.trim_ascii_start().strip_prefix(name.as_bytes());
    rest.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"="))
}
