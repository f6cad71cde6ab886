//! Every row of the table, and what holds in all of them.

use super::*;

fn every_observation() -> Vec<Observed> {
    let mut all = Vec::new();
    for origin in [Origin::Absent, Origin::Closed, Origin::Unknown, Origin::Current, Origin::Redirected] {
        for intent in [IntentKind::Keep, IntentKind::Renew, IntentKind::LogIn, IntentKind::End] {
            for bits in 0..64u8 {
                let bit = |n: u8| bits & (1 << n) != 0;
                all.push(Observed {
                    origin,
                    intent,
                    wanted: bit(0),
                    changed: bit(1),
                    touch_due: bit(2),
                    renewal_due: bit(3),
                    rolling: bit(4),
                    resend_on_write: bit(5),
                });
            }
        }
    }
    all
}

/// The table in its own words: which rows have which step. Written out, so that a change of the code is a change here.
#[expect(clippy::match_same_arms, reason = "a row of the table each")]
fn expected(seen: Observed) -> Step {
    use {IntentKind::*, Origin::*};
    match (seen.origin, seen.intent, seen.wanted, seen.changed, seen.touch_due, seen.renewal_due) {
        (Absent, _, true, _, _, _) => Step::Create,
        (Absent, _, false, _, _, _) => Step::Nothing,
        (Closed, LogIn, _, _, _, _) => Step::Create,
        (Closed, End, _, _, _, _) => Step::DiscardEnd,
        (Closed, Keep | Renew, true, _, _, _) => Step::Discard,
        (Closed, Keep | Renew, false, _, _, _) => Step::Nothing,
        (Unknown, End, _, _, _, _) => Step::Refuse,
        (Unknown, _, true, _, _, _) => Step::Discard,
        (Unknown, _, false, _, _, _) => Step::Nothing,
        (Current | Redirected, End, true, _, _, _) => Step::Replace,
        (Current | Redirected, End, false, _, _, _) => Step::End,
        (Current | Redirected, LogIn, _, _, _, _) => Step::Renew(Privilege::New),
        (Current, Renew, _, _, _, _) | (Current, Keep, _, _, _, true) => Step::Renew(Privilege::Same),
        (Current, Keep, _, true, _, false) | (Redirected, Keep | Renew, _, true, _, _) => Step::Update,
        (Current, Keep, _, false, true, false) | (Redirected, Keep | Renew, _, false, true, _) => Step::Touch,
        (Current, Keep, _, false, false, false) | (Redirected, Keep | Renew, _, false, false, _) => {
            Step::Nothing
        }
    }
}

#[test]
fn every_row_of_the_table_is_as_written() {
    let all = every_observation();
    assert_eq!(all.len(), 1_280);
    for seen in all {
        assert_eq!(Plan::decide(seen).step, expected(seen), "{seen:?}");
    }
}

fn holds(what: &str, rule: impl Fn(Observed, Plan) -> bool) {
    for seen in every_observation() {
        let plan = Plan::decide(seen);
        assert!(rule(seen, plan), "{what}: {seen:?} gave {plan:?}");
    }
}

#[test]
fn a_cookie_is_set_only_by_the_request_that_made_the_id() {
    holds("set", |seen, plan| {
        let makes = matches!(plan.step, Step::Create | Step::Renew(_) | Step::Replace);
        let resends = plan.cookie == CookieStep::Resend;
        (plan.cookie == CookieStep::Set) == makes
            && (!resends || (seen.origin == Origin::Current && may_resend(seen, plan)))
    });
}

/// Returns whether the options allow to send the cookie again that the client has.
fn may_resend(seen: Observed, plan: Plan) -> bool {
    seen.rolling || (seen.resend_on_write && plan.step == Step::Update)
}

#[test]
fn a_cookie_is_removed_only_by_the_request_that_ended_the_session_or_found_it_ended() {
    holds("remove", |seen, plan| {
        let found_ended = plan.step == Step::Nothing && seen.origin == Origin::Absent;
        let removes = seen.intent == IntentKind::End && (plan.step == Step::End || found_ended);
        (plan.cookie == CookieStep::Remove) == removes
    });
}

#[test]
fn a_late_response_never_sets_or_clears_the_cookie_by_itself() {
    holds("late", |seen, plan| {
        let asked = matches!(seen.intent, IntentKind::LogIn | IntentKind::End);
        !matches!(seen.origin, Origin::Redirected | Origin::Closed | Origin::Unknown)
            || asked
            || plan.cookie == CookieStep::Leave
    });
}

#[test]
fn a_session_that_could_not_be_looked_at_is_left_alone_by_store_and_cookie() {
    holds("unseen", |seen, plan| {
        seen.origin != Origin::Unknown
            || matches!(plan.step, Step::Nothing | Step::Discard | Step::Refuse)
                && plan.cookie == CookieStep::Leave
    });
}

#[test]
fn an_id_that_a_log_in_replaced_is_never_written_to() {
    holds("closed", |seen, plan| {
        seen.origin != Origin::Closed
            || matches!(plan.step, Step::Nothing | Step::Discard | Step::DiscardEnd | Step::Create)
    });
}

#[test]
fn a_log_in_always_makes_a_new_id() {
    holds("log-in", |seen, plan| {
        seen.intent != IntentKind::LogIn
            || matches!(seen.origin, Origin::Absent | Origin::Unknown)
            || matches!(plan.step, Step::Create | Step::Renew(Privilege::New))
    });
}

#[test]
fn a_session_that_ends_is_deleted_whatever_else_happened() {
    holds("end", |seen, plan| {
        let stored = matches!(seen.origin, Origin::Current | Origin::Redirected);
        seen.intent != IntentKind::End || !stored || matches!(plan.step, Step::End | Step::Replace)
    });
}

#[test]
fn nothing_is_stored_for_a_request_that_wants_nothing() {
    holds("empty", |seen, plan| {
        seen.wanted
            || seen.origin != Origin::Absent
            || (plan.step == Step::Nothing && plan.cookie != CookieStep::Set)
    });
}

#[test]
fn a_change_to_a_stored_session_is_never_forgotten() {
    holds("changed", |seen, plan| {
        let stored = matches!(seen.origin, Origin::Current | Origin::Redirected);
        !stored || !seen.changed || !matches!(plan.step, Step::Nothing | Step::Touch | Step::Discard)
    });
}

#[test]
fn no_step_takes_more_than_two_trips() {
    holds("trips", |_, plan| plan.trips() <= 2);
}
