//! What @socialtables/session does in another way than express-session.

use std::time::Duration;

use cloakroom_node::cookie::Attributes;
use cloakroom_node::{Koa, SocialTables};

use crate::stage::{Browser, HOUR, Stage, sent};
use crate::watched::Asked;

#[tokio::test]
async fn st1_a_session_that_was_not_changed_is_not_stored_unless_that_is_asked_for() {
    let (stage, mut browser) = (Stage::social_tables(|social| social), Browser::default());
    stage.count(&mut browser).await;
    stage.visit(&mut browser, async |session| assert!(session.contains("views"))).await;
    assert_eq!(stage.bodies.count(Asked::Write), 1);
}

#[tokio::test]
async fn st2_a_new_session_that_was_not_changed_is_not_stored_unless_that_is_asked_for() {
    let stage = Stage::social_tables(|social| social);
    let outcome = stage.visit(&mut Browser::default(), async |_| {}).await;
    assert!(sent(&outcome).is_empty());
    assert_eq!(stage.bodies.count(Asked::Write), 0);
}

fn secure() -> Attributes {
    Attributes { secure: Some(true), ..Attributes::default() }
}

#[tokio::test]
async fn st3_a_secure_cookie_is_sent_over_https_where_no_proxy_is_spoken_of() {
    for https in [true, false] {
        let stage = Stage::social_tables(|social| social.attributes(secure()).unwrap());
        let mut browser = Browser { https, ..Browser::default() };
        let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
        assert_eq!(sent(&outcome).len(), if https { 2 } else { 0 });
        assert!(sent(&outcome).iter().all(|header| header.contains("; secure")), "{:?}", sent(&outcome));
    }
}

#[tokio::test]
async fn st4_a_proxy_that_is_not_trusted_is_not_believed() {
    let stage = Stage::social_tables(|social| social.attributes(secure()).unwrap());
    let mut browser = Browser::forwarded("https");
    let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
    assert!(sent(&outcome).is_empty());
}

#[tokio::test]
async fn st9_the_lifetime_counts_from_now_in_milliseconds() {
    let stage = Stage::social_tables(|social| social.max_age(HOUR));
    let mut browser = Browser::default();
    let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
    let date = "; path=/; expires=Thu, 01 Jan 2026 01:00:00 GMT; httponly";
    assert!(sent(&outcome)[0].ends_with(date), "{:?}", sent(&outcome));
    let cookie = r#"{"cookie":{"maxAge":3600000,"_expires":"2026-01-01T01:00:00.000Z","#;
    assert!(stage.body(&browser).starts_with(cookie), "{}", stage.body(&browser));
}

#[tokio::test]
async fn st10_another_lifetime_of_one_session_moves_the_date() {
    let stage = Stage::social_tables(|social| social.max_age(HOUR));
    let mut browser = Browser::default();
    stage.count(&mut browser).await;
    let outcome = stage
        .visit(&mut browser, async |session| session.set_idle_timeout(Some(Duration::from_secs(60))))
        .await;
    assert!(sent(&outcome)[0].contains("; expires=Thu, 01 Jan 2026 00:01:00 GMT;"), "{:?}", sent(&outcome));
}

#[tokio::test]
async fn st11_a_lifetime_may_be_longer_than_31_bits_of_milliseconds() {
    let stage = Stage::social_tables(|social| social.max_age(Duration::from_secs(3_000_000)));
    let outcome =
        stage.visit(&mut Browser::default(), async |session| session.insert("views", 1).unwrap()).await;
    assert!(sent(&outcome)[0].contains("; expires=Wed, 04 Feb 2026 17:20:00 GMT;"), "{:?}", sent(&outcome));
}

#[tokio::test]
async fn st12_the_presets_of_both_packages_count_on_in_one_session() {
    let social = SocialTables::new(["keys"]).unwrap().name("koa.sid").unwrap();
    let koa = Koa::new(["keys"]).unwrap();
    let one = Stage::on(social.config(), |bodies| social.store(bodies));
    let two = Stage::on(koa.config(), |_| koa.store(one.bodies.clone()));
    let mut browser = Browser::default();
    for views in [1, 3, 5] {
        assert_eq!(one.count(&mut browser).await, views);
        assert_eq!(two.count(&mut browser).await, views + 1);
    }
}
