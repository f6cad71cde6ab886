//! F9: cleaning up is not the request's business. A store that only reads still answers who is logged in.

use cloakroom::store::ErrorKind;
use cloakroom::{Config, Session};

use crate::browser::Browser;
use crate::clock::{minutes, pass, timed};
use crate::stage::{Stage, plain};
use crate::store::{Deed, Op, Rule};

/// What a store does that does not write.
fn refusals() -> Vec<Deed> {
    let kinds = [
        ErrorKind::Unavailable,
        ErrorKind::Full,
        ErrorKind::Invalid,
        ErrorKind::Corrupt,
        ErrorKind::Setup,
        ErrorKind::Other,
    ];
    kinds.into_iter().map(Deed::Fail).chain([Deed::Hang]).collect()
}

fn short(config: Config) -> Config {
    config.idle_timeout(minutes(5)).absolute_timeout(minutes(12))
}

/// A session that was in use until its absolute end.
async fn past_its_end(stage: &Stage) -> Browser {
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    for _ in 0..2 {
        pass(minutes(4)).await;
        assert!(browser.has_session(&stage.engine).await);
    }
    browser
}

#[tokio::test(start_paused = true)]
async fn f09_a_session_past_its_absolute_end_is_anonymous_where_the_store_refuses_writes() {
    for deed in refusals() {
        // The record outlives the end that the configuration sets, as after a restart with a shorter one.
        let before = Stage::new(plain);
        let browser = past_its_end(&before).await;
        let stage = before.another(short);
        pass(minutes(4)).await;
        stage.store.add(Rule::always(&Op::WRITES, deed.clone()));
        let pending = browser.begin(&stage.engine);
        let loading = async { tokio::time::timeout(minutes(1), pending.load()).await };
        let (loaded, took) = timed(loading).await;
        let session = loaded.expect("it answers").unwrap_or_else(|error| panic!("{deed:?}: {error}"));
        assert!(!session.exists() && session.user().is_none());
        assert!(took.as_millis() < 50, "{deed:?}: waited {took:?} for the clean-up");
        assert!(pending.commit().await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn f09_a_record_that_cannot_be_read_is_anonymous_where_the_store_refuses_writes() {
    use cloakroom::store::{Store, UpdateOutcome};
    for deed in refusals() {
        let stage = Stage::new(plain);
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        browser.has_session(&stage.engine).await;
        let key = stage.store.last_key();
        let stored = stage.store.load(&key, None).await.unwrap().unwrap();
        let record = stored.record.with_payload(vec![99, 1, 2]);
        let updated = stage.store.update(&key, stored.version, &record).await.unwrap();
        assert!(matches!(updated, UpdateOutcome::Updated(_)));
        stage.store.add(Rule::always(&Op::WRITES, deed));
        assert_eq!(browser.visit(&stage.engine, Session::user).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn f09_a_good_id_behind_one_past_its_end_is_found_where_the_store_refuses_writes() {
    use crate::browser::line;
    let before = Stage::new(plain);
    let old = past_its_end(&before).await;
    let stage = before.another(short);
    pass(minutes(4)).await;
    let good = Browser::logged_in(&stage.engine, "bob").await;
    stage.store.add(Rule::always(&Op::WRITES, Deed::Fail(ErrorKind::Setup)));
    let cookie = line([old.id(), good.id()]);
    let session = stage.engine.begin(&cloakroom::PlainRequest::with_cookie(cookie)).load().await.unwrap();
    assert_eq!(session.user().as_deref(), Some("bob"));
}

#[tokio::test(start_paused = true)]
async fn f09_listing_sessions_needs_no_write() {
    let before = Stage::new(plain);
    let _browser = past_its_end(&before).await;
    let stage = before.another(short);
    pass(minutes(4)).await;
    stage.store.add(Rule::always(&Op::WRITES, Deed::Fail(ErrorKind::Setup)));
    assert!(stage.engine.sessions().list("alice").await.unwrap().is_empty());
    assert_eq!(stage.engine.sessions().count("alice").await.unwrap(), 0);
}
