use std::time::Duration;

use cloakroom::store::{BodyStore as _, Timestamp};
use cloakroom::{ManualClock, PlainRequest, ResponseUpdate, Session, SessionManager};

use super::NodeSession;
use crate::body::Object;
use crate::cookie::{Attributes, NodeSessionCookie};
use crate::{MemoryBodies, NodeValues as _};

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const SECRET: &str = "keyboard cat";

struct App {
    engine: SessionManager,
    bodies: MemoryBodies,
    clock: ManualClock,
    cookie: NodeSessionCookie,
}

impl App {
    fn new(preset: &NodeSession) -> Self {
        let clock = ManualClock::at(NOW);
        let bodies = MemoryBodies::with_clock(clock.clone());
        let engine =
            SessionManager::new(preset.store(bodies.clone()), preset.config().clock(clock.clone())).unwrap();
        Self { engine, bodies, clock, cookie: NodeSessionCookie::new("node_session", [SECRET]).unwrap() }
    }

    fn usual() -> Self {
        Self::new(&NodeSession::new([SECRET]).unwrap())
    }

    async fn request(&self, head: &PlainRequest, handler: impl FnOnce(&Session)) -> ResponseUpdate {
        let pending = self.engine.begin(head);
        handler(&pending.load().await.unwrap());
        pending.commit().await.unwrap()
    }

    /// Returns the id that a response hands out.
    fn id(&self, outcome: &ResponseUpdate) -> String {
        let cookie = outcome.set_cookie.as_deref().expect("the response has a cookie");
        let pair = cookie.split(';').next().unwrap();
        self.cookie.read([pair.as_bytes()]).into_sid().expect("it is signed")
    }

    fn head(&self, id: &str) -> PlainRequest {
        let cookie = self.cookie.write(id, &Attributes::default(), 0).unwrap();
        PlainRequest::with_cookie(cookie.split(';').next().unwrap())
    }

    fn body(&self, id: &str) -> String {
        String::from_utf8(self.bodies.get(id).expect("there is a body").to_vec()).unwrap()
    }
}

fn nothing(_: &Session) {}

fn count(session: &Session) {
    session.increment("views", 1).unwrap();
}

#[tokio::test]
async fn every_response_brings_the_cookie_with_the_whole_lifetime() {
    let app = App::usual();
    let first = app.request(&PlainRequest::default(), count).await;
    let id = app.id(&first);
    assert_eq!(id.len(), 40);
    for minute in 1..10 {
        app.clock.advance(Duration::from_secs(60));
        let outcome = app.request(&app.head(&id), nothing).await;
        let cookie = outcome.set_cookie.unwrap();
        let end = format!("Expires=Thu, 01 Jan 2026 00:{:02}:00 GMT; HttpOnly", minute + 5);
        assert!(cookie.contains("; Max-Age=300; Path=/; ") && cookie.ends_with(&end), "{cookie}");
    }
    app.clock.advance(Duration::from_secs(301));
    let pending = app.engine.begin(&app.head(&id));
    assert_eq!(pending.load().await.unwrap().get::<u32>("views").unwrap(), None, "it was idle too long");
}

#[tokio::test]
async fn an_id_that_the_store_does_not_know_gets_a_new_one() {
    let app = App::usual();
    let unknown = "a".repeat(40);
    let outcome = app.request(&app.head(&unknown), count).await;
    assert_ne!(app.id(&outcome), unknown);
    assert_eq!(app.bodies.get(&unknown), None);
}

#[tokio::test]
async fn a_cookie_that_ends_with_the_browser_has_no_lifetime() {
    let app = App::new(&NodeSession::new([SECRET]).unwrap().expire_on_close(true));
    let cookie = app.request(&PlainRequest::default(), count).await.set_cookie.unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly"), "{cookie}");
}

#[tokio::test]
async fn a_secure_cookie_is_sent_over_https_only() {
    let app = App::new(&NodeSession::new([SECRET]).unwrap().secure());
    assert_eq!(app.request(&PlainRequest::default(), count).await.set_cookie, None);
    let head = PlainRequest::default().with_https(true);
    let cookie = app.request(&head, count).await.set_cookie.unwrap();
    assert!(cookie.ends_with("; HttpOnly; Secure"), "{cookie}");
}

