//! F8: every log-out says that it ended the session, and removes or replaces the cookie.

use cloakroom::{KeyRing, ResponseUpdate, Session, SessionManager};

use crate::browser::{Browser, Handler};
use crate::clock::{minutes, pass};
use crate::stage::{Stage, plain};

/// What a handler does that logs the user out.
const LOG_OUTS: [(&str, Handler); 5] = [
    ("log_out", Session::log_out),
    ("destroy", Session::destroy),
    ("log_out and a message", |session| {
        session.log_out();
        session.flash("note", "bye").unwrap();
    }),
    ("log_out and a value", |session| {
        session.log_out();
        session.insert("theme", "dark").unwrap();
    }),
    ("a value and log_out", |session| {
        session.insert("theme", "dark").unwrap();
        session.log_out();
    }),
];

fn check(outcome: &ResponseUpdate, what: &str) {
    assert!(outcome.ended, "{what}: the response does not say that the session ended");
    assert!(outcome.set_cookie.is_some(), "{what}: the client keeps its cookie");
}

/// Logs out with what `browser` holds, in every way.
async fn log_out_each_way(when: &str, browser: impl AsyncFn() -> (Stage, Browser)) {
    for (what, log_out) in LOG_OUTS {
        let (stage, mut browser) = browser().await;
        let before = browser.0.clone();
        let outcome = browser.outcome(&stage.engine, log_out).await;
        check(&outcome, &format!("{what}, {when}"));
        assert_ne!(browser.0, before.or(Some(String::new())), "{what}, {when}");
    }
}

async fn logged_in(stage: Stage) -> (Stage, Browser) {
    let browser = Browser::logged_in(&stage.engine, "alice").await;
    (stage, browser)
}

#[tokio::test(start_paused = true)]
async fn f08_a_log_out_says_that_it_ended_the_session_whatever_is_written_afterwards() {
    log_out_each_way("logged in", async || logged_in(Stage::new(plain)).await).await;
    let renewing = async || {
        let (stage, mut browser) = logged_in(Stage::new(plain)).await;
        let old = browser.clone();
        browser.visit(&stage.engine, Session::cycle_id).await;
        (stage, old)
    };
    log_out_each_way("with an id that was just renewed", renewing).await;
    let anonymous = async || {
        let stage = Stage::new(plain);
        let browser = Browser::anonymous(&stage.engine).await;
        (stage, browser)
    };
    log_out_each_way("anonymous", anonymous).await;
}

#[tokio::test(start_paused = true)]
async fn f08_a_log_out_after_the_session_has_expired_ends_the_cookie_too() {
    for sweeps in [false, true] {
        let expired = async || {
            let (stage, browser) = logged_in(Stage::new(|config| config.idle_timeout(minutes(5)))).await;
            pass(minutes(6)).await;
            if sweeps {
                stage.engine.sweep().await.unwrap();
            }
            (stage, browser)
        };
        log_out_each_way("after the idle time", expired).await;
    }
    let ended = async || {
        let options =
            |config: cloakroom::Config| config.idle_timeout(minutes(5)).absolute_timeout(minutes(12));
        let (stage, mut browser) = logged_in(Stage::new(options)).await;
        for _ in 0..3 {
            pass(minutes(4)).await;
            browser.has_session(&stage.engine).await;
        }
        let outcome = (stage, browser);
        pass(minutes(1)).await;
        outcome
    };
    log_out_each_way("after the absolute end", ended).await;
}

#[tokio::test(start_paused = true)]
async fn f08_a_log_out_after_the_session_was_ended_by_others_ends_the_cookie_too() {
    let revoked = async || {
        let (stage, browser) = logged_in(Stage::new(plain)).await;
        stage.engine.sessions().revoke_all("alice").await.unwrap();
        (stage, browser)
    };
    log_out_each_way("after a revocation", revoked).await;
    let logged_out = async || {
        let (stage, browser) = logged_in(Stage::new(plain)).await;
        browser.clone().visit(&stage.engine, Session::log_out).await;
        (stage, browser)
    };
    log_out_each_way("after another log-out", logged_out).await;
}

#[tokio::test(start_paused = true)]
async fn f08_two_log_outs_at_once_both_end_the_cookie() {
    for (what, log_out) in LOG_OUTS {
        let (stage, mut browser) = logged_in(Stage::new(plain)).await;
        let pending = browser.begin(&stage.engine);
        log_out(&pending.load().await.unwrap());
        browser.visit(&stage.engine, Session::log_out).await;
        check(&pending.commit().await.unwrap(), what);
    }
}

#[tokio::test(start_paused = true)]
async fn f08_a_log_out_with_a_cookie_that_cannot_be_used_ends_that_cookie() {
    let long = "x".repeat(3_000);
    for value in ["nonsense", "", "ÄÖÜ", long.as_str()] {
        let malformed = async || (Stage::new(plain), Browser::with(value));
        log_out_each_way("with a malformed cookie", malformed).await;
    }
    let ring = || KeyRing::new(["a secret that has 32 bytes at least"]).unwrap();
    let forged = async || {
        let unsigned = logged_in(Stage::new(plain)).await.1;
        (Stage::new(|config| config.signed(ring())), Browser::with(format!("{}.{:A<43}", unsigned.id(), "")))
    };
    log_out_each_way("with a forged cookie", forged).await;
    let unknown = async || {
        let elsewhere = logged_in(Stage::new(plain)).await.1;
        (Stage::new(plain), elsewhere)
    };
    log_out_each_way("with an unknown id", unknown).await;
}

#[tokio::test(start_paused = true)]
async fn f08_a_log_out_without_any_cookie_says_that_it_ended_the_session() {
    log_out_each_way("without a cookie", async || (Stage::new(plain), Browser::default())).await;
}

async fn saved(engine: &SessionManager, browser: &Browser, after: Handler) -> ResponseUpdate {
    let pending = browser.begin(engine);
    let session = pending.load().await.unwrap();
    session.log_out();
    session.save().await.unwrap();
    after(&session);
    pending.commit().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn f08_a_log_out_that_was_saved_first_says_that_it_ended_the_session() {
    let (stage, browser) = logged_in(Stage::new(plain)).await;
    check(&saved(&stage.engine, &browser, |_| {}).await, "nothing after it");
    let (stage, browser) = logged_in(Stage::new(plain)).await;
    let flash = |session: &Session| session.flash("note", "bye").unwrap();
    check(&saved(&stage.engine, &browser, flash).await, "a message after it");
}

#[tokio::test(start_paused = true)]
async fn f08_a_request_that_does_not_log_out_does_not_say_so() {
    let deeds: [Handler; 4] = [
        |session| drop(session.user()),
        |session| session.insert("a", 1).unwrap(),
        Session::cycle_id,
        |session| session.log_in("alice").unwrap(),
    ];
    for deed in deeds {
        let (stage, mut browser) = logged_in(Stage::new(plain)).await;
        assert!(!browser.outcome(&stage.engine, deed).await.ended);
    }
}
