//! What the headers of a request say about who made it, as far as that changes what may happen to its session.

use std::sync::atomic::{AtomicU8, Ordering};

use super::RequestHead;
use crate::config::{Config, Prefetch};
use crate::{RequestField, SameSite};

/// What is known of a request, beside its cookies. Read when its session is first asked for: most requests never do.
#[derive(Debug, Default)]
pub(crate) struct Clues(AtomicU8);

/// The headers were read.
const NOTED: u8 = 1;
/// The browser fetches the page ahead; the user may never see it.
const PREFETCH: u8 = 2;
/// The response may be a 304, whose cookie caches drop, or hand to others.
const CONDITIONAL: u8 = 4;
/// Another site made the browser send it, in a way that holds the cookie back.
const WITHHELD: u8 = 8;

impl Clues {
    /// Reads the headers once; `has_no_id` says whether the request brought none.
    pub(super) fn note(&self, head: &impl RequestHead, has_no_id: bool, config: &Config) {
        if self.has(NOTED) {
            return;
        }
        let mut found = NOTED;
        if config.front.prefetch != Prefetch::AsUsual && is_prefetch(head) {
            found |= PREFETCH;
        }
        if config.lifetime.renew_every.is_some() && is_conditional(head) {
            found |= CONDITIONAL;
        }
        if has_no_id && !config.front.cross_site_sessions && is_withheld(head, config) {
            found |= WITHHELD;
        }
        self.0.fetch_or(found, Ordering::Relaxed);
    }

    fn has(&self, clue: u8) -> bool {
        self.0.load(Ordering::Relaxed) & clue != 0
    }

    pub(super) fn is_prefetch(&self) -> bool {
        self.has(PREFETCH)
    }

    pub(super) fn is_conditional(&self) -> bool {
        self.has(CONDITIONAL)
    }

    pub(super) fn is_withheld(&self) -> bool {
        self.has(WITHHELD)
    }
}

/// Returns whether a `GET` says `prefetch` of itself, as in `prefetch;prerender`.
fn is_prefetch(head: &impl RequestHead) -> bool {
    let Some(purpose) = head.header(RequestField::SecPurpose) else { return false };
    let token = purpose.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    token.eq_ignore_ascii_case(b"prefetch") && is_safe(head.method().unwrap_or("GET"))
}

fn is_conditional(head: &impl RequestHead) -> bool {
    [RequestField::IfNoneMatch, RequestField::IfModifiedSince]
        .into_iter()
        .any(|field| head.header(field).is_some())
}

/// Returns whether the browser would not have sent the cookie, if it has one.
fn is_withheld(head: &impl RequestHead, config: &Config) -> bool {
    // What the cookie of another package is like is not known here.
    if config.format.is_some() {
        return false;
    }
    let holds_back = match config.cookie.same_site {
        Some(SameSite::None) => false,
        Some(SameSite::Strict) => true,
        Some(SameSite::Lax) | None => !is_safe(head.method().unwrap_or("GET")),
    };
    let says = |field, value: &[u8]| head.header(field) == Some(value);
    // Only a page that is shown can replace the cookie; browsers ignore it in answers to frames and scripts.
    holds_back
        && says(RequestField::SecFetchSite, b"cross-site")
        && says(RequestField::SecFetchMode, b"navigate")
}

fn is_safe(method: &str) -> bool {
    ["GET", "HEAD"].contains(&method)
}

#[cfg(test)]
mod tests {
    use crate::stores::MemoryStore;
    use crate::{Config, ErrorKind, PlainRequest, RequestField, RequestSession, SessionManager};

    /// Begins a request in a store that answers without waiting, as an adapter does.
    fn begin(manager: &SessionManager, head: &PlainRequest) -> RequestSession {
        let session = manager.begin(head);
        session.note_headers(head);
        session
    }

    #[tokio::test]
    async fn r34_a_page_that_is_fetched_ahead_does_not_write_in_place() {
        let manager =
            SessionManager::new(MemoryStore::new(), Config::default().sweep_interval(None)).unwrap();
        let first = begin(&manager, &PlainRequest::default());
        first.load().await.unwrap().insert("coat", "red").unwrap();
        let cookie = first.try_finish().unwrap().set_cookie.unwrap();
        let mut head = PlainRequest::with_cookie(cookie.split(';').next().unwrap());
        head.headers.push((RequestField::SecPurpose.name().into(), "prefetch".into()));
        for reads in [true, false] {
            let ahead = begin(&manager, &head);
            let session = ahead.load().await.unwrap();
            assert_eq!(session.get::<String>("coat").unwrap().as_deref(), Some("red"));
            if reads {
                assert_eq!(ahead.try_finish().unwrap().set_cookie, None);
            } else {
                session.insert("coat", "blue").unwrap();
                assert!(ahead.try_finish().is_none());
                assert_eq!(ahead.commit().await.unwrap_err().kind(), ErrorKind::Prefetch);
            }
        }
        head.headers.clear();
        let session = begin(&manager, &head).load().await.unwrap();
        assert_eq!(session.get::<String>("coat").unwrap().as_deref(), Some("red"));
    }
}
