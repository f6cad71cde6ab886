//! S8: log-ins at once under a cap.

use cloakroom_races::{Browser, Held, Kind, Op, Stand, When, races};
use cloakroom_tower::{EndReason, Event, Session};

races! {
    @owned
    s8_sixteen_log_ins_at_once_leave_exactly_the_three_newest,
    s8_log_ins_one_after_the_other_leave_exactly_the_three_newest,
    s8_a_renewal_under_way_counts_as_one_session,
    s8_a_renewal_of_the_oldest_does_not_keep_it,
    s8_a_re_authentication_under_way_ends_no_session,
    s8_a_cap_of_one_leaves_the_newest,
    s8_a_log_in_whose_trimming_meets_a_lost_answer_holds_the_cap,
    s8_a_cap_counts_each_user_apart,
}

async fn alive(browsers: &[Browser]) -> Vec<usize> {
    let mut alive = Vec::new();
    for (place, browser) in browsers.iter().enumerate() {
        if browser.user().await.is_some() {
            alive.push(place);
        }
    }
    alive
}

fn ended(stand: &Stand) -> u64 {
    let counts = stand.events.all().into_iter().map(|event| match event {
        Event::Ended { reason: EndReason::Cap, count, .. } => count,
        _ => 0,
    });
    counts.sum()
}

async fn s8_sixteen_log_ins_at_once_leave_exactly_the_three_newest(kind: Kind) {
    let stand = Stand::with(kind, |config| config.max_sessions_per_user(3)).await;
    let mut browsers = Vec::new();
    let mut held = Vec::new();
    for place in 0..16 {
        // Half of them log in out of a session that they have, half out of nothing.
        let browser = if place % 2 == 0 { stand.guest().await } else { stand.browser() };
        stand.wait(1);
        held.push(browser.hold(|session| session.log_in("alice")).await);
        browsers.push(browser);
    }
    // The newest commit first, as far as anything is first.
    let under_way: Vec<_> = held.into_iter().rev().map(Held::let_go).collect();
    for (exchange, browser) in under_way.into_iter().zip(browsers.iter_mut().rev()) {
        browser.obey(&exchange.answer().await.ok());
    }
    assert_eq!(alive(&browsers).await, [13, 14, 15]);
    assert_eq!(stand.sessions_of("alice").await.len(), 3);
    assert_eq!(ended(&stand), 13);
}

async fn s8_log_ins_one_after_the_other_leave_exactly_the_three_newest(kind: Kind) {
    let stand = Stand::with(kind, |config| config.max_sessions_per_user(3)).await;
    let mut browsers = Vec::new();
    for _ in 0..6 {
        stand.wait(1);
        browsers.push(stand.user("alice").await);
    }
    assert_eq!(alive(&browsers).await, [3, 4, 5]);
    assert_eq!(ended(&stand), 3);
}

/// Under way, a renewal keeps two records of one session.
async fn s8_a_renewal_under_way_counts_as_one_session(kind: Kind) {
    for renewing in 0..2 {
        let stand = Stand::with(kind, |config| config.max_sessions_per_user(3)).await;
        let mut browsers = Vec::new();
        for _ in 0..2 {
            stand.wait(1);
            browsers.push(stand.user("alice").await);
        }
        let trail = stand.store.stop(Op::Update, When::Before, "the renewal's trail");
        let renewal = browsers[renewing].start(async |session: Session| {
            session.cycle_id();
            Ok(())
        });
        trail.reached().await;
        stand.wait(1);
        let mut third = stand.browser();
        third.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
        browsers.push(third);
        trail.open();
        let answer = renewal.answer().await.ok();
        browsers[renewing].obey(&answer);
        assert_eq!(alive(&browsers).await, [0, 1, 2], "three sessions are not too many");
        assert_eq!(ended(&stand), 0);
    }
}

async fn s8_a_renewal_of_the_oldest_does_not_keep_it(kind: Kind) {
    for (op, when) in [(Op::Create, When::Before), (Op::Create, When::After), (Op::Update, When::After)] {
        let stand = Stand::with(kind, |config| config.max_sessions_per_user(3)).await;
        let mut browsers = Vec::new();
        for _ in 0..3 {
            stand.wait(1);
            browsers.push(stand.user("alice").await);
        }
        let step = stand.store.stop(op, when, "a step of the renewal");
        let renewal = browsers[0].start(async |session: Session| {
            session.cycle_id();
            Ok(())
        });
        step.reached().await;
        stand.wait(1);
        let mut fourth = stand.browser();
        fourth.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
        browsers.push(fourth);
        step.open();
        let answer = renewal.answer().await.ok();
        browsers[0].obey(&answer);
        assert_eq!(alive(&browsers).await, [1, 2, 3], "{op:?} {when:?}");
        assert_eq!(stand.owned_records().await, 3, "{op:?} {when:?}");
    }
}

/// It takes the place of the session that it renews; only the number counts, whenever one looks.
async fn s8_a_re_authentication_under_way_ends_no_session(kind: Kind) {
    let stand = Stand::with(kind, |config| config.max_sessions_per_user(2)).await;
    let mut browsers = Vec::new();
    for _ in 0..2 {
        stand.wait(1);
        browsers.push(stand.user("alice").await);
    }
    stand.wait(1);
    let answer = browsers[1].start(async |session: Session| Ok(session.log_in("alice")?)).answer().await.ok();
    browsers[1].obey(&answer);
    assert_eq!(alive(&browsers).await, [0, 1]);
    assert_eq!(ended(&stand), 0);
}

async fn s8_a_cap_of_one_leaves_the_newest(kind: Kind) {
    let stand = Stand::with(kind, |config| config.max_sessions_per_user(1)).await;
    let mut browsers = Vec::new();
    let mut held = Vec::new();
    for _ in 0..4 {
        stand.wait(1);
        let browser = stand.browser();
        held.push(browser.hold(|session| session.log_in("alice")).await);
        browsers.push(browser);
    }
    for (held, browser) in held.into_iter().zip(&mut browsers) {
        browser.obey(&held.release().await.ok());
    }
    assert_eq!(alive(&browsers).await, [3]);
}

async fn s8_a_log_in_whose_trimming_meets_a_lost_answer_holds_the_cap(kind: Kind) {
    for (ops, when) in
        [(&[Op::List][..], When::Before), (&Op::ENDING, When::Before), (&Op::ENDING, When::After)]
    {
        let stand = Stand::with(kind, |config| config.max_sessions_per_user(2)).await;
        let mut browsers = Vec::new();
        for _ in 0..2 {
            stand.wait(1);
            browsers.push(stand.user("alice").await);
        }
        stand.wait(1);
        stand.store.fail_any(ops, when);
        let mut third = stand.browser();
        third.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
        browsers.push(third);
        assert!(stand.store.has_no_traps());
        assert_eq!(alive(&browsers).await, [1, 2], "{ops:?} {when:?}");
        assert_eq!(stand.owned_records().await, 2);
    }
}

async fn s8_a_cap_counts_each_user_apart(kind: Kind) {
    let stand = Stand::with(kind, |config| config.max_sessions_per_user(1)).await;
    let browsers = [stand.user("alice").await, stand.user("bob").await, stand.guest().await];
    assert_eq!(alive(&browsers).await, [0, 1]);
    assert!(browsers[2].is_known().await);
}
