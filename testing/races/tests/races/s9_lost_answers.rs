//! S9: the store did as asked, and its answer was lost.

use std::time::Duration;

use cloakroom_races::{Browser, Kind, Op, Stand, When, races};
use cloakroom_tower::{EndReason, Event, Session};

races! {
    s9_a_lost_answer_to_an_update_counts_once,
    s9_two_lost_answers_and_two_failures_in_a_row_count_once,
    s9_a_lost_answer_to_a_create_makes_one_session,
    s9_a_lost_answer_to_a_log_ins_create_makes_one_session,
    s9_a_lost_answer_to_a_renewals_create_makes_one_session,
    s9_a_lost_answer_to_a_trail_renews_once,
    s9_a_lost_answer_to_a_log_ins_trail_logs_in_once,
    s9_a_lost_answer_to_a_trail_and_a_writer_in_between_keeps_both,
    s9_a_lost_answer_to_a_log_out_ends_once,
    s9_a_lost_answer_to_a_touch_or_a_load_changes_nothing,
    s9_an_update_whose_result_is_never_reported_is_not_acknowledged,
    @owned
    s9_an_unused_session_whose_removal_failed_is_removed_all_the_same,
}

/// No patience: every failure ends the commit.
pub(crate) async fn impatient(kind: Kind) -> Stand {
    Stand::with(kind, |config| config.commit_timeout(Duration::ZERO)).await
}

pub(crate) fn count(session: &Session) -> cloakroom::Result<()> {
    session.increment("n", 1)?;
    session.push("list", "x").map(drop)
}

pub(crate) async fn assert_counted(browser: &Browser, times: usize) {
    assert_eq!(browser.read::<usize>("n").await, Some(times));
    assert_eq!(browser.read::<Vec<String>>("list").await.unwrap().len(), times);
}

/// Live records that are sessions, not trails.
pub(crate) async fn sessions(stand: &Stand) -> usize {
    stand.store.records().await.iter().filter(|entry| entry.stored.record.sliding).count()
}

async fn s9_a_lost_answer_to_an_update_counts_once(kind: Kind) {
    for when in [When::Before, When::After] {
        let stand = Stand::new(kind).await;
        let mut guest = stand.guest().await;
        stand.store.fail(Op::Update, when);
        guest.run(async |session: Session| Ok(count(&session)?)).await.ok();
        assert_counted(&guest, 1).await;
        assert_eq!(stand.events.count(|event| matches!(event, Event::Failed { .. })), 0);
        assert!(stand.store.has_no_traps());
    }
}

async fn s9_two_lost_answers_and_two_failures_in_a_row_count_once(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    stand.store.fail(Op::Update, When::Before);
    stand.store.fail(Op::Update, When::After);
    stand.store.fail(Op::Load, When::Before);
    let script = async |session: Session| {
        count(&session)?;
        Ok(())
    };
    // The load of the request itself walks into the first load trap and is tried again.
    guest.run(script).await.ok();
    stand.store.fail(Op::Load, When::After);
    stand.store.spare(Op::Load);
    stand.store.fail(Op::Load, When::After);
    stand.store.fail(Op::Update, When::After);
    guest.run(script).await.ok();
    assert_counted(&guest, 2).await;
}

async fn s9_a_lost_answer_to_a_create_makes_one_session(kind: Kind) {
    for when in [When::Before, When::After] {
        let stand = Stand::new(kind).await;
        let mut browser = stand.browser();
        stand.store.fail(Op::Create, when);
        browser.run(async |session: Session| Ok(count(&session)?)).await.ok();
        assert_counted(&browser, 1).await;
        assert_eq!(stand.records().await, 1);
        assert_eq!(stand.events.count(|event| matches!(event, Event::Created { .. })), 1);
    }
}

async fn s9_a_lost_answer_to_a_log_ins_create_makes_one_session(kind: Kind) {
    for stored in [false, true] {
        let stand = Stand::new(kind).await;
        let mut browser = if stored { stand.guest().await } else { stand.browser() };
        stand.store.fail(Op::Create, When::After);
        let log_in = async |session: Session| {
            count(&session)?;
            Ok(session.log_in("alice")?)
        };
        browser.run(log_in).await.ok();
        assert_counted(&browser, 1).await;
        assert_eq!(browser.user().await.as_deref(), Some("alice"));
        assert_eq!((sessions(&stand).await, stand.owned_records().await), (1, 1));
    }
}

async fn renew_with(kind: Kind, op: Op, when: When) {
    let stand = Stand::new(kind).await;
    let old = stand.user("alice").await;
    stand.events.forget();
    stand.store.fail(op, when);
    let renewal = async |session: Session| {
        count(&session)?;
        session.cycle_id();
        Ok(())
    };
    let mut new = old.clone();
    assert!(new.run(renewal).await.ok().new_cookie().is_some());
    assert_counted(&new, 1).await;
    assert_eq!(new.read::<String>("coat").await.as_deref(), Some("red"));
    assert!(old.is_known().await, "within the grace");
    assert_eq!(sessions(&stand).await, 1, "{op:?} {when:?}");
    assert_eq!(stand.events.count(|event| matches!(event, Event::Renewed { .. })), 1);
    assert_eq!(
        stand.events.count(|event| matches!(event, Event::Merged { .. })),
        0,
        "no other request wrote"
    );
}

