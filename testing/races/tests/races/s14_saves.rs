//! S14: `save` says whether the session is alive, always.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom_races::{Browser, Gate, Kind, Op, Stand, When, races};
use cloakroom_tower::{ErrorKind, Session};

races! {
    s14_a_save_in_a_handler_says_whether_the_session_is_alive,
    s14_a_save_after_the_response_says_whether_the_session_is_alive,
    s14_a_save_says_that_the_session_has_run_out_of_time,
    s14_a_save_that_an_end_overtakes_at_each_step_says_so,
    s14_a_save_during_an_outage_is_an_error_and_afterwards_an_answer,
    @owned
    s14_a_save_says_that_the_session_was_revoked_or_was_one_too_many,
}

type Change = fn(&Session) -> cloakroom::Result<()>;

/// What there is to save.
const CHANGES: [(&str, Change); 4] = [
    ("nothing", |_| Ok(())),
    ("a touch", |session| {
        session.touch();
        Ok(())
    }),
    ("a value", |session| session.insert("late", 1)),
    ("a value that was read", |session| session.get::<String>("coat").map(drop)),
];

/// What another request does meanwhile, and whether the session is alive afterwards.
const ELSEWHERE: [(&str, Change, bool); 7] = [
    ("a write", |session| session.insert("other", 1), true),
    (
        "a renewal",
        |session| {
            session.cycle_id();
            Ok(())
        },
        true,
    ),
    (
        "a log-out",
        |session| {
            session.log_out();
            Ok(())
        },
        false,
    ),
    (
        "a destroy",
        |session| {
            session.destroy();
            Ok(())
        },
        false,
    ),
    (
        "a reset",
        |session| {
            session.reset();
            Ok(())
        },
        false,
    ),
    ("the same user's log-in", |session| session.log_in("alice"), false),
    ("another user's log-in", |session| session.log_in("bob"), false),
];

/// Saves, and says how that went in a word.
async fn verdict(session: &Session) -> String {
    match session.save().await {
        Ok(()) => "alive".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

const fn expected(is_alive: bool) -> &'static str {
    if is_alive { "alive" } else { "Gone" }
}

async fn elsewhere(browser: &Browser, deed: Change) {
    browser.start(async move |session: Session| Ok(deed(&session)?)).answer().await.ok();
}

/// A session whose response was sent, as that of a WebSocket.
async fn socket(browser: &Browser) -> Session {
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let script = async move |session: Session| {
        *keep.lock().unwrap() = Some(session);
        Ok(())
    };
    browser.start(script).answer().await.ok();
    let session = kept.lock().unwrap().take();
    session.unwrap()
}

async fn s14_a_save_in_a_handler_says_whether_the_session_is_alive(kind: Kind) {
    let stand = Stand::new(kind).await;
    for (what, change) in CHANGES {
        for (deed, other, is_alive) in ELSEWHERE {
            let alice = stand.user("alice").await;
            let gate = Gate::new("a handler is about to save");
            let here = gate.clone();
            let exchange = alice.start(async move |session: Session| {
                here.pass().await;
                change(&session)?;
                let first = verdict(&session).await;
                Ok(format!("{first} {}", verdict(&session).await))
            });
            gate.reached().await;
            elsewhere(&alice, other).await;
            gate.open();
            let answer = exchange.answer().await.ok();
            let said = expected(is_alive);
            assert_eq!(answer.body, format!("{said} {said}"), "{what} to save after {deed}");
            assert!(answer.leaves_cookie(), "{what} to save after {deed}");
        }
    }
}

async fn s14_a_save_after_the_response_says_whether_the_session_is_alive(kind: Kind) {
    let stand = Stand::new(kind).await;
    for (what, change) in CHANGES {
        for (deed, other, is_alive) in ELSEWHERE {
            let alice = stand.user("alice").await;
            let session = socket(&alice).await;
            elsewhere(&alice, other).await;
            change(&session).unwrap();
            for turn in ["first", "second"] {
                let said = verdict(&session).await;
                assert_eq!(said, expected(is_alive), "{turn} save of {what} after {deed}");
            }
        }
    }
}

async fn s14_a_save_says_that_the_session_has_run_out_of_time(kind: Kind) {
    let stand = Stand::with(kind, |config| config.absolute_timeout(Duration::from_secs(3_600))).await;
    for (what, change) in CHANGES {
        let idle = socket(&stand.user("alice").await).await;
        let active = socket(&stand.user("alice").await).await;
        for _ in 0..3 {
            stand.wait(19 * 60);
            assert_eq!(verdict(&active).await, "alive");
        }
        change(&idle).unwrap();
        assert_eq!(verdict(&idle).await, "Gone", "{what} to save after the idle time");
        stand.wait(4 * 60);
        change(&active).unwrap();
        assert_eq!(verdict(&active).await, "Gone", "{what} to save after the absolute end");
    }
}

async fn s14_a_save_that_an_end_overtakes_at_each_step_says_so(kind: Kind) {
    let stand = Stand::new(kind).await;
    for (op, change) in [(Op::Update, CHANGES[2].1), (Op::Load, CHANGES[0].1)] {
        for (when, saw) in [(When::Before, "Gone"), (When::After, "alive")] {
            let alice = stand.user("alice").await;
            let session = socket(&alice).await;
            let step = stand.store.stop_any(&[op, Op::Touch], when, "the save");
            let saving = tokio::spawn(async move {
                change(&session).unwrap();
                format!("{} {}", verdict(&session).await, verdict(&session).await)
            });
            step.reached().await;
            elsewhere(&alice, ELSEWHERE[2].1).await;
            step.open();
            let said = cloakroom_races::soon("the save", saving).await.unwrap();
            assert_eq!(said, format!("{saw} Gone"), "{op:?} {when:?}");
        }
    }
}

async fn s14_a_save_during_an_outage_is_an_error_and_afterwards_an_answer(kind: Kind) {
    for (what, change) in CHANGES {
        for (deed, other, is_alive) in [ELSEWHERE[0], ELSEWHERE[2]] {
            let stand = Stand::with(kind, |config| config.outage(quick())).await;
            let alice = stand.user("alice").await;
            let session = socket(&alice).await;
            elsewhere(&alice, other).await;
            change(&session).unwrap();
            stand.store.fall_silent(Some(cloakroom::store::ErrorKind::Unavailable));
            assert_eq!(
                verdict(&session).await,
                format!("{:?}", ErrorKind::Unavailable),
                "{what} after {deed}"
            );
            stand.store.fall_silent(None);
            assert_eq!(verdict(&session).await, expected(is_alive), "{what} after {deed}");
        }
    }
}

fn quick() -> cloakroom::StoreOutage {
    cloakroom::StoreOutage::default().retry_for(Duration::ZERO)
}

async fn s14_a_save_says_that_the_session_was_revoked_or_was_one_too_many(kind: Kind) {
    let stand = Stand::with(kind, |config| config.max_sessions_per_user(1)).await;
    for (what, change) in CHANGES {
        stand.wait(1);
        let revoked = socket(&stand.user("alice").await).await;
        assert_eq!(stand.engine.sessions().revoke_all("alice").await.unwrap(), 1);
        stand.wait(1);
        let too_many = socket(&stand.user("alice").await).await;
        stand.wait(1);
        let newest = socket(&stand.user("alice").await).await;
        for (session, said) in [(&revoked, "Gone"), (&too_many, "Gone"), (&newest, "alive")] {
            change(session).unwrap();
            assert_eq!(verdict(session).await, said, "{what} to save");
        }
    }
}
