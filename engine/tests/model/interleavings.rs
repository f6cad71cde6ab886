//! Every order in which the operations of two requests can reach the store.

use crate::explore::Findings;
use crate::script::{Case, Rules, Script, Step, Step::*};
use crate::thoroughness;

/// What the session of the browser looks like when the two requests come.
fn backgrounds() -> [Vec<Script>; 3] {
    let full = vec![Insert("a"), Insert("b"), Increment, Push, Update];
    let mut user = full.clone();
    user.push(LogIn("alice"));
    [vec![], vec![full.clone()], vec![full, user]]
}

/// Handlers that between them do everything.
fn handlers() -> Vec<Script> {
    vec![
        vec![Read("n"), ReadAll],
        vec![Increment, Push, Update, Insert("a")],
        vec![Take("a"), Remove("b"), Flash],
        vec![Clear, Insert("b")],
        vec![RenewId],
        vec![RenewId, Increment, Push],
        vec![LogIn("alice"), Increment],
        vec![LogIn("bob")],
        vec![LogOut],
        vec![LogOut, Flash],
        vec![Reset],
        vec![LogOut, LogIn("alice")],
        vec![Increment, Save, RenewId, Increment],
        vec![LogIn("alice"), Save, Push],
        vec![RenewId, Save, Increment],
        vec![Increment, Reload, Increment],
        vec![RevokeAll("alice")],
        vec![RevokeOthers, Increment],
        vec![LogIn("alice"), RevokeOthers],
        vec![Insert("a"), LogOut, Discard, Increment],
        vec![Touch],
        vec![Touch, Save, ReadAll, Save, Increment],
        vec![LogOut, Exists, Save, Exists],
    ]
}

fn pairs() -> impl Iterator<Item = [Script; 2]> {
    let handlers = handlers();
    let count = handlers.len();
    (0..count).flat_map(move |a| {
        let handlers = handlers.clone();
        (a..count).map(move |b| [handlers[a].clone(), handlers[b].clone()])
    })
}

/// Runs every pair of handlers in every order, and says how many runs there were.
fn every_pair(before: &[Script], rules: Rules, limit: usize) -> usize {
    let case = |requests: [Script; 2]| Case {
        rules,
        before: before.to_vec(),
        requests: requests.to_vec(),
        ..Case::default()
    };
    let mut findings = Findings::default();
    pairs().for_each(|requests| findings.in_all_orders(&case(requests), limit));
    findings.expect_none()
}

fn limit() -> usize {
    20 * thoroughness() as usize
}

#[test]
fn two_first_requests_of_a_browser_never_break_a_promise_in_any_order() {
    let runs = every_pair(&backgrounds()[0], Rules::default(), limit());
    assert!(runs > 400);
}

#[test]
fn two_requests_of_an_anonymous_session_never_break_a_promise_in_any_order() {
    let runs = every_pair(&backgrounds()[1], Rules::default(), limit());
    assert!(runs > 2_000);
}

#[test]
fn two_requests_of_a_user_never_break_a_promise_in_any_order() {
    let runs = every_pair(&backgrounds()[2], Rules::default(), limit());
    assert!(runs > 2_000);
}

#[test]
fn two_requests_of_a_user_never_break_a_promise_on_the_memory_store() {
    let rules = Rules { memory_store: true, ..Rules::default() };
    let runs = every_pair(&backgrounds()[2], rules, limit() / 4);
    assert!(runs > 1_000);
}

/// The line that something else of the same request does meanwhile.
fn while_saving() -> [Step; 8] {
    [LogOut, LogIn("bob"), RenewId, Increment, Clear, Flash, Discard, Reset]
}

#[test]
fn what_a_request_decides_while_it_saves_is_never_lost() {
    let mut findings = Findings::default();
    for before in backgrounds() {
        for first in [vec![Increment], vec![RenewId], vec![Push, LogIn("alice")], vec![Push, LogOut]] {
            for step in while_saving() {
                for other in [vec![Increment], vec![RenewId]] {
                    let script = [&first[..], &[SaveBehind, step, Pause]].concat();
                    let requests = vec![script, other];
                    let case = Case { before: before.clone(), requests, ..Case::default() };
                    findings.in_all_orders(&case, limit());
                }
            }
        }
    }
    assert!(findings.expect_none() > 1_000);
}

#[test]
fn a_request_with_two_live_ids_ends_both_sessions_when_its_user_logs_out_or_in() {
    let mut findings = Findings::default();
    let before = vec![vec![Increment, LogIn("alice")]];
    for beside in [vec![Push], vec![Push, LogIn("alice")], vec![LogIn("bob")]] {
        for beside_is_first in [true, false] {
            for one in [vec![LogOut], vec![LogOut, Flash], vec![Reset], vec![LogIn("alice"), Increment]] {
                for other in [vec![Increment], vec![RenewId], vec![LogOut], vec![LogIn("bob")]] {
                    let requests = vec![one.clone(), other];
                    let (before, beside) = (before.clone(), vec![beside.clone()]);
                    let case = Case { before, requests, beside, beside_is_first, ..Case::default() };
                    findings.in_all_orders(&case, limit());
                }
            }
        }
    }
    assert!(findings.expect_none() > 1_000);
}

#[test]
fn clocks_an_hour_apart_break_no_promise() {
    let mut findings = Findings::default();
    let rules = Rules { skewed: true, ..Rules::default() };
    let before = vec![vec![Increment, LogIn("alice")]];
    for skews in [vec![3_600, -3_600], vec![-3_600, 3_600], vec![181, 0]] {
        for requests in pairs() {
            let (before, requests, skews) = (before.clone(), requests.to_vec(), skews.clone());
            let case = Case { rules, before, requests, skews, ..Case::default() };
            findings.in_all_orders(&case, limit() / 4);
        }
    }
    assert!(findings.expect_none() > 1_000);
}
