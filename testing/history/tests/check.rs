//! The checker itself, on histories written by hand: it finds what is wrong, and nothing in what is right.

use cloakroom_history::{
    check,
    check::Rule,
    history::{Action, Answer, Content, Op},
};

const SECOND: u64 = 1_000_000;

/// An operation on session 1.
fn op(asked: u64, done: u64, action: Action, id: Option<u32>, answer: impl Into<Option<Answer>>) -> Op {
    Op { session: 1, action, id, asked, done, answer: answer.into() }
}

/// The answer of a process that was killed.
const KILLED: Option<Answer> = None;

fn done(id: Option<u32>) -> Answer {
    Answer::Done { id }
}

fn seen(tags: &[u32]) -> Answer {
    let count = i64::try_from(tags.len()).expect("a few");
    Answer::Seen(Content { session: 1, tags: tags.to_vec(), count })
}

/// A session that was created and got the tag 7; it has the id 1.
fn begun() -> Vec<Op> {
    vec![op(0, 10, Action::Create, None, done(Some(1))), op(20, 30, Action::Add(7), Some(1), done(None))]
}

#[track_caller]
fn finds(more: Vec<Op>, rule: Rule) {
    let history = [begun(), more].concat();
    let rules: Vec<_> = check(&history).iter().map(|violation| violation.rule).collect();
    assert!(rules.contains(&rule), "found {rules:?}");
}

#[track_caller]
fn finds_nothing(more: Vec<Op>) {
    let history = [begun(), more].concat();
    assert_eq!(check(&history), []);
}

#[test]
fn a_write_that_was_acknowledged_and_is_not_there_is_lost() {
    finds(vec![op(40, 50, Action::Read, Some(1), seen(&[]))], Rule::LostWrite);
    finds_nothing(vec![op(40, 50, Action::Read, Some(1), seen(&[7]))]);
}

#[test]
fn a_write_that_overlaps_a_look_may_be_there_or_not() {
    for tags in [&[7][..], &[7, 8]] {
        finds_nothing(vec![
            op(40, 60, Action::Add(8), Some(1), done(None)),
            op(50, 70, Action::Read, Some(1), seen(tags)),
        ]);
    }
}

#[test]
fn a_write_of_a_process_that_was_killed_may_be_there_or_not() {
    for tags in [&[7][..], &[7, 8]] {
        finds_nothing(vec![
            op(40, 50, Action::Add(8), Some(1), KILLED),
            op(60, 70, Action::Read, Some(1), seen(tags)),
        ]);
    }
}

#[test]
fn a_write_that_was_seen_once_stays() {
    finds(
        vec![
            op(40, 50, Action::Add(8), Some(1), KILLED),
            op(60, 70, Action::Read, Some(1), seen(&[7, 8])),
            op(80, 90, Action::Read, Some(1), seen(&[7])),
        ],
        Rule::Rewritten,
    );
}

#[test]
fn a_write_is_there_once() {
    finds(vec![op(40, 50, Action::Read, Some(1), seen(&[7, 7]))], Rule::DoubleWrite);
    let twice_counted = Content { session: 1, tags: vec![7], count: 2 };
    finds(vec![op(40, 50, Action::Read, Some(1), Answer::Seen(twice_counted))], Rule::DoubleWrite);
}

#[test]
fn a_write_that_was_refused_or_never_made_is_not_there() {
    finds(vec![op(40, 50, Action::Read, Some(1), seen(&[7, 9]))], Rule::PhantomWrite);
    finds(
        vec![
            op(40, 50, Action::Add(8), Some(1), Answer::Missing),
            op(60, 70, Action::Read, Some(1), seen(&[7, 8])),
        ],
        Rule::PhantomWrite,
    );
}

#[test]
fn a_session_stays_until_something_ends_it() {
    finds(vec![op(40, 50, Action::Read, Some(1), Answer::Missing)], Rule::LostSession);
    finds(vec![op(40, 50, Action::Add(8), Some(1), Answer::Dropped)], Rule::LostSession);
    for answer in [Some(done(None)), KILLED, Some(Answer::Failed("down".into()))] {
        finds_nothing(vec![
            op(40, 50, Action::LogOut, Some(1), answer),
            op(60, 70, Action::Read, Some(1), Answer::Missing),
        ]);
    }
}

#[test]
fn a_session_may_be_gone_where_its_new_id_was_never_told() {
    finds_nothing(vec![
        op(40, 50, Action::Renew, Some(1), KILLED),
        op(60, 70, Action::Read, Some(1), Answer::Missing),
    ]);
}