#[tokio::test]
async fn the_end_of_a_session_takes_the_cookie_away() {
    let app = App::usual();
    let id = app.id(&app.request(&PlainRequest::default(), count).await);
    let outcome = app.request(&app.head(&id), |session| session.destroy()).await;
    let cookie = outcome.set_cookie.unwrap();
    assert!(cookie.contains("; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), "{cookie}");
    assert_eq!(app.bodies.get(&id), None);
}

#[tokio::test]
async fn the_body_is_one_that_node_session_reads() {
    let app = App::usual();
    let outcome = app
        .request(&PlainRequest::default(), |session| {
            count(session);
            session.flash("info", "saved").unwrap();
        })
        .await;
    let id = app.id(&outcome);
    let body = app.body(&id);
    let object = Object::parse(body.as_bytes()).unwrap();
    assert_eq!(object.get("_token").unwrap().as_text().unwrap().len(), 40);
    assert_eq!(object.get("views").unwrap().as_str(), "1");
    assert_eq!(object.get("info").unwrap().as_str(), "\"saved\"");
    assert_eq!(object.get("flash").unwrap().as_str(), r#"{"old":["info"],"new":[]}"#);
    assert_eq!(app.id(&app.request(&app.head(&id), nothing).await), id);
    let body = app.body(&id);
    assert!(!body.contains("info") && body.contains(r#""flash":{"old":[],"new":[]}"#), "{body}");
}

#[tokio::test]
async fn the_token_is_kept_until_the_session_ends_and_is_the_only_one_that_is_right() {
    let app = App::usual();
    let mut made = String::new();
    let outcome =
        app.request(&PlainRequest::default(), |session| made = session.node_session_token().unwrap()).await;
    let id = app.id(&outcome);
    let head = app.head(&id);
    let outcome = app.request(&head, |session| {
        assert_eq!(session.node_session_token().unwrap(), made);
        assert!(session.node_session_verify(&made).unwrap());
        for wrong in ["", "x", &made[1..], &format!("{made}x")] {
            assert!(!session.node_session_verify(wrong).unwrap(), "{wrong}");
        }
    });
    assert_eq!(app.id(&outcome.await), id);
    let pending = app.engine.begin(&PlainRequest::default());
    assert!(
        !pending.load().await.unwrap().node_session_verify("").unwrap(),
        "an empty token is not the right one"
    );
}

#[tokio::test]
async fn an_old_id_leads_to_the_session_and_is_an_empty_one_for_node() {
    let app = App::usual();
    let old = app.id(&app.request(&PlainRequest::default(), count).await);
    let new = app.id(&app.request(&app.head(&old), |session| session.cycle_id()).await);
    assert_ne!(old, new);
    let body = app.body(&old);
    assert!(body.starts_with(r#"{"__cloakroom":{"state":""#) && !body.contains("views"), "{body}");
    let pending = app.engine.begin(&app.head(&old));
    assert_eq!(pending.load().await.unwrap().get::<u32>("views").unwrap(), Some(1));
}

#[tokio::test]
async fn values_under_node_sessions_own_keys_are_refused() {
    let app = App::usual();
    let head = PlainRequest::default();
    let outcome = app.request(&head, |session| {
        for key in ["flash", "__cloakroom", "__proto__"] {
            assert!(session.insert(key, 1).is_err(), "{key}");
        }
        session.insert("cookie", 1).unwrap();
    });
    let id = app.id(&outcome.await);
    assert!(app.body(&id).contains(r#""cookie":1"#));
}

#[tokio::test]
async fn an_empty_session_is_stored_if_that_is_asked_for() {
    let app = App::usual();
    assert_eq!(app.request(&PlainRequest::default(), nothing).await.set_cookie, None);
    let app = App::new(&NodeSession::new([SECRET]).unwrap().save_empty(true));
    let id = app.id(&app.request(&PlainRequest::default(), nothing).await);
    assert!(app.bodies.read(&id).await.unwrap().is_some());
}