async fn s9_a_lost_answer_to_a_renewals_create_makes_one_session(kind: Kind) {
    renew_with(kind, Op::Create, When::Before).await;
    renew_with(kind, Op::Create, When::After).await;
}

async fn s9_a_lost_answer_to_a_trail_renews_once(kind: Kind) {
    renew_with(kind, Op::Update, When::Before).await;
    renew_with(kind, Op::Update, When::After).await;
}

async fn s9_a_lost_answer_to_a_log_ins_trail_logs_in_once(kind: Kind) {
    for when in [When::Before, When::After] {
        let stand = Stand::new(kind).await;
        let old = stand.guest().await;
        stand.store.fail(Op::Update, when);
        let log_in = async |session: Session| {
            count(&session)?;
            Ok(session.log_in("alice")?)
        };
        let mut alice = old.clone();
        alice.run(log_in).await.ok();
        assert_counted(&alice, 1).await;
        assert_eq!(alice.read::<String>("coat").await.as_deref(), Some("red"));
        assert!(!old.is_known().await);
        assert_eq!(sessions(&stand).await, 1);
    }
}

async fn s9_a_lost_answer_to_a_trail_and_a_writer_in_between_keeps_both(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let writer = old.hold(count).await;
    stand.store.fail(Op::Update, When::After);
    let look = async {
        let look = stand.store.stop(Op::Load, When::Before, "the renewal looks at what it left");
        look.reached().await;
        writer.release().await.ok();
        look.open();
    };
    let renewal = async |session: Session| {
        count(&session)?;
        session.cycle_id();
        Ok(())
    };
    // The request's own load comes first.
    stand.store.spare(Op::Load);
    let renewal = old.start(renewal);
    look.await;
    let mut new = old.clone();
    new.obey(&renewal.answer().await.ok());
    assert_counted(&new, 2).await;
    assert_eq!(sessions(&stand).await, 1);
}

async fn s9_a_lost_answer_to_a_log_out_ends_once(kind: Kind) {
    for when in [When::Before, When::After] {
        let stand = Stand::new(kind).await;
        let alice = stand.user("alice").await;
        stand.store.fail_any(&Op::ENDING, when);
        let log_out = async |session: Session| {
            session.log_out();
            Ok(())
        };
        let answer = alice.clone().run(log_out).await.ok();
        assert!(answer.removes_cookie());
        assert!(!alice.is_known().await);
        assert_eq!(stand.owned_records().await, 0);
        let ended = |event: &Event| matches!(event, Event::Ended { reason: EndReason::LogOut, count: 1, .. });
        assert_eq!(stand.events.count(ended), 1, "{when:?}");
    }
}

async fn s9_a_lost_answer_to_a_touch_or_a_load_changes_nothing(kind: Kind) {
    // The touch at the end rides on a load, which is the request's second one.
    for (loads_before, when) in [(0, When::Before), (0, When::After), (1, When::Before), (1, When::After)] {
        let stand = Stand::new(kind).await;
        let mut guest = stand.guest().await;
        stand.wait(600);
        for _ in 0..loads_before {
            stand.store.spare(Op::Load);
        }
        stand.store.fail(Op::Load, when);
        let touch = async |session: Session| {
            session.touch();
            Ok(session.get::<String>("coat")?.unwrap_or_default())
        };
        assert_eq!(guest.run(touch).await.ok().body, "red");
        stand.wait(29 * 60);
        assert!(guest.is_known().await);
    }
}

/// A renewal that lost against another removes the record that it made, or the user has a session that no client holds.
async fn s9_an_unused_session_whose_removal_failed_is_removed_all_the_same(kind: Kind) {
    for when in [When::Before, When::After] {
        let stand = Stand::new(kind).await;
        let old = stand.user("alice").await;
        let step = stand.store.stop(Op::Create, When::After, "A has made its record");
        let renew = async |session: Session| {
            session.cycle_id();
            Ok(())
        };
        let a = old.start(renew);
        step.reached().await;
        // Of requests in one process, only one renews.
        let elsewhere = stand.beside(|config| config).await;
        let mut there = elsewhere.browser();
        there.plant(old.cookie().unwrap());
        there.run(renew).await.ok();
        stand.store.fail_any(&[Op::Delete], when);
        step.open();
        a.answer().await.ok();
        assert!(stand.store.has_no_traps());
        assert_eq!(stand.sessions_of("alice").await.len(), 1, "{when:?}");
    }
}

async fn s9_an_update_whose_result_is_never_reported_is_not_acknowledged(kind: Kind) {
    let stand = impatient(kind).await;
    let guest = stand.guest().await;
    stand.store.fail(Op::Update, When::After);
    let answer = guest.start(async |session: Session| Ok(count(&session)?)).answer().await;
    assert_eq!(answer.status, 503);
    assert!(answer.leaves_cookie());
    assert_eq!(stand.events.count(|event| matches!(event, Event::Failed { .. })), 1);
}
