//! F14 (S17): while a store is known to be down, one request asks whether it is back and the others fail at once.

use std::time::Duration;

use cloakroom::store::ErrorKind as StoreErrorKind;
use cloakroom::{Config, Event, OutageFallback, Session, StoreOutage};
use tokio::task::JoinSet;

use crate::browser::Browser;
use crate::clock::{minutes, pass, timed};
use crate::stage::{Stage, deadline};
use crate::store::{Deed, Op, Rule};

const AT_ONCE: Duration = Duration::from_millis(10);

fn quick(config: Config) -> Config {
    deadline(config, Duration::from_secs(1))
}

fn downs() -> [Deed; 2] {
    [Deed::Hang, Deed::Fail(StoreErrorKind::Unavailable)]
}

async fn many(stage: &Stage) -> Vec<Browser> {
    let mut browsers = Vec::new();
    for number in 0..20 {
        browsers.push(Browser::logged_in(&stage.engine, &format!("user {number}")).await);
    }
    browsers
}

/// The store is down, and one request has found out.
async fn go_down(stage: &Stage, browser: &Browser, deed: &Deed) {
    stage.store.add(Rule::always(&Op::ALL, deed.clone()));
    let found_out = tokio::time::timeout(minutes(1), browser.begin(&stage.engine).load()).await;
    drop(found_out.expect("a load ends"));
}

/// Begins one request for each of `browsers` at once; how long each took.
async fn all_at_once(stage: &Stage, browsers: &[Browser]) -> Vec<(bool, Duration)> {
    let mut requests = JoinSet::new();
    for browser in browsers {
        let pending = browser.begin(&stage.engine);
        requests.spawn(timed(async move { pending.load().await.is_ok_and(|session| session.exists()) }));
    }
    tokio::time::timeout(minutes(5), requests.join_all()).await.expect("every load ends")
}

