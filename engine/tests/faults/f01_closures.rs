//! F1 (S16): closures, iterators and values of the application may call back into the session that runs them.

use cloakroom::Session;

use crate::browser::{Browser, Handler};
use crate::reentrant::{
    Caller, CallingKey, CallingOnReading, CallingValue, READER, contended, must_end, update_with_captured,
};
use crate::stage::{Stage, plain};
use crate::store::{Deed, Op, Rule};
use crate::watchdog;

#[test]
fn f01_a_closure_of_update_may_call_its_session_while_another_request_commits_first() {
    must_end(|session, caller| {
        let caller = caller.clone();
        let add = move |total: Option<u64>| {
            caller.call();
            total.unwrap_or(0) + 1
        };
        session.update("total", add).unwrap();
    });
}

#[test]
fn f01_a_closure_of_update_may_do_each_single_thing_with_its_session() {
    let calls: [Handler; 8] = [
        |session| drop(session.get::<u64>("price")),
        |session| assert!(session.exists()),
        |session| drop(session.user()),
        |session| session.insert("seen", true).unwrap(),
        |session| assert!(session.contains("price")),
        |session| drop(session.path("basket.coat").get::<u64>()),
        |session| session.touch(),
        |session| drop(session.csrf_token()),
    ];
    for call in calls {
        must_end(move |session, _| {
            let own = session.clone();
            let add = move |total: Option<u64>| {
                call(&own);
                total.unwrap_or(0) + 1
            };
            session.update("total", add).unwrap();
        });
    }
}

#[test]
fn f01_a_closure_of_update_at_a_path_may_call_its_session_while_another_request_commits_first() {
    must_end(|session, caller| {
        let caller = caller.clone();
        let add = move |total: Option<u64>| {
            caller.call();
            total.unwrap_or(0) + 1
        };
        session.path("basket.coat").update(add).unwrap();
    });
}

#[test]
fn f01_a_closure_of_update_may_call_its_session_when_it_is_loaded_anew_after_a_lost_answer() {
    watchdog::ends(|| async {
        let (stage, caller) = (Stage::new(plain), Caller::default());
        stage.store.add(Rule::once(&[Op::Update], Deed::Lose).after(1));
        let own = caller.clone();
        let add = move |total: Option<u64>| {
            own.call();
            total.unwrap_or(0) + 1
        };
        contended(&stage.engine, &caller, |session| session.update("total", add).unwrap()).await;
    });
}

#[test]
fn f01_the_iterator_of_keep_flash_may_call_its_session() {
    must_end(|session, caller| {
        session.keep_flash(std::iter::once_with(|| {
            caller.call();
            "note"
        }));
    });
}

#[test]
fn f01_the_keys_of_keep_flash_may_call_their_session() {
    must_end(|session, caller| session.keep_flash([CallingKey(caller.clone())]));
}

#[test]
fn f01_the_closure_of_suggest_device_may_call_its_session() {
    must_end(|session, caller| {
        session.suggest_device(|| {
            caller.call();
            Some(b"a browser".as_slice())
        });
    });
}

#[test]
fn f01_a_value_may_call_its_session_while_it_is_written() {
    must_end(|session, caller| {
        let value = || CallingValue(caller.clone());
        session.insert("new", value()).unwrap();
        session.push("list", value()).unwrap();
        session.flash("told", value()).unwrap();
        session.flash_now("told_now", value()).unwrap();
        session.path("basket.hat").insert(value()).unwrap();
        session.path("basket.all").push(value()).unwrap();
    });
}

#[test]
fn f01_a_value_may_call_its_session_while_it_is_read() {
    must_end(|session, _| {
        READER.with(|reader| reader.knows(session));
        assert!(session.get::<CallingOnReading>("price").unwrap().is_some());
        assert!(session.path("basket.coat").get::<CallingOnReading>().unwrap().is_some());
        assert!(session.get_or("price", CallingOnReading(1)).is_ok());
        assert!(session.path("basket.coat").take::<CallingOnReading>().unwrap().is_some());
        assert!(session.take::<CallingOnReading>("price").unwrap().is_some());
        let _ = session.entries::<CallingOnReading>();
        READER.with(Caller::forget);
    });
}

#[test]
fn f01_a_value_may_call_its_session_while_it_is_read_by_a_closure_that_runs_again() {
    must_end(|session, caller| {
        READER.with(|reader| reader.knows(session));
        let add = |old: Option<CallingOnReading>| CallingOnReading(old.map_or(0, |old| old.0) + 1);
        session.update("total", add).unwrap();
        let _ = caller;
    });
}

#[test]
fn f01_what_a_closure_captured_may_call_its_session_when_a_commit_drops_it() {
    must_end(update_with_captured);
}

#[test]
fn f01_what_a_closure_captured_may_call_its_session_when_the_handler_lets_go_of_the_change() {
    let ways: [Handler; 5] = [
        Session::discard_changes,
        |session| {
            session.log_out();
            session.discard_changes();
        },
        |session| {
            session.reset();
            session.reset();
        },
        |session| {
            session.log_out();
            session.insert("note", "bye").unwrap();
            session.log_out();
        },
        |session| session.log_in("alice").unwrap(),
    ];
    for way in ways {
        must_end(move |session, caller| {
            update_with_captured(session, caller);
            way(session);
            session.insert("again", 1).unwrap();
        });
    }
}

#[test]
fn f01_what_a_closure_captured_may_call_its_session_when_it_is_loaded_again_or_has_ended() {
    watchdog::ends(|| async {
        let (stage, caller) = (Stage::new(plain), Caller::default());
        for ends in [false, true] {
            let mut browser = Browser::anonymous(&stage.engine).await;
            let pending = browser.begin(&stage.engine);
            let session = pending.load().await.unwrap();
            caller.knows(&session);
            update_with_captured(&session, &caller);
            if ends {
                browser.visit(&stage.engine, Session::log_out).await;
                let _ = session.save().await;
            } else {
                session.reload().await.unwrap();
            }
            caller.forget();
        }
    });
}

#[test]
fn f01_a_closure_of_update_that_panics_when_it_runs_again_fails_its_own_request_only() {
    watchdog::ends(|| async {
        let stage = Stage::new(plain);
        let mut browser = Browser::anonymous(&stage.engine).await;
        let pending = browser.begin(&stage.engine);
        let session = pending.load().await.unwrap();
        let mut runs = 0;
        let add = move |total: Option<u64>| {
            runs += 1;
            assert!(runs == 1, "as the test wants it");
            total.unwrap_or(0) + 1
        };
        session.update("total", add).unwrap();
        browser.visit(&stage.engine, |session| session.insert("total", 5).unwrap()).await;
        let commit = tokio::spawn(async move { pending.commit().await.is_ok() });
        assert!(!matches!(commit.await, Ok(true)), "its changes are not in the store");
        // Its own handle is not stuck either.
        let _ = (session.exists(), session.get::<u64>("total"));
        session.discard_changes();
        session.save().await.unwrap();
        assert_eq!(browser.visit(&stage.engine, |session| session.get("total").unwrap()).await, Some(5));
    });
}
