//! Cookies are read when a session is first looked at: signatures cost more than all else that a request does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloakroom::{Event, Observer, PlainRequest};

use crate::stage::{BROWSER, ID, SECRET, Stage, cookie};

/// Counts cookies that were refused.
#[derive(Clone, Debug, Default)]
struct Refused(Arc<AtomicUsize>);

impl Observer for Refused {
    fn on_event(&self, event: &Event) {
        if matches!(event, Event::Rejected { .. }) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Refused {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_signature_is_verified_once_and_only_if_the_session_is_looked_at() {
    let refused = Refused::default();
    let stage = Stage::configured(|express| express, |config| config.observer(refused.clone()));
    let pending = stage.engine.begin(&PlainRequest::with_cookie(cookie("another secret", ID)));
    assert!(pending.try_finish().is_some(), "an untouched request ends at once");
    assert_eq!(refused.count(), 0);

    let pending = stage.engine.begin(&PlainRequest::with_cookie(cookie("another secret", ID)));
    for _ in 0..2 {
        assert!(!pending.load().await.unwrap().exists());
    }
    assert_eq!(refused.count(), 1);
}

#[tokio::test]
async fn the_first_cookie_of_the_name_counts_in_whichever_header_it_is() {
    let stage = Stage::new();
    stage.node_writes(BROWSER);
    let (ours, other) = (cookie(SECRET, ID), cookie(SECRET, "an id that no session has"));
    for (headers, is_found) in [
        (vec!["theme=dark".to_owned(), ours.clone()], true),
        (vec![ours.clone(), other.clone()], true),
        (vec![other, ours], false),
    ] {
        let pending = stage.engine.begin(&PlainRequest::default().with_cookies(headers));
        assert_eq!(pending.load().await.unwrap().exists(), is_found);
    }
}
