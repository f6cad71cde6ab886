//! What an operator hears: every event once, with its reason, also where requests meet.

use std::collections::HashSet;

use cloakroom_races::{Browser, Forger, Held, Kind, Op, Stand, When, races, until};
use cloakroom_tower::{EndReason, Event, ExpiryReason, RejectReason, RenewalReason, Session};

use crate::{ask, log_in, read_coat, renew, ring};

races! {
    r27_a_session_that_two_requests_change_at_once_is_created_once,
    r27_requests_that_renew_at_once_are_one_renewal,
    r27_a_renewal_that_is_due_in_many_requests_is_one_renewal,
    r27_a_session_that_many_requests_find_too_old_expires_once,
    r27_an_event_whose_answer_was_lost_is_not_told_twice,
    @owned
    r27_log_outs_and_revocations_at_once_are_one_end,
    r27_a_log_in_is_one_renewal_and_what_a_cap_ends_is_counted_once,
    r28_guessing_shows_as_what_it_is,
    @swept
    r27_idle_sessions_that_two_servers_sweep_away_at_once_are_counted_once,
}

/// How many requests meet.
const CROWD: usize = 6;

/// Lets requests that have all used their session go at once, and waits for all answers.
async fn meet(held: Vec<Held>) {
    let under_way: Vec<_> = held.into_iter().map(Held::let_go).collect();
    for exchange in under_way {
        exchange.answer().await.ok();
    }
}

async fn crowd(browser: &Browser, act: fn(&Session) -> cloakroom::Result<()>) -> Vec<Held> {
    let mut held = Vec::new();
    for _ in 0..CROWD {
        held.push(browser.hold(act).await);
    }
    held
}

/// All events of sessions, but for those that tell how many tries it took. What the store does has events of its own.
fn events(stand: &Stand) -> Vec<Event> {
    let others = |event: &Event| {
        matches!(event, Event::Merged { .. } | Event::StoreUnavailable | Event::StoreRecovered)
    };
    stand.events.all().into_iter().filter(|event| !others(event)).collect()
}

fn is_unknown(event: &Event) -> bool {
    matches!(event, Event::Rejected { reason: RejectReason::Unknown, .. })
}

fn ended(stand: &Stand, reasons: &[EndReason]) -> u64 {
    let counts = stand.events.all().into_iter().map(|event| match event {
        Event::Ended { reason, count, .. } if reasons.contains(&reason) => count,
        Event::Ended { reason, .. } => panic!("ended for another reason: {reason:?}"),
        _ => 0,
    });
    counts.sum()
}

fn expired(stand: &Stand, clock: ExpiryReason) -> u64 {
    let counts = stand.events.all().into_iter().map(|event| match event {
        Event::Expired { reason, count, .. } if reason == clock => count,
        _ => 0,
    });
    counts.sum()
}

