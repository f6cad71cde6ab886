//! S7: a user's sessions are ended while a log-in, a touch or a renewal of that user is in flight.

use cloakroom_races::{Browser, Kind, Op, Stand, When, races};
use cloakroom_tower::{EndReason, Event, Session};

races! {
    @owned
    s7_revoke_all_at_each_step_of_a_log_in_that_began_before,
    s7_revoke_all_at_each_step_of_a_first_log_in_without_a_cookie,
    s7_a_log_in_that_began_after_revoke_all_is_alive,
    s7_revoke_all_while_a_touch_is_in_flight,
    s7_revoke_all_at_each_step_of_a_renewal,
    s7_revoke_all_between_a_renewals_conflict_and_its_next_try_is_not_an_error,
    s7_revoke_all_while_a_writer_is_in_flight,
    s7_a_re_authentication_that_began_before_revoke_all_is_dead,
    s7_revoke_others_keeps_exactly_the_caller,
    s7_revoke_others_at_each_step_of_the_callers_renewal,
    s7_revoke_others_keeps_what_the_callers_renewal_writes,
    s7_revoke_others_in_the_request_that_logs_in_keeps_the_caller,
    s7_revoke_others_in_the_request_that_authenticates_again_keeps_the_caller,
    s7_revoke_others_keeps_a_caller_whose_other_request_writes,
    s7_revoke_others_ends_a_log_in_that_began_before,
    s7_revoke_one_at_each_step_of_its_renewal,
    s7_revoke_all_ends_no_other_users_sessions,
}

const STEPS: [(Op, When); 4] = [
    (Op::Create, When::Before),
    (Op::Create, When::After),
    (Op::Update, When::Before),
    (Op::Update, When::After),
];

async fn revoke_all(stand: &Stand) -> u64 {
    stand.engine.sessions().revoke_all("alice").await.unwrap()
}

/// No browser is logged in as alice, with any id that an answer left it.
async fn assert_dead(stand: &Stand, browsers: &[&Browser]) {
    for browser in browsers {
        assert_eq!(browser.user().await, None);
    }
    assert_eq!(stand.owned_records().await, 0);
}

fn renew(session: &Session) -> cloakroom::Result<()> {
    session.cycle_id();
    Ok(())
}

async fn s7_revoke_all_at_each_step_of_a_log_in_that_began_before(kind: Kind) {
    for (op, when) in STEPS {
        let stand = Stand::new(kind).await;
        let old = stand.guest().await;
        let step = stand.store.stop(op, when, "a step of the log-in");
        let log_in = old.start(async |session: Session| Ok(session.log_in("alice")?));
        step.reached().await;
        stand.wait(1);
        revoke_all(&stand).await;
        step.open();
        let answer = log_in.answer().await.ok();
        let mut alice = old.clone();
        alice.obey(&answer);
        assert_dead(&stand, &[&old, &alice]).await;
    }
}

async fn s7_revoke_all_at_each_step_of_a_first_log_in_without_a_cookie(kind: Kind) {
    for when in [When::Before, When::After] {
        let stand = Stand::new(kind).await;
        let mut alice = stand.browser();
        let step = stand.store.stop(Op::Create, when, "the log-in's create");
        let log_in = alice.start(async |session: Session| Ok(session.log_in("alice")?));
        step.reached().await;
        stand.wait(1);
        revoke_all(&stand).await;
        step.open();
        alice.obey(&log_in.answer().await.ok());
        assert_dead(&stand, &[&alice]).await;
    }
}

async fn s7_a_log_in_that_began_after_revoke_all_is_alive(kind: Kind) {
    let stand = Stand::new(kind).await;
    let _other = stand.user("alice").await;
    let mut alice = stand.guest().await;
    let before = alice.hold(|session| session.get::<String>("coat").map(drop)).await;
    stand.wait(1);
    assert_eq!(revoke_all(&stand).await, 1);
    stand.wait(1);
    alice.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
    before.release().await.ok();
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
    assert_eq!(stand.sessions_of("alice").await.len(), 1);
}

async fn s7_revoke_all_while_a_touch_is_in_flight(kind: Kind) {
    // A touch rides on the load at the beginning, and on another one at the end.
    for (loads_before, when) in [(0, When::Before), (0, When::After), (1, When::Before), (1, When::After)] {
        let stand = Stand::with(kind, |config| config.touch_threshold(0.0)).await;
        let alice = stand.user("alice").await;
        stand.wait(60);
        for _ in 0..loads_before {
            stand.store.spare(Op::Load);
        }
        let step = stand.store.stop(Op::Load, when, "a step of the touch");
        let toucher = alice.start(async |session: Session| {
            session.touch();
            Ok(())
        });
        step.reached().await;
        revoke_all(&stand).await;
        step.open();
        assert!(toucher.answer().await.ok().leaves_cookie());
        assert_dead(&stand, &[&alice]).await;
    }
}

