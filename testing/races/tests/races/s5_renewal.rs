//! S5: an id that is renewed while a writer is in flight.

use cloakroom_races::{Kind, Op, Stand, When, races};
use cloakroom_tower::{Event, RenewalReason, Session};

races! {
    s5_a_renewal_while_a_writer_is_in_flight_keeps_the_write,
    s5_a_writer_in_flight_over_five_renewals_keeps_its_write,
    s5_a_writer_in_flight_for_longer_than_the_grace_keeps_its_write,
    s5_a_writer_between_the_steps_of_a_renewal_keeps_its_write,
    s5_a_writer_between_the_steps_of_a_renewal_that_writes_keeps_both,
    s5_a_log_in_while_a_writer_is_in_flight_drops_the_write,
    s5_a_writer_before_the_log_in_committed_is_carried_over,
    s5_no_late_response_ever_sets_the_old_id_again,
    s5_a_renewal_that_comes_due_does_not_disturb_a_writer,
    @owned
    s5_a_renewal_changes_neither_the_handle_nor_the_values_nor_the_user,
}

fn renew(session: &Session) -> cloakroom::Result<()> {
    session.cycle_id();
    Ok(())
}

async fn s5_a_renewal_while_a_writer_is_in_flight_keeps_the_write(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let writer = old.hold(|session| session.insert("a", 1)).await;
    let mut renewed = old.clone();
    assert!(renewed.run(async |session: Session| Ok(renew(&session)?)).await.ok().new_cookie().is_some());
    assert!(writer.release().await.ok().leaves_cookie());
    assert_eq!(renewed.read::<u32>("a").await, Some(1));
    assert_eq!(renewed.read::<String>("coat").await.as_deref(), Some("red"));
    let renewals =
        stand.events.count(|e| matches!(e, Event::Renewed { reason: RenewalReason::SamePrivilege, .. }));
    assert_eq!(renewals, 1);
}

async fn s5_a_writer_in_flight_over_five_renewals_keeps_its_write(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let writer = old.hold(|session| session.increment("n", 1).map(drop)).await;
    let mut renewed = old.clone();
    for _ in 0..5 {
        renewed.run(async |session: Session| Ok(renew(&session)?)).await.ok();
    }
    assert!(writer.release().await.ok().leaves_cookie());
    assert_eq!(renewed.read::<u32>("n").await, Some(1));
}

async fn s5_a_writer_in_flight_for_longer_than_the_grace_keeps_its_write(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let writer = old.hold(|session| session.insert("a", 1)).await;
    let mut renewed = old.clone();
    renewed.run(async |session: Session| Ok(renew(&session)?)).await.ok();
    stand.wait(60);
    assert!(writer.release().await.ok().leaves_cookie());
    assert_eq!(renewed.read::<u32>("a").await, Some(1));
}

const STEPS: [(Op, When); 4] = [
    (Op::Create, When::Before),
    (Op::Create, When::After),
    (Op::Update, When::Before),
    (Op::Update, When::After),
];

async fn a_writer_between_the_steps(kind: Kind, renewal_writes: bool) {
    for (op, when) in STEPS {
        let stand = Stand::new(kind).await;
        let old = stand.guest().await;
        let step = stand.store.stop(op, when, "a step of the renewal");
        let renewal = old.start(async move |session: Session| {
            if renewal_writes {
                session.insert("mine", 1)?;
                session.increment("n", 1)?;
            }
            Ok(renew(&session)?)
        });
        step.reached().await;
        for _ in 0..2 {
            let write = async |session: Session| Ok(session.increment("n", 1).map(drop)?);
            assert!(old.clone().run(write).await.ok().leaves_cookie(), "{op:?} {when:?}");
        }
        step.open();
        let answer = renewal.answer().await.ok();
        let mut renewed = old.clone();
        renewed.obey(&answer);
        assert_ne!(renewed.cookie(), old.cookie());
        assert_eq!(renewed.read::<u32>("n").await, Some(2 + u32::from(renewal_writes)), "{op:?} {when:?}");
        assert_eq!(renewed.read::<u32>("mine").await, renewal_writes.then_some(1));
        assert_eq!(stand.records().await, 2, "the session and the trail that leads to it");
    }
}

async fn s5_a_writer_between_the_steps_of_a_renewal_keeps_its_write(kind: Kind) {
    a_writer_between_the_steps(kind, false).await;
}

