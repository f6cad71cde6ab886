//! S15: revocations and the cap hold though the clocks of the machines are an hour apart.

use std::time::Duration;

use cloakroom::{Config, Session};

use crate::browser::Browser;
use crate::clock::{minutes, pass};
use crate::stage::Stage;

/// How many seconds a machine's clock is ahead.
const SKEWS: [i64; 5] = [0, 181, 3_600, -181, -3_600];

fn patient(config: Config) -> Config {
    config.idle_timeout(minutes(24 * 60))
}

#[tokio::test(start_paused = true)]
async fn s15_a_revocation_ends_every_session_whatever_clock_dated_its_log_in() {
    for revoked_by in SKEWS {
        for logged_in_by in SKEWS {
            let stage = Stage::new(patient);
            let mut browser = Browser::logged_in(&stage.ahead(logged_in_by, patient).engine, "alice").await;
            pass(Duration::from_secs(1)).await;
            let ended = stage.ahead(revoked_by, patient).engine.sessions().revoke_all("alice").await.unwrap();
            assert_eq!(ended, 1, "log-in at {logged_in_by} s, revoked at {revoked_by} s");
            assert!(!browser.has_session(&stage.engine).await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s15_a_user_can_log_in_again_after_a_revocation_whatever_clock_dated_that() {
    let mut wrong = Vec::new();
    for revoked_by in SKEWS {
        for logged_in_by in SKEWS {
            let stage = Stage::new(patient);
            let _old = Browser::logged_in(&stage.engine, "alice").await;
            stage.ahead(revoked_by, patient).engine.sessions().revoke_all("alice").await.unwrap();
            pass(Duration::from_secs(1)).await;
            let mut new = Browser::logged_in(&stage.ahead(logged_in_by, patient).engine, "alice").await;
            if new.visit(&stage.engine, Session::user).await.as_deref() != Some("alice") {
                wrong.push(format!("revoked at {revoked_by} s, log-in at {logged_in_by} s"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn s15_the_cap_holds_and_the_last_log_in_lives_whatever_the_clocks_say() {
    let mut wrong = Vec::new();
    for cap in [1, 2] {
        for first in SKEWS {
            for last in SKEWS {
                let capped = |config: Config| patient(config).max_sessions_per_user(cap);
                let stage = Stage::new(capped);
                for skew in [0, first] {
                    let _older = Browser::logged_in(&stage.ahead(skew, capped).engine, "alice").await;
                    pass(Duration::from_secs(1)).await;
                }
                let mut newest = Browser::logged_in(&stage.ahead(last, capped).engine, "alice").await;
                let lives = newest.has_session(&stage.engine).await;
                let count = stage.engine.sessions().count("alice").await.unwrap();
                if !lives || count != cap {
                    wrong.push(format!(
                        "cap {cap}, {first} s, then {last} s: lives {lives}, {count} sessions"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn s15_a_log_in_that_is_taken_back_lets_no_session_of_another_user_outlive_a_revocation() {
    let stage = Stage::new(patient);
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let session = browser.begin(&stage.engine).load().await.unwrap();
    session.log_in("bob").unwrap();
    stage.engine.sessions().revoke_others(&session).await.unwrap();
    session.discard_changes();
    session.insert("coat", "red").unwrap();
    session.save().await.unwrap();
    assert_eq!(session.user().as_deref(), Some("alice"));
    assert_eq!(stage.engine.sessions().revoke_all("alice").await.unwrap(), 1, "at the same moment");
    assert!(!browser.has_session(&stage.engine).await);
}
