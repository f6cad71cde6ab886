//! `ReentrantEverything`: all code of an application that the engine runs, and each piece calls back into a session.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::{Clock, Event, Observer, Random, Result, Session, SessionManager, SystemRandom, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::browser::Browser;
use crate::clock::TestClock;
use crate::stage::{Stage, plain};
use crate::watchdog;

thread_local! {
    /// A call back into a session may itself run code of the application: it does not call back again.
    static CALLING: Cell<bool> = const { Cell::new(false) };
}

/// Calls back into a session, once it knows one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller(Arc<Mutex<Option<Session>>>);

impl Caller {
    pub(crate) fn knows(&self, session: &Session) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(session.clone());
        // The last handle of a request tells of changes that were never saved: not under this lock.
        drop(known);
    }

    /// Without the session, it is no longer part of a circle.
    pub(crate) fn forget(&self) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(known);
    }

    pub(crate) fn call(&self) {
        let session = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(session) = session else { return };
        if CALLING.replace(true) {
            return;
        }
        let _ = session.get::<u64>("price");
        let _ = session.path("basket.coat").get::<u64>();
        let _ = (session.exists(), session.user(), session.public_id(), session.expires_in());
        session.insert("called", true).unwrap();
        CALLING.set(false);
    }
}

impl Observer for Caller {
    fn on_event(&self, _event: &Event) {
        self.call();
    }
}

#[derive(Debug)]
pub(crate) struct CallingClock(pub(crate) TestClock, pub(crate) Caller);

impl Clock for CallingClock {
    fn now(&self) -> Timestamp {
        self.1.call();
        self.0.now()
    }
}

#[derive(Debug)]
pub(crate) struct CallingRandom(pub(crate) Caller);

impl Random for CallingRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        self.0.call();
        SystemRandom.fill(bytes)
    }
}

/// A value whose `Serialize`, `Deserialize` and `Drop` call back.
pub(crate) struct CallingValue(pub(crate) Caller);

impl Serialize for CallingValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.call();
        serializer.serialize_u64(1)
    }
}

impl Drop for CallingValue {
    fn drop(&mut self) {
        self.0.call();
    }
}

thread_local! {
    /// Serde makes values out of nothing: this is how they find the caller.
    pub(crate) static READER: Caller = Caller::default();
}

/// A value whose `Deserialize` and `Serialize` call back through [`READER`].
pub(crate) struct CallingOnReading(pub(crate) u64);

impl Serialize for CallingOnReading {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        READER.with(Caller::call);
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for CallingOnReading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READER.with(Caller::call);
        u64::deserialize(deserializer).map(Self)
    }
}

/// A key whose `as_ref` calls back.
pub(crate) struct CallingKey(pub(crate) Caller);

impl AsRef<str> for CallingKey {
    fn as_ref(&self) -> &'static str {
        self.0.call();
        "note"
    }
}

/// A session with something of everything in it.
pub(crate) fn fill(session: &Session) {
    session.insert("price", 5_u64).unwrap();
    session.insert("total", 1_u64).unwrap();
    session.path("basket.coat").insert(1_u64).unwrap();
    session.flash("note", "saved").unwrap();
}

/// Begins a request, does `handler`, lets another request commit a change of the same values first, and commits.
pub(crate) async fn contended(engine: &SessionManager, caller: &Caller, handler: impl FnOnce(&Session)) {
    let mut browser = Browser::default();
    browser.visit(engine, fill).await;
    let pending = browser.begin(engine);
    let session = pending.load().await.unwrap();
    caller.knows(&session);
    handler(&session);
    drop(session);
    let other = |session: &Session| {
        session.increment("total", 1).unwrap();
        session.path("basket.coat").increment(1).unwrap();
    };
    browser.visit(engine, other).await;
    browser.take_in(&pending.commit().await.unwrap());
    caller.forget();
    assert!(browser.has_session(engine).await);
}

/// Does `handler` in a contended request; must end.
pub(crate) fn must_end(handler: impl FnOnce(&Session, &Caller) + Send + 'static) {
    watchdog::ends(move || async move {
        let (stage, caller) = (Stage::new(plain), Caller::default());
        contended(&stage.engine, &caller, |session| handler(session, &caller)).await;
    });
}

/// Records an update whose closure has captured a value that calls back when it is dropped.
pub(crate) fn update_with_captured(session: &Session, caller: &Caller) {
    let captured = CallingValue(caller.clone());
    let add = move |total: Option<u64>| {
        let _held = &captured;
        total.unwrap_or(0) + 1
    };
    session.update("total", add).unwrap();
}

/// A subscriber of `tracing` that calls back at every event.
pub(crate) struct CallingSubscriber(pub(crate) Caller);

impl tracing::Subscriber for CallingSubscriber {
    fn enabled(&self, _metadata: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _span: &tracing::span::Id, _values: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _span: &tracing::span::Id, _follows: &tracing::span::Id) {}
    fn event(&self, _event: &tracing::Event<'_>) {
        self.0.call();
    }
    fn enter(&self, _span: &tracing::span::Id) {}
    fn exit(&self, _span: &tracing::span::Id) {}
}
