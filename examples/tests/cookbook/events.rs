//! What goes wrong is logged.

use cloakroom_tower::{Config, Event};

fn config() -> Config {
    Config::default().observer(|event: &Event| match event {
        Event::StoreUnavailable | Event::StoreRecovered => tracing::warn!(?event, "the session store"),
        Event::UnsavedChanges | Event::Unanswered | Event::SharedCache | Event::LayerIgnored => {
            tracing::warn!(?event, "a mistake in the application, or a client that went away");
        }
        _ => tracing::debug!(?event),
    })
}

// The test:

use crate::browser::Browser;
use axum::{Router, routing::get};
use cloakroom_tower::{Session, SessionError, SessionLayer, stores::MemoryStore};
use std::sync::atomic::{AtomicU32, Ordering};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};

static WARNINGS: AtomicU32 = AtomicU32::new(0);

/// Counts the warnings of the program above: the engine logs some by itself.
struct Counter;

impl Subscriber for Counter {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let metadata = event.metadata();
        if *metadata.level() == Level::WARN && metadata.target().starts_with("cookbook") {
            WARNINGS.fetch_add(1, Ordering::Relaxed);
        }
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_page_that_a_shared_cache_may_keep_is_logged() {
    let page = async |session: Session| {
        session.insert("coat", "green")?;
        Ok::<_, SessionError>([("cache-control", "public")])
    };
    let read = async |session: Session| {
        session.get::<String>("coat")?;
        Ok::<_, SessionError>([("cache-control", "public")])
    };
    let layer = SessionLayer::with_config(MemoryStore::new(), config()).unwrap();
    let mut browser =
        Browser::new(Router::new().route("/", get(page)).route("/read", get(read)).layer(layer));
    browser.get("/").await;
    let _subscriber = tracing::subscriber::set_default(Counter);
    browser.get("/read").await;
    assert_eq!(WARNINGS.load(Ordering::Relaxed), 1);
}