#[test]
fn a_session_that_was_renewed_stays_under_its_new_id() {
    finds(
        vec![
            op(40, 50, Action::Renew, Some(1), done(Some(2))),
            op(60, 70, Action::Read, Some(2), Answer::Missing),
        ],
        Rule::LostSession,
    );
}

#[test]
fn a_session_that_was_logged_out_never_comes_back() {
    let logged_out = op(40, 50, Action::LogOut, Some(1), done(None));
    for answer in [seen(&[7]), done(None)] {
        let later = op(60, 70, Action::Read, Some(1), answer);
        finds(vec![logged_out.clone(), later], Rule::Resurrected);
    }
    finds_nothing(vec![logged_out, op(45, 70, Action::Read, Some(1), seen(&[7]))]);
}

#[test]
fn a_session_that_was_seen_to_be_gone_never_comes_back() {
    finds(
        vec![
            op(40, 50, Action::LogOut, Some(1), KILLED),
            op(60, 70, Action::Read, Some(1), Answer::Missing),
            op(80, 90, Action::Read, Some(1), seen(&[7])),
        ],
        Rule::Resurrected,
    );
}

#[test]
fn a_revocation_ends_who_was_logged_in() {
    let revoked = op(60, 70, Action::Revoke, None, done(None));
    let later = |id| op(80, 90, Action::Read, Some(id), seen(&[7]));
    let logged_in = op(40, 50, Action::LogIn, Some(1), done(Some(2)));
    finds(vec![logged_in, revoked.clone(), later(2)], Rule::Resurrected);
    finds_nothing(vec![revoked, later(1)]);
}

#[test]
fn nobody_is_there_after_its_time() {
    let late = 5 * SECOND;
    finds(vec![op(late, late + 10, Action::Read, Some(1), seen(&[7]))], Rule::Overdue);
    finds_nothing(vec![op(late, late + 10, Action::Read, Some(1), Answer::Missing)]);
    let looks =
        (1..10).map(|second| op(second * SECOND, second * SECOND + 10, Action::Read, Some(1), seen(&[7])));
    finds(looks.collect(), Rule::Overdue);
}

#[test]
fn a_log_in_replaces_the_id_at_once() {
    let logged_in = op(40, 50, Action::LogIn, Some(1), done(Some(2)));
    finds(vec![logged_in.clone(), op(60, 70, Action::Read, Some(1), seen(&[7]))], Rule::RevivedId);
    finds_nothing(vec![logged_in, op(60, 70, Action::Read, Some(1), Answer::Missing)]);
}

#[test]
fn a_renewal_replaces_the_id_after_its_grace() {
    let renewed = op(40, 50, Action::Renew, Some(1), done(Some(2)));
    finds_nothing(vec![renewed.clone(), op(60, 70, Action::Read, Some(1), seen(&[7]))]);
    let late = 3 * SECOND;
    finds(vec![renewed, op(late, late + 10, Action::Read, Some(1), seen(&[7]))], Rule::RevivedId);
}

#[test]
fn an_id_is_given_once() {
    let mut other = op(40, 50, Action::Create, None, done(Some(1)));
    other.session = 2;
    finds(vec![other], Rule::IdGivenTwice);
}

#[test]
fn an_id_leads_to_its_own_session() {
    let other = Content { session: 2, tags: Vec::new(), count: 0 };
    finds(vec![op(40, 50, Action::Read, Some(1), Answer::Seen(other))], Rule::Strange);
}

#[test]
fn a_revocation_spares_who_logs_in_anew_meanwhile() {
    finds_nothing(vec![
        op(40, 50, Action::LogIn, Some(1), done(Some(2))),
        op(60, 80, Action::Revoke, None, done(None)),
        op(70, 75, Action::LogIn, Some(2), done(Some(3))),
        op(90, 95, Action::Read, Some(3), seen(&[7])),
    ]);
}

#[test]
fn a_write_whose_answer_was_lost_may_be_there_although_it_was_dropped() {
    finds_nothing(vec![
        op(40, 80, Action::Add(8), Some(1), Answer::Dropped),
        op(50, 60, Action::Read, Some(1), seen(&[7, 8])),
        op(65, 70, Action::LogOut, Some(1), done(None)),
    ]);
}

#[test]
fn a_log_in_that_a_revocation_overtook_is_dropped_and_its_session_stays() {
    finds_nothing(vec![
        op(40, 70, Action::LogIn, Some(1), Answer::Dropped),
        op(50, 60, Action::Revoke, None, done(None)),
        op(80, 90, Action::Read, Some(1), seen(&[7])),
    ]);
}