async fn s7_revoke_all_at_each_step_of_a_renewal(kind: Kind) {
    for (op, when) in STEPS {
        let stand = Stand::new(kind).await;
        let old = stand.user("alice").await;
        stand.wait(1);
        let step = stand.store.stop(op, when, "a step of the renewal");
        let renewal = old.start(async |session: Session| Ok(renew(&session)?));
        step.reached().await;
        revoke_all(&stand).await;
        step.open();
        let mut renewed = old.clone();
        renewed.obey(&renewal.answer().await.ok());
        assert_dead(&stand, &[&old, &renewed]).await;
        assert_eq!(stand.events.count(|event| matches!(event, Event::Failed { .. })), 0);
    }
}

/// The renewal has met another's write and goes to bring its new record up to date, which is gone by then.
async fn s7_revoke_all_between_a_renewals_conflict_and_its_next_try_is_not_an_error(kind: Kind) {
    for log_in in [false, true] {
        let stand = Stand::new(kind).await;
        let old = stand.user("alice").await;
        let step = stand.store.stop(Op::Update, When::Before, "the trail");
        let change = async move |session: Session| {
            session.insert("mine", 1)?;
            if log_in { Ok(session.log_in("alice")?) } else { Ok(renew(&session)?) }
        };
        let renewal = old.start(change);
        step.reached().await;
        old.clone().run(async |session: Session| Ok(session.insert("other", 1)?)).await.ok();
        let conflict = stand.store.stop(Op::Update, When::Before, "what follows the trail's conflict");
        step.open();
        conflict.reached().await;
        stand.wait(1);
        revoke_all(&stand).await;
        conflict.open();
        let answer = renewal.answer().await;
        assert_eq!(answer.status, 200, "a dropped write is not an error unless configured");
        let mut renewed = old.clone();
        renewed.obey(&answer);
        assert_dead(&stand, &[&old, &renewed]).await;
    }
}

async fn s7_revoke_all_while_a_writer_is_in_flight(kind: Kind) {
    let stand = Stand::new(kind).await;
    let alice = stand.user("alice").await;
    let writer = alice.hold(|session| session.insert("a", 1)).await;
    revoke_all(&stand).await;
    assert!(writer.release().await.ok().leaves_cookie());
    assert_dead(&stand, &[&alice]).await;
    assert_eq!(stand.events.count(|event| *event == Event::WriteDropped), 1);
    assert_eq!(
        stand
            .events
            .count(|event| matches!(event, Event::Ended { reason: EndReason::Revoked, count: 1, .. })),
        1
    );
}

async fn s7_a_re_authentication_that_began_before_revoke_all_is_dead(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.user("alice").await;
    stand.wait(1);
    let again = old.hold(|session| session.log_in("alice")).await;
    stand.wait(1);
    revoke_all(&stand).await;
    stand.wait(1);
    let mut new = old.clone();
    new.obey(&again.release().await.ok());
    assert_dead(&stand, &[&old, &new]).await;
}

async fn revoke_others(stand: &Stand, caller: &mut Browser) -> u64 {
    let sessions = stand.engine.sessions();
    let script = async move |session: Session| Ok(sessions.revoke_others(&session).await?.to_string());
    caller.run(script).await.ok().body.parse().unwrap()
}

async fn s7_revoke_others_keeps_exactly_the_caller(kind: Kind) {
    let stand = Stand::new(kind).await;
    let others = [stand.user("alice").await, stand.user("alice").await];
    let mut caller = stand.user("alice").await;
    let stranger = stand.user("bob").await;
    assert_eq!(revoke_others(&stand, &mut caller).await, 2);
    for other in &others {
        assert_eq!(other.user().await, None);
    }
    assert_eq!(caller.user().await.as_deref(), Some("alice"));
    assert_eq!(caller.read::<String>("coat").await.as_deref(), Some("red"));
    assert_eq!(stranger.user().await.as_deref(), Some("bob"));
    assert_eq!(stand.sessions_of("alice").await.len(), 1);
}

async fn revoke_others_at_each_step(kind: Kind, writes: bool) {
    for (op, when) in STEPS {
        let stand = Stand::new(kind).await;
        let other = stand.user("alice").await;
        let old = stand.user("alice").await;
        stand.wait(1);
        let step = stand.store.stop(op, when, "a step of the caller's renewal");
        let renewal = old.start(async move |session: Session| {
            if writes {
                session.insert("mine", 1)?;
            }
            Ok(renew(&session)?)
        });
        step.reached().await;
        assert!(revoke_others(&stand, &mut old.clone()).await >= 1);
        step.open();
        let answer = renewal.answer().await;
        assert_eq!(answer.status, 200, "{op:?} {when:?}: {}", answer.body);
        let mut caller = old.clone();
        caller.obey(&answer);
        assert_eq!(caller.user().await.as_deref(), Some("alice"), "{op:?} {when:?}");
        assert_eq!(caller.read::<u32>("mine").await, writes.then_some(1), "{op:?} {when:?}");
        assert_eq!(other.user().await, None);
        assert_eq!(stand.sessions_of("alice").await.len(), 1, "{op:?} {when:?}");
    }
}

