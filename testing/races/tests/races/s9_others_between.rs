//! S9: an answer was lost, and others write before the request looks again.

use cloakroom_races::{Gate, Kind, Op, Stand, When, races};
use cloakroom_tower::{Event, Session};

use crate::s9_lost_answers::{assert_counted, count, impatient};

races! {
    s9_up_to_fifteen_commits_in_between_are_distinguished,
    s9_twenty_commits_in_between_never_count_twice,
    s9_a_failed_save_and_twenty_commits_in_between_never_count_twice,
    s9_a_lost_answer_and_a_log_in_in_between_is_not_told_as_dropped,
}

/// A write whose answer is lost, and `others` that commit before it is looked for. Says whether it was acknowledged.
async fn lost_with_others(stand: &Stand, when: When, others: usize) -> bool {
    let guest = stand.guest().await;
    stand.store.fail(Op::Update, when);
    stand.store.spare(Op::Load);
    let look = stand.store.stop(Op::Load, When::Before, "the writer looks for its write");
    let writer = guest.start(async |session: Session| Ok(count(&session)?));
    look.reached().await;
    for _ in 0..others {
        guest.clone().run(async |session: Session| Ok(count(&session)?)).await.ok();
    }
    look.open();
    let answer = writer.answer().await;
    let told = answer.status == 200;
    assert!(told || answer.status == 503);
    let counted: usize = guest.read("n").await.unwrap();
    if told {
        assert_eq!(counted, others + 1, "{others} {when:?}");
    } else {
        assert_eq!(counted, others + usize::from(when == When::After), "{others} {when:?}");
    }
    assert_counted(&guest, counted).await;
    told
}

async fn s9_up_to_fifteen_commits_in_between_are_distinguished(kind: Kind) {
    for others in [1, 14, 15] {
        for when in [When::Before, When::After] {
            let stand = Stand::new(kind).await;
            assert!(lost_with_others(&stand, when, others).await, "{others} {when:?}");
        }
    }
    let stand = Stand::new(kind).await;
    assert!(
        lost_with_others(&stand, When::Before, 16).await,
        "all sixteen are others': it did not take effect"
    );
}

async fn s9_twenty_commits_in_between_never_count_twice(kind: Kind) {
    for others in [16, 17, 20] {
        for when in [When::Before, When::After] {
            let stand = Stand::new(kind).await;
            let _told = lost_with_others(&stand, when, others).await;
        }
    }
}

async fn s9_a_failed_save_and_twenty_commits_in_between_never_count_twice(kind: Kind) {
    for when in [When::Before, When::After] {
        let stand = impatient(kind).await;
        let guest = stand.guest().await;
        stand.store.fail(Op::Update, when);
        let gate = Gate::new("the save has failed");
        let here = gate.clone();
        let writer = guest.start(async move |session: Session| {
            count(&session)?;
            session.save().await.unwrap_err();
            here.pass().await;
            Ok(format!("{}", session.save().await.is_ok()))
        });
        gate.reached().await;
        for _ in 0..20 {
            guest.clone().run(async |session: Session| Ok(count(&session)?)).await.ok();
        }
        gate.open();
        let answer = writer.answer().await;
        let counted: usize = guest.read("n").await.unwrap();
        if answer.status == 200 {
            assert_eq!((answer.body.as_str(), counted), ("true", 21));
        } else {
            assert_eq!(answer.status, 503);
            assert_eq!(counted, 20 + usize::from(when == When::After));
        }
    }
}

/// A write whose answer is lost, and a log-in that replaces the session before it is looked for.
async fn lost_beside_a_log_in(kind: Kind, when: When) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let held = guest.hold(count).await;
    stand.store.fail(Op::Update, when);
    let look = stand.store.stop(Op::Load, When::Before, "the writer looks for its write");
    let writer = held.let_go();
    look.reached().await;
    let mut alice = guest.clone();
    alice.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
    look.open();
    assert_eq!(writer.answer().await.status, 503, "what went along cannot be told: {when:?}");
    assert_eq!(alice.read::<usize>("n").await, (when == When::After).then_some(1));
    assert_eq!(stand.events.count(|event| matches!(event, Event::WriteDropped)), 0);
}

async fn s9_a_lost_answer_and_a_log_in_in_between_is_not_told_as_dropped(kind: Kind) {
    lost_beside_a_log_in(kind, When::Before).await;
    lost_beside_a_log_in(kind, When::After).await;
}
