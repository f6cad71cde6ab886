//! F31: a request that loads again gets the answer of the durable tier, not of the fast one.

use std::sync::Arc;

use cloakroom::stores::{CachedStore, MemoryStore};
use cloakroom::{Config, ErrorKind, Session, SessionManager};

use crate::browser::{Browser, Handler, NAME};
use crate::clock::{TestClock, minutes};
use crate::store::ControlledStore;

/// Two processes on one durable tier, each with a fast tier of its own.
fn processes() -> [SessionManager; 2] {
    let clock = TestClock::new();
    let durable = ControlledStore::new(clock);
    [(); 2].map(|()| {
        let fast = Arc::new(MemoryStore::builder().clock(clock).build());
        let store = CachedStore::builder(fast, Arc::new(durable.another_connection()))
            .max_staleness(minutes(5))
            .clock(Arc::new(clock))
            .build();
        let config = Config::plain_http().cookie_name(NAME).clock(clock).sweep_interval(None);
        SessionManager::new(store, config).unwrap()
    })
}

/// A browser whose session is in the fast tier of the first process.
async fn in_the_fast_tier(engine: &SessionManager) -> (Browser, Session) {
    let mut browser = Browser::logged_in(engine, "alice").await;
    browser.visit(engine, |session| session.insert("n", 1).unwrap()).await;
    browser.has_session(engine).await;
    let session = browser.begin(engine).load().await.unwrap();
    (browser, session)
}

#[tokio::test(start_paused = true)]
async fn f31_loading_again_sees_what_another_process_has_written() {
    let [first, second] = processes();
    let (mut browser, session) = in_the_fast_tier(&first).await;
    browser.visit(&second, |session| session.insert("n", 2).unwrap()).await;
    session.reload().await.unwrap();
    assert_eq!(session.get("n").unwrap(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn f31_loading_again_sees_that_another_process_has_ended_the_session() {
    let ends: [Handler; 3] = [Session::log_out, Session::reset, |session| session.log_in("alice").unwrap()];
    for end in ends {
        let [first, second] = processes();
        let (mut browser, session) = in_the_fast_tier(&first).await;
        browser.visit(&second, end).await;
        assert_eq!(session.reload().await.map_err(|error| error.kind()), Err(ErrorKind::Gone));
    }
}

#[tokio::test(start_paused = true)]
async fn f31_loading_again_sees_a_revocation_by_another_process() {
    let [first, second] = processes();
    let (_browser, session) = in_the_fast_tier(&first).await;
    second.sessions().revoke_all("alice").await.unwrap();
    assert_eq!(session.reload().await.map_err(|error| error.kind()), Err(ErrorKind::Gone));
}

#[tokio::test(start_paused = true)]
async fn f31_loading_again_follows_a_renewal_by_another_process() {
    let [first, second] = processes();
    let (mut browser, session) = in_the_fast_tier(&first).await;
    browser.visit(&second, Session::cycle_id).await;
    browser.visit(&second, |session| session.insert("n", 3).unwrap()).await;
    session.reload().await.unwrap();
    assert_eq!(session.get("n").unwrap(), Some(3));
}

#[tokio::test(start_paused = true)]
async fn f31_saving_without_changes_sees_that_another_process_has_ended_the_session() {
    for touches in [false, true] {
        let [first, second] = processes();
        let (mut browser, session) = in_the_fast_tier(&first).await;
        browser.visit(&second, Session::log_out).await;
        if touches {
            session.touch();
        }
        assert_eq!(session.save().await.map_err(|error| error.kind()), Err(ErrorKind::Gone));
    }
}
