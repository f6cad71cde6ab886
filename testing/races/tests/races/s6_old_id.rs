//! S6: the old id arrives just after a renewal, or later.

use std::time::Duration;

use cloakroom_races::{Answer, Browser, Kind, Op, Stand, When, races};
use cloakroom_tower::{Event, RejectReason, Session};

races! {
    s6_the_old_id_within_the_grace_reaches_the_session_and_gets_no_cookie,
    s6_the_old_id_after_the_grace_is_anonymous,
    s6_the_grace_is_exact_and_can_be_set,
    s6_the_old_id_after_a_log_in_is_anonymous_and_its_response_leaves_the_cookie,
    s6_the_old_id_of_two_renewals_ago_reaches_the_session_within_the_grace,
    s6_an_old_id_that_leads_over_a_renewal_to_a_log_in_is_anonymous,
    s6_two_renewals_at_once_make_one_new_id,
    s6_sixteen_renewals_at_once_make_one_new_id,
    s6_two_renewals_at_each_step_of_each_other_make_one_new_id,
    s6_a_second_renewal_within_the_grace_is_not_made,
    s6_a_log_in_under_a_late_id_ends_every_older_id,
    s6_reordered_responses_leave_the_browser_with_a_living_session,
    @owned
    s6_a_re_authentication_leaves_the_old_id_dead_at_once,
    s6_a_log_in_and_a_renewal_at_once_leave_the_log_in,
}

fn renew(session: &Session) -> cloakroom::Result<()> {
    session.cycle_id();
    Ok(())
}

async fn renewed(old: &Browser) -> Browser {
    let mut new = old.clone();
    new.run(async |session: Session| Ok(renew(&session)?)).await.ok();
    assert_ne!(new.cookie(), old.cookie());
    new
}

async fn logged_in(old: &Browser) -> Browser {
    let mut new = old.clone();
    new.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
    assert_ne!(new.cookie(), old.cookie());
    new
}

/// What each answer, in this order, leaves in the browser.
fn obeying(browser: &Browser, answers: &[Answer]) -> Browser {
    let mut browser = browser.clone();
    answers.iter().for_each(|answer| browser.obey(answer));
    browser
}

async fn s6_the_old_id_within_the_grace_reaches_the_session_and_gets_no_cookie(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let new = renewed(&old).await;
    stand.wait(10);
    let read = old.start(async |session: Session| Ok(session.get::<String>("coat")?.unwrap_or_default()));
    let answer = read.answer().await.ok();
    assert_eq!(answer.body, "red");
    assert!(answer.leaves_cookie());
    let write = old.start(async |session: Session| Ok(session.insert("coat", "green")?));
    assert!(write.answer().await.ok().leaves_cookie());
    assert_eq!(new.read::<String>("coat").await.as_deref(), Some("green"));
}

async fn s6_the_old_id_after_the_grace_is_anonymous(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let new = renewed(&old).await;
    stand.wait(11);
    assert!(!old.is_known().await);
    let superseded =
        |event: &Event| matches!(event, Event::Rejected { reason: RejectReason::Superseded, .. });
    let refusals = stand.events.count(superseded);
    assert_eq!(refusals, 1);
    assert!(new.is_known().await);
    stand.wait(3_600);
    assert!(!old.is_known().await);
}

async fn s6_the_grace_is_exact_and_can_be_set(kind: Kind) {
    let stand = Stand::with(kind, |config| config.renewal_grace_period(Duration::from_secs(3))).await;
    let old = stand.guest().await;
    let _new = renewed(&old).await;
    stand.clock.advance(Duration::from_secs(3));
    assert!(old.is_known().await);
    stand.clock.advance(Duration::from_micros(1));
    assert!(!old.is_known().await);
}

