//! F12: a process that dies in the middle of a renewal or a log-in leaves no second session behind.

use std::time::Duration;

use cloakroom::store::ErrorKind;
use cloakroom::{Config, Session};

use crate::browser::{Browser, Handler};
use crate::clock::{minutes, pass};
use crate::stage::{Stage, plain};
use crate::store::{Deed, Gate, Op, Rule};

/// What makes a second record before it replaces the first.
const NEW_IDS: [(&str, Handler); 3] = [
    ("a renewal", Session::cycle_id),
    ("a log-in", |session| session.log_in("alice").unwrap()),
    ("a cookie that ends with the browser", |session| session.set_idle_timeout(None)),
];

/// Everything but what makes the second record.
const THE_REST: [Op; 3] = [Op::Update, Op::Touch, Op::Delete];

/// How the process ends.
fn deaths() -> [(&'static str, Deed); 2] {
    [("is killed", Deed::Hang), ("loses its store", Deed::Fail(ErrorKind::Unavailable))]
}

/// A process begins `deed` in a request of `browser`, and ends after it has stored the second record.
async fn die_in_the_middle(stage: &Stage, browser: &Browser, deed: Handler, death: Deed) {
    let process = stage.another(plain);
    process.store.add(Rule::always(&THE_REST, death));
    let pending = browser.begin(&process.engine);
    deed(&pending.load().await.unwrap());
    let commit = tokio::spawn(async move { pending.commit().await.is_ok() });
    let ended = tokio::time::timeout(minutes(1), commit).await;
    assert!(!matches!(ended, Ok(Ok(true))), "it cannot succeed");
    assert_eq!(process.store.trips(&[Op::Create]), 1, "it has stored the second record");
    process.store.die();
}

async fn listed(stage: &Stage) -> usize {
    let listed = stage.engine.sessions().list("alice").await.unwrap().len();
    assert_eq!(stage.engine.sessions().count("alice").await.unwrap(), listed);
    listed
}

#[tokio::test(start_paused = true)]
async fn f12_a_session_whose_new_id_was_never_told_is_listed_once() {
    let mut wrong = Vec::new();
    for (what, deed) in NEW_IDS {
        for (how, death) in deaths() {
            let stage = Stage::new(plain);
            let mut browser = Browser::logged_in(&stage.engine, "alice").await;
            die_in_the_middle(&stage, &browser, deed, death).await;
            let count = listed(&stage).await;
            if count != 1 {
                wrong.push(format!("{what}, the process {how}: listed {count} times"));
            }
            assert_eq!(browser.visit(&stage.engine, Session::user).await.as_deref(), Some("alice"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn f12_an_unreachable_record_is_removed_when_it_is_listed_two_minutes_later() {
    let mut wrong = Vec::new();
    for (what, deed) in NEW_IDS {
        for (how, death) in deaths() {
            let stage = Stage::new(plain);
            let mut browser = Browser::logged_in(&stage.engine, "alice").await;
            die_in_the_middle(&stage, &browser, deed, death).await;
            pass(minutes(2) + Duration::from_secs(1)).await;
            assert!(listed(&stage).await >= 1);
            let records = stage.store.sessions().await;
            if records != 1 {
                wrong.push(format!("{what}, the process {how}: {records} records"));
            }
            assert_eq!(browser.visit(&stage.engine, Session::user).await.as_deref(), Some("alice"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn f12_a_first_log_in_that_was_not_completed_is_removed_when_it_is_listed_two_minutes_later() {
    for (how, death) in deaths() {
        let stage = Stage::new(plain);
        let mut browser = Browser::anonymous(&stage.engine).await;
        die_in_the_middle(&stage, &browser, |session| session.log_in("alice").unwrap(), death).await;
        pass(minutes(2) + Duration::from_secs(1)).await;
        listed(&stage).await;
        assert_eq!(listed(&stage).await, 0, "the process {how}");
        assert_eq!(stage.store.sessions().await, 1, "the process {how}");
        assert!(browser.has_session(&stage.engine).await, "the anonymous session lives");
    }
}

#[tokio::test(start_paused = true)]
async fn f12_the_cap_does_not_count_an_unreachable_record() {
    let mut wrong = Vec::new();
    for (what, deed) in NEW_IDS {
        for (how, death) in deaths() {
            let stage = Stage::new(|config: Config| config.max_sessions_per_user(3));
            let mut devices = Vec::new();
            for _ in 0..2 {
                devices.push(Browser::logged_in(&stage.engine, "alice").await);
                pass(Duration::from_secs(1)).await;
            }
            die_in_the_middle(&stage, &devices[1], deed, death).await;
            devices.push(Browser::logged_in(&stage.engine, "alice").await);
            for (place, device) in devices.iter_mut().enumerate() {
                if !device.has_session(&stage.engine).await {
                    wrong.push(format!("{what}, the process {how}: device {place} was logged out"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn f12_the_cap_does_not_count_a_first_log_in_that_was_not_completed() {
    for (how, death) in deaths() {
        let stage = Stage::new(|config: Config| config.max_sessions_per_user(2));
        let mut device = Browser::logged_in(&stage.engine, "alice").await;
        pass(Duration::from_secs(1)).await;
        let other = Browser::anonymous(&stage.engine).await;
        die_in_the_middle(&stage, &other, |session| session.log_in("alice").unwrap(), death).await;
        pass(minutes(2) + Duration::from_secs(1)).await;
        let _new = Browser::logged_in(&stage.engine, "alice").await;
        assert!(device.has_session(&stage.engine).await, "the process {how}");
    }
}

#[tokio::test(start_paused = true)]
async fn f12_revoking_a_session_ends_its_unreachable_record_too() {
    for (what, deed) in NEW_IDS {
        let stage = Stage::new(plain);
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        let handle = browser.visit(&stage.engine, Session::public_id).await.unwrap();
        die_in_the_middle(&stage, &browser, deed, Deed::Hang).await;
        assert!(stage.engine.sessions().revoke("alice", &handle).await.unwrap(), "{what}");
        assert!(!browser.has_session(&stage.engine).await, "{what}");
        pass(minutes(3)).await;
        assert_eq!(listed(&stage).await, 0, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn f12_a_list_is_answered_though_an_unreachable_record_cannot_be_removed() {
    for (what, deed) in NEW_IDS {
        for (how, death) in deaths() {
            let stage = Stage::new(plain);
            let browser = Browser::logged_in(&stage.engine, "alice").await;
            die_in_the_middle(&stage, &browser, deed, Deed::Hang).await;
            pass(minutes(3)).await;
            stage.store.add(Rule::always(&Op::WRITES, death));
            let sessions = stage.engine.sessions();
            let listing = tokio::time::timeout(minutes(1), sessions.list("alice")).await;
            let count = listing.expect("it ends").expect("it is answered").len();
            assert_eq!(count, 1, "{what}, a store that {how}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f12_a_renewal_or_log_in_that_was_completed_stays() {
    for (what, deed) in NEW_IDS {
        let stage = Stage::new(plain);
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        browser.visit(&stage.engine, deed).await;
        for _ in 0..5 {
            pass(minutes(3)).await;
            assert_eq!(listed(&stage).await, 1, "{what}");
            assert_eq!(browser.visit(&stage.engine, Session::user).await.as_deref(), Some("alice"), "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f12_a_list_does_not_disturb_a_renewal_or_log_in_under_way() {
    for (what, deed) in NEW_IDS {
        let stage = Stage::new(plain);
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        let process = stage.another(plain);
        let gate = Gate::new();
        process.store.add(Rule::once(&[Op::Update], Deed::Hold(gate.clone())));
        let pending = browser.begin(&process.engine);
        deed(&pending.load().await.unwrap());
        let commit = tokio::spawn(async move { pending.commit().await });
        gate.reached().await;
        assert!(stage.engine.sessions().count("alice").await.unwrap() >= 1);
        gate.open();
        browser.take_in(&commit.await.unwrap().unwrap());
        pass(minutes(3)).await;
        assert_eq!(listed(&stage).await, 1, "{what}");
        assert_eq!(browser.visit(&stage.engine, Session::user).await.as_deref(), Some("alice"), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn f12_a_client_that_leaves_in_the_middle_leaves_one_session() {
    for (what, deed) in NEW_IDS {
        let stage = Stage::new(plain);
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        let process = stage.another(plain);
        let gate = Gate::new();
        process.store.add(Rule::once(&[Op::Update], Deed::Hold(gate.clone())));
        let pending = browser.begin(&process.engine);
        deed(&pending.load().await.unwrap());
        let commit = tokio::spawn(async move { pending.commit().await });
        gate.reached().await;
        commit.abort();
        let _ = commit.await;
        gate.open();
        pass(Duration::from_secs(1)).await;
        assert_eq!(listed(&stage).await, 1, "{what}");
        assert_eq!(stage.store.sessions().await, 1, "{what}");
        let follows = what != "a log-in";
        assert_eq!(browser.has_session(&stage.engine).await, follows, "{what}: within the grace");
    }
}
