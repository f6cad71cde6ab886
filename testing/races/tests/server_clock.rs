//! S15 on real servers that tell the time: log-ins and revocations on machines whose clocks are an hour apart.
#![cfg(all(feature = "mongodb", feature = "redis", feature = "sql"))]
#![allow(clippy::unwrap_used, reason = "what the tests share fails as a test does")]

use std::time::Duration;

use cloakroom::{Clock, Config, PlainRequest, Session, SessionManager, SystemClock, Timestamp};
use cloakroom_races::{Kind, Opened};

const KINDS: [Kind; 7] = [
    Kind::Postgres,
    Kind::Mariadb,
    Kind::Redis,
    Kind::RedisSentinel,
    Kind::Valkey,
    Kind::Mongodb,
    Kind::MongodbReplicas,
];

/// How many seconds a machine's clock is ahead of the server's.
const SKEWS: [i64; 3] = [0, 3_600, -3_600];

/// The clock of a machine that is not in step.
#[derive(Debug)]
struct Skewed(i64);

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        let micros = SystemClock.now().as_micros();
        Timestamp::from_micros(micros.saturating_add_signed(self.0 * 1_000_000))
    }
}

/// A machine of the site.
fn machine(opened: &Opened, skew: i64, cap: usize) -> SessionManager {
    let config = Config::plain_http().clock(Skewed(skew)).max_sessions_per_user(cap).sweep_interval(None);
    SessionManager::from_arc(opened.store.clone(), config.idle_timeout(Duration::from_secs(6 * 3_600)))
        .unwrap()
}

/// Logs a user in; returns the cookie.
async fn log_in(engine: &SessionManager, user: &str) -> String {
    let pending = engine.begin(&PlainRequest::default());
    pending.load().await.unwrap().log_in(user).unwrap();
    let cookie = pending.commit().await.unwrap().set_cookie.unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

async fn user(engine: &SessionManager, cookie: &str) -> Option<String> {
    let session: Session = engine.begin(&PlainRequest::with_cookie(cookie)).load().await.unwrap();
    session.user()
}

async fn opened(kind: Kind) -> Opened {
    kind.open_on_server_clock().await.expect("its server tells the time")
}

#[tokio::test]
async fn s15_a_user_can_log_in_again_after_a_revocation_on_a_machine_of_another_time() {
    for kind in KINDS {
        let opened = opened(kind).await;
        for revoked in SKEWS {
            for logged_in in SKEWS {
                let (one, other) = (machine(&opened, revoked, 100), machine(&opened, logged_in, 100));
                // Each time another user, whom no revocation before this one concerns.
                let name = format!("alice {revoked} {logged_in}");
                let before = log_in(&other, &name).await;
                assert_eq!(one.sessions().revoke_all(&name).await.unwrap(), 1, "{kind:?}");
                // A log-in within the time of an answer counts as one that began before.
                for _ in 0..20 {
                    assert_eq!(user(&other, &before).await, None);
                }
                let after = log_in(&other, &name).await;
                let found = user(&one, &after).await;
                assert_eq!(
                    found.as_deref(),
                    Some(&*name),
                    "{kind:?}: revoked at {revoked} s, log-in at {logged_in} s"
                );
            }
        }
    }
}

#[tokio::test]
async fn s15_the_last_log_in_lives_and_the_cap_holds_whatever_the_clocks_say() {
    for kind in KINDS {
        let opened = opened(kind).await;
        for first in SKEWS {
            for last in SKEWS {
                let (one, other) = (machine(&opened, first, 1), machine(&opened, last, 1));
                let before = log_in(&one, "alice").await;
                let after = log_in(&other, "alice").await;
                assert_eq!(
                    user(&one, &after).await.as_deref(),
                    Some("alice"),
                    "{kind:?}: {first} s, then {last} s"
                );
                assert_eq!(user(&one, &before).await, None, "{kind:?}: {first} s, then {last} s");
                assert_eq!(one.sessions().count("alice").await.unwrap(), 1);
            }
        }
    }
}

#[tokio::test]
async fn a_server_clock_is_within_the_time_of_its_answer() {
    for kind in KINDS {
        let opened = opened(kind).await;
        let clock = opened.store.capabilities().server_clock.expect("its server tells the time");
        let before = SystemClock.now();
        let server = clock.now().await.unwrap();
        let after = SystemClock.now();
        // The servers run on this machine; one counts in milliseconds.
        let millisecond = Duration::from_millis(1);
        assert!(
            before <= server + millisecond && server <= after,
            "{kind:?}: {before:?} {server:?} {after:?}"
        );
    }
}