async fn s6_the_old_id_after_a_log_in_is_anonymous_and_its_response_leaves_the_cookie(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let alice = logged_in(&old).await;
    let records = stand.records().await;
    for late in 0..4 {
        let answer = old
            .start(async move |session: Session| {
                assert!(
                    session.is_new() && session.user().is_none() && session.get::<String>("coat")?.is_none()
                );
                match late {
                    0 => {}
                    1 => session.insert("late", 1)?,
                    2 => session.log_out(),
                    _ => renew(&session)?,
                }
                Ok(())
            })
            .answer()
            .await
            .ok();
        assert!(answer.leaves_cookie(), "{late}: {:?}", answer.headers);
    }
    assert_eq!(stand.records().await, records, "nothing late is stored");
    assert_eq!(stand.events.count(|event| *event == Event::WriteDropped), 1);
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
    assert_eq!(alice.read::<u32>("late").await, None);
}

async fn s6_a_re_authentication_leaves_the_old_id_dead_at_once(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.user("alice").await;
    let new = logged_in(&old).await;
    assert!(!old.is_known().await);
    assert_eq!(new.user().await.as_deref(), Some("alice"));
    assert_eq!(new.read::<String>("coat").await.as_deref(), Some("red"));
    assert_eq!(stand.sessions_of("alice").await.len(), 1);
}

async fn s6_the_old_id_of_two_renewals_ago_reaches_the_session_within_the_grace(kind: Kind) {
    let stand = Stand::new(kind).await;
    let oldest = stand.guest().await;
    let old = renewed(&oldest).await;
    let new = renewed(&old).await;
    for late in [&oldest, &old] {
        let write = late.start(async |session: Session| Ok(session.increment("n", 1).map(drop)?));
        assert!(write.answer().await.ok().leaves_cookie());
    }
    assert_eq!(new.read::<u32>("n").await, Some(2));
}

async fn s6_an_old_id_that_leads_over_a_renewal_to_a_log_in_is_anonymous(kind: Kind) {
    let stand = Stand::new(kind).await;
    let oldest = stand.guest().await;
    let old = renewed(&oldest).await;
    let alice = logged_in(&old).await;
    for late in [&oldest, &old] {
        assert!(!late.is_known().await);
        let write = late.start(async |session: Session| Ok(session.insert("late", 1)?));
        assert!(write.answer().await.ok().leaves_cookie());
    }
    assert_eq!(alice.read::<u32>("late").await, None);
}

async fn s6_two_renewals_at_once_make_one_new_id(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let a = old.hold(renew).await;
    let b = old
        .hold(|session| {
            session.insert("b", 2)?;
            renew(session)
        })
        .await;
    let answers = [a.release().await.ok(), b.release().await.ok()];
    let new: Vec<_> = answers.iter().filter_map(Answer::new_cookie).collect();
    assert_eq!(new.len(), 1);
    let browser = obeying(&old, &answers);
    assert_eq!(browser.read::<u32>("b").await, Some(2));
    assert_eq!(stand.records().await, 2, "the session and one trail");
    assert_eq!(stand.events.count(|event| matches!(event, Event::Renewed { .. })), 1);
}

async fn s6_sixteen_renewals_at_once_make_one_new_id(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let mut held = Vec::new();
    for _ in 0..16 {
        let both = |session: &Session| {
            session.increment("n", 1)?;
            renew(session)
        };
        held.push(old.hold(both).await);
    }
    let under_way: Vec<_> = held.into_iter().map(cloakroom_races::Held::let_go).collect();
    let mut answers = Vec::new();
    for exchange in under_way {
        answers.push(exchange.answer().await.ok());
    }
    assert_eq!(answers.iter().filter_map(Answer::new_cookie).count(), 1);
    let browser = obeying(&old, &answers);
    assert_eq!(browser.read::<u32>("n").await, Some(16));
    assert_eq!(stand.records().await, 2);
}

