//! An engine on watched bodies, and browsers that keep their cookies.

use std::collections::BTreeMap;
use std::time::Duration;

use cloakroom::store::{Clock as _, Timestamp};
use cloakroom::{Config, ManualClock, PlainRequest, ResponseUpdate, Result, Session, SessionManager};
use cloakroom_node::cookie::{Attributes, ExpressCookie, KoaCookie, NodeSessionCookie};
use cloakroom_node::{Express, Koa, NodeSession, NodeStore, SocialTables};

use crate::watched::Watched;

pub(crate) const SECRET: &str = "keyboard cat";
pub(crate) const ID: &str = "Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf";
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// What express-session writes for a session whose cookie ends with the browser.
pub(crate) const BROWSER: &str =
    r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"views":1}"#;
/// What it writes for one whose cookie lives for an hour.
pub(crate) const AN_HOUR: &str = r#"{"cookie":{"originalMaxAge":3600000,"expires":"2026-01-01T01:00:00.000Z","httpOnly":true,"path":"/"},"views":1}"#;

pub(crate) struct Stage {
    pub(crate) clock: ManualClock,
    pub(crate) bodies: Watched,
    pub(crate) engine: SessionManager,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::express(|express| express)
    }

    pub(crate) fn express(set: impl FnOnce(Express) -> Express) -> Self {
        Self::configured(set, |config| config)
    }

    pub(crate) fn configured(
        set: impl FnOnce(Express) -> Express,
        configure: impl FnOnce(Config) -> Config,
    ) -> Self {
        let express = set(Express::new([SECRET]).unwrap());
        Self::on(configure(express.config()), |bodies| express.store(bodies))
    }

    pub(crate) fn koa(set: impl FnOnce(Koa) -> Koa, configure: impl FnOnce(Config) -> Config) -> Self {
        let koa = set(Koa::new(["keys", "keykeys"]).unwrap());
        Self::on(configure(koa.config()), |bodies| koa.store(bodies))
    }

    pub(crate) fn social_tables(set: impl FnOnce(SocialTables) -> SocialTables) -> Self {
        let social = set(SocialTables::new(["keys"]).unwrap());
        Self::on(social.config(), |bodies| social.store(bodies))
    }

    pub(crate) fn node_session(set: impl FnOnce(NodeSession) -> NodeSession) -> Self {
        let preset = set(NodeSession::new([SECRET]).unwrap());
        Self::on(preset.config(), |bodies| preset.store(bodies))
    }

    pub(crate) fn on(config: Config, store: impl FnOnce(Watched) -> NodeStore) -> Self {
        // 2026-01-01T00:00:00.000Z
        let clock = ManualClock::at(Timestamp::from_millis(1_767_225_600_000));
        let bodies = Watched::new(clock.clone());
        let engine = SessionManager::new(store(bodies.clone()), config.clock(clock.clone())).unwrap();
        Self { clock, bodies, engine }
    }

    /// Writes a body under [`ID`] as Node does, and returns a browser that has its cookie.
    pub(crate) fn node_writes(&self, body: &str) -> Browser {
        self.bodies.node_writes(ID, body, self.clock.now() + HOUR);
        Browser::with(&cookie(SECRET, ID))
    }

    /// Writes a body under [`ID`] as Koa does, and returns a browser that has its cookies.
    pub(crate) fn koa_writes(&self, body: &str) -> Browser {
        self.bodies.node_writes(ID, body, self.clock.now() + HOUR);
        let cookies = KoaCookie::new("koa.sid", ["keys", "keykeys"]).unwrap();
        let mut browser = Browser::default();
        for header in cookies.write(ID, &Attributes::default(), 0).unwrap() {
            let (name, value) = header.split(';').next().unwrap().split_once('=').unwrap();
            browser.set_cookie(name, value);
        }
        browser
    }

    /// Carries out a request.
    pub(crate) async fn visit(&self, browser: &mut Browser, f: impl AsyncFnOnce(&Session)) -> ResponseUpdate {
        self.try_visit(browser, f).await.unwrap()
    }

    /// Carries out a request that may fail.
    pub(crate) async fn try_visit(
        &self,
        browser: &mut Browser,
        f: impl AsyncFnOnce(&Session),
    ) -> Result<ResponseUpdate> {
        let pending = self.engine.begin(&browser.request());
        f(&pending.load().await?).await;
        let outcome = pending.commit().await?;
        browser.take(&outcome);
        Ok(outcome)
    }

    /// Counts one more visit.
    pub(crate) async fn count(&self, browser: &mut Browser) -> i64 {
        let mut views = 0;
        self.visit(browser, async |session| views = session.increment("views", 1).unwrap()).await;
        views
    }

    /// Returns the body of a browser's session.
    pub(crate) fn body(&self, browser: &Browser) -> String {
        self.bodies.body(&browser.id()).unwrap()
    }
}

