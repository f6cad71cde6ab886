//! When a session ends, whatever its cookie says.

use std::time::Duration;

use cloakroom_races::{Answer, Browser, Kind, Stand, races};
use cloakroom_tower::{Event, RejectReason, Session};

use crate::{log_in, log_out, read_coat, renew};

races! {
    r06_idle_timeout_is_exact_and_activity_begins_it_anew,
    r06_idle_timeout_lags_behind_activity_by_a_tenth_at_most,
    r07_absolute_timeout_is_exact_and_no_activity_moves_it,
    r07_absolute_and_idle_timeout_begin_anew_when_the_user_logs_in_again,
    r09_the_cookie_lasts_as_long_as_the_session_and_is_not_relied_on,
    r10_a_renewed_id_is_served_for_a_grace_period_in_whatever_order_answers_arrive,
    @owned
    r11_an_end_is_an_end_on_every_server_also_for_requests_in_flight,
}

const IDLE: Duration = Duration::from_secs(30 * 60);
const INSTANT: Duration = Duration::from_micros(1);
const NOT_QUITE_IDLE: Duration = Duration::from_micros(30 * 60 * 1_000_000 - 1);
const NOT_QUITE_20_MINUTES: Duration = Duration::from_micros(20 * 60 * 1_000_000 - 1);
const HOUR: u64 = 3_600;

async fn r06_idle_timeout_is_exact_and_activity_begins_it_anew(kind: Kind) {
    let stand = Stand::with(kind, |config| config.touch_threshold(0.0)).await;
    let guest = stand.guest().await;
    for _ in 0..5 {
        stand.clock.advance(NOT_QUITE_IDLE);
        assert!(guest.is_known().await);
    }
    stand.clock.advance(IDLE);
    assert!(!guest.is_known().await);
    assert_eq!(stand.records().await, 0);
}

async fn r06_idle_timeout_lags_behind_activity_by_a_tenth_at_most(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    for minutes in [1, 3, 2, 26, 27, 1, 26] {
        stand.wait(minutes * 60);
        assert!(guest.is_known().await, "{minutes} minutes after it was last seen");
    }
    stand.clock.advance(IDLE);
    assert!(!guest.is_known().await);
}

/// Keeps the session busy for some hours, less an instant.
async fn be_active(stand: &Stand, alice: &Browser, hours: u64) {
    for _ in 1..hours * 3 {
        stand.wait(HOUR / 3);
        assert_eq!(alice.user().await.as_deref(), Some("alice"));
    }
    stand.clock.advance(NOT_QUITE_20_MINUTES);
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
}

async fn r07_absolute_timeout_is_exact_and_no_activity_moves_it(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut alice = stand.user("alice").await;
    be_active(&stand, &alice, 12).await;
    let script = async |session: Session| {
        session.touch();
        session.cycle_id();
        Ok(session.insert("coat", "green")?)
    };
    alice.run(script).await.ok();
    assert!(alice.is_known().await);
    stand.clock.advance(INSTANT);
    assert!(!alice.is_known().await);
    assert_eq!(stand.owned_records().await, 0);
}

async fn r07_absolute_and_idle_timeout_begin_anew_when_the_user_logs_in_again(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut alice = stand.user("alice").await;
    be_active(&stand, &alice, 12).await;
    let answer = alice.run(log_in).await.ok();
    assert_eq!(answer.max_age(), Some(12 * HOUR));
    be_active(&stand, &alice, 12).await;
    stand.clock.advance(INSTANT);
    assert_eq!(alice.user().await, None);

    let mut alice = stand.user("alice").await;
    stand.clock.advance(NOT_QUITE_IDLE);
    alice.run(log_in).await.ok();
    stand.clock.advance(NOT_QUITE_IDLE);
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
}

async fn r09_the_cookie_lasts_as_long_as_the_session_and_is_not_relied_on(kind: Kind) {
    for persistent in [true, false] {
        let stand = Stand::with(kind, |config| config.persistent(persistent)).await;
        let lasts = |hours: u64| persistent.then_some(hours * HOUR);
        let mut alice = stand.browser();
        let first = alice.run(log_in).await.ok();
        assert_eq!(first.max_age(), lasts(12));
        be_active(&stand, &alice, 3).await;
        stand.clock.advance(INSTANT);
        assert_eq!(alice.run(renew).await.ok().max_age(), lasts(9), "to the session's absolute end");
        be_active(&stand, &alice, 9).await;
        stand.clock.advance(INSTANT);
        // A browser with another clock, or a thief, still sends it.
        assert!(!alice.is_known().await);

        let mut idle = stand.guest().await;
        stand.clock.advance(IDLE);
        assert!(!idle.is_known().await, "its cookie would last for hours");
        let refused = |event: &Event| matches!(event, Event::Rejected { reason: RejectReason::Unknown, .. });
        assert!(stand.events.count(refused) >= 2);
        assert_eq!(idle.run(read_coat).await.ok().body, "");
    }
}

