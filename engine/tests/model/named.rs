//! The smallest cases that once broke a promise, by the promise. Each is tried in every order.

use crate::explore::Findings;
use crate::script::{Case, Rules, Script, Step::*};

/// Tries the case, and says how many ways there were to go wrong.
fn holds(case: &Case) {
    let mut findings = Findings::default();
    findings.in_all_orders(case, 1_500);
    findings.expect_none();
}

fn visitor() -> Vec<Script> {
    vec![vec![Increment]]
}

fn user() -> Vec<Script> {
    vec![vec![Increment, LogIn("alice")]]
}

fn one(before: Vec<Script>, request: Script) -> Case {
    Case { before, requests: vec![request], ..Case::default() }
}

fn two(before: Vec<Script>, a: Script, b: Script) -> Case {
    Case { before, requests: vec![a, b], ..Case::default() }
}

#[test]
fn a_response_never_tells_an_id_that_it_knows_to_be_dead() {
    holds(&two(vec![], vec![LogIn("alice"), Save, Push], vec![RevokeAll("alice")]));
    holds(&two(user(), vec![RenewId, Save, Increment], vec![LogIn("alice")]));
}

#[test]
fn a_renewal_whose_answer_was_lost_never_tells_an_id_that_a_log_in_has_replaced() {
    holds(&Case { faults: 1, ..two(user(), vec![RenewId], vec![LogIn("alice")]) });
}

#[test]
fn a_write_is_not_lost_when_all_sessions_but_its_own_are_ended() {
    holds(&two(user(), vec![RenewId, Increment], vec![RevokeOthers]));
    holds(&two(user(), vec![Increment], vec![RevokeOthers, Increment]));
}

#[test]
fn a_log_in_that_ends_the_user_s_other_sessions_does_not_end_itself() {
    holds(&one(visitor(), vec![LogIn("alice"), RevokeOthers]));
    holds(&one(user(), vec![LogIn("alice"), RevokeOthers, Increment]));
}

#[test]
fn a_log_in_that_began_before_others_were_ended_is_not_saved_by_the_session_that_was_spared() {
    holds(&two(user(), vec![LogIn("alice"), RevokeOthers], vec![LogIn("alice"), RevokeOthers]));
}

#[test]
fn a_log_in_that_was_revoked_leaves_the_session_that_it_was_made_from() {
    holds(&one(vec![], vec![LogIn("alice"), Save, LogIn("bob"), RevokeAll("bob")]));
    holds(&two(visitor(), vec![LogIn("bob"), Save, Increment], vec![RevokeAll("bob")]));
}

#[test]
fn a_late_log_out_leaves_the_new_cookie_of_a_log_in_alone() {
    holds(&two(user(), vec![LogOut], vec![LogIn("alice")]));
    holds(&two(user(), vec![LogOut, Flash], vec![LogIn("alice")]));
    holds(&two(user(), vec![LogOut, Flash], vec![LogOut, LogIn("alice")]));
}

#[test]
fn a_log_out_that_found_its_session_ended_logs_the_user_out_like_one_that_ended_it() {
    let requests = vec![vec![Destroy], vec![LogIn("bob")], vec![LogOut, Insert("a")]];
    holds(&Case { before: user(), requests, ..Case::default() });
    let requests = vec![vec![Destroy], vec![LogIn("bob")], vec![LogOut]];
    holds(&Case { before: user(), requests, ..Case::default() });
}

#[test]
fn a_late_log_out_does_not_make_a_replaced_id_an_unknown_one() {
    let requests = vec![vec![LogOut], vec![LogIn("alice")], vec![Increment]];
    holds(&Case { before: user(), requests, ..Case::default() });
}

#[test]
fn a_log_out_whose_answer_was_lost_ends_the_renewed_session_too() {
    holds(&Case { faults: 1, ..two(user(), vec![LogOut], vec![RenewId]) });
}

#[test]
fn a_log_out_is_not_acknowledged_while_another_one_is_half_done() {
    let requests = vec![vec![LogOut], vec![LogOut], vec![RenewId]];
    holds(&Case { before: user(), requests, ..Case::default() });
}

#[test]
fn a_record_that_is_not_needed_is_taken_back_though_the_store_fails_once() {
    holds(&Case { faults: 1, ..two(user(), vec![RenewId], vec![LogOut]) });
    holds(&Case { faults: 1, ..two(user(), vec![RenewId], vec![RenewId]) });
}

#[test]
fn a_lost_log_in_that_was_revoked_meanwhile_is_dropped_and_not_called_contended() {
    holds(&Case { faults: 1, ..two(vec![], vec![LogIn("alice")], vec![RevokeAll("alice")]) });
}

#[test]
fn a_log_out_in_the_middle_of_a_save_is_not_lost() {
    holds(&one(visitor(), vec![Increment, SaveBehind, LogOut, Pause]));
    holds(&two(visitor(), vec![Increment, SaveBehind, LogOut, Pause], vec![Increment]));
}

