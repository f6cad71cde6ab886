//! F19: many requests at once renew an id once, and cost no more than three trips each.

use std::time::Duration;

use cloakroom::{Config, Event, ResponseUpdate, Session};
use tokio::task::JoinSet;

use crate::browser::{Browser, Handler};
use crate::clock::{minutes, pass};
use crate::stage::Stage;
use crate::store::Op;

fn renewing(config: Config) -> Config {
    config.renew_every(minutes(10))
}

/// Begins `many` requests at once, each of which does `handler`.
async fn at_once(stage: &Stage, browser: &Browser, many: usize, handler: Handler) -> Vec<ResponseUpdate> {
    let mut requests = JoinSet::new();
    for _ in 0..many {
        let pending = browser.begin(&stage.engine);
        requests.spawn(async move {
            let session = pending.load().await.unwrap();
            assert!(session.exists());
            handler(&session);
            drop(session);
            pending.commit().await.unwrap()
        });
    }
    requests.join_all().await
}

async fn due(stage: &Stage, logs_in: bool) -> Browser {
    let browser = if logs_in {
        Browser::logged_in(&stage.engine, "alice").await
    } else {
        Browser::anonymous(&stage.engine).await
    };
    pass(minutes(11)).await;
    stage.store.forget_trips();
    stage.events.forget();
    browser
}

fn renewals(stage: &Stage) -> usize {
    stage.events.count(|event| matches!(event, Event::Renewed { .. }))
}

#[tokio::test(start_paused = true)]
async fn f19_many_reads_at_once_renew_an_id_that_is_due_once_and_cost_three_trips_each() {
    for latency in [Duration::ZERO, Duration::from_millis(1), Duration::from_millis(20)] {
        for logs_in in [true, false] {
            for many in [2, 5, 20, 60] {
                let stage = Stage::new(renewing);
                let mut browser = due(&stage, logs_in).await;
                stage.store.slow_down(latency);
                let outcomes = at_once(&stage, &browser, many, |session| drop(session.user())).await;
                let what = format!("{many} requests, {latency:?} a trip");
                assert_eq!(renewals(&stage), 1, "{what}");
                let trips = stage.store.all_trips();
                assert!(trips <= 3 * many, "{what}: {trips} trips");
                assert_eq!(stage.store.trips(&[Op::Create]), 1, "{what}: second records were made in vain");
                let told: Vec<_> = outcomes.iter().filter(|outcome| outcome.set_cookie.is_some()).collect();
                assert_eq!(told.len(), 1, "{what}: one response has the new id");
                browser.take_in(told[0]);
                pass(minutes(1)).await;
                assert!(browser.has_session(&stage.engine).await);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f19_many_requests_that_ask_for_a_new_id_at_once_cost_three_trips_each() {
    let stage = Stage::new(|config| config);
    let mut browser = due(&stage, true).await;
    stage.store.slow_down(Duration::from_millis(1));
    let outcomes = at_once(&stage, &browser, 20, Session::cycle_id).await;
    assert_eq!(renewals(&stage), 1);
    assert!(stage.store.all_trips() <= 60, "{} trips", stage.store.all_trips());
    outcomes.iter().for_each(|outcome| browser.take_in(outcome));
    assert!(browser.has_session(&stage.engine).await);
}

#[tokio::test(start_paused = true)]
async fn f19_many_writes_at_once_renew_an_id_that_is_due_once_and_all_arrive() {
    let stage = Stage::new(renewing);
    let mut browser = due(&stage, true).await;
    stage.store.slow_down(Duration::from_millis(1));
    let outcomes = at_once(&stage, &browser, 20, |session| drop(session.increment("n", 1))).await;
    assert_eq!(renewals(&stage), 1);
    assert_eq!(stage.store.trips(&[Op::Create]), 1);
    outcomes.iter().for_each(|outcome| browser.take_in(outcome));
    assert_eq!(browser.visit(&stage.engine, |session| session.get("n").unwrap()).await, Some(20));
}

#[tokio::test(start_paused = true)]
async fn f19_reads_that_follow_each_other_renew_an_id_once() {
    let stage = Stage::new(renewing);
    let browser = due(&stage, true).await;
    for _ in 0..20 {
        // The browser has not yet seen the response that brings the new id.
        browser.clone().visit(&stage.engine, Session::user).await;
    }
    assert_eq!(renewals(&stage), 1);
    assert!(stage.store.all_trips() <= 60, "{} trips", stage.store.all_trips());
}