async fn r10_a_renewed_id_is_served_for_a_grace_period_in_whatever_order_answers_arrive(kind: Kind) {
    for renewal_is_first in [true, false] {
        let stand = Stand::new(kind).await;
        let old = stand.guest().await;
        let renewal = old
            .hold(|session| {
                session.cycle_id();
                Ok(())
            })
            .await;
        let sibling = old.hold(|session| session.insert("hat", "blue")).await;
        let answers = if renewal_is_first {
            let renewed = renewal.release().await.ok();
            [renewed, sibling.release().await.ok()]
        } else {
            let other = sibling.release().await.ok();
            [renewal.release().await.ok(), other]
        };
        assert!(answers[1].leaves_cookie());
        for order in [[0, 1], [1, 0]] {
            let mut jar = old.clone();
            order.iter().for_each(|place| jar.obey(&answers[*place]));
            assert_eq!(jar.cookie(), answers[0].new_cookie().as_deref());
            assert_eq!(jar.read::<String>("hat").await.as_deref(), Some("blue"));
        }
        the_old_id_is_served_and_then_not(&stand, &old).await;
    }
}

async fn the_old_id_is_served_and_then_not(stand: &Stand, old: &Browser) {
    stand.wait(10);
    let excused =
        old.start(async |session: Session| Ok(session.get_or("hat", String::new())?)).answer().await;
    assert_eq!((excused.body.as_str(), excused.leaves_cookie()), ("blue", true));
    stand.clock.advance(INSTANT);
    let refused = old.start(read_coat).answer().await.ok();
    assert_eq!((refused.body.as_str(), refused.leaves_cookie()), ("", true));
}

/// Everything that ends alice's session.
const ENDS: [&str; 6] = ["log out", "destroy", "reset", "revoke all", "revoke", "revoke any"];

async fn end(how: &str, stand: &Stand, alice: &Browser) -> Option<Answer> {
    let sessions = stand.engine.sessions();
    let handle = sessions.list("alice").await.unwrap()[0].public_id;
    let by_the_user = async |end: fn(&Session)| {
        let script = async move |session: Session| {
            end(&session);
            Ok(())
        };
        Some(alice.start(script).answer().await.ok())
    };
    match how {
        "log out" => return by_the_user(|session| session.log_out()).await,
        "destroy" => return by_the_user(|session| session.destroy()).await,
        "reset" => return by_the_user(|session| session.reset()).await,
        "revoke all" => assert_eq!(sessions.revoke_all("alice").await.unwrap(), 1),
        "revoke" => assert!(sessions.revoke("alice", &handle).await.unwrap()),
        _ => assert!(sessions.revoke_by_id(&handle).await.unwrap()),
    }
    None
}

async fn r11_an_end_is_an_end_on_every_server_also_for_requests_in_flight(kind: Kind) {
    for how in ENDS {
        let stand = Stand::new(kind).await;
        let other = stand.beside(|config| config).await;
        let alice = stand.user("alice").await;
        let mut there = other.browser();
        there.plant(alice.cookie().unwrap());
        let in_flight = [
            there.hold(|session| session.insert("coat", "green")).await,
            alice.hold(|session| session.get::<String>("coat").map(drop)).await,
            there
                .hold(|session| {
                    session.touch();
                    Ok(())
                })
                .await,
            alice
                .hold(|session| {
                    session.cycle_id();
                    Ok(())
                })
                .await,
        ];
        let answer = end(how, &stand, &alice).await;
        for held in in_flight {
            let late = held.release().await;
            assert!(!late.status.is_server_error() && late.leaves_cookie(), "{how}: {late:?}");
        }
        assert!(!alice.is_known().await && !there.is_known().await, "{how}");
        assert_eq!(stand.owned_records().await, 0, "{how}");
        assert!(answer.is_none_or(|answer| !answer.leaves_cookie()), "{how}");
        let mut again = alice.clone();
        again.run(log_out).await.ok();
        assert_eq!(again.cookie(), None, "a cookie that leads nowhere goes with every log-out");
    }
}
