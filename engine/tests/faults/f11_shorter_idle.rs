//! F11: the configured idle time counts from the last use, also for sessions that began under another one.

use std::time::Duration;

use cloakroom::{Clock, Config, Session};

use crate::browser::Browser;
use crate::clock::{minutes, pass};
use crate::stage::Stage;

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

fn long(config: Config) -> Config {
    config.idle_timeout(WEEK)
}

fn short(config: Config) -> Config {
    config.idle_timeout(minutes(15))
}

/// An engine with these options, and a browser that is logged in or anonymous.
async fn begin(options: fn(Config) -> Config, logs_in: bool) -> (Stage, Browser) {
    let stage = Stage::new(options);
    let browser = if logs_in {
        Browser::logged_in(&stage.engine, "alice").await
    } else {
        Browser::anonymous(&stage.engine).await
    };
    (stage, browser)
}

#[tokio::test(start_paused = true)]
async fn f11_a_session_that_was_not_used_for_the_new_idle_time_ends_at_the_next_look() {
    for logs_in in [true, false] {
        let (before, mut browser) = begin(long, logs_in).await;
        let stage = before.another(short);
        pass(minutes(20)).await;
        assert!(!browser.has_session(&stage.engine).await);
        assert!(!browser.clone().has_session(&stage.engine).await, "and it stays ended");
    }
}

#[tokio::test(start_paused = true)]
async fn f11_a_session_that_was_not_used_for_days_ends_at_the_next_look() {
    for logs_in in [true, false] {
        let (before, mut browser) = begin(long, logs_in).await;
        pass(WEEK / 2).await;
        let stage = before.another(short);
        assert!(!browser.has_session(&stage.engine).await);
    }
}

#[tokio::test(start_paused = true)]
async fn f11_a_session_that_is_used_stays() {
    for logs_in in [true, false] {
        let (before, mut browser) = begin(long, logs_in).await;
        let stage = before.another(short);
        for _ in 0..12 {
            pass(minutes(10)).await;
            assert!(browser.has_session(&stage.engine).await);
        }
        pass(minutes(16)).await;
        assert!(!browser.has_session(&stage.engine).await, "until it is not used any more");
    }
}

#[tokio::test(start_paused = true)]
async fn f11_a_session_that_was_used_a_moment_before_the_restart_stays() {
    for logs_in in [true, false] {
        let (before, mut browser) = begin(long, logs_in).await;
        // Longer than a touch is put off.
        pass(WEEK / 2).await;
        assert!(browser.has_session(&before.engine).await);
        let stage = before.another(short);
        pass(minutes(5)).await;
        assert!(browser.has_session(&stage.engine).await);
    }
}

#[tokio::test(start_paused = true)]
async fn f11_a_session_whose_idle_time_is_its_own_stays() {
    for logs_in in [true, false] {
        let (before, mut browser) = begin(long, logs_in).await;
        browser.visit(&before.engine, |session| session.set_idle_timeout(Some(WEEK))).await;
        let stage = before.another(short);
        pass(minutes(60)).await;
        assert!(browser.has_session(&stage.engine).await);
        pass(WEEK + minutes(1)).await;
        assert!(!browser.has_session(&stage.engine).await);
    }
}

#[tokio::test(start_paused = true)]
async fn f11_writing_to_a_session_that_the_new_idle_time_has_ended_begins_a_new_one() {
    let before = Stage::new(long);
    let mut browser = Browser::logged_in(&before.engine, "alice").await;
    let stage = before.another(short);
    pass(minutes(20)).await;
    browser.visit(&stage.engine, |session| session.insert("cart", 1).unwrap()).await;
    let seen = browser.visit(&stage.engine, |session| (session.user(), session.contains("mine"))).await;
    assert_eq!(seen, (None, false));
}

#[tokio::test(start_paused = true)]
async fn f11_a_list_does_not_show_what_the_new_idle_time_has_ended() {
    let before = Stage::new(long);
    let _old = Browser::logged_in(&before.engine, "alice").await;
    let stage = before.another(short);
    pass(minutes(20)).await;
    let _new = Browser::logged_in(&stage.engine, "alice").await;
    assert_eq!(stage.engine.sessions().list("alice").await.unwrap().len(), 1);
    assert_eq!(stage.engine.sessions().count("alice").await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn f11_last_seen_is_never_in_the_future_and_no_earlier_than_the_last_write() {
    for (first, second) in [(long as fn(Config) -> Config, short as fn(Config) -> Config), (short, long)] {
        let before = Stage::new(first);
        let mut browser = Browser::logged_in(&before.engine, "alice").await;
        let stage = before.another(second);
        for engine in [&stage.engine, &before.engine] {
            pass(minutes(5)).await;
            let written = stage.clock.now();
            browser.visit(&before.engine, |session| session.insert("a", 1).unwrap()).await;
            pass(minutes(2)).await;
            let listed = engine.sessions().list("alice").await.unwrap();
            assert_eq!(listed.len(), 1);
            let seen = listed[0].last_seen;
            assert!(seen <= stage.clock.now(), "it was seen {:?} from now", seen.since(stage.clock.now()));
            assert!(seen >= written, "it was written {:?} later", written.since(seen));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f11_a_session_says_that_it_lives_no_longer_than_the_new_idle_time() {
    let before = Stage::new(long);
    let mut browser = Browser::logged_in(&before.engine, "alice").await;
    let stage = before.another(short);
    pass(minutes(5)).await;
    assert!(browser.visit(&stage.engine, Session::expires_in).await <= minutes(15));
    let listed = stage.engine.sessions().list("alice").await.unwrap();
    assert!(listed[0].expires_at.since(stage.clock.now()) <= minutes(15));
}

#[tokio::test(start_paused = true)]
async fn f11_a_longer_idle_time_counts_from_the_next_look() {
    for logs_in in [true, false] {
        let (before, mut browser) = begin(short, logs_in).await;
        let stage = before.another(long);
        pass(minutes(10)).await;
        assert!(browser.has_session(&stage.engine).await);
        pass(WEEK / 2).await;
        assert!(browser.has_session(&stage.engine).await);
    }
}
