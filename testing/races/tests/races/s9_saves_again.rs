//! S9: an answer was lost, and the handler saves once more.

use cloakroom_races::{Kind, Op, When, races};
use cloakroom_tower::{Event, Session};

use crate::s9_lost_answers::{assert_counted, count, impatient, sessions};

races! {
    s9_a_failed_update_that_the_handler_saves_again_counts_once,
    s9_a_failed_create_that_the_handler_saves_again_makes_one_session,
    s9_a_failed_log_in_that_the_handler_saves_again_makes_one_session,
    s9_a_failed_renewal_that_the_handler_saves_again_loses_nothing,
    s9_a_failed_log_out_that_the_handler_saves_again_ends_once,
    s9_a_failed_renewal_that_is_not_saved_again_loses_nothing,
    s9_a_failed_save_is_made_good_by_the_response,
}

async fn s9_a_failed_update_that_the_handler_saves_again_counts_once(kind: Kind) {
    for when in [When::Before, When::After] {
        let stand = impatient(kind).await;
        let mut guest = stand.guest().await;
        stand.store.fail(Op::Update, when);
        let script = async |session: Session| {
            count(&session)?;
            session.save().await.unwrap_err();
            count(&session)?;
            session.save().await?;
            Ok(count(&session)?)
        };
        guest.run(script).await.ok();
        assert_counted(&guest, 3).await;
    }
}

async fn s9_a_failed_create_that_the_handler_saves_again_makes_one_session(kind: Kind) {
    for when in [When::Before, When::After] {
        let stand = impatient(kind).await;
        let mut browser = stand.browser();
        stand.store.fail(Op::Create, when);
        let script = async |session: Session| {
            count(&session)?;
            session.save().await.unwrap_err();
            Ok(count(&session)?)
        };
        browser.run(script).await.ok();
        assert_counted(&browser, 2).await;
        assert_eq!(stand.records().await, 1, "{when:?}");
    }
}

async fn s9_a_failed_log_in_that_the_handler_saves_again_makes_one_session(kind: Kind) {
    for (op, when) in [
        (Op::Create, When::Before),
        (Op::Create, When::After),
        (Op::Update, When::Before),
        (Op::Update, When::After),
    ] {
        let stand = impatient(kind).await;
        let old = stand.guest().await;
        stand.store.fail(op, when);
        let script = async |session: Session| {
            count(&session)?;
            session.log_in("alice")?;
            let _may_have_been_found_out = session.save().await;
            Ok(count(&session)?)
        };
        let mut alice = old.clone();
        alice.run(script).await.ok();
        assert_eq!(alice.user().await.as_deref(), Some("alice"), "{op:?} {when:?}");
        assert_counted(&alice, 2).await;
        assert_eq!(alice.read::<String>("coat").await.as_deref(), Some("red"), "{op:?} {when:?}");
        assert!(!old.is_known().await);
        assert_eq!((sessions(&stand).await, stand.owned_records().await), (1, 1), "{op:?} {when:?}");
    }
}

async fn s9_a_failed_renewal_that_the_handler_saves_again_loses_nothing(kind: Kind) {
    for (op, when) in [
        (Op::Create, When::Before),
        (Op::Create, When::After),
        (Op::Update, When::Before),
        (Op::Update, When::After),
    ] {
        let stand = impatient(kind).await;
        let old = stand.user("alice").await;
        stand.store.fail(op, when);
        let script = async |session: Session| {
            count(&session)?;
            session.cycle_id();
            let _may_have_been_found_out = session.save().await;
            Ok(count(&session)?)
        };
        let mut new = old.clone();
        new.run(script).await.ok();
        assert_counted(&new, 2).await;
        assert_eq!(new.read::<String>("coat").await.as_deref(), Some("red"), "{op:?} {when:?}");
        stand.wait(60);
        assert!(new.is_known().await, "{op:?} {when:?}: the client has the id that lasts");
        assert_eq!((sessions(&stand).await, stand.owned_records().await), (1, 1), "{op:?} {when:?}");
    }
}

async fn s9_a_failed_log_out_that_the_handler_saves_again_ends_once(kind: Kind) {
    for when in [When::Before, When::After] {
        let stand = impatient(kind).await;
        let alice = stand.user("alice").await;
        stand.store.fail_any(&Op::ENDING, when);
        let script = async |session: Session| {
            session.log_out();
            let _may_have_been_found_out = session.save().await;
            Ok(())
        };
        let answer = alice.clone().run(script).await.ok();
        assert!(answer.removes_cookie(), "{when:?}");
        assert!(!alice.is_known().await);
        assert_eq!(stand.events.count(|event| matches!(event, Event::Ended { .. })), 1, "{when:?}");
    }
}

/// The client gets an error and keeps its old id; neither what was acknowledged nor the session is lost.
async fn s9_a_failed_renewal_that_is_not_saved_again_loses_nothing(kind: Kind) {
    for (op, when) in [
        (Op::Create, When::Before),
        (Op::Create, When::After),
        (Op::Update, When::Before),
        (Op::Update, When::After),
    ] {
        let stand = impatient(kind).await;
        let old = stand.user("alice").await;
        stand.store.fail(op, when);
        let renew = async |session: Session| {
            session.cycle_id();
            Ok(())
        };
        let mut after = old.clone();
        let answer = after.run(renew).await;
        after.obey(&answer);
        assert_eq!(after.read::<String>("coat").await.as_deref(), Some("red"), "{op:?} {when:?}");
        assert_eq!(after.user().await.as_deref(), Some("alice"));
    }
}

async fn s9_a_failed_save_is_made_good_by_the_response(kind: Kind) {
    for when in [When::Before, When::After] {
        let stand = impatient(kind).await;
        let mut guest = stand.guest().await;
        stand.store.fail(Op::Update, when);
        let script = async |session: Session| {
            count(&session)?;
            session.save().await.unwrap_err();
            Ok(())
        };
        guest.run(script).await.ok();
        assert_counted(&guest, 1).await;
    }
}
