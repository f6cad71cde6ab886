use std::time::Duration;

use cloakroom::{ConfigError, KeyRing, SessionManager};
use cloakroom_node::{Express, Koa, MemoryBodies, SocialTables};

use crate::stage::{ID, SECRET, Stage, cookie};

const BODY: &str =
    r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"views":1}"#;
const HOUR: &str = r#"{"cookie":{"originalMaxAge":3600000,"expires":"2026-01-01T01:00:00.000Z","httpOnly":true,"path":"/"},"views":1}"#;

#[tokio::test]
async fn the_first_of_two_cookies_decides() {
    let stage = Stage::new();
    stage.node_writes(BODY);
    let good = cookie(SECRET, ID);
    let first_is_bad = format!("connect.sid=s%3Aother.signature; {good}");
    stage.request(&first_is_bad, async |session| assert!(session.is_new())).await;
    let first_is_good = format!("{good}; connect.sid=s%3Aother.signature");
    stage.request(&first_is_good, async |session| assert!(!session.is_new())).await;
}

#[tokio::test]
async fn a_cookie_of_another_secret_is_not_a_session() {
    let stage = Stage::new();
    stage.node_writes(BODY);
    stage.request(&cookie("another secret", ID), async |session| assert!(session.is_new())).await;
}

#[tokio::test]
async fn a_cookie_that_ends_with_the_browser_is_sent_once() {
    let stage = Stage::new();
    stage.node_writes(BODY);
    let outcome = stage.visit(ID, async |session| session.insert("a", 1).unwrap()).await;
    assert_eq!(outcome.set_cookie, None);
    let rolling = Stage::with(|express| express.rolling(true));
    rolling.node_writes(BODY);
    let outcome = rolling.visit(ID, async |_| {}).await;
    assert_eq!(outcome.set_cookie.unwrap(), format!("{}; Path=/; HttpOnly", cookie(SECRET, ID)));
}

#[tokio::test]
async fn a_cookie_with_a_lifetime_is_sent_again_with_every_write_and_with_no_read() {
    let stage = Stage::with(|express| express.max_age(Duration::from_secs(3600)));
    stage.node_writes(HOUR);
    stage.clock.advance(Duration::from_secs(60));
    let read = stage.visit(ID, async |session| assert!(session.contains("views"))).await;
    assert_eq!(read.set_cookie, None);
    let wrote = stage.visit(ID, async |session| session.insert("a", 1).unwrap()).await;
    let expires = "Expires=Thu, 01 Jan 2026 01:01:00 GMT";
    assert_eq!(wrote.set_cookie.unwrap(), format!("{}; Path=/; {expires}; HttpOnly", cookie(SECRET, ID)));
}

#[tokio::test]
async fn a_log_out_sends_no_cookie_as_express_sends_none() {
    let stage = Stage::new();
    stage.node_writes(BODY);
    let outcome = stage.visit(ID, async |session| session.destroy()).await;
    assert_eq!((outcome.set_cookie, outcome.ended), (None, true));
}

#[tokio::test]
async fn a_secure_cookie_is_not_sent_over_plain_http() {
    let stage = Stage::with(Express::secure);
    let outcome = stage.visit("", async |session| session.insert("a", 1).unwrap()).await;
    assert_eq!(outcome.set_cookie, None);
    let request = cloakroom::PlainRequest::default().with_https(true);
    let pending = stage.engine.begin(&request);
    pending.load().await.unwrap().insert("a", 1).unwrap();
    let header = pending.commit().await.unwrap().set_cookie.unwrap();
    assert!(header.ends_with("; Path=/; HttpOnly; Secure"), "{header}");
}

