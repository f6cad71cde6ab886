//! Every place at which one operation can fail, lose its answer or get it late, a client can leave, the clock can leap.

use crate::explore::Findings;
use crate::script::{Case, Rules, Script, Step::*};
use crate::thoroughness;

fn user() -> Vec<Script> {
    vec![vec![Insert("a"), Increment, Push], vec![LogIn("alice"), Increment]]
}

fn handlers() -> Vec<Script> {
    vec![
        vec![Increment, Push, Update],
        vec![Increment, Save, Push],
        vec![RenewId, Increment],
        vec![RenewId, Save, Increment],
        vec![LogIn("alice"), Increment],
        vec![LogOut],
        vec![LogOut, Flash],
        vec![Reset],
        vec![RevokeOthers, Increment],
        vec![RevokeAll("alice")],
    ]
}

fn limit() -> usize {
    30 * thoroughness() as usize
}

/// Every handler alone, and beside each other one, with something that happens once.
fn try_all(template: &Case) -> usize {
    let mut findings = Findings::default();
    for (at, one) in handlers().into_iter().enumerate() {
        let alone = Case { requests: vec![one.clone()], ..template.clone() };
        findings.in_all_orders(&alone, limit() * 4);
        for other in handlers().into_iter().skip(at) {
            let both = Case { requests: vec![one.clone(), other], ..template.clone() };
            findings.in_all_orders(&both, limit());
        }
    }
    findings.expect_none()
}

#[test]
fn one_operation_may_fail_or_lose_its_answer_anywhere() {
    assert!(try_all(&Case { before: user(), faults: 1, ..Case::default() }) > 1_000);
}

#[test]
fn two_operations_of_a_request_may_fail_or_lose_their_answers() {
    let mut findings = Findings::default();
    for before in [vec![], vec![vec![Increment]], user()] {
        for one in handlers() {
            let requests = vec![one];
            findings.in_all_orders(
                &Case { before: before.clone(), requests, faults: 2, ..Case::default() },
                limit() * 4,
            );
        }
    }
    assert!(findings.expect_none() > 100);
}

#[test]
fn a_client_may_go_away_anywhere() {
    assert!(try_all(&Case { before: user(), drops: 1, ..Case::default() }) > 1_000);
}

#[test]
fn a_client_may_go_away_while_an_answer_is_late() {
    let mut findings = Findings::default();
    for one in handlers() {
        let requests = vec![one, vec![Increment]];
        findings.in_all_orders(
            &Case { before: user(), requests, faults: 1, drops: 1, ..Case::default() },
            limit() * 2,
        );
    }
    assert!(findings.expect_none() > 100);
}

#[test]
fn the_grace_may_end_between_any_two_operations() {
    assert!(try_all(&Case { before: user(), leaps: vec![11], ..Case::default() }) > 1_000);
}

#[test]
fn a_session_may_run_out_between_any_two_operations() {
    assert!(try_all(&Case { before: user(), leaps: vec![31 * 60], ..Case::default() }) > 1_000);
    let rules = Rules { short_lives: true, ..Rules::default() };
    assert!(
        try_all(&Case { rules, before: user(), leaps: vec![20 * 60, 20 * 60], ..Case::default() }) > 1_000
    );
}

#[test]
fn an_id_whose_time_has_come_is_renewed_once() {
    let rules = Rules { renew_every: Some(60), ..Rules::default() };
    assert!(try_all(&Case { rules, before: user(), leaps: vec![61], ..Case::default() }) > 1_000);
}