#[test]
fn a_log_out_in_the_middle_of_a_reset_ends_the_session_that_the_reset_has_begun() {
    holds(&one(vec![], vec![Reset, Flash, SaveBehind, LogOut, Pause]));
    holds(&one(user(), vec![Reset, Flash, SaveBehind, LogOut, Pause]));
}

#[test]
fn a_reset_in_the_middle_of_a_save_that_follows_a_log_out_leaves_an_empty_session() {
    holds(&one(vec![], vec![LogOut, Insert("b"), SaveBehind, Reset, Pause]));
    holds(&one(user(), vec![LogOut, Insert("b"), SaveBehind, Reset, Pause]));
    holds(&one(user(), vec![LogOut, Insert("b"), SaveBehind, LogOut, Pause, Discard, ReadAll, Increment]));
    holds(&one(user(), vec![Reset, Insert("b"), SaveBehind, LogIn("bob"), Pause, ReadAll]));
}

#[test]
fn a_session_that_is_cleared_again_in_the_middle_of_a_save_is_cleared_again() {
    holds(&two(visitor(), vec![Clear, SaveBehind, Clear, Pause], vec![Insert("b")]));
    holds(&two(visitor(), vec![Clear, RenewId, SaveBehind, Clear, Pause], vec![Increment]));
}

#[test]
fn a_save_that_could_not_learn_whether_it_wrote_is_not_made_twice_by_the_response() {
    holds(&Case { faults: 2, ..one(visitor(), vec![Increment, Save, Push]) });
    holds(&Case { faults: 2, ..one(visitor(), vec![Increment, Save, LogIn("bob")]) });
    let requests = vec![vec![Increment, Save, LogIn("bob")], vec![Push]];
    holds(&Case { before: visitor(), requests, faults: 3, ..Case::default() });
}

#[test]
fn a_log_out_in_the_middle_of_a_renewal_is_not_lost() {
    holds(&two(visitor(), vec![RenewId, SaveBehind, LogOut, Pause], vec![RenewId]));
}

#[test]
fn a_log_out_in_the_middle_of_a_log_in_ends_both_sessions() {
    holds(&two(visitor(), vec![LogIn("alice"), SaveBehind, LogOut, Pause], vec![Increment]));
}

#[test]
fn a_log_in_in_the_middle_of_a_save_never_gets_into_the_session_under_the_old_id() {
    holds(&two(visitor(), vec![Increment, SaveBehind, LogIn("alice"), Pause], vec![Increment]));
    holds(&two(user(), vec![RenewId, SaveBehind, LogIn("bob"), Pause], vec![Increment]));
}

#[test]
fn what_changes_while_a_first_write_s_answer_is_lost_is_not_taken_for_stored() {
    holds(&Case { faults: 1, ..one(vec![], vec![Increment, SaveBehind, Push, Pause]) });
}

#[test]
fn a_log_in_after_a_log_out_stands_though_another_log_in_was_faster() {
    holds(&two(user(), vec![LogOut, LogIn("alice")], vec![LogIn("alice")]));
}

#[test]
fn an_old_id_is_served_by_the_moment_when_its_request_began() {
    let requests = vec![vec![RenewId, Increment], vec![Pause, Increment]];
    holds(&Case { before: user(), requests, leaps: vec![11], ..Case::default() });
}

#[test]
fn a_flash_value_is_there_to_the_end_of_its_request() {
    let request = vec![Read("f"), Save, Read("f"), ReadAll, Discard, Read("f")];
    holds(&one(vec![vec![Flash]], request));
    holds(&one(vec![vec![Flash]], vec![Remove("f"), Save, Read("f")]));
}

#[test]
fn a_flash_value_that_was_saved_and_loaded_again_is_for_the_next_request_all_the_same() {
    holds(&one(vec![vec![Increment], vec![Flash, Save, Reload, Increment]], vec![Read("f"), Read("f")]));
}

#[test]
fn a_reset_whose_client_goes_away_is_not_carried_out_twice() {
    holds(&Case { faults: 1, drops: 1, ..one(vec![], vec![Reset]) });
}

#[test]
fn a_first_write_that_was_taken_back_is_made_again_by_the_response() {
    holds(&Case { faults: 2, ..two(vec![], vec![Increment, Save, Push], vec![Increment]) });
    holds(&Case { faults: 3, ..one(vec![], vec![LogIn("alice"), Save, Push]) });
}

#[test]
fn a_renewal_whose_new_record_was_revoked_while_its_answer_was_lost_is_made_again() {
    holds(&Case { faults: 1, ..two(user(), vec![RenewId], vec![RevokeOthers]) });
}

