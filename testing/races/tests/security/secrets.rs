//! All log output, at every level, and the `Debug` and `Display` text of all public types: no secret is in it.

use std::error::Error;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloakroom::store::ErrorKind as Failure;
use cloakroom::{Config, PlainRequest};
use cloakroom_races::{Answer, Browser, Forger, Heard, Kind, Op, Secrets, Stand, When, decoded, races};
use cloakroom_tower::{LazySession, OutageFallback, Session, SessionError, SessionLayer, StoreOutage};

use crate::{Handled, SECRET, ask, log_in, log_out, renew, ring};

races! {
    @owned
    r26_no_id_key_value_or_secret_is_in_any_log_error_or_debug_output,
}

const VALUE: &str = "a value that must stay private";

/// What is shown where no subscriber logs it: `Debug` texts of types, texts of errors, answers to a client.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<String>>);

impl Said {
    fn shows(&self, value: &impl Debug) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(text, "{value:?} {value:#?}").unwrap();
    }

    fn fails(&self, error: &(dyn Error + 'static)) {
        let mut error = Some(error);
        while let Some(found) = error {
            self.shows(&(found.to_string(), found));
            error = found.source();
        }
    }

    fn tried<T: Debug>(&self, result: Result<T, cloakroom::Error>) {
        match result {
            Ok(done) => self.shows(&done),
            Err(error) => self.fails(&error),
        }
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A stand, and everything secret that was ever on it.
struct Scene {
    stand: Stand,
    secrets: Secrets,
    said: Said,
}

impl Scene {
    async fn new(kind: Kind) -> Self {
        let (mut secrets, said) = (Secrets::default(), Said::default());
        secrets.text(VALUE);
        secrets.text(SECRET);
        // Every failure is one of a single operation: a retry would hide it.
        let outage = StoreOutage::default().retry_for(Duration::ZERO).fallback(OutageFallback::FailClosed);
        let change =
            |config: Config| config.signed(ring()).max_sessions_per_user(3).outage(outage).max_size(2_000);
        Self { stand: Stand::with(kind, change).await, secrets, said }
    }

    /// Notes what an answer gives away to its client alone, and what its texts show in a log.
    fn answered(&mut self, browser: &mut Browser, answer: &Answer) {
        browser.obey(answer);
        if let Some(value) = browser.cookie() {
            self.secrets.cookie(value);
        }
        if !answer.status.is_success() {
            self.said.shows(&answer.body);
        }
    }

    async fn run<F, Fut>(&mut self, browser: &mut Browser, script: F)
    where
        F: FnOnce(Session) -> Fut + Send + 'static,
        Fut: Future<Output = Handled> + Send + 'static,
    {
        let said = self.said.clone();
        let whole = async move |session: Session| {
            said.shows(&session);
            said.shows(&(session.id(), session.public_id(), session.path("deep.down")));
            let handled = script(session).await;
            if let Err(error) = &handled {
                said.fails(error);
            }
            handled
        };
        let answer = browser.start(whole).answer().await;
        self.answered(browser, &answer);
    }

    /// Ordinary days: values, log-ins, tokens, renewals, merges, ends.
    async fn live(&mut self) -> Browser {
        let mut alice = self.stand.browser();
        self.run(&mut alice, write).await;
        self.run(&mut alice, log_in).await;
        self.run(&mut alice, write).await;
        self.note_csrf(&alice).await;
        let others = [alice.hold(change).await, alice.hold(change).await, alice.hold(read).await];
        self.run(&mut alice, renew).await;
        for held in others {
            let answer = held.release().await;
            self.said.shows(&answer.body);
        }
        for _ in 0..4 {
            let mut more = self.stand.browser();
            self.run(&mut more, log_in).await;
            self.run(&mut more, write).await;
        }
        for user in ["alice", "nobody"] {
            self.said.tried(self.stand.engine.sessions().list(user).await);
        }
        alice
    }

    /// The token, and the secret that it is a mask of.
    async fn note_csrf(&mut self, browser: &Browser) {
        let token =
            browser.start(async |session: Session| Ok(session.csrf_token()?)).answer().await.ok().body;
        let bytes = decoded(&token);
        let secret: Vec<u8> = (0..16).map(|at| bytes[at] ^ bytes[at + 16]).collect();
        self.secrets.bytes(&secret);
        self.secrets.text(&token[..20]);
        let wrong = format!("A{}", &token[1..]);
        let mut again = browser.clone();
        self.run(&mut again, async move |session| Ok(session.require_csrf_token(Some(&wrong))?)).await;
    }

    /// Every error that a handler can make.
    async fn misuse(&mut self) {
        let mut guest = self.stand.browser();
        self.run(&mut guest, write).await;
        let mistakes: [fn(&Session) -> cloakroom::Result<()>; 7] = [
            |session| session.get::<u64>("value").map(drop),
            |session| session.path("list.0").get::<u64>().map(drop),
            |session| session.increment("value", 1).map(drop),
            |session| session.push("value", VALUE).map(drop),
            |session| session.path("value.deeper").insert(VALUE),
            |session| session.log_in(""),
            |session| session.insert("value", VALUE.repeat(100)),
        ];
        for mistake in mistakes {
            self.run(&mut guest, async move |session| Ok(mistake(&session)?)).await;
            self.run(&mut guest, async move |session| {
                drop(mistake(&session));
                Ok(session.save().await?)
            })
            .await;
        }
    }

    /// Every operation fails in every way, before and after it took effect.
    async fn fail(&mut self) {
        for failure in
            [Failure::Unavailable, Failure::Full, Failure::Corrupt, Failure::Other, Failure::TooLarge]
        {
            for op in [Op::Load, Op::Create, Op::Update, Op::Touch, Op::List, Op::Revoke, Op::Sweep] {
                for when in [When::Before, When::After] {
                    let mut browser = self.stand.browser();
                    self.run(&mut browser, write).await;
                    self.stand.store.fail_with(op, when, failure);
                    self.run(&mut browser, log_in).await;
                    self.run(&mut browser, write).await;
                    self.run(&mut browser, log_out).await;
                    self.said.tried(self.stand.engine.sweep().await);
                    self.said.tried(self.stand.engine.sessions().revoke_all("alice").await);
                }
            }
        }
    }

    /// Cookies of others, records of others.
    async fn attack(&mut self) {
        let mut forger = Forger::new(26);
        for _ in 0..20 {
            for value in [forger.id(), forger.malformed(), forger.oversized()] {
                let value: Vec<u8> = value.into_iter().filter(u8::is_ascii).collect();
                ask(&self.stand, "/look", std::slice::from_ref(&value)).await;
                let text = String::from_utf8(value).unwrap();
                if text.len() > 20 {
                    self.secrets.text(&text);
                }
            }
        }
        let mut guest = self.stand.browser();
        self.run(&mut guest, write).await;
        for entry in self.stand.store.records().await {
            let mut record = entry.stored.record;
            record.payload = format!("\u{2}\u{1}{VALUE}").into();
            let update = self.stand.store.behind().update(&entry.key, entry.stored.version, &record);
            self.said.shows(&update.await);
        }
        self.run(&mut guest, write).await;
    }

    /// What all types show of themselves.
    async fn show(&mut self, alice: &mut Browser) {
        // Newer than the others, or the cap may have ended it.
        self.stand.wait(1);
        self.run(alice, log_in).await;
        let engine = &self.stand.engine;
        let layer = SessionLayer::from_manager(engine.clone());
        self.said.shows(&(&self.stand, engine, engine.store(), &layer, engine.sessions(), ring()));
        self.said.shows(&(
            self.stand.events.all(),
            self.stand.store.records().await,
            self.stand.store.keys(),
        ));
        self.said.shows(&Config::default().signed(ring()));
        let cookie = format!("session={}", alice.cookie().unwrap());
        let plain = PlainRequest::with_cookie(cookie);
        let pending = engine.begin(&plain);
        let session = pending.load().await.unwrap();
        session.cycle_id();
        self.said.shows(&(&plain, &pending, &session));
        let outcome = pending.commit().await.unwrap();
        self.said.shows(&outcome);
        let set = outcome.set_cookie.unwrap();
        let value = set.strip_prefix("session=").unwrap().split(';').next().unwrap();
        self.secrets.cookie(value);
        alice.plant(value);
        let said = self.said.clone();
        let lazily = async move |lazy: LazySession| {
            said.shows(&lazy);
            Ok::<_, SessionError>(())
        };
        alice.start_lazily(lazily).answer().await.ok();
        let response = self.respond().await;
        self.said.shows(&response);
    }

    /// A response as a middleware sees it, headers and all.
    async fn respond(&mut self) -> impl Debug + use<> {
        use axum::body::Body;
        use cloakroom_races::ServiceExt;
        let request = axum::http::Request::get("/visit").body(Body::empty()).unwrap();
        let response = self.stand.router().oneshot(request).await.unwrap();
        let set = response.headers()["set-cookie"].to_str().unwrap().to_owned();
        self.secrets.cookie(set.strip_prefix("session=").unwrap().split(';').next().unwrap());
        response.map(|_| ())
    }
}

async fn write(session: Session) -> Handled {
    session.insert("value", VALUE)?;
    session.push("list", VALUE)?;
    session.path("deep.down").insert(VALUE)?;
    session.flash("flash", VALUE)?;
    session.set_device("a telephone");
    Ok(())
}

fn change(session: &Session) -> cloakroom::Result<()> {
    session.update("value", |value: Option<String>| value.unwrap_or_default())?;
    session.increment("count", 1).map(drop)
}

fn read(session: &Session) -> cloakroom::Result<()> {
    session.get::<String>("value").map(drop)
}

async fn r26_no_id_key_value_or_secret_is_in_any_log_error_or_debug_output(kind: Kind) {
    let heard = Heard::everything();
    let mut scene = Scene::new(kind).await;
    let mut alice = scene.live().await;
    scene.show(&mut alice).await;
    scene.misuse().await;
    scene.fail().await;
    scene.attack().await;
    scene.said.shows(&scene.stand.events.all());
    for key in scene.stand.store.keys() {
        scene.secrets.bytes(key.as_bytes());
    }
    let (logged, said) = (heard.text(), scene.said.text());
    assert!(logged.contains("cannot be read") && logged.contains("a session operation failed"));
    assert!(scene.secrets.len() > 1_000 && said.len() > 10_000, "{:?}", scene.secrets);
    assert_eq!(scene.secrets.found_in(&logged), [""; 0]);
    assert_eq!(scene.secrets.found_in(&said), [""; 0]);
}