#[tokio::test(start_paused = true)]
async fn f14_while_a_store_is_known_to_be_down_requests_fail_at_once_and_one_asks() {
    for deed in downs() {
        let stage = Stage::new(quick);
        let browsers = many(&stage).await;
        go_down(&stage, &browsers[0], &deed).await;
        for round in 0..3 {
            stage.store.forget_trips();
            let took = all_at_once(&stage, &browsers).await;
            assert!(took.iter().all(|(found, _)| !found));
            let slow = took.iter().filter(|(_, took)| *took > AT_ONCE).count();
            assert!(slow <= 1, "{deed:?}, round {round}: {slow} of {} waited", took.len());
            assert!(stage.store.all_trips() <= 20, "{deed:?}: {} trips", stage.store.all_trips());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f14_while_a_store_is_known_to_be_down_requests_are_anonymous_at_once_where_that_is_wished() {
    for deed in downs() {
        let outage = StoreOutage::default().fallback(OutageFallback::AnonymousReadOnly);
        let stage = Stage::new(|config| quick(config).outage(outage));
        let browsers = many(&stage).await;
        go_down(&stage, &browsers[0], &deed).await;
        let took = all_at_once(&stage, &browsers).await;
        assert!(took.iter().all(|(found, _)| !found));
        assert!(took.iter().filter(|(_, took)| *took > AT_ONCE).count() <= 1, "{deed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn f14_while_a_store_is_known_to_be_down_commits_fail_at_once() {
    for deed in downs() {
        let stage = Stage::new(quick);
        let browsers = many(&stage).await;
        let mut requests = Vec::new();
        for browser in &browsers {
            let pending = browser.begin(&stage.engine);
            pending.load().await.unwrap().insert("a", 1).unwrap();
            requests.push(pending);
        }
        go_down(&stage, &browsers[0], &deed).await;
        let mut commits = JoinSet::new();
        for pending in requests {
            commits.spawn(timed(async move { pending.commit().await.is_err() }));
        }
        let took = tokio::time::timeout(minutes(5), commits.join_all()).await.expect("every commit ends");
        assert!(took.iter().all(|(failed, _)| *failed));
        let slow = took.iter().filter(|(_, took)| *took > AT_ONCE).count();
        assert!(slow <= 1, "{deed:?}: {slow} waited");
    }
}

#[tokio::test(start_paused = true)]
async fn f14_after_a_store_answers_again_requests_work() {
    for deed in downs() {
        let stage = Stage::new(quick);
        let browsers = many(&stage).await;
        go_down(&stage, &browsers[0], &deed).await;
        all_at_once(&stage, &browsers).await;
        pass(minutes(5)).await;
        stage.store.recover();
        let mut tries = 0;
        while all_at_once(&stage, &browsers[..3]).await.iter().any(|(found, _)| !found) {
            tries += 1;
            assert!(tries < 20, "{deed:?}: still fails after two seconds");
            pass(Duration::from_millis(100)).await;
        }
        assert!(all_at_once(&stage, &browsers).await.iter().all(|(found, took)| *found && *took <= AT_ONCE));
        assert_eq!(stage.events.count(|event| *event == Event::StoreUnavailable), 1);
        assert_eq!(stage.events.count(|event| *event == Event::StoreRecovered), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn f14_a_store_that_answers_again_is_found_out_by_the_first_request_after_a_long_silence() {
    for deed in downs() {
        let stage = Stage::new(quick);
        let mut browsers = many(&stage).await;
        go_down(&stage, &browsers[0], &deed).await;
        stage.store.recover();
        pass(minutes(5)).await;
        let seen = browsers[1].try_visit(&stage.engine, Session::exists).await;
        assert!(seen.is_ok_and(|(exists, _)| exists), "{deed:?}: the first request after the outage works");
    }
}

#[tokio::test(start_paused = true)]
async fn f14_a_store_of_which_some_keys_fail_is_not_taken_to_be_down() {
    for deed in downs() {
        let stage = Stage::new(quick);
        let mut browsers = many(&stage).await;
        browsers[0].has_session(&stage.engine).await;
        stage.store.add(Rule::always(&Op::ALL, deed.clone()).under(stage.store.last_key()));
        let healthy = browsers.split_off(1);
        for round in 0..10 {
            let failed = tokio::time::timeout(minutes(1), browsers[0].begin(&stage.engine).load()).await;
            assert!(failed.expect("a load ends").is_err());
            let took = all_at_once(&stage, &healthy).await;
            let refused = took.iter().filter(|(found, took)| !found || *took > AT_ONCE).count();
            assert_eq!(refused, 0, "{deed:?}, round {round}: {refused} of {} suffer", took.len());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f14_many_requests_for_a_key_that_fails_do_not_stop_the_others() {
    for deed in downs() {
        let stage = Stage::new(quick);
        let mut browsers = many(&stage).await;
        browsers[0].has_session(&stage.engine).await;
        stage.store.add(Rule::always(&Op::ALL, deed.clone()).under(stage.store.last_key()));
        let mut hopeless = JoinSet::new();
        for _ in 0..20 {
            let pending = browsers[0].begin(&stage.engine);
            hopeless.spawn(async move { pending.load().await.is_ok() });
        }
        pass(Duration::from_millis(600)).await;
        let took = all_at_once(&stage, &browsers[1..]).await;
        assert!(took.iter().all(|(found, took)| *found && *took <= AT_ONCE), "{deed:?}: {took:?}");
        let ended = tokio::time::timeout(minutes(1), hopeless.join_all()).await.expect("every load ends");
        assert!(ended.iter().all(|found| !found));
        assert!(all_at_once(&stage, &browsers[1..]).await.iter().all(|(found, _)| *found), "{deed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn f14_a_store_that_only_refuses_writes_still_answers_readers() {
    for deed in downs() {
        let stage = Stage::new(quick);
        let browsers = many(&stage).await;
        stage.store.add(Rule::always(&Op::WRITES, deed.clone()));
        for _ in 0..5 {
            let pending = browsers[0].begin(&stage.engine);
            let session = pending.load().await.expect("reads are answered");
            session.insert("a", 1).unwrap();
            let committed = tokio::time::timeout(minutes(1), pending.commit()).await;
            assert!(committed.expect("a commit ends").is_err());
            assert!(all_at_once(&stage, &browsers).await.iter().all(|(found, _)| *found), "{deed:?}");
        }
    }
}
