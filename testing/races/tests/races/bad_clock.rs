//! Bad input: a clock that jumps, forwards and backwards, between and within requests.

use std::time::Duration;

use cloakroom::Clock;
use cloakroom_races::{Browser, Kind, Stand, races};
use cloakroom_tower::Session;

races! {
    a_clock_that_jumps_back_loses_no_session_and_no_write,
    a_clock_that_jumps_forward_ends_sessions_and_nothing_else,
    a_clock_that_jumps_within_a_request_leaves_it_whole,
    a_log_out_stays_one_wherever_the_clock_jumps,
    @owned
    a_user_is_logged_out_everywhere_though_the_clock_jumped_back_since_the_log_in,
    all_others_are_logged_out_though_the_clock_jumped_back_since_the_log_in,
}

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn jump_back(stand: &Stand) {
    stand.clock.set(stand.clock.now() - DAY);
}

async fn count(browser: &mut Browser) -> String {
    browser.run(async |session: Session| Ok(session.increment("n", 1)?.to_string())).await.ok().body
}

async fn log_out(browser: &mut Browser) {
    let script = async |session: Session| {
        session.log_out();
        Ok(())
    };
    browser.run(script).await.ok();
}

async fn a_clock_that_jumps_back_loses_no_session_and_no_write(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut alice = stand.user("alice").await;
    assert_eq!(count(&mut alice).await, "1");
    jump_back(&stand);
    assert_eq!(alice.user().await.as_deref(), Some("alice"));
    assert_eq!(count(&mut alice).await, "2");
    let renew = async |session: Session| {
        session.cycle_id();
        Ok(())
    };
    alice.run(renew).await.ok();
    assert_eq!(count(&mut alice).await, "3");
    stand.clock.advance(Duration::from_secs(60));
    assert_eq!(count(&mut alice).await, "4");
    assert_eq!(alice.read::<String>("coat").await.as_deref(), Some("red"));
}

async fn a_clock_that_jumps_forward_ends_sessions_and_nothing_else(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut alice = stand.user("alice").await;
    stand.clock.advance(365 * DAY);
    assert!(!alice.is_known().await);
    assert_eq!(count(&mut alice).await, "1", "a new session works");
    assert_eq!(count(&mut alice).await, "2");
}

async fn a_clock_that_jumps_within_a_request_leaves_it_whole(kind: Kind) {
    for back in [true, false] {
        let stand = Stand::new(kind).await;
        let guest = stand.guest().await;
        let held = guest.hold(|session| session.increment("n", 1).map(drop)).await;
        if back {
            jump_back(&stand);
        } else {
            stand.clock.advance(Duration::from_secs(29 * 60));
        }
        held.release().await.ok();
        assert_eq!(guest.read::<u32>("n").await, Some(1));
        assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
    }
}

async fn a_log_out_stays_one_wherever_the_clock_jumps(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut alice = stand.user("alice").await;
    let thief = alice.clone();
    jump_back(&stand);
    log_out(&mut alice).await;
    for jump in [Duration::ZERO, DAY, 3 * DAY] {
        stand.clock.advance(jump);
        assert!(!thief.is_known().await);
    }
    for _ in 0..6 {
        jump_back(&stand);
        assert!(!thief.is_known().await);
    }
}

async fn a_user_is_logged_out_everywhere_though_the_clock_jumped_back_since_the_log_in(kind: Kind) {
    let stand = Stand::new(kind).await;
    let (first, second) = (stand.user("alice").await, stand.user("alice").await);
    jump_back(&stand);
    assert_eq!(stand.engine.sessions().revoke_all("alice").await.unwrap(), 2);
    assert!(!first.is_known().await && !second.is_known().await);
    assert_eq!(stand.owned_records().await, 0);
    stand.clock.advance(Duration::from_secs(1));
    let again = stand.user("alice").await;
    assert_eq!(again.user().await.as_deref(), Some("alice"), "and may log in again");
}

async fn all_others_are_logged_out_though_the_clock_jumped_back_since_the_log_in(kind: Kind) {
    let stand = Stand::new(kind).await;
    let (mut here, there) = (stand.user("alice").await, stand.user("alice").await);
    jump_back(&stand);
    let engine = stand.engine.clone();
    let ended = here
        .run(async move |session: Session| Ok(engine.sessions().revoke_others(&session).await?.to_string()));
    assert_eq!(ended.await.ok().body, "1");
    assert_eq!(here.user().await.as_deref(), Some("alice"));
    assert!(!there.is_known().await);
}
