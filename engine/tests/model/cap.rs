//! A user may have so many sessions: whatever happens at once, the newest stay, and no other ends.

use crate::explore::Findings;
use crate::script::{Case, Rules, Script, Step::*};
use crate::thoroughness;
use crate::world::World;

fn capped(cap: usize) -> Rules {
    Rules { cap: Some(cap), ..Rules::default() }
}

fn limit() -> usize {
    200 * thoroughness() as usize
}

/// Whether alice has exactly these many sessions, and they are those that she logged in to last.
async fn newest(world: &mut World, many: usize) -> Result<(), String> {
    let sessions = world.sessions_of("alice").await;
    let mut all = world.model.lock().log_ins_of("alice");
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.truncate(many);
    let mut alive: Vec<_> = sessions.iter().filter_map(|session| session.authenticated_at).collect();
    alive.sort_unstable_by(|a, b| b.cmp(a));
    if alive == all {
        Ok(())
    } else {
        Err(format!("alice has {} sessions, and not the newest {many}", alive.len()))
    }
}

fn log_in() -> Script {
    vec![Pause, LogIn("alice")]
}

#[test]
fn of_log_ins_at_once_exactly_the_newest_stay() {
    let mut findings = Findings::default();
    for (many, cap) in [(2, 1), (3, 1), (3, 2), (4, 2)] {
        let case = Case { rules: capped(cap), strangers: vec![log_in(); many], ..Case::default() };
        findings.in_all_orders_and(&case, limit(), async |world| newest(world, cap).await);
    }
    assert!(findings.expect_none() > 500);
}

#[test]
fn of_log_ins_at_once_the_newest_stay_though_the_store_fails_once() {
    let mut findings = Findings::default();
    let case = Case { rules: capped(1), strangers: vec![log_in(); 2], faults: 1, ..Case::default() };
    findings.in_all_orders_and(&case, limit() * 2, async |world| {
        // An actor that lost its store for good may have left a session, and trims no more.
        if world.model.lock().has_failed() { Ok(()) } else { newest(world, 1).await }
    });
    assert!(findings.expect_none() > 200);
}

#[test]
fn a_session_whose_id_is_being_renewed_counts_once() {
    let mut findings = Findings::default();
    for (strangers, cap) in [(1, 2), (2, 3), (2, 2)] {
        let case = Case {
            rules: capped(cap),
            before: vec![vec![Increment, LogIn("alice")]],
            requests: vec![vec![RenewId, Increment]],
            strangers: vec![log_in(); strangers],
            ..Case::default()
        };
        findings.in_all_orders_and(&case, limit(), async |world| newest(world, cap).await);
    }
    assert!(findings.expect_none() > 200);
}
