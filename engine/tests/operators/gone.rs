//! Why a session is gone, as the next request of its client learns.

use std::time::Duration;

use cloakroom::stores::MemoryStore;
use cloakroom::{Config, EndReason, ExpiryReason, GoneReason, ManualClock, SessionManager, Timestamp};

use super::{Browser, engine};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn reason(engine: &SessionManager, browser: &Browser) -> Option<GoneReason> {
    engine.begin(&browser.request()).load().await.unwrap().gone_because()
}

fn remembering() -> SessionManager {
    engine(|config| config.remember_endings(DAY).max_sessions_per_user(2))
}

#[tokio::test]
async fn a_remembered_end_names_its_reason_to_every_later_request() {
    let engine = remembering();
    let mut out = Browser::logged_in(&engine, "alice").await;
    let (old, destroyed) = (out.clone(), Browser::anonymous(&engine).await);
    out.visit(&engine, cloakroom::Session::log_out).await;
    destroyed.clone().visit(&engine, cloakroom::Session::destroy).await;
    let mut capped = Vec::new();
    for _ in 0..3 {
        capped.push(Browser::logged_in(&engine, "bob").await);
    }
    let listed = engine.sessions().list("bob").await.unwrap();
    assert_eq!(listed.len(), 2, "the records that remember are in no list");
    assert!(engine.sessions().revoke("bob", &listed[0].public_id).await.unwrap());
    assert_eq!(engine.sessions().revoke_all("bob").await.unwrap(), 1);
    for _ in 0..2 {
        assert_eq!(reason(&engine, &old).await, Some(GoneReason::Ended(EndReason::LogOut)));
        assert_eq!(reason(&engine, &destroyed).await, Some(GoneReason::Ended(EndReason::Destroyed)));
        assert_eq!(reason(&engine, &capped[0]).await, Some(GoneReason::Ended(EndReason::Cap)));
        assert_eq!(reason(&engine, &capped[1]).await, Some(GoneReason::Ended(EndReason::Revoked)));
        assert_eq!(reason(&engine, &capped[2]).await, Some(GoneReason::Ended(EndReason::Revoked)));
    }
}

#[tokio::test]
async fn a_session_that_was_revoked_from_another_device_says_so_and_the_callers_own_goes_on() {
    let engine = remembering();
    let (mut own, other) =
        (Browser::logged_in(&engine, "alice").await, Browser::logged_in(&engine, "alice").await);
    let session = engine.begin(&own.request()).load().await.unwrap();
    assert_eq!(engine.sessions().revoke_others(&session).await.unwrap(), 1);
    session.save().await.unwrap();
    drop(session);
    assert!(own.is_alive(&engine).await);
    assert_eq!(reason(&engine, &own).await, None);
    assert_eq!(reason(&engine, &other).await, Some(GoneReason::Ended(EndReason::Revoked)));
}

#[tokio::test]
async fn without_memory_an_ended_session_is_as_unknown_as_one_that_never_was() {
    let engine = engine(|config| config);
    let mut browser = Browser::logged_in(&engine, "alice").await;
    let old = browser.clone();
    browser.visit(&engine, cloakroom::Session::log_out).await;
    assert_eq!(reason(&engine, &old).await, Some(GoneReason::Unknown));
    assert_eq!(reason(&engine, &Browser(Some("A".repeat(43)))).await, Some(GoneReason::Unknown));
    assert_eq!(reason(&engine, &Browser(Some("no id".into()))).await, Some(GoneReason::NotAnId));
    assert_eq!(reason(&engine, &Browser::default()).await, None);
}

#[tokio::test]
async fn a_replaced_a_refused_and_a_shortened_session_say_so() {
    let store = MemoryStore::new();
    let config = || Config::plain_http().cookie_name("sid").sweep_interval(None);
    let store = std::sync::Arc::new(store);
    let engine = SessionManager::from_arc(store.clone(), config()).unwrap();
    let mut browser = Browser::anonymous(&engine).await;
    let before = browser.clone();
    browser.visit(&engine, |session| session.log_in("alice").unwrap()).await;
    assert_eq!(reason(&engine, &before).await, Some(GoneReason::ReplacedByLogIn));
    let strict = SessionManager::from_arc(store.clone(), config().validate(|_, _| false)).unwrap();
    assert_eq!(reason(&strict, &browser).await, Some(GoneReason::Refused));
    let later = ManualClock::at(Timestamp::now() + Duration::from_secs(60));
    let shorter = config().idle_timeout(Duration::from_secs(1)).absolute_timeout(Duration::from_secs(30));
    let shorter = SessionManager::from_arc(store, shorter.clock(later)).unwrap();
    assert_eq!(reason(&shorter, &browser).await, Some(GoneReason::Expired(ExpiryReason::Absolute)));
}
