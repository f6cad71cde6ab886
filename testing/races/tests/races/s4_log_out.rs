//! S4: a log-out while a reader, a touch or a renewal is in flight.

use std::time::Duration;

use cloakroom_races::{Browser, Kind, Op, Stand, When, races};
use cloakroom_tower::{Event, Session};

races! {
    s4_logout_while_a_reader_is_in_flight,
    s4_logout_while_a_reader_is_about_to_load,
    s4_logout_while_a_touch_is_in_flight,
    s4_logout_while_a_touch_rides_on_a_load,
    s4_logout_that_loaded_before_a_renewal_ends_the_renewed_session,
    s4_logout_that_loaded_before_two_renewals_ends_the_renewed_session,
    s4_logout_that_brings_the_old_id_within_the_grace_ends_the_renewed_session,
    s4_logout_of_a_renewed_session_whose_answer_was_lost_ends_it,
    s4_logout_that_loaded_before_a_log_in_leaves_the_log_in_alone,
    s4_a_late_logout_leaves_what_remembers_a_log_in,
    s4_a_late_logout_never_hides_what_remembers_a_log_in,
    @owned
    s4_logout_at_each_step_of_a_renewal,
    s4_logout_at_each_step_of_a_renewal_that_writes,
}

/// The steps of a renewal before or after which another request may act.
const STEPS: [(Op, When); 4] = [
    (Op::Create, When::Before),
    (Op::Create, When::After),
    (Op::Update, When::Before),
    (Op::Update, When::After),
];

/// An idle time of a session's own.
const IDLE: Duration = Duration::from_secs(1_200);

async fn log_out(browser: &Browser) -> cloakroom_races::Answer {
    let log_out = async |session: Session| {
        session.log_out();
        Ok(())
    };
    browser.start(log_out).answer().await.ok()
}

fn renew(session: &Session) -> cloakroom::Result<()> {
    session.cycle_id();
    Ok(())
}

async fn s4_logout_while_a_reader_is_in_flight(kind: Kind) {
    let stand = Stand::with(kind, |config| config.touch_threshold(0.0)).await;
    let guest = stand.guest().await;
    let reader = guest.hold(|session| session.get::<String>("coat").map(drop)).await;
    stand.wait(1);
    log_out(&guest).await;
    assert!(reader.release().await.ok().leaves_cookie());
    assert!(!guest.is_known().await);
    assert_eq!(stand.records().await, 0);
}

async fn s4_logout_while_a_reader_is_about_to_load(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let load = stand.store.stop(Op::Load, When::Before, "the reader's load");
    let reader = guest.start(async |session: Session| Ok(session.is_new().to_string()));
    load.reached().await;
    log_out(&guest).await;
    load.open();
    let answer = reader.answer().await.ok();
    assert_eq!(answer.body, "true");
    assert!(answer.leaves_cookie());
    assert_eq!(stand.records().await, 0);
}

async fn s4_logout_while_a_touch_is_in_flight(kind: Kind) {
    for (own_idle, when) in
        [(None, When::Before), (None, When::After), (Some(IDLE), When::Before), (Some(IDLE), When::After)]
    {
        let stand = Stand::with(kind, |config| config.touch_threshold(0.0)).await;
        let mut guest = stand.browser();
        let begin = async move |session: Session| {
            if own_idle.is_some() {
                session.set_idle_timeout(own_idle);
            }
            Ok(session.insert("coat", "red")?)
        };
        guest.run(begin).await.ok();
        stand.wait(60);
        // It rides on a load, the request's second one, unless the session has an idle time of its own.
        if own_idle.is_none() {
            stand.store.spare(Op::Load);
        }
        let op = if own_idle.is_some() { Op::Touch } else { Op::Load };
        let touch = stand.store.stop(op, when, "the touch");
        let toucher = guest.start(async |session: Session| {
            session.touch();
            Ok(())
        });
        touch.reached().await;
        log_out(&guest).await;
        touch.open();
        assert!(toucher.answer().await.ok().leaves_cookie());
        assert!(!guest.is_known().await);
        assert_eq!(stand.records().await, 0, "{own_idle:?} {when:?}");
    }
}

async fn s4_logout_while_a_touch_rides_on_a_load(kind: Kind) {
    let stand = Stand::with(kind, |config| config.touch_threshold(0.0)).await;
    let guest = stand.guest().await;
    stand.wait(60);
    let load = stand.store.stop(Op::Load, When::After, "the load with its touch");
    let reader = guest.start(async |session: Session| Ok(session.get::<String>("coat")?.unwrap_or_default()));
    load.reached().await;
    log_out(&guest).await;
    load.open();
    assert_eq!(reader.answer().await.ok().body, "red", "it was loaded before");
    assert!(!guest.is_known().await);
    assert_eq!(stand.records().await, 0);
}