#[tokio::test]
async fn koa_gets_two_cookies_and_a_new_signature_where_an_older_key_signed() {
    let koa = |keys: &[&str]| {
        let koa = Koa::new(keys).unwrap();
        SessionManager::new(koa.store(MemoryBodies::new()), koa.config()).unwrap()
    };
    let (old, both) = (koa(&["old"]), koa(&["new", "old"]));
    let pending = old.begin(&cloakroom::PlainRequest::default());
    pending.load().await.unwrap().insert("a", 1).unwrap();
    let outcome = pending.commit().await.unwrap();
    let (value, signature) = (outcome.set_cookie.unwrap(), outcome.more_cookies[0].clone());
    assert!(value.starts_with("koa.sid=") && value.contains("; path=/; expires="), "{value}");
    assert!(signature.starts_with("koa.sid.sig="), "{signature}");

    let pair = |header: &str| header.split(';').next().unwrap().to_owned();
    let request = cloakroom::PlainRequest::with_cookie(format!("{}; {}", pair(&value), pair(&signature)));
    let pending = both.begin(&request);
    pending.load().await.unwrap();
    let outcome = pending.commit().await.unwrap();
    let again = outcome.set_cookie.unwrap();
    assert!(again.starts_with("koa.sid.sig=") && pair(&again) != pair(&signature), "{again}");
    assert!(outcome.more_cookies.is_empty());
}

#[tokio::test]
async fn socialtables_gets_the_cookies_of_koa_and_a_body_with_names_of_its_own() {
    let bodies = MemoryBodies::new();
    let social = SocialTables::new(["keys"]).unwrap();
    let engine = SessionManager::new(social.store(bodies.clone()), social.config()).unwrap();
    let pending = engine.begin(&cloakroom::PlainRequest::default());
    pending.load().await.unwrap().insert("views", 1).unwrap();
    let outcome = pending.commit().await.unwrap();
    let value = outcome.set_cookie.unwrap();
    let id = value.strip_prefix("connect.sid=").unwrap().strip_suffix("; path=/; httponly").unwrap();
    assert!(outcome.more_cookies[0].starts_with("connect.sid.sig="), "{:?}", outcome.more_cookies);
    let body = String::from_utf8(bodies.get(id).unwrap().to_vec()).unwrap();
    let start =
        r#"{"cookie":{"maxAge":null,"_expires":null,"httpOnly":true,"path":"/"},"views":1,"__cloakroom""#;
    assert!(body.starts_with(start), "{body}");
}

#[tokio::test]
async fn a_log_out_takes_the_cookies_away_although_empty_sessions_are_stored() {
    let koa = Koa::new(["k"]).unwrap().allow_empty(true);
    let engine = SessionManager::new(koa.store(MemoryBodies::new()), koa.config()).unwrap();
    let pending = engine.begin(&cloakroom::PlainRequest::default());
    pending.load().await.unwrap();
    let outcome = pending.commit().await.unwrap();
    let cookies: Vec<_> = outcome.set_cookie.into_iter().chain(outcome.more_cookies).collect();
    let pairs: Vec<_> = cookies.iter().map(|cookie| cookie.split(';').next().unwrap()).collect();
    let pending = engine.begin(&cloakroom::PlainRequest::with_cookie(pairs.join("; ")));
    pending.load().await.unwrap().log_out();
    let outcome = pending.commit().await.unwrap();
    let cookie = outcome.set_cookie.unwrap();
    assert!(outcome.ended && cookie.starts_with("koa.sid=;") && cookie.contains("1970"), "{cookie}");
}

#[test]
fn options_that_contradict_a_cookie_format_do_not_build() {
    let express = Express::new([SECRET]).unwrap();
    let engine = |config| SessionManager::new(express.store(MemoryBodies::new()), config).map(drop);
    let options = |built: Result<(), ConfigError>| built.unwrap_err().options().to_vec();
    let keys = KeyRing::new(["a secret of at least 32 bytes, from a vault"]).unwrap();
    assert_eq!(options(engine(express.config().signed(keys))), ["cookie_format", "signed"]);
    let renewing = express.config().renew_every(Duration::from_secs(60));
    assert_eq!(options(engine(renewing)), ["cookie_format", "renew_every"]);
}
