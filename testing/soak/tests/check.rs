//! The checker itself, on histories written by hand: it finds what is wrong, and nothing in what is right.

use cloakroom_soak::{
    check,
    check::Rule,
    history::{Action, Answer, Content, Op},
};

const SECOND: u64 = 1_000_000;

/// An operation on session 1.
fn op(asked: u64, done: u64, action: Action, id: Option<u32>, answer: impl Into<Option<Answer>>) -> Op {
    Op { session: 1, action, id, asked, done, answer: answer.into(), skew: 0 }
}

/// The answer of a process that was killed.
const KILLED: Option<Answer> = None;

fn done(id: Option<u32>) -> Answer {
    Answer::Done { id }
}

fn seen(tags: &[u32]) -> Answer {
    let count = i64::try_from(tags.len()).expect("a few");
    Answer::Seen(Content { session: 1, tags: tags.to_vec(), count, ..Content::default() })
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
    let twice_counted = Content { session: 1, tags: vec![7], count: 2, ..Content::default() };
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
fn a_session_that_has_run_out_for_one_may_be_touched_by_another_that_had_come_in_time() {
    let time = |tenths: u64| tenths * SECOND / 10;
    let missed = op(time(41), time(42), Action::Read, Some(1), Answer::Missing);
    let later = op(time(43), time(44), Action::Read, Some(1), seen(&[7]));
    let under_way = op(time(39), time(45), Action::Read, Some(1), seen(&[7]));
    finds_nothing(vec![under_way, missed.clone(), later.clone()]);
    let over = op(time(39), time(40), Action::Read, Some(1), Answer::Failed("down".into()));
    finds(vec![over, missed, later], Rule::Resurrected);
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
fn no_session_is_there_after_its_time() {
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
    let other = Content { session: 2, ..Content::default() };
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

/// What a look saw besides the tag 7.
fn holding(edit: impl FnOnce(&mut Content)) -> Answer {
    let mut content = Content { session: 1, tags: vec![7], count: 1, ..Content::default() };
    edit(&mut content);
    Answer::Seen(content)
}

fn got(items: &[u32]) -> Answer {
    Answer::Got(items.to_vec())
}

#[test]
fn an_item_of_a_queue_is_there_or_was_taken() {
    let put = |item| op(40, 50, Action::Put(item), Some(1), done(None));
    let empty = || op(80, 90, Action::Read, Some(1), holding(|_| ()));
    finds(vec![put(8), empty()], Rule::LostWrite);
    finds(vec![put(8), put(9), op(60, 70, Action::TakeQueue, Some(1), got(&[8])), empty()], Rule::LostWrite);
    finds_nothing(vec![put(8), op(60, 70, Action::TakeQueue, Some(1), got(&[8])), empty()]);
    finds_nothing(vec![put(8), op(60, 70, Action::TakeQueue, Some(1), KILLED), empty()]);
    finds(vec![put(8), op(60, 70, Action::TakeQueue, Some(1), got(&[]))], Rule::LostWrite);
}

#[test]
fn an_item_that_was_taken_is_not_there_unless_two_took_at_once() {
    let put = op(40, 50, Action::Put(8), Some(1), done(None));
    let take = |asked, done| op(asked, done, Action::TakeQueue, Some(1), got(&[8]));
    let look = || op(80, 90, Action::Read, Some(1), holding(|content| content.queue = vec![8]));
    finds(vec![put.clone(), take(60, 70), look()], Rule::TakenAndThere);
    finds(vec![put.clone(), take(60, 70), take(72, 75)], Rule::TakenAndThere);
    finds_nothing(vec![put.clone(), take(60, 70), take(65, 75), look()]);
    finds_nothing(vec![put, op(52, 55, Action::TakeQueue, Some(1), KILLED), take(60, 70), look()]);
}

#[test]
fn an_item_is_in_a_queue_once_and_was_put_there() {
    let look =
        |queue: &[u32]| op(80, 90, Action::Read, Some(1), holding(|content| content.queue = queue.to_vec()));
    let put = || op(40, 50, Action::Put(8), Some(1), done(None));
    finds(vec![put(), look(&[8, 8])], Rule::DoubleWrite);
    finds(vec![put(), look(&[8, 9])], Rule::PhantomWrite);
    finds(vec![put(), op(60, 70, Action::TakeQueue, Some(1), got(&[8, 9]))], Rule::PhantomWrite);
}

#[test]
fn a_slot_holds_what_was_set_last_until_it_is_taken() {
    let fill = |asked, done_at, item| op(asked, done_at, Action::Fill(item), Some(1), done(None));
    let look =
        |slot: &[u32]| op(80, 90, Action::Read, Some(1), holding(|content| content.slot = slot.to_vec()));
    let take = |item| op(60, 70, Action::TakeSlot, Some(1), got(&[item]));
    finds(vec![fill(40, 50, 8), look(&[])], Rule::LostWrite);
    finds(vec![fill(40, 45, 8), fill(46, 50, 9), look(&[8])], Rule::LostWrite);
    finds(vec![fill(40, 45, 8), fill(46, 65, 9), take(8), look(&[])], Rule::LostWrite);
    finds(vec![fill(40, 50, 8), take(8), look(&[8])], Rule::TakenAndThere);
    finds_nothing(vec![fill(40, 50, 8), take(8), look(&[])]);
    finds_nothing(vec![fill(40, 50, 8), fill(45, 55, 9), look(&[8])]);
    finds_nothing(vec![fill(40, 45, 8), fill(46, 65, 9), take(8), look(&[9])]);
}

#[test]
fn a_ticket_is_claimed_by_one_request_and_lost_by_none() {
    let issued = || op(40, 50, Action::Issue(8), Some(1), done(None));
    let claim = |answer: Option<Answer>| op(60, 70, Action::Claim(8), Some(1), answer);
    let none = || op(80, 90, Action::Read, Some(1), holding(|_| ()));
    finds(vec![issued(), claim(Some(got(&[8]))), claim(Some(got(&[8])))], Rule::ClaimedTwice);
    finds(vec![issued(), claim(Some(got(&[])))], Rule::LostWrite);
    finds(vec![issued(), none()], Rule::LostWrite);
    let kept = op(80, 90, Action::Read, Some(1), holding(|content| content.tickets = vec![8]));
    finds(vec![issued(), claim(Some(got(&[8]))), kept], Rule::TakenAndThere);
    finds_nothing(vec![issued(), claim(Some(got(&[8]))), claim(Some(got(&[]))), none()]);
    finds_nothing(vec![issued(), claim(Some(Answer::Failed("down".into()))), claim(Some(got(&[]))), none()]);
}

#[test]
fn an_edit_by_index_removes_the_item_that_it_saw_and_no_other() {
    let append = |item| op(40, 50, Action::Append(item), Some(1), done(None));
    let remove = op(60, 70, Action::Remove, Some(1), got(&[8]));
    let replace = |item| op(60, 70, Action::Replace(item), Some(1), got(&[8]));
    let look =
        |list: &[u32]| op(80, 90, Action::Read, Some(1), holding(|content| content.list = list.to_vec()));
    finds(vec![append(8), append(9), remove.clone(), look(&[])], Rule::LostWrite);
    finds(vec![append(8), append(9), remove.clone(), look(&[8, 9])], Rule::TakenAndThere);
    finds(vec![append(8), append(9), replace(10), look(&[8, 10])], Rule::LostWrite);
    finds(vec![append(8), append(9), replace(10), look(&[9])], Rule::LostWrite);
    finds_nothing(vec![append(8), append(9), remove.clone(), look(&[9])]);
    finds_nothing(vec![append(8), append(9), replace(10), look(&[10, 9])]);
    // The item that it saw was removed meanwhile: it set the index, where another item was.
    finds_nothing(vec![append(8), append(9), remove, replace(10), look(&[10])]);
}

#[test]
fn where_clocks_differ_a_session_lives_for_hours_and_grace_and_revocations_go_by_each_clock() {
    let ahead = |op: Op| Op { skew: 3_600, ..op };
    let late = 60 * SECOND;
    let look = |id| ahead(op(late, late + 10, Action::Read, Some(id), seen(&[7])));
    finds_nothing(vec![look(1)]);
    finds_nothing(vec![op(40, 50, Action::Renew, Some(1), done(Some(2))), look(1)]);
    let log_in = || op(40, 50, Action::LogIn, Some(1), done(Some(2)));
    finds_nothing(vec![log_in(), op(60, 70, Action::Revoke, None, done(None)), look(2)]);
    finds(vec![log_in(), look(1)], Rule::RevivedId);
    finds(vec![ahead(op(late, late + 10, Action::Read, Some(1), Answer::Missing))], Rule::LostSession);
}
