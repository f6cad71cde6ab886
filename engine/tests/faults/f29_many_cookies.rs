//! F29: the good cookie is found wherever it is: of signed ones among eight, of others among three.

use cloakroom::{KeyRing, PlainRequest, Session, SessionManager};

use crate::browser::{Browser, line};
use crate::stage::{Stage, plain};

fn ring() -> KeyRing {
    KeyRing::new(["a secret that has 32 bytes at least"]).unwrap()
}

async fn user(engine: &SessionManager, ids: &[String]) -> Option<String> {
    engine.begin(&PlainRequest::with_cookie(line(ids))).load().await.unwrap().user()
}

/// Ids of sessions that have ended, and that are as well formed (and signed) as good ones.
async fn ended(stage: &Stage, many: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..many {
        let mut browser = Browser::logged_in(&stage.engine, "bob").await;
        ids.push(browser.id());
        browser.visit(&stage.engine, Session::log_out).await;
    }
    ids
}

/// Where in a row of `many` cookies the good one is found.
async fn found(stage: &Stage, others: &[String], good: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for place in 0..=others.len() {
        let mut ids = others.to_vec();
        ids.insert(place, good.to_owned());
        if user(&stage.engine, &ids).await.as_deref() == Some("alice") {
            found.push(place);
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn f29_a_signed_cookie_is_found_wherever_it_is_among_eight_of_sessions_that_have_ended() {
    let stage = Stage::new(|config| config.signed(ring()));
    let good = Browser::logged_in(&stage.engine, "alice").await.id();
    let others = ended(&stage, 7).await;
    assert_eq!(found(&stage, &others, &good).await, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test(start_paused = true)]
async fn f29_a_signed_cookie_is_found_wherever_it_is_among_eight_that_are_forged_or_malformed() {
    let stage = Stage::new(|config| config.signed(ring()));
    let good = Browser::logged_in(&stage.engine, "alice").await.id();
    let forged = |n: usize| format!("{n:0>42}A{}", &good[43..]);
    let mixed =
        [forged(0), "malformed".to_owned(), forged(1), String::new(), forged(2), forged(3), "x".repeat(99)];
    assert_eq!(found(&stage, &mixed, &good).await, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test(start_paused = true)]
async fn f29_a_cookie_without_a_signature_is_found_wherever_it_is_among_three() {
    let stage = Stage::new(plain);
    let good = Browser::logged_in(&stage.engine, "alice").await.id();
    let others = ended(&stage, 2).await;
    assert_eq!(found(&stage, &others, &good).await, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn f29_cookies_without_a_signature_cost_three_look_ups_at_most() {
    let stage = Stage::new(plain);
    let others = ended(&stage, 12).await;
    stage.store.forget_trips();
    assert_eq!(user(&stage.engine, &others).await, None);
    assert_eq!(stage.store.all_trips(), 3);
}

#[tokio::test(start_paused = true)]
async fn f29_the_same_cookie_many_times_counts_once() {
    for signs in [false, true] {
        let stage = Stage::new(|config| if signs { config.signed(ring()) } else { config });
        let good = Browser::logged_in(&stage.engine, "alice").await.id();
        let old = ended(&stage, 1).await.swap_remove(0);
        let mut ids = vec![old; 5];
        ids.push(good);
        assert_eq!(user(&stage.engine, &ids).await.as_deref(), Some("alice"), "signed: {signs}");
    }
}
