//! F6: a log-out that did nothing does not look like one that did. The event is tested in `needs_end_ignored`.

use cloakroom::{Config, ErrorKind, OutageFallback, RequestSession, Session, StoreOutage};

use crate::browser::{Browser, Handler};
use crate::clock::pass;
use crate::stage::{Stage, plain};
use crate::store::{Deed, Op, Rule};

const ENDS: [(&str, Handler); 3] =
    [("log_out", Session::log_out), ("destroy", Session::destroy), ("reset", Session::reset)];

/// A request that has decided to end its session, while another one logs in with it.
async fn beside_a_log_in(stage: &Stage, user: &str, end: Handler) -> (Browser, RequestSession, Session) {
    let mut browser = Browser::logged_in(&stage.engine, "alice").await;
    let pending = browser.begin(&stage.engine);
    let session = pending.load().await.unwrap();
    end(&session);
    browser.visit(&stage.engine, |session| session.log_in(user).unwrap()).await;
    (browser, pending, session)
}

#[tokio::test(start_paused = true)]
async fn f06_a_log_out_that_another_log_in_overtook_is_an_error_where_that_is_wished() {
    for (what, end) in ENDS {
        for user in ["alice", "bob"] {
            let stage = Stage::new(|config| config.fail_on_dropped_write(true));
            let (mut browser, pending, _session) = beside_a_log_in(&stage, user, end).await;
            let committed = pending.commit().await.map(drop).map_err(|error| error.kind());
            assert_eq!(committed, Err(ErrorKind::Gone), "{what} beside a log-in of {user}");
            assert_eq!(browser.visit(&stage.engine, Session::user).await.as_deref(), Some(user));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f06_after_a_log_out_that_another_log_in_overtook_the_session_exists() {
    for (what, end) in ENDS {
        let stage = Stage::new(plain);
        let (_browser, pending, session) = beside_a_log_in(&stage, "alice", end).await;
        let outcome = pending.commit().await.unwrap();
        assert!(session.exists(), "{what}");
        assert!(!outcome.ended && outcome.set_cookie.is_none(), "{what}: the client has a newer cookie");
    }
}

#[tokio::test(start_paused = true)]
async fn f06_saving_a_log_out_that_another_log_in_overtook_says_so() {
    for (what, end) in ENDS {
        let stage = Stage::new(plain);
        let (_browser, _pending, session) = beside_a_log_in(&stage, "alice", end).await;
        assert_eq!(session.save().await.map_err(|error| error.kind()), Err(ErrorKind::Gone), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn f06_a_log_out_with_an_id_that_a_log_in_replaced_a_moment_ago_is_an_error_where_that_is_wished() {
    for (what, end) in ENDS {
        let stage = Stage::new(|config| config.fail_on_dropped_write(true));
        let mut browser = Browser::logged_in(&stage.engine, "alice").await;
        let old = browser.clone();
        browser.visit(&stage.engine, |session| session.log_in("alice").unwrap()).await;
        pass(std::time::Duration::from_secs(1)).await;
        let pending = old.begin(&stage.engine);
        end(&pending.load().await.unwrap());
        let committed = pending.commit().await.map(drop).map_err(|error| error.kind());
        assert_eq!(committed, Err(ErrorKind::Gone), "{what}");
        assert!(browser.has_session(&stage.engine).await);
    }
}

fn anonymous_during_outages(config: Config) -> Config {
    config.outage(StoreOutage::default().fallback(OutageFallback::AnonymousReadOnly))
}

#[tokio::test(start_paused = true)]
async fn f06_a_log_out_during_an_outage_is_an_error() {
    let kinds = [cloakroom::store::ErrorKind::Unavailable, cloakroom::store::ErrorKind::Setup];
    for (what, end) in ENDS {
        for kind in kinds {
            let stage = Stage::new(anonymous_during_outages);
            let mut browser = Browser::logged_in(&stage.engine, "alice").await;
            stage.store.add(Rule::always(&Op::ALL, Deed::Fail(kind)));
            let pending = browser.begin(&stage.engine);
            end(&pending.load().await.unwrap());
            assert!(pending.commit().await.is_err(), "{what} while the store says {kind:?}");
            stage.store.recover();
            assert!(browser.has_session(&stage.engine).await, "nothing was ended");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f06_saving_a_log_out_during_an_outage_is_an_error() {
    let stage = Stage::new(anonymous_during_outages);
    let browser = Browser::logged_in(&stage.engine, "alice").await;
    stage.store.add(Rule::always(&Op::ALL, Deed::Fail(cloakroom::store::ErrorKind::Unavailable)));
    let session = browser.begin(&stage.engine).load().await.unwrap();
    session.log_out();
    assert!(session.save().await.is_err());
}
