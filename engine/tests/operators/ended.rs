//! Sockets that wait for the end of their session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cloakroom::stores::MemoryStore;
use cloakroom::{
    Config, EndReason, ExpiryReason, GoneReason, ManualClock, Measurement, Observer, Operation, Session,
    SessionManager, Timestamp,
};

use super::{Browser, engine};

async fn held(engine: &SessionManager, browser: &Browser) -> Session {
    engine.begin(&browser.request()).load().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn r15_what_this_process_ends_is_known_at_once_with_its_reason() {
    let engine = engine(|config| config.max_sessions_per_user(1));
    let ways: [(GoneReason, Way); 3] = [
        (GoneReason::Ended(EndReason::LogOut), Session::log_out),
        (GoneReason::Ended(EndReason::Destroyed), Session::destroy),
        (GoneReason::ReplacedByLogIn, |session| session.log_in("alice").unwrap()),
    ];
    let begun = tokio::time::Instant::now();
    for (reason, way) in ways {
        let mut browser = Browser::anonymous(&engine).await;
        let ended = held(&engine, &browser).await.ended();
        browser.visit(&engine, way).await;
        assert_eq!(ended.await, reason);
    }
    let capped = Browser::logged_in(&engine, "bob").await;
    let ended = held(&engine, &capped).await.ended();
    let last = Browser::logged_in(&engine, "bob").await;
    assert_eq!(ended.await, GoneReason::Ended(EndReason::Cap));
    let ended = held(&engine, &last).await.ended();
    engine.sessions().revoke_all("bob").await.unwrap();
    assert_eq!(ended.await, GoneReason::Ended(EndReason::Revoked));
    let last = Browser::logged_in(&engine, "bob").await;
    let ended = held(&engine, &last).await.ended();
    let name = engine.sessions().list("bob").await.unwrap()[0].public_id;
    engine.sessions().revoke("bob", &name).await.unwrap();
    assert_eq!(ended.await, GoneReason::Ended(EndReason::Revoked));
    assert_eq!(begun.elapsed(), Duration::ZERO, "nothing was waited for");
}

#[tokio::test(start_paused = true)]
async fn r15_the_end_by_another_process_and_an_expiry_are_found_and_a_renewal_ends_nothing() {
    let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
    let store = Arc::new(MemoryStore::builder().clock(clock.clone()).build());
    let process = || {
        let config = Config::plain_http().cookie_name("sid").sweep_interval(None).clock(clock.clone());
        SessionManager::from_arc(store.clone(), config.remember_endings(Duration::from_secs(60))).unwrap()
    };
    let (here, there) = (process(), process());
    let mut browser = Browser::logged_in(&here, "alice").await;
    let ended = held(&here, &browser).await.ended();
    tokio::pin!(ended);
    browser.visit(&there, Session::cycle_id).await;
    assert!(tokio::time::timeout(Duration::from_secs(60), &mut ended).await.is_err(), "it goes on");
    browser.visit(&there, Session::log_out).await;
    let told = tokio::time::timeout(Duration::from_secs(20), ended).await;
    assert_eq!(told, Ok(GoneReason::Ended(EndReason::LogOut)));

    let browser = Browser::anonymous(&here).await;
    let ended = held(&here, &browser).await.ended();
    clock.advance(Duration::from_secs(31 * 60));
    let told = tokio::time::timeout(Duration::from_secs(20), ended).await;
    assert_eq!(told, Ok(GoneReason::Expired(ExpiryReason::Idle)));
}

/// Counts loads.
#[derive(Clone, Default)]
struct Loads(Arc<AtomicU32>);

impl Observer for Loads {
    fn on_event(&self, _: &cloakroom::Event) {}

    fn on_measurement(&self, measurement: &Measurement) {
        if measurement.operation == Operation::Load {
            self.0.fetch_add(measurement.trips, Ordering::Relaxed);
        }
    }

    fn measures(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn many_sockets_of_one_session_cost_one_look_an_interval_and_none_when_they_are_gone() {
    let loads = Loads::default();
    let engine = engine(|config| config.observer(loads.clone()));
    let browser = Browser::anonymous(&engine).await;
    let session = held(&engine, &browser).await;
    let sockets: Vec<_> = (0..1_000).map(|_| session.ended()).collect();
    let count = || loads.0.load(Ordering::Relaxed);
    let before = count();
    tokio::time::sleep(Duration::from_millis(100_500)).await;
    assert_eq!(count() - before, 10, "one every ten seconds");
    drop(sockets);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let idle = count();
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(count(), idle);
    let again = session.ended();
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    assert_eq!(count() - idle, 1, "another task asks for the next one");
    drop(again);
}

/// How a handler ends its session.
type Way = fn(&Session);

#[tokio::test]
async fn a_session_that_is_not_stored_has_ended_already() {
    let engine = engine(|config| config);
    let session = held(&engine, &Browser::default()).await;
    session.insert("a", 1).unwrap();
    assert_eq!(session.ended().await, GoneReason::Unknown);
}