async fn s7_revoke_others_at_each_step_of_the_callers_renewal(kind: Kind) {
    revoke_others_at_each_step(kind, false).await;
}

async fn s7_revoke_others_keeps_what_the_callers_renewal_writes(kind: Kind) {
    revoke_others_at_each_step(kind, true).await;
}

async fn s7_revoke_others_in_the_request_that_logs_in_keeps_the_caller(kind: Kind) {
    for stored in [false, true] {
        let stand = Stand::new(kind).await;
        let other = stand.user("alice").await;
        let mut caller = if stored { stand.guest().await } else { stand.browser() };
        stand.wait(1);
        let sessions = stand.engine.sessions();
        let script = async move |session: Session| {
            session.log_in("alice")?;
            sessions.revoke_others(&session).await?;
            Ok(())
        };
        caller.run(script).await.ok();
        assert_eq!(caller.user().await.as_deref(), Some("alice"), "stored before: {stored}");
        assert_eq!(other.user().await, None);
        assert_eq!(stand.sessions_of("alice").await.len(), 1);
    }
}

async fn s7_revoke_others_in_the_request_that_authenticates_again_keeps_the_caller(kind: Kind) {
    let stand = Stand::new(kind).await;
    let other = stand.user("alice").await;
    let mut caller = stand.user("alice").await;
    stand.wait(1);
    let sessions = stand.engine.sessions();
    let script = async move |session: Session| {
        session.log_in("alice")?;
        sessions.revoke_others(&session).await?;
        Ok(session.insert("mine", 1)?)
    };
    caller.run(script).await.ok();
    assert_eq!(caller.user().await.as_deref(), Some("alice"));
    assert_eq!(caller.read::<String>("coat").await.as_deref(), Some("red"), "the values stay");
    assert_eq!(caller.read::<u32>("mine").await, Some(1));
    assert_eq!(other.user().await, None);
    assert_eq!(stand.sessions_of("alice").await.len(), 1);
}

async fn s7_revoke_others_keeps_a_caller_whose_other_request_writes(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut caller = stand.user("alice").await;
    let _other = stand.user("alice").await;
    stand.wait(1);
    let writer = caller.hold(|session| session.increment("n", 1).map(drop)).await;
    let update = stand.store.stop(Op::Update, When::Before, "the caller's new date");
    let sessions = stand.engine.sessions();
    let revoker = caller.start(async move |session: Session| {
        session.increment("n", 1)?;
        Ok(sessions.revoke_others(&session).await?.to_string())
    });
    update.reached().await;
    writer.release().await.ok();
    update.open();
    let answer = revoker.answer().await.ok();
    assert_eq!(answer.body, "1");
    caller.obey(&answer);
    assert_eq!(caller.user().await.as_deref(), Some("alice"));
    assert_eq!(caller.read::<u32>("n").await, Some(2));
}

async fn s7_revoke_others_ends_a_log_in_that_began_before(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut caller = stand.user("alice").await;
    let guest = stand.guest().await;
    let log_in = guest.hold(|session| session.log_in("alice")).await;
    stand.wait(1);
    revoke_others(&stand, &mut caller).await;
    let mut intruder = guest.clone();
    intruder.obey(&log_in.release().await.ok());
    assert_eq!(intruder.user().await, None);
    assert_eq!(caller.user().await.as_deref(), Some("alice"));
    assert_eq!(stand.sessions_of("alice").await.len(), 1);
}

async fn s7_revoke_one_at_each_step_of_its_renewal(kind: Kind) {
    for (op, when) in STEPS {
        let stand = Stand::new(kind).await;
        let kept = stand.user("alice").await;
        stand.wait(1);
        let old = stand.user("alice").await;
        let handle = stand.sessions_of("alice").await[0].public_id;
        let step = stand.store.stop(op, when, "a step of the renewal");
        let renewal = old.start(async |session: Session| Ok(renew(&session)?));
        step.reached().await;
        assert!(stand.engine.sessions().revoke("alice", &handle).await.unwrap());
        step.open();
        let mut renewed = old.clone();
        renewed.obey(&renewal.answer().await.ok());
        assert_eq!(renewed.user().await, None, "{op:?} {when:?}");
        assert_eq!(old.user().await, None);
        assert_eq!(kept.user().await.as_deref(), Some("alice"));
        assert_eq!(stand.owned_records().await, 1);
    }
}

async fn s7_revoke_all_ends_no_other_users_sessions(kind: Kind) {
    let stand = Stand::new(kind).await;
    let (guest, bob) = (stand.guest().await, stand.user("bob").await);
    let _alice = stand.user("alice").await;
    assert_eq!(revoke_all(&stand).await, 1);
    assert_eq!(revoke_all(&stand).await, 0);
    assert!(guest.is_known().await);
    assert_eq!(bob.user().await.as_deref(), Some("bob"));
}