async fn s5_a_writer_between_the_steps_of_a_renewal_that_writes_keeps_both(kind: Kind) {
    a_writer_between_the_steps(kind, true).await;
}

async fn s5_a_log_in_while_a_writer_is_in_flight_drops_the_write(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let writer = old.hold(|session| session.insert("planted", 1)).await;
    let update = stand.store.stop(Op::Update, When::Before, "an explicit save");
    let saver = old.start(async |session: Session| {
        session.insert("planted", 2)?;
        Ok(format!("{:?}", session.save().await.unwrap_err().kind()))
    });
    update.reached().await;
    let mut alice = old.clone();
    alice.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
    update.open();
    assert_eq!(saver.answer().await.ok().body, "Gone");
    assert!(writer.release().await.ok().leaves_cookie());
    assert_eq!(alice.read::<u32>("planted").await, None);
    assert_eq!(alice.read::<String>("coat").await.as_deref(), Some("red"));
    assert_eq!(stand.events.count(|event| *event == Event::WriteDropped), 2);
    assert!(!old.is_known().await);
}

async fn s5_a_writer_before_the_log_in_committed_is_carried_over(kind: Kind) {
    let stand = Stand::new(kind).await;
    let old = stand.guest().await;
    let trail = stand.store.stop(Op::Update, When::Before, "the log-in's trail");
    let log_in = old.start(async |session: Session| Ok(session.log_in("alice")?));
    trail.reached().await;
    old.clone().run(async |session: Session| Ok(session.insert("cart", 1)?)).await.ok();
    trail.open();
    let mut alice = old.clone();
    alice.obey(&log_in.answer().await.ok());
    assert_eq!(alice.read::<u32>("cart").await, Some(1), "it was acknowledged under the old privilege");
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
    assert!(!old.is_known().await);
}

async fn s5_no_late_response_ever_sets_the_old_id_again(kind: Kind) {
    for log_in in [false, true] {
        let stand = Stand::with(kind, |config| config.touch_threshold(0.0)).await;
        let mut guest = stand.guest().await;
        guest.run(async |session: Session| Ok(session.flash("notice", 1)?)).await.ok();
        let late = [
            guest.hold(|session| session.get::<String>("coat").map(drop)).await,
            guest.hold(|session| session.insert("coat", "green")).await,
            guest
                .hold(|session| {
                    session.touch();
                    Ok(())
                })
                .await,
            guest.hold(renew).await,
            guest
                .hold(|session| {
                    session.csrf_token()?;
                    Ok(())
                })
                .await,
        ];
        stand.wait(1);
        let privilege = async move |session: Session| {
            if log_in { Ok(session.log_in("alice")?) } else { Ok(renew(&session)?) }
        };
        guest.run(privilege).await.ok();
        for late in late {
            let answer = late.release().await.ok();
            assert!(answer.leaves_cookie(), "{:?}", answer.headers);
        }
        assert!(guest.is_known().await);
    }
}

async fn s5_a_renewal_that_comes_due_does_not_disturb_a_writer(kind: Kind) {
    let every = std::time::Duration::from_secs(300);
    let stand = Stand::with(kind, |config| config.renew_every(every)).await;
    let old = stand.guest().await;
    let early = old.hold(|session| session.increment("n", 1).map(drop)).await;
    stand.wait(301);
    let due = [
        old.hold(|session| session.increment("n", 1).map(drop)).await,
        old.hold(|session| session.increment("n", 1).map(drop)).await,
    ];
    let mut answers = vec![early.release().await.ok()];
    for held in due {
        answers.push(held.release().await.ok());
    }
    let new: Vec<_> = answers.iter().filter_map(cloakroom_races::Answer::new_cookie).collect();
    assert_eq!(new.len(), 1, "one renewal, told by the request that made it");
    let mut renewed = old.clone();
    renewed.plant(new[0].clone());
    assert_eq!(renewed.read::<u32>("n").await, Some(3));
}

async fn s5_a_renewal_changes_neither_the_handle_nor_the_values_nor_the_user(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut alice = stand.user("alice").await;
    let before = stand.sessions_of("alice").await;
    alice.run(async |session: Session| Ok(renew(&session)?)).await.ok();
    let after = stand.sessions_of("alice").await;
    assert_eq!((after.len(), after[0].public_id), (1, before[0].public_id));
    assert_eq!(after[0].started_at, before[0].started_at);
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
    assert_eq!(alice.read::<String>("coat").await.as_deref(), Some("red"));
}
