//! Every row of the table, and what holds in all of them.

use super::*;

fn every_observation() -> Vec<Observed> {
    let mut all = Vec::new();
    for origin in [Origin::Absent, Origin::Closed, Origin::Unseen, Origin::Current, Origin::Late] {
        for fate in [Fate::Keep, Fate::Renew, Fate::LogIn, Fate::End] {
            for bits in 0..32u8 {
                let bit = |n: u8| bits & (1 << n) != 0;
                all.push(Observed {
                    origin,
                    fate,
                    wanted: bit(0),
                    changed: bit(1),
                    touch_due: bit(2),
                    renewal_due: bit(3),
                    rolling: bit(4),
                });
            }
        }
    }
    all
}

/// The table in its own words: which rows have which step. Written out, so that a change of the code is a change here.
#[expect(clippy::match_same_arms, reason = "a row of the table each")]
fn expected(seen: Observed) -> Step {
    use {Fate::*, Origin::*, Step::*};
    match (seen.origin, seen.fate, seen.wanted, seen.changed, seen.touch_due, seen.renewal_due) {
        (Absent, _, true, _, _, _) => Create,
        (Absent, _, false, _, _, _) => Nothing,
        (Closed, LogIn, _, _, _, _) => Create,
        (Closed, Keep | Renew | End, true, _, _, _) => Drop,
        (Closed, Keep | Renew | End, false, _, _, _) => Nothing,
        (Unseen, _, true, _, _, _) => Drop,
        (Unseen, _, false, _, _, _) => Nothing,
        (Current | Late, End, true, _, _, _) => Replace,
        (Current | Late, End, false, _, _, _) => Delete,
        (Current | Late, LogIn, _, _, _, _) => Rotate(Privilege::New),
        (Current, Renew, _, _, _, _) | (Current, Keep, _, _, _, true) => Rotate(Privilege::Same),
        (Current, Keep, _, true, _, false) | (Late, Keep | Renew, _, true, _, _) => Update,
        (Current, Keep, _, false, true, false) | (Late, Keep | Renew, _, false, true, _) => Touch,
        (Current, Keep, _, false, false, false) | (Late, Keep | Renew, _, false, false, _) => Nothing,
    }
}

#[test]
fn every_row_of_the_table_is_as_written() {
    let all = every_observation();
    assert_eq!(all.len(), 640);
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
        let made = matches!(plan.step, Step::Create | Step::Rotate(_) | Step::Replace);
        (plan.cookie == CookieStep::Set)
            == (made || (seen.rolling && seen.origin == Origin::Current && plan.step != Step::Delete))
    });
}

#[test]
fn a_cookie_is_removed_only_by_the_request_that_destroyed_the_session() {
    holds("remove", |seen, plan| {
        (plan.cookie == CookieStep::Remove) == (plan.step == Step::Delete)
            && (plan.cookie != CookieStep::Remove || seen.fate == Fate::End)
    });
}

#[test]
fn a_late_response_never_sets_or_clears_the_cookie_by_itself() {
    holds("late", |seen, plan| {
        let asked = matches!(seen.fate, Fate::LogIn | Fate::End);
        !matches!(seen.origin, Origin::Late | Origin::Closed | Origin::Unseen)
            || asked
            || plan.cookie == CookieStep::Leave
    });
}

#[test]
fn a_session_that_nobody_could_look_at_is_left_alone_by_store_and_cookie() {
    holds("unseen", |seen, plan| {
        seen.origin != Origin::Unseen
            || matches!(plan.step, Step::Nothing | Step::Drop) && plan.cookie == CookieStep::Leave
    });
}

#[test]
fn an_id_that_a_log_in_replaced_is_never_written_to() {
    holds("closed", |seen, plan| {
        seen.origin != Origin::Closed || matches!(plan.step, Step::Nothing | Step::Drop | Step::Create)
    });
}

#[test]
fn a_log_in_always_makes_a_new_id() {
    holds("log-in", |seen, plan| {
        seen.fate != Fate::LogIn
            || matches!(seen.origin, Origin::Absent | Origin::Unseen)
            || matches!(plan.step, Step::Create | Step::Rotate(Privilege::New))
    });
}

#[test]
fn a_session_that_ends_is_deleted_whatever_else_happened() {
    holds("end", |seen, plan| {
        let stored = matches!(seen.origin, Origin::Current | Origin::Late);
        seen.fate != Fate::End || !stored || matches!(plan.step, Step::Delete | Step::Replace)
    });
}

#[test]
fn nothing_is_stored_for_a_request_that_wants_nothing() {
    holds("empty", |seen, plan| {
        seen.wanted
            || seen.origin != Origin::Absent
            || (plan.step == Step::Nothing && plan.cookie == CookieStep::Leave)
    });
}

#[test]
fn a_change_to_a_stored_session_is_never_forgotten() {
    holds("changed", |seen, plan| {
        let stored = matches!(seen.origin, Origin::Current | Origin::Late);
        !stored || !seen.changed || !matches!(plan.step, Step::Nothing | Step::Touch | Step::Drop)
    });
}

#[test]
fn no_step_takes_more_than_two_trips() {
    holds("trips", |_, plan| plan.trips() <= 2);
}