async fn r27_a_session_that_two_requests_change_at_once_is_created_once(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut held = Vec::new();
    for _ in 0..CROWD {
        held.push(stand.browser().hold(|session| session.insert("coat", "red")).await);
    }
    meet(held).await;
    let sessions: HashSet<_> = events(&stand)
        .into_iter()
        .map(|event| match event {
            Event::Created { session, .. } => session,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((sessions.len(), events(&stand).len()), (CROWD, CROWD), "each browser has its own");

    let guest = stand.guest().await;
    stand.events.forget();
    meet(crowd(&guest, |session| session.increment("visits", 1).map(drop)).await).await;
    assert_eq!(guest.read::<usize>("visits").await, Some(CROWD));
    assert_eq!(events(&stand), [], "a change causes no event");
}

async fn r27_requests_that_renew_at_once_are_one_renewal(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let held = crowd(&guest, |session| {
        session.cycle_id();
        Ok(())
    });
    let held = held.await;
    stand.events.forget();
    meet(held).await;
    let all = events(&stand);
    let [Event::Renewed { reason: RenewalReason::SamePrivilege, .. }] = all[..] else { panic!("{all:?}") };
}

async fn r27_a_renewal_that_is_due_in_many_requests_is_one_renewal(kind: Kind) {
    let every = std::time::Duration::from_secs(600);
    let stand = Stand::with(kind, |config| config.renew_every(every)).await;
    let guest = stand.guest().await;
    stand.wait(601);
    stand.events.forget();
    meet(crowd(&guest, |session| session.get::<String>("coat").map(drop)).await).await;
    let all = events(&stand);
    let [Event::Renewed { reason: RenewalReason::SamePrivilege, .. }] = all[..] else { panic!("{all:?}") };
}

async fn r27_log_outs_and_revocations_at_once_are_one_end(kind: Kind) {
    let stand = Stand::new(kind).await;
    let alice = stand.user("alice").await;
    let held = crowd(&alice, |session| {
        session.log_out();
        Ok(())
    });
    meet(held.await).await;
    assert_eq!(ended(&stand, &[EndReason::LogOut]), 1);

    let bob = stand.user("bob").await;
    stand.events.forget();
    let held = crowd(&bob, |session| {
        session.destroy();
        Ok(())
    });
    let held = held.await;
    let sessions = stand.engine.sessions();
    let handle = stand.sessions_of("bob").await[0].public_id;
    let ((), all, one, other) = tokio::join!(
        meet(held),
        sessions.revoke_all("bob"),
        sessions.revoke("bob", &handle),
        sessions.revoke_by_id(&handle),
    );
    let told = all.unwrap() + u64::from(one.unwrap()) + u64::from(other.unwrap());
    assert!(told <= 1);
    assert_eq!(ended(&stand, &[EndReason::Destroyed, EndReason::Revoked]), 1);
    assert!(!bob.is_known().await);
}

async fn r27_a_log_in_is_one_renewal_and_what_a_cap_ends_is_counted_once(kind: Kind) {
    let stand = Stand::with(kind, |config| config.max_sessions_per_user(2)).await;
    let mut held = Vec::new();
    for _ in 0..CROWD {
        let guest = stand.guest().await;
        stand.wait(1);
        held.push(guest.hold(|session| session.log_in("alice")).await);
    }
    stand.events.forget();
    meet(held).await;
    let renewed = |event: &Event| matches!(event, Event::Renewed { reason: RenewalReason::LogIn, .. });
    assert_eq!(stand.events.count(renewed), CROWD);
    assert_eq!(ended(&stand, &[EndReason::Cap]), 4);
    assert_eq!(stand.events.count(|event| matches!(event, Event::Created { .. })), 0);
    stand.events.forget();
    stand.browser().run(log_in).await.ok();
    assert_eq!(stand.events.count(|event| matches!(event, Event::Created { .. })), 1);
    assert_eq!(stand.events.count(renewed), 0);
}

async fn r27_a_session_that_many_requests_find_too_old_expires_once(kind: Kind) {
    let stand = Stand::new(kind).await;
    let busy = stand.guest().await;
    for _ in 0..36 {
        stand.wait(20 * 60 - 1);
        assert!(busy.is_known().await);
    }
    stand.wait(36);
    stand.events.forget();
    meet(crowd(&busy, |_| Ok(())).await).await;
    until("a slow store has removed it", async || expired(&stand, ExpiryReason::Absolute) == 1).await;
    assert_eq!(stand.events.count(is_unknown), CROWD);
    assert_eq!(events(&stand).len(), 1 + CROWD);
}

async fn r27_idle_sessions_that_two_servers_sweep_away_at_once_are_counted_once(kind: Kind) {
    let stand = Stand::new(kind).await;
    let other = stand.beside(|config| config).await;
    for _ in 0..CROWD {
        stand.guest().await;
    }
    // Two sessions end, and one of them has a new id before: two marks and a trail.
    for renewed in [false, true] {
        let mut guest = stand.guest().await;
        if renewed {
            guest.run(renew).await.ok();
        }
        let end = |session: &Session| {
            session.destroy();
            Ok(())
        };
        guest.hold(end).await.release().await.ok();
    }
    // A trail stays for as long as its session could have lived.
    stand.wait(13 * 3_600);
    let (one, two) = tokio::join!(stand.engine.sweep(), other.engine.sweep());
    let idle = u64::try_from(CROWD).unwrap();
    assert_eq!(one.unwrap() + two.unwrap(), idle + 3);
    assert_eq!(expired(&stand, ExpiryReason::Idle) + expired(&other, ExpiryReason::Idle), idle);
}

async fn r27_an_event_whose_answer_was_lost_is_not_told_twice(kind: Kind) {
    let stand = Stand::new(kind).await;
    stand.store.fail(Op::Create, When::After);
    let mut guest = stand.guest().await;
    let all = events(&stand);
    let [Event::Created { .. }] = all[..] else { panic!("{all:?}") };
    stand.events.forget();
    stand.store.fail(Op::Create, When::After);
    stand.store.fail(Op::Update, When::After);
    guest.run(renew).await.ok();
    let all = events(&stand);
    let [Event::Renewed { reason: RenewalReason::SamePrivilege, .. }] = all[..] else { panic!("{all:?}") };
    stand.events.forget();
    stand.store.fail_any(&Op::ENDING, When::After);
    guest.run(crate::log_out).await.ok();
    let all = events(&stand);
    let [Event::Ended { reason: EndReason::LogOut, count: 1, .. }] = all[..] else { panic!("{all:?}") };
    assert!(stand.store.has_no_traps());
}

async fn r28_guessing_shows_as_what_it_is(kind: Kind) {
    let stand = Stand::with(kind, |config| config.signed(ring())).await;
    let mut guest = stand.guest().await;
    let old = guest.clone();
    guest.run(renew).await.ok();
    stand.wait(11);
    stand.events.forget();
    let signature = guest.cookie().unwrap().as_bytes()[43..].to_vec();
    let mut forger = Forger::new(28);
    for _ in 0..20 {
        ask(&stand, "/look", &[[forger.id(), signature.clone()].concat()]).await;
        ask(&stand, "/look", &[forger.oversized()]).await;
        ask(&stand, "/look", &[forger.id()]).await;
    }
    old.start(read_coat).answer().await.ok();
    stand.engine.sessions().revoke_by_id(&handle_of(&guest).await).await.unwrap();
    guest.start(read_coat).answer().await.ok();

    let refused = |wanted: RejectReason| {
        stand.events.count(|event| matches!(event, Event::Rejected { reason, .. } if *reason == wanted))
    };
    assert_eq!(refused(RejectReason::Forged), 20);
    assert_eq!(refused(RejectReason::Malformed), 40);
    assert_eq!(refused(RejectReason::Superseded), 1, "reused after its renewal");
    assert_eq!(refused(RejectReason::Unknown), 1);
    assert_eq!(stand.events.count(|event| matches!(event, Event::Rejected { .. })), 62);

    let plain = stand.beside(|config| config).await;
    for _ in 0..20 {
        ask(&plain, "/look", &[forger.id()]).await;
    }
    assert_eq!((plain.events.all().len(), plain.events.count(is_unknown)), (20, 20));
}

async fn handle_of(browser: &Browser) -> cloakroom_tower::PublicId {
    let script = async |session: Session| Ok(session.public_id().unwrap().to_string());
    browser.start(script).answer().await.ok().body.parse().unwrap()
}
