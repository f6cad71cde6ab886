//! S3: a log-out while a writer is in flight.

use cloakroom_races::{Answer, Browser, Kind, Op, Stand, When, races};
use cloakroom_tower::{EndReason, ErrorKind, Event, Session};

races! {
    s3_logout_while_a_writer_is_in_flight,
    s3_logout_between_a_writers_conflict_and_its_next_try,
    s3_logout_just_before_a_writers_update,
    s3_logout_while_a_writer_saves_explicitly_answers_gone,
    s3_logout_while_a_writer_is_in_flight_becomes_a_409_if_configured,
    s3_a_destroy_or_a_reset_ends_a_writer_like_a_logout,
    s3_a_writer_that_goes_on_after_gone_writes_nothing,
    s3_two_logouts_at_once_are_one,
    s3_a_writer_that_logs_out_itself_ends_what_others_have_written,
}

/// The session is dead under this browser's id, and nothing of it is left.
async fn assert_dead(stand: &Stand, browser: &Browser) {
    assert!(!browser.is_known().await);
    assert_eq!(stand.records().await, 0);
}

fn assert_dropped(stand: &Stand, answer: &Answer) {
    assert!(answer.leaves_cookie(), "{:?}", answer.headers);
    assert_eq!(stand.events.count(|event| *event == Event::WriteDropped), 1);
    assert_eq!(stand.events.count(|event| matches!(event, Event::Failed { .. })), 0);
}

async fn log_out(browser: &Browser) -> Answer {
    let log_out = async |session: Session| {
        session.log_out();
        Ok(())
    };
    browser.start(log_out).answer().await.ok()
}

async fn s3_logout_while_a_writer_is_in_flight(kind: Kind) {
    let stand = Stand::new(kind).await;
    let alice = stand.user("alice").await;
    let writer = alice.hold(|session| session.insert("coat", "green")).await;
    assert!(log_out(&alice).await.removes_cookie());
    let answer = writer.release().await.ok();
    assert_dropped(&stand, &answer);
    assert!(!alice.is_known().await);
    assert_eq!(stand.owned_records().await, 0);
    let ended = |event: &Event| matches!(event, Event::Ended { reason: EndReason::LogOut, count: 1, .. });
    assert_eq!(stand.events.count(ended), 1);
}

async fn s3_logout_between_a_writers_conflict_and_its_next_try(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let writer = guest.hold(|session| session.insert("a", 1)).await;
    guest.clone().run(async |session: Session| Ok(session.insert("b", 2)?)).await.ok();
    let conflict = stand.store.stop(Op::Update, When::After, "the writer's conflict");
    let writer = writer.let_go();
    conflict.reached().await;
    log_out(&guest).await;
    conflict.open();
    assert_dropped(&stand, &writer.answer().await.ok());
    assert_dead(&stand, &guest).await;
}

async fn s3_logout_just_before_a_writers_update(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let update = stand.store.stop(Op::Update, When::Before, "the writer's update");
    let writer = guest.start(async |session: Session| Ok(session.insert("a", 1)?));
    update.reached().await;
    log_out(&guest).await;
    update.open();
    assert_dropped(&stand, &writer.answer().await.ok());
    assert_dead(&stand, &guest).await;
}

async fn s3_logout_while_a_writer_saves_explicitly_answers_gone(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let update = stand.store.stop(Op::Update, When::Before, "the writer's save");
    let writer = guest.start(async |session: Session| {
        session.insert("a", 1)?;
        let error = session.save().await.unwrap_err();
        Ok(format!("{:?}", error.kind()))
    });
    update.reached().await;
    log_out(&guest).await;
    update.open();
    let answer = writer.answer().await.ok();
    assert_eq!(answer.body, format!("{:?}", ErrorKind::Gone));
    assert_dropped(&stand, &answer);
    assert_dead(&stand, &guest).await;
}

async fn s3_logout_while_a_writer_is_in_flight_becomes_a_409_if_configured(kind: Kind) {
    let stand = Stand::with(kind, |config| config.fail_on_dropped_write(true)).await;
    let guest = stand.guest().await;
    let writer = guest.hold(|session| session.insert("a", 1)).await;
    let reader = guest.hold(|session| session.get::<String>("coat").map(drop)).await;
    log_out(&guest).await;
    let answer = writer.release().await;
    assert_eq!(answer.status, 409);
    assert_dropped(&stand, &answer);
    reader.release().await.ok();
    assert_dead(&stand, &guest).await;
}

async fn s3_a_destroy_or_a_reset_ends_a_writer_like_a_logout(kind: Kind) {
    let stand = Stand::new(kind).await;
    for reset in [false, true] {
        stand.events.forget();
        let guest = stand.guest().await;
        let writer = guest.hold(|session| session.insert("a", 1)).await;
        let mut ender = guest.clone();
        let end = async move |session: Session| {
            if reset {
                session.reset();
            } else {
                session.destroy();
            }
            Ok(())
        };
        let answer = ender.run(end).await.ok();
        assert_eq!(answer.removes_cookie(), !reset);
        assert_dropped(&stand, &writer.release().await.ok());
        assert!(!guest.is_known().await);
        assert_eq!(ender.is_known().await, reset);
        assert_eq!(ender.read::<u32>("a").await, None);
    }
}

async fn s3_a_writer_that_goes_on_after_gone_writes_nothing(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let update = stand.store.stop(Op::Update, When::Before, "the writer's save");
    let writer = guest.start(async |session: Session| {
        session.insert("a", 1)?;
        session.save().await.unwrap_err();
        session.insert("b", 2)?;
        Ok(())
    });
    update.reached().await;
    log_out(&guest).await;
    update.open();
    let answer = writer.answer().await.ok();
    assert!(answer.leaves_cookie());
    assert_eq!(stand.events.count(|event| *event == Event::WriteDropped), 2);
    assert_dead(&stand, &guest).await;
}

async fn s3_two_logouts_at_once_are_one(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let log_out = |session: &Session| {
        session.log_out();
        Ok(())
    };
    let (a, b) = (guest.hold(log_out).await, guest.hold(log_out).await);
    let (a, b) = (a.let_go(), b.let_go());
    assert!(a.answer().await.ok().removes_cookie());
    assert!(b.answer().await.ok().removes_cookie());
    assert_eq!(stand.events.count(|event| matches!(event, Event::Ended { .. })), 1);
    assert_dead(&stand, &guest).await;
}

async fn s3_a_writer_that_logs_out_itself_ends_what_others_have_written(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let ender = guest
        .hold(|session| {
            session.insert("last", "words")?;
            session.log_out();
            Ok(())
        })
        .await;
    guest.clone().run(async |session: Session| Ok(session.insert("b", 2)?)).await.ok();
    assert!(ender.release().await.ok().removes_cookie());
    assert_dead(&stand, &guest).await;
}
