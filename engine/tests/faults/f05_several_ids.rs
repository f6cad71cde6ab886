//! F5: what ends a session ends every session whose id the request brought.

use cloakroom::{EndReason, ErrorKind, Event, PlainRequest, Session, SessionManager};

use crate::browser::{Browser, Handler, line};
use crate::stage::{Stage, plain};
use crate::store::{Deed, Op, Rule};

const ENDS: [(&str, Handler); 5] = [
    ("log_out", Session::log_out),
    ("destroy", Session::destroy),
    ("reset", Session::reset),
    ("log_in", |session| session.log_in("carol").unwrap()),
    ("log_out and a message", |session| {
        session.log_out();
        session.flash("note", "bye").unwrap();
    }),
];

/// Does `end` in a request with these `Cookie` headers; the browser that gets the answer.
async fn end(engine: &SessionManager, headers: Vec<String>, end: Handler) -> Browser {
    let pending = engine.begin(&PlainRequest::default().with_cookies(headers));
    let session = pending.load().await.unwrap();
    assert!(session.exists(), "one of the ids is good");
    end(&session);
    let mut browser = Browser::default();
    browser.take_in(&pending.commit().await.unwrap());
    browser
}

/// Which of `browsers` still have a session, by place.
async fn alive(engine: &SessionManager, browsers: &[Browser]) -> Vec<usize> {
    let mut alive = Vec::new();
    for (place, browser) in browsers.iter().enumerate() {
        if browser.clone().has_session(engine).await {
            alive.push(place);
        }
    }
    alive
}

async fn users(engine: &SessionManager, many: usize) -> Vec<Browser> {
    let mut browsers = Vec::new();
    for user in ["alice", "alice", "bob"].into_iter().take(many) {
        browsers.push(Browser::logged_in(engine, user).await);
    }
    browsers
}

/// The ways in which a client can send these values.
fn spellings(ids: &[String]) -> Vec<Vec<String>> {
    let mut ways = vec![vec![line(ids)], ids.iter().map(|id| line([id])).collect()];
    let backwards: Vec<_> = ids.iter().rev().collect();
    ways.push(vec![line(&backwards)]);
    ways.push(vec![format!("other=1; {}; theme=dark", line(ids))]);
    ways.push(vec![line([ids, ids].concat())]);
    ways.push(vec![line([&["nonsense".to_owned(), String::new()], ids].concat())]);
    ways
}

#[tokio::test(start_paused = true)]
async fn f05_an_end_reaches_every_session_whose_id_the_request_brought() {
    let mut wrong = Vec::new();
    for (what, deed) in ENDS {
        for many in [2, 3] {
            for way in 0..6 {
                let stage = Stage::new(plain);
                let browsers = users(&stage.engine, many).await;
                let ids: Vec<_> = browsers.iter().map(Browser::id).collect();
                let headers = spellings(&ids).swap_remove(way);
                let mut after = end(&stage.engine, headers, deed).await;
                let left = alive(&stage.engine, &browsers).await;
                if !left.is_empty() {
                    wrong.push(format!("{what}, {many} ids, spelling {way}: {left:?} still live"));
                }
                if what == "log_in" {
                    assert_eq!(after.visit(&stage.engine, Session::user).await.as_deref(), Some("carol"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn f05_an_end_reaches_a_session_whose_id_was_renewed_a_moment_ago() {
    for (what, deed) in ENDS {
        for renewed in 0..2 {
            for order in [[0, 1], [1, 0]] {
                let stage = Stage::new(plain);
                let mut browsers = users(&stage.engine, 2).await;
                let ids: Vec<_> = browsers.iter().map(Browser::id).collect();
                browsers[renewed].visit(&stage.engine, Session::cycle_id).await;
                end(&stage.engine, vec![line(order.map(|at| &ids[at]))], deed).await;
                let left = alive(&stage.engine, &browsers).await;
                assert!(left.is_empty(), "{what}, {order:?}, {renewed} was renewed: {left:?} still live");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f05_an_end_reaches_the_others_when_the_first_id_leads_nowhere() {
    for (what, deed) in ENDS {
        let stage = Stage::new(plain);
        let mut dead = Browser::logged_in(&stage.engine, "alice").await;
        let dead_id = dead.id();
        dead.visit(&stage.engine, Session::log_out).await;
        let browsers = users(&stage.engine, 2).await;
        let ids = [dead_id, browsers[0].id(), browsers[1].id()];
        end(&stage.engine, vec![line(&ids)], deed).await;
        assert!(alive(&stage.engine, &browsers).await.is_empty(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn f05_an_end_reaches_every_signed_id() {
    let ring = || cloakroom::KeyRing::new(["a secret that has 32 bytes at least"]).unwrap();
    for (what, deed) in ENDS {
        let stage = Stage::new(|config| config.signed(ring()));
        let browsers = users(&stage.engine, 3).await;
        end(&stage.engine, vec![line(browsers.iter().map(Browser::id))], deed).await;
        assert!(alive(&stage.engine, &browsers).await.is_empty(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn f05_every_session_that_a_log_out_ends_is_counted() {
    let stage = Stage::new(plain);
    let browsers = users(&stage.engine, 3).await;
    stage.events.forget();
    end(&stage.engine, vec![line(browsers.iter().map(Browser::id))], Session::log_out).await;
    let events = stage.events.all();
    let counts = events.iter().filter_map(|event| match event {
        Event::Ended { reason: EndReason::LogOut, count, .. } => Some(*count),
        _ => None,
    });
    assert_eq!(counts.sum::<u64>(), 3);
}

#[tokio::test(start_paused = true)]
async fn f05_a_log_out_that_cannot_reach_one_of_several_sessions_is_an_error() {
    for unreachable in 0..2 {
        let stage = Stage::new(plain);
        let mut browsers = users(&stage.engine, 2).await;
        browsers[unreachable].has_session(&stage.engine).await;
        let key = stage.store.last_key();
        let pending = stage.engine.begin(&PlainRequest::with_cookie(line(browsers.iter().map(Browser::id))));
        pending.load().await.unwrap().log_out();
        stage
            .store
            .add(Rule::always(&Op::WRITES, Deed::Fail(cloakroom::store::ErrorKind::Unavailable)).under(key));
        assert_eq!(pending.commit().await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test(start_paused = true)]
async fn f05_a_log_out_reaches_every_session_when_it_is_saved_or_its_client_has_left() {
    for saves in [true, false] {
        let stage = Stage::new(plain);
        let browsers = users(&stage.engine, 3).await;
        let pending = stage.engine.begin(&PlainRequest::with_cookie(line(browsers.iter().map(Browser::id))));
        let session = pending.load().await.unwrap();
        session.log_out();
        if saves {
            session.save().await.unwrap();
        } else {
            pending.finish_aborted().await.unwrap();
        }
        assert!(alive(&stage.engine, &browsers).await.is_empty(), "saves: {saves}");
    }
}

#[tokio::test(start_paused = true)]
async fn f05_a_request_that_ends_nothing_leaves_the_other_sessions_alone() {
    let stage = Stage::new(plain);
    let browsers = users(&stage.engine, 3).await;
    let deeds: [Handler; 3] =
        [|session| session.insert("a", 1).unwrap(), |session| drop(session.user()), Session::touch];
    for deed in deeds {
        end(&stage.engine, vec![line(browsers.iter().map(Browser::id))], deed).await;
        assert_eq!(alive(&stage.engine, &browsers).await, [0, 1, 2]);
    }
}