async fn logout_at_each_step(kind: Kind, change: fn(&Session) -> cloakroom::Result<()>) {
    for (op, when) in STEPS {
        let stand = Stand::new(kind).await;
        let alice = stand.user("alice").await;
        let step = stand.store.stop(op, when, "a step of the renewal");
        let mut renewed = alice.clone();
        let renewal = alice.start(async move |session: Session| Ok(change(&session)?));
        step.reached().await;
        assert!(log_out(&alice).await.removes_cookie());
        step.open();
        let answer = renewal.answer().await.ok();
        renewed.obey(&answer);
        assert!(!alice.is_known().await, "{op:?} {when:?}");
        assert!(!renewed.is_known().await, "{op:?} {when:?}");
        assert_eq!(stand.owned_records().await, 0, "{op:?} {when:?}");
        assert_eq!(stand.sessions_of("alice").await.len(), 0);
        assert_eq!(stand.events.count(|event| matches!(event, Event::Ended { .. })), 1, "{op:?} {when:?}");
        assert!(stand.store.has_no_traps());
    }
}

async fn s4_logout_at_each_step_of_a_renewal(kind: Kind) {
    logout_at_each_step(kind, renew).await;
}

async fn s4_logout_at_each_step_of_a_renewal_that_writes(kind: Kind) {
    logout_at_each_step(kind, |session| {
        session.insert("a", 1)?;
        renew(session)
    })
    .await;
}

async fn s4_logout_that_loaded_before_a_renewal_ends_the_renewed_session(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.user("alice").await;
    let ender = old
        .hold(|session| {
            session.log_out();
            Ok(())
        })
        .await;
    let mut renewed = old.clone();
    renewed.run(async |session: Session| Ok(renew(&session)?)).await.ok();
    assert_ne!(renewed.cookie(), old.cookie());
    stand.wait(600); // long after the grace: the log-out was in flight all the time
    assert!(ender.release().await.ok().removes_cookie());
    assert!(!renewed.is_known().await);
    assert!(!old.is_known().await);
    assert_eq!(stand.owned_records().await, 0);
}

async fn s4_logout_that_loaded_before_two_renewals_ends_the_renewed_session(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.user("alice").await;
    let ender = old
        .hold(|session| {
            session.log_out();
            Ok(())
        })
        .await;
    let mut renewed = old.clone();
    for _ in 0..5 {
        renewed.run(async |session: Session| Ok(renew(&session)?)).await.ok();
    }
    ender.release().await.ok();
    assert!(!renewed.is_known().await);
    assert_eq!(stand.owned_records().await, 0);
}

async fn s4_logout_that_brings_the_old_id_within_the_grace_ends_the_renewed_session(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.user("alice").await;
    let mut renewed = old.clone();
    renewed.run(async |session: Session| Ok(renew(&session)?)).await.ok();
    stand.wait(9);
    log_out(&old).await;
    assert!(!renewed.is_known().await);
    assert!(!old.is_known().await);
    assert_eq!(stand.owned_records().await, 0);
}

/// The store did what the log-out asked for on the old record, and its answer, which says where the session went, was lost.
async fn s4_logout_of_a_renewed_session_whose_answer_was_lost_ends_it(kind: Kind) {
    for anonymous in [false, true] {
        logout_of_a_renewed_session_whose_answer_was_lost(kind, anonymous).await;
    }
}

async fn logout_of_a_renewed_session_whose_answer_was_lost(kind: Kind, anonymous: bool) {
    let stand = Stand::new(kind).await;
    let old = if anonymous { stand.guest().await } else { stand.user("alice").await };
    let ender = old
        .hold(|session| {
            session.log_out();
            Ok(())
        })
        .await;
    let mut renewed = old.clone();
    renewed.run(async |session: Session| Ok(renew(&session)?)).await.ok();
    stand.store.fail_any(&Op::ENDING, When::After);
    ender.release().await.ok();
    assert!(stand.store.has_no_traps());
    assert!(!renewed.is_known().await, "anonymous: {anonymous}");
    assert_eq!(stand.owned_records().await, 0);
}

async fn s4_logout_that_loaded_before_a_log_in_leaves_the_log_in_alone(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let ender = old
        .hold(|session| {
            session.log_out();
            Ok(())
        })
        .await;
    let mut alice = old.clone();
    alice.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
    let answer = ender.release().await.ok();
    assert!(answer.leaves_cookie(), "it ended nothing, and the cookie is the log-in's: {:?}", answer.headers);
    alice.obey(&answer);
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
}

/// After a log-out under the old id, a late request with that id must not be given a new session and cookie.
async fn s4_a_late_logout_leaves_what_remembers_a_log_in(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let ender = old
        .hold(|session| {
            session.log_out();
            Ok(())
        })
        .await;
    let mut alice = old.clone();
    alice.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
    ender.release().await.ok();
    let late = old.clone().run(async |session: Session| Ok(session.insert("late", 1)?)).await.ok();
    assert!(late.leaves_cookie(), "{:?}", late.headers);
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
}

/// Not for a moment either: the server may die in it, or the late request may be there.
async fn s4_a_late_logout_never_hides_what_remembers_a_log_in(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let ender = old
        .hold(|session| {
            session.log_out();
            Ok(())
        })
        .await;
    let mut alice = old.clone();
    alice.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
    let step = stand.store.stop_any(&Op::ENDING, When::After, "the log-out has found that it is too late");
    let ender = ender.let_go();
    step.reached().await;
    let late = old.start(async |session: Session| Ok(session.insert("late", 1)?)).answer().await.ok();
    assert!(late.leaves_cookie(), "{:?}", late.headers);
    step.open();
    assert!(ender.answer().await.ok().leaves_cookie());
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
}
