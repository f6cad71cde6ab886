//! An engine on bodies in memory, and a client.

use std::time::Duration;

use cloakroom::store::{Clock as _, Timestamp};
use cloakroom::{Config, ManualClock, PlainRequest, ResponseUpdate, Session, SessionManager};
use cloakroom_node::cookie::{Attributes, ExpressCookie};
use cloakroom_node::{Express, MemoryBodies};

pub(crate) const SECRET: &str = "keyboard cat";
pub(crate) const ID: &str = "Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf";

/// An engine that shares sessions with Express.
pub(crate) struct Stage {
    pub(crate) clock: ManualClock,
    pub(crate) bodies: MemoryBodies,
    pub(crate) engine: SessionManager,
}

/// 2026-01-01T00:00:00.000Z.
pub(crate) fn new_year() -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000)
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(|express| express)
    }

    pub(crate) fn with(set: impl FnOnce(Express) -> Express) -> Self {
        Self::configured(set, |config| config)
    }

    pub(crate) fn configured(
        set: impl FnOnce(Express) -> Express,
        configure: impl FnOnce(Config) -> Config,
    ) -> Self {
        let clock = ManualClock::at(new_year());
        let bodies = MemoryBodies::with_clock(clock.clone());
        let express = set(Express::new([SECRET]).unwrap());
        let config = configure(express.config().clock(clock.clone()));
        let engine = SessionManager::new(express.store(bodies.clone()), config).unwrap();
        Self { clock, bodies, engine }
    }

    /// Writes a body as Node does.
    pub(crate) fn node_writes(&self, body: &str) {
        self.bodies.set(ID, body.to_owned(), self.clock.now() + Duration::from_secs(3600));
    }

    pub(crate) fn body(&self, id: &str) -> String {
        String::from_utf8(self.bodies.get(id).unwrap().to_vec()).unwrap()
    }

    /// Returns a body without the member of our own, and that member.
    pub(crate) fn body_and_own(&self, id: &str) -> (String, String) {
        let body = self.body(id);
        let at = body.find(",\"__cloakroom\":").unwrap();
        (format!("{}}}", &body[..at]), body[at + 1..body.len() - 1].to_owned())
    }

    /// Carries out a request with this `Cookie` header.
    pub(crate) async fn request(&self, cookie: &str, f: impl AsyncFnOnce(&Session)) -> ResponseUpdate {
        let pending = self.engine.begin(&PlainRequest::with_cookie(cookie));
        f(&pending.load().await.unwrap()).await;
        pending.commit().await.unwrap()
    }

    /// Carries out a request of the client that has the session `id`.
    pub(crate) async fn visit(&self, id: &str, f: impl AsyncFnOnce(&Session)) -> ResponseUpdate {
        self.request(&cookie(SECRET, id), f).await
    }
}

/// Returns the `Cookie` header that Express makes for this id.
pub(crate) fn cookie(secret: &str, id: &str) -> String {
    let header = ExpressCookie::new("connect.sid", [secret]).unwrap().write(id, &Attributes::default(), 0);
    header.unwrap().split(';').next().unwrap().to_owned()
}

/// Returns the id in a `Set-Cookie` header.
pub(crate) fn id_in(set_cookie: &str) -> String {
    let pair = set_cookie.split(';').next().unwrap();
    ExpressCookie::new("connect.sid", [SECRET]).unwrap().read([pair.as_bytes()]).into_sid().unwrap()
}