/// A client with cookies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) https: bool,
    pub(crate) forwarded_proto: Option<&'static str>,
    pub(crate) path: Option<&'static str>,
}

impl Browser {
    /// A browser with one cookie: `name=value`.
    pub(crate) fn with(cookie: &str) -> Self {
        let (name, value) = cookie.split_once('=').unwrap();
        Self { cookies: BTreeMap::from([(name.into(), value.into())]), ..Self::default() }
    }

    pub(crate) fn over_https() -> Self {
        Self { https: true, ..Self::default() }
    }

    /// A browser whose proxy says how it came.
    pub(crate) fn forwarded(proto: &'static str) -> Self {
        Self { forwarded_proto: Some(proto), ..Self::default() }
    }

    pub(crate) fn request(&self) -> PlainRequest {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = if pairs.is_empty() { Vec::new() } else { vec![pairs.join("; ")] };
        let mut request = PlainRequest::default().with_cookies(cookies).with_https(self.https);
        request.forwarded_proto = self.forwarded_proto.map(str::to_owned);
        request.path = self.path.map(str::to_owned);
        request
    }

    fn take(&mut self, outcome: &ResponseUpdate) {
        for header in sent(outcome) {
            let (name, value) = header.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
            if header.contains("1970") {
                self.cookies.remove(name);
            }
        }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Returns the id in the browser's session cookie, Express's or Koa's.
    pub(crate) fn id(&self) -> String {
        if let Some(id) =
            self.cookies.iter().find(|(name, _)| self.cookies.contains_key(&format!("{name}.sig")))
        {
            return id.1.clone();
        }
        if let Some(value) = self.cookie("node_session") {
            let pair = format!("node_session={value}");
            let cookie = NodeSessionCookie::new("node_session", [SECRET]).unwrap();
            return cookie.read([pair.as_bytes()]).into_sid().unwrap();
        }
        let pair = format!("connect.sid={}", self.cookies["connect.sid"]);
        let cookie = ExpressCookie::new("connect.sid", [SECRET]).unwrap();
        cookie.read([pair.as_bytes()]).into_sid().unwrap()
    }
}

/// Returns the `Set-Cookie` headers of a response.
pub(crate) fn sent(outcome: &ResponseUpdate) -> Vec<&str> {
    outcome.set_cookie.iter().chain(&outcome.more_cookies).map(String::as_str).collect()
}

/// Returns the one `Set-Cookie` header of a response.
pub(crate) fn header(outcome: &ResponseUpdate) -> &str {
    let [header] = sent(outcome)[..] else { panic!("{:?}", sent(outcome)) };
    header
}

/// Returns the cookie that Express makes for this id: `connect.sid=…`.
pub(crate) fn cookie(secret: &str, id: &str) -> String {
    let header = ExpressCookie::new("connect.sid", [secret]).unwrap().write(id, &Attributes::default(), 0);
    header.unwrap().split(';').next().unwrap().to_owned()
}
