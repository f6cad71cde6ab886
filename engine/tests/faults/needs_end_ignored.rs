//! F6: a log-out that did nothing is an event, with why the session was to end.

use std::time::Duration;

use cloakroom::{Config, EndReason, Event, OutageFallback, Session, StoreOutage};

use crate::browser::{Browser, Handler};
use crate::clock::pass;
use crate::events::Events;
use crate::stage::{Stage, plain};
use crate::store::{Deed, Op, Rule};

const ENDS: [(Handler, EndReason); 3] = [
    (Session::log_out, EndReason::LogOut),
    (Session::destroy, EndReason::Destroyed),
    (Session::reset, EndReason::Destroyed),
];

fn ignored(events: &Events, reason: EndReason) -> usize {
    events.count(|event| matches!(event, Event::EndIgnored { reason: found, .. } if *found == reason))
}

#[tokio::test(start_paused = true)]
async fn f06_a_log_out_that_another_log_in_overtook_is_an_event() {
    for (end, reason) in ENDS {
        let stage = Stage::new(plain);
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        let pending = browser.begin(&stage.engine);
        let session = pending.load().await.unwrap();
        end(&session);
        browser.visit(&stage.engine, |session| session.log_in("alice").unwrap()).await;
        stage.events.forget();
        let _ = pending.commit().await.unwrap();
        assert_eq!(ignored(&stage.events, reason), 1);
        let ended = |event: &Event| matches!(event, Event::Ended { reason: found, .. } if *found == reason);
        assert_eq!(stage.events.count(ended), 0);
        assert!(session.exists());
    }
}

#[tokio::test(start_paused = true)]
async fn f06_a_log_out_with_an_id_that_a_log_in_replaced_a_moment_ago_is_an_event() {
    for (end, reason) in ENDS {
        let stage = Stage::new(plain);
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        let mut old = browser.clone();
        browser.visit(&stage.engine, |session| session.log_in("alice").unwrap()).await;
        pass(Duration::from_secs(1)).await;
        stage.events.forget();
        old.visit(&stage.engine, end).await;
        assert_eq!(ignored(&stage.events, reason), 1);
        assert!(browser.has_session(&stage.engine).await);
    }
}

#[tokio::test(start_paused = true)]
async fn f06_a_log_out_during_an_outage_is_an_event() {
    let options =
        |config: Config| config.outage(StoreOutage::default().fallback(OutageFallback::AnonymousReadOnly));
    for (end, reason) in ENDS {
        let stage = Stage::new(options);
        let browser = Browser::logged_in(&stage.engine, "alice").await;
        stage.store.add(Rule::always(&Op::ALL, Deed::Fail(cloakroom::store::ErrorKind::Unavailable)));
        let pending = browser.begin(&stage.engine);
        end(&pending.load().await.unwrap());
        assert!(pending.commit().await.is_err());
        assert_eq!(ignored(&stage.events, reason), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn f06_a_log_out_that_ends_its_session_causes_no_such_event() {
    for (end, reason) in ENDS {
        let stage = Stage::new(plain);
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        browser.visit(&stage.engine, end).await;
        assert_eq!(ignored(&stage.events, reason), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn f06_a_log_out_beside_another_log_out_causes_no_such_event() {
    let stage = Stage::new(plain);
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    pending.load().await.unwrap().log_out();
    browser.visit(&stage.engine, Session::log_out).await;
    let _ = pending.commit().await.unwrap();
    assert_eq!(ignored(&stage.events, EndReason::LogOut), 0);
}