#[test]
fn a_save_says_whether_the_session_is_alive_though_there_is_nothing_to_write() {
    holds(&two(user(), vec![Read("n"), Save, ReadAll, Save], vec![LogOut]));
    holds(&two(user(), vec![Touch, Save, ReadAll], vec![LogIn("alice")]));
    holds(&two(user(), vec![Read("n"), Save, ReadAll], vec![RenewId, Increment]));
    let requests = vec![vec![Touch, Save, Pause, Save], vec![RenewId, Save, RenewId]];
    holds(&Case { before: user(), requests, leaps: vec![11], ..Case::default() });
}

#[test]
fn a_save_says_that_a_session_past_its_absolute_end_is_over() {
    let rules = Rules { short_lives: true, ..Rules::default() };
    let before = user();
    let requests = vec![vec![Read("n"), Pause, Save, Pause, Save], vec![ReadAll]];
    let leaps = vec![20 * 60, 20 * 60];
    let case = Case { rules, before, requests, leaps, sent_one_by_one: true, ..Case::default() };
    holds(&case);
}

#[test]
fn a_log_out_that_a_log_in_has_overtaken_says_so() {
    holds(&two(user(), vec![LogOut, Exists], vec![LogIn("alice")]));
    holds(&two(user(), vec![LogOut, Exists, Save, Exists], vec![LogIn("alice")]));
    holds(&two(user(), vec![Reset], vec![LogIn("bob")]));
}

#[test]
fn a_log_out_under_an_id_that_leads_nowhere_removes_the_cookie() {
    let requests = vec![vec![LogOut], vec![LogOut, Flash]];
    let case = Case { before: user(), requests, leaps: vec![31 * 60], ..Case::default() };
    holds(&Case { sent_one_by_one: true, ..case.clone() });
    holds(&case);
}

#[test]
fn a_log_out_decided_while_a_log_in_is_refused_stands() {
    holds(&two(visitor(), vec![LogIn("alice"), SaveBehind, LogOut, Pause], vec![RevokeAll("alice")]));
    holds(&two(visitor(), vec![LogIn("alice"), SaveBehind, LogIn("bob"), Pause], vec![RevokeAll("alice")]));
}

#[test]
fn a_log_in_decided_while_a_log_out_finds_the_session_gone_stands() {
    holds(&two(user(), vec![LogOut, SaveBehind, LogIn("bob"), Pause], vec![LogOut]));
    holds(&two(user(), vec![LogOut, SaveBehind, LogIn("bob"), Pause], vec![LogIn("alice")]));
    holds(&Case { faults: 2, ..two(user(), vec![Increment, Save, LogOut, LogIn("bob")], vec![LogOut]) });
}

#[test]
fn what_a_session_held_never_comes_back_when_its_end_is_discarded_too_late() {
    holds(&one(user(), vec![LogOut, SaveBehind, Discard, Pause, ReadAll, Increment]));
    holds(&one(user(), vec![LogOut, SaveBehind, LogOut, Pause, Discard, ReadAll, Increment]));
}

#[test]
fn a_session_with_two_ids_in_one_request_is_not_ended_by_its_own_log_in() {
    // The old id leads to the session for its grace, and the new one is sent beside it.
    let requests = vec![vec![LogIn("bob"), Increment]];
    holds(&Case { requests, ..one_session_under_two_ids() });
    let requests = vec![vec![LogOut, Save]];
    holds(&Case { requests, ..one_session_under_two_ids() });
}

/// The cookie beside is an old id of the session that the browser has now.
fn one_session_under_two_ids() -> Case {
    Case {
        beside: vec![vec![Increment]],
        before: vec![vec![RenewId]],
        beside_is_the_same: true,
        ..Case::default()
    }
}

#[test]
fn a_version_of_another_record_is_not_taken_for_one_that_is_known() {
    let rules = Rules { memory_store: true, ..Rules::default() };
    let before = vec![vec![Increment], vec![Increment, LogIn("alice")]];
    let requests = vec![vec![RenewId, Increment], vec![Touch, Save, ReadAll, Save, Increment]];
    holds(&Case { rules, before, requests, ..Case::default() });
}

#[test]
fn the_other_ids_of_a_request_outlast_a_save_and_a_reload() {
    for first in [Save, Reload] {
        for beside_is_first in [true, false] {
            let (before, beside) = (user(), vec![vec![LogIn("bob")]]);
            let requests = vec![vec![first, LogOut]];
            holds(&Case { before, requests, beside, beside_is_first, ..Case::default() });
        }
    }
}

#[test]
fn an_id_that_an_earlier_save_has_made_is_not_told_once_its_session_is_found_gone() {
    holds(&two(vec![], vec![LogIn("alice"), Save, RenewId], vec![RevokeAll("alice")]));
    holds(&two(vec![], vec![LogIn("alice"), Save, Touch], vec![RevokeAll("alice")]));
}