async fn s6_two_renewals_at_each_step_of_each_other_make_one_new_id(kind: Kind) {
    for (op, when) in [(Op::Create, When::Before), (Op::Create, When::After), (Op::Update, When::Before)] {
        let stand = Stand::new(kind).await;
        let old = stand.guest().await;
        // Of requests in one process, only one renews.
        let elsewhere = stand.beside(|config| config).await;
        let mut there = elsewhere.browser();
        there.plant(old.cookie().unwrap());
        let step = stand.store.stop(op, when, "a step of A's renewal");
        let a = old.start(async |session: Session| {
            session.increment("n", 1)?;
            Ok(renew(&session)?)
        });
        step.reached().await;
        let b = there
            .run(async |session: Session| {
                session.increment("n", 1)?;
                Ok(renew(&session)?)
            })
            .await
            .ok();
        step.open();
        let a = a.answer().await.ok();
        assert!(b.new_cookie().is_some() && a.leaves_cookie(), "{op:?} {when:?}");
        let browser = obeying(&old, &[b, a]);
        assert_eq!(browser.read::<u32>("n").await, Some(2), "{op:?} {when:?}");
        assert_eq!(stand.records().await, 2, "{op:?} {when:?}");
    }
}

async fn s6_a_second_renewal_within_the_grace_is_not_made(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let new = renewed(&old).await;
    let again = old.start(async |session: Session| Ok(renew(&session)?)).answer().await.ok();
    assert!(again.leaves_cookie());
    assert!(new.is_known().await);
}

async fn s6_a_log_in_under_a_late_id_ends_every_older_id(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let new = renewed(&old).await;
    let alice = logged_in(&old).await;
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
    assert_eq!(alice.read::<String>("coat").await.as_deref(), Some("red"));
    assert!(!old.is_known().await);
    assert!(!new.is_known().await);
}

async fn s6_a_log_in_and_a_renewal_at_once_leave_the_log_in(kind: Kind) {
    for (op, when) in [(Op::Create, When::Before), (Op::Create, When::After), (Op::Update, When::Before)] {
        for renewal_first in [false, true] {
            let stand = Stand::new(kind).await;
            let old = stand.guest().await;
            let step = stand.store.stop(op, when, "a step of the first");
            let act = async move |session: Session, renewal: bool| {
                if renewal { Ok(renew(&session)?) } else { Ok(session.log_in("alice")?) }
            };
            let first = old.start(async move |session: Session| act(session, renewal_first).await);
            step.reached().await;
            let second = old.start(async move |session: Session| act(session, !renewal_first).await);
            let second = second.answer().await.ok();
            step.open();
            let first = first.answer().await.ok();
            let log_in = if renewal_first { &second } else { &first };
            let mut alice = old.clone();
            alice.obey(log_in);
            assert_eq!(alice.user().await.as_deref(), Some("alice"), "{op:?} {when:?} {renewal_first}");
            assert_eq!(alice.read::<String>("coat").await.as_deref(), Some("red"));
            assert!(!old.is_known().await);
            assert_eq!(stand.sessions_of("alice").await.len(), 1);
            let others = stand
                .store
                .records()
                .await
                .into_iter()
                .filter(|entry| entry.stored.record.owner.is_none() && entry.stored.record.sliding);
            assert_eq!(others.count(), 0, "no session without an owner is left");
        }
    }
}

/// Both orders in which two responses can arrive leave a session that the server knows.
async fn s6_reordered_responses_leave_the_browser_with_a_living_session(kind: Kind) {
    let every = Duration::from_secs(300);
    let stand = Stand::with(kind, |config| config.renew_every(every)).await;
    let old = stand.guest().await;
    stand.wait(301);
    let a = old.hold(|session| session.increment("n", 1).map(drop)).await;
    let b = old.hold(|session| session.increment("n", 1).map(drop)).await;
    let c = old.hold(|session| session.get::<u32>("n").map(drop)).await;
    let answers = [a.release().await.ok(), b.release().await.ok(), c.release().await.ok()];
    let [a, b, c] = answers;
    for order in [[&a, &b, &c], [&c, &b, &a], [&b, &a, &c], [&b, &c, &a]] {
        let mut browser = old.clone();
        order.into_iter().for_each(|answer| browser.obey(answer));
        assert_eq!(browser.read::<u32>("n").await, Some(2));
    }
}
