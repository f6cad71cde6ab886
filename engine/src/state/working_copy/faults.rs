//! Tests of faults that were found once.

use std::sync::{Arc, Mutex};

use cloakroom_store::Timestamp;

use super::*;
use crate::record::{Header, Payload};
use crate::state::change::{Claim, Effect, Target};
use crate::state::json::work;
use crate::state::{run_updater, share_updater};
use crate::{ErrorKind, Result};

fn header() -> Header {
    Header::new(Timestamp::from_millis(1), [1; 16], [2; 16])
}

fn set(path: &str, json: &str) -> Change {
    Change::at(Target::path(path), Op::Set(Bytes::copy_from_slice(json.as_bytes())))
}

fn push(path: &str, json: &str) -> Change {
    Change::at(Target::path(path), Op::Push(Bytes::copy_from_slice(json.as_bytes())))
}

fn remove(path: &str) -> Change {
    Change::at(Target::path(path), Op::remove())
}

fn increment(path: &str) -> Change {
    Change::at(Target::path(path), Op::Increment(1))
}

fn apply(values: &mut WorkingCopy, change: Change) {
    values.apply(change).unwrap();
}

fn stored(values: &WorkingCopy) -> Frames {
    let mut header = header();
    header.commit(7, Timestamp::from_millis(2), std::time::Duration::ZERO);
    let Ok(Payload::Session(_, frames)) = Payload::decode(&values.encode(&header)) else { panic!() };
    frames
}

/// Returns what is stored after these changes.
fn base(changes: impl IntoIterator<Item = Change>) -> Frames {
    let mut values = WorkingCopy::default();
    changes.into_iter().for_each(|change| apply(&mut values, change));
    stored(&values)
}

/// Makes `mine` and, in another request that commits first, `theirs`. Returns what `key` is in the end.
fn merged(at_first: &[Change], mine: &[Change], theirs: &[Change], key: &str) -> Result<Option<String>> {
    let first = base(at_first.iter().cloned());
    let mut there = WorkingCopy::loaded(first.clone(), 1);
    theirs.iter().for_each(|change| apply(&mut there, change.clone()));
    let mut here = WorkingCopy::loaded(first, 1);
    mine.iter().for_each(|change| apply(&mut here, change.clone()));
    here.rebase(stored(&there))?;
    Ok(here.get(key).map(|json| String::from_utf8(json.to_vec()).unwrap()))
}

fn merge(at_first: &[Change], mine: &[Change], theirs: &[Change], key: &str) -> Option<String> {
    merged(at_first, mine, theirs, key).unwrap()
}

/// Reads the session when it is dropped: under a lock of ours, that waits for itself.
struct Reader(Arc<Mutex<WorkingCopy>>, Arc<Mutex<usize>>);

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.0.try_lock().expect("no lock is held").get("a");
        *self.1.lock().unwrap() += 1;
    }
}

fn shared() -> (Arc<Mutex<WorkingCopy>>, Arc<Mutex<usize>>) {
    Default::default()
}

fn update_of(reader: Reader) -> Change {
    let update = share_updater(move |_: Option<&[u8]>| {
        let _ = reader.0.try_lock().expect("no lock is held").get("a");
        Ok(Bytes::from_static(b"1"))
    });
    let (target, made) = (Target::key("n"), run_updater(&update, None).unwrap());
    let op = Op::Update(update);
    drop(made);
    Change::at(target, op)
}

/// Makes an update as the handle does: the closure runs before the lock is taken.
fn record(values: &Mutex<WorkingCopy>, change: Change) {
    let Change::At(target, Op::Update(update), _) = change else { panic!() };
    assert!(values.lock().unwrap().apply_update(&target, &update, None, Bytes::from_static(b"1")).unwrap());
}

#[test]
fn f01_a_closure_that_reads_its_session_is_run_again_on_a_clone() {
    let (values, dropped) = shared();
    record(&values, update_of(Reader(values.clone(), dropped)));
    let mut clone = values.lock().unwrap().clone();
    clone.rebase(base([set("n", "5")])).unwrap();
    assert_eq!(clone.get("n").as_deref(), Some(&b"1"[..]));
    drop(clone);
    let trash = values.lock().unwrap().discard();
    drop(trash);
}

#[test]
fn f01_a_closure_that_is_not_needed_any_more_is_dropped_without_a_lock() {
    let (values, dropped) = shared();
    record(&values, update_of(Reader(values.clone(), dropped.clone())));
    let trash = values.lock().unwrap().discard();
    assert_eq!(*dropped.lock().unwrap(), 0);
    drop(trash);
    assert_eq!(*dropped.lock().unwrap(), 1);
}

#[test]
fn f01_a_closure_whose_change_is_stored_waits_for_a_moment_without_a_lock() {
    let (values, dropped) = shared();
    record(&values, update_of(Reader(values.clone(), dropped.clone())));
    let frames = stored(&values.lock().unwrap());
    values.lock().unwrap().committed(frames, 1).unwrap();
    assert_eq!(*dropped.lock().unwrap(), 0);
    let trash = values.lock().unwrap().take_trash();
    drop(trash);
    assert_eq!(*dropped.lock().unwrap(), 1);
}

#[test]
fn f01_a_clone_shares_closures_so_that_dropping_either_runs_nothing() {
    let (values, dropped) = shared();
    record(&values, update_of(Reader(values.clone(), dropped.clone())));
    values.lock().unwrap().apply(set("a", "1")).unwrap();
    let mut clone = values.lock().unwrap().clone();
    let frames = stored(&clone);
    clone.committed(frames, 1).unwrap();
    *values.lock().unwrap() = clone;
    assert_eq!(*dropped.lock().unwrap(), 0);
    let trash = values.lock().unwrap().take_trash();
    drop(trash);
    assert_eq!(*dropped.lock().unwrap(), 1);
}

#[test]
fn f01_a_closure_that_waits_for_itself_is_an_error() {
    let (values, _) = shared();
    let inner = values.clone();
    let update = share_updater(move |_: Option<&[u8]>| {
        let mut clone = inner.try_lock().expect("no lock is held").clone();
        clone.rebase(Frames::default())?;
        Ok(Bytes::from_static(b"1"))
    });
    assert!(
        values
            .lock()
            .unwrap()
            .apply_update(&Target::key("n"), &update, None, Bytes::from_static(b"1"))
            .unwrap()
    );
    let mut clone = values.lock().unwrap().clone();
    let error = clone.rebase(Frames::default()).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("running already")), (ErrorKind::Mismatch, true));
    drop(values.lock().unwrap().discard());
}

#[test]
fn f01_a_closure_that_panics_in_a_merge_is_an_error_and_can_be_run_again() {
    let mut runs = 0;
    let update = share_updater(move |_: Option<&[u8]>| {
        runs += 1;
        assert!(runs > 1, "the application's mistake");
        Ok(Bytes::from_static(b"7"))
    });
    let mut values = WorkingCopy::default();
    assert!(values.apply_update(&Target::key("n"), &update, None, Bytes::from_static(b"1")).unwrap());
    values.apply(set("a", "2")).unwrap();
    assert_eq!(values.rebase(Frames::default()).unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(values.get("a").as_deref(), Some(&b"2"[..]));
    values.rebase(Frames::default()).unwrap();
    assert_eq!(values.get("n").as_deref(), Some(&b"7"[..]));
}

#[test]
fn f02_removing_a_list_leaves_what_was_pushed_meanwhile() {
    let first = [set("inbox", r#"["a","b"]"#)];
    assert_eq!(merge(&first, &[remove("inbox")], &[push("inbox", "\"x\"")], "inbox").unwrap(), r#"["x"]"#);
    assert_eq!(merge(&first, &[remove("inbox")], &[set("theme", "1")], "inbox"), None);
    assert_eq!(merge(&first, &[remove("inbox")], &[remove("inbox")], "inbox"), None);
}

#[test]
fn f02_removing_a_list_inside_a_value_leaves_what_was_pushed_meanwhile() {
    let first = [set("user.inbox", "[1,2]")];
    let left = merge(&first, &[remove("user.inbox")], &[push("user.inbox", "3")], "user");
    assert_eq!(left.unwrap(), r#"{"inbox":[3]}"#);
}

#[test]
fn f02_a_list_to_which_both_pushed_loses_what_was_seen_and_keeps_the_rest() {
    let first = [set("inbox", "[1]")];
    let mine = [push("inbox", "2"), remove("inbox")];
    assert_eq!(merge(&first, &mine, &[push("inbox", "3")], "inbox").unwrap(), "[3]");
}

#[test]
fn f02_a_value_that_another_request_wrote_meanwhile_stays() {
    let first = [set("a", "1")];
    assert_eq!(merge(&first, &[remove("a")], &[set("a", "2")], "a").unwrap(), "2");
    assert_eq!(merge(&first, &[remove("a")], &[increment("a")], "a").unwrap(), "2");
}

#[test]
fn f02_the_first_item_of_a_queue_that_two_requests_remove_goes_once() {
    let first = [set("queue", r#"["a","b","c"]"#)];
    let left = merge(&first, &[remove("queue.0")], &[remove("queue.0")], "queue");
    assert_eq!(left.unwrap(), r#"["b","c"]"#);
    let left = merge(&first, &[remove("queue.0"), remove("queue.0")], &[remove("queue.0")], "queue");
    assert_eq!(left.unwrap(), r#"["c"]"#);
}

#[test]
fn f02_a_change_inside_a_list_finds_its_item() {
    let first = [set("cart", r#"[{"n":1},{"n":5}]"#)];
    let changed = |mine, theirs| merged(&first, &[mine], &[theirs], "cart");
    let moved = changed(increment("cart.1.n"), remove("cart.0")).unwrap().unwrap();
    assert_eq!(moved, r#"[{"n":6}]"#);
    let both = changed(increment("cart.1.n"), increment("cart.1.n")).unwrap().unwrap();
    assert_eq!(both, r#"[{"n":1},{"n":7}]"#);
    let gone = changed(increment("cart.0.n"), remove("cart.0")).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Mismatch);
}

#[test]
fn f02_an_item_that_this_request_pushed_is_found_behind_what_others_pushed() {
    let mine = [push("list", r#"{"n":1}"#), increment("list.1.n"), increment("list.1.n")];
    let left = merge(&[set("list", "[0]")], &mine, &[push("list", "9")], "list");
    assert_eq!(left.unwrap(), r#"[0,9,{"n":3}]"#);
    let left =
        merge(&[set("list", "[1]")], &[push("list", "1"), remove("list.0")], &[remove("list.0")], "list");
    assert_eq!(left.unwrap(), "[1]", "the item that was pushed here is another than the one that was seen");
}

fn claim(values: &mut WorkingCopy, path: &str, json: &'static str) -> Arc<Claim> {
    let claim = Claim::new(Bytes::from_static(json.as_bytes()));
    let effect = values.apply(Change::at(Target::path(path), Op::Claim(claim.clone()))).unwrap();
    assert_eq!(effect, Effect::Existed(true));
    claim
}

#[test]
fn f02_a_claim_knows_whether_it_was_this_request_that_removed_the_value() {
    let first = base([set("code", "1"), set("queue", "[1,2]")]);
    let mut mine = WorkingCopy::loaded(first.clone(), 1);
    let code = claim(&mut mine, "code", "1");
    let item = claim(&mut mine, "queue.0", "1");
    mine.rebase(first).unwrap();
    assert!(code.is_taken() && item.is_taken());
    for others in [&[set("code", "2"), set("queue", "[2]")][..], &[set("queue", "[]")], &[]] {
        mine.rebase(base(others.iter().cloned())).unwrap();
        assert!(!code.is_taken() && !item.is_taken());
    }
    mine.rebase(base([set("code", "1"), set("queue", "[0,1]")])).unwrap();
    assert!(code.is_taken() && item.is_taken());
    assert_eq!(mine.get("queue").as_deref(), Some(&b"[0]"[..]));
}

#[test]
fn f02_a_claim_that_is_withdrawn_leaves_the_value() {
    let first = base([set("code", "1"), set("queue", "[1,2]")]);
    let mut mine = WorkingCopy::loaded(first.clone(), 1);
    for (path, json) in [("code", "1"), ("queue.0", "1")] {
        let claim = claim(&mut mine, path, json);
        mine.rebase(first.clone()).unwrap();
        mine.withdraw(&Target::path(path), &claim);
    }
    let shown = |values: &WorkingCopy| (values.get("code").unwrap(), values.get("queue").unwrap());
    let whole = (Bytes::from_static(b"1"), Bytes::from_static(b"[1,2]"));
    assert_eq!(shown(&mine), whole);
    mine.rebase(first).unwrap();
    assert_eq!(shown(&mine), whole);
    assert_eq!(shown(&WorkingCopy::loaded(stored(&mine), 2)), whole);
}

#[test]
fn f02_a_partial_commit_keeps_a_removal_of_what_it_carried() {
    let mut mine = WorkingCopy::loaded(base([set("q", "[1]")]), 1);
    mine.apply(push("q", "2")).unwrap();
    let carried = stored(&mine);
    mine.apply(remove("q.1")).unwrap();
    mine.committed(carried, 1).unwrap();
    assert_eq!(mine.get("q").as_deref(), Some(&b"[1]"[..]));
}

/// Returns how much work `count` changes are, with the commit that writes them, and with one that meets another
/// request's.
fn work_of(count: usize, change: impl Fn(usize) -> Change) -> usize {
    work::of(|| {
        let mut values = WorkingCopy::loaded(base([set("other", "1")]), 1);
        (0..count).for_each(|number| apply(&mut values, change(number)));
        let first = stored(&values);
        values.rebase(first.clone()).unwrap();
        values.rebase(base([set("other", "2")])).unwrap();
        assert!(stored(&values).bytes().len() > count);
    })
}

fn is_linear(count: usize, change: impl Fn(usize) -> Change) {
    let (few, many) = (work_of(count / 10, &change), work_of(count, &change));
    assert!(many < 15 * few, "ten times the changes are {many} steps instead of {few}");
}

#[test]
fn f17_thirty_thousand_inserts_at_paths_are_linear_work() {
    is_linear(30_000, |number| set(&format!("map.key{number}"), "\"value\""));
    is_linear(30_000, |number| set(&format!("map.{}.key{number}", number % 7), "\"value\""));
}

#[test]
fn f17_sixty_thousand_pushes_are_linear_work() {
    is_linear(60_000, |_| push("list", "\"item\""));
    is_linear(60_000, |_| push("deep.down.list", "\"item\""));
}

#[test]
fn f17_changes_inside_one_item_of_a_list_are_linear_work() {
    let change = |number| match number {
        0 => push("list", "{}"),
        number => set(&format!("list.0.key{number}"), "\"value\""),
    };
    is_linear(30_000, change);
}

#[test]
fn f17_a_queue_that_is_emptied_item_by_item_is_linear_work() {
    let work = |count: usize| {
        let list = format!("[{}]", (0..count).map(|item| item.to_string()).collect::<Vec<_>>().join(","));
        let (full, other) = (base([set("queue", &list)]), base([set("queue", &list), set("other", "1")]));
        work::of(|| {
            let mut values = WorkingCopy::loaded(full, 1);
            (0..count).for_each(|_| apply(&mut values, remove("queue.0")));
            values.rebase(other).unwrap();
            assert_eq!(values.get("queue").as_deref(), Some(&b"[]"[..]));
        })
    };
    let (few, many) = (work(3_000), work(30_000));
    assert!(many < 15 * few, "ten times the changes are {many} steps instead of {few}");
}

#[test]
fn f17_looking_for_items_that_are_gone_is_linear_work() {
    let work = |count: usize| {
        let list = |from: usize| {
            let items: Vec<_> = (from..from + count).map(|item| item.to_string()).collect();
            base([set("queue", &format!("[{}]", items.join(",")))])
        };
        work::of(|| {
            let mut values = WorkingCopy::loaded(list(0), 1);
            (0..count).for_each(|_| apply(&mut values, remove("queue.0")));
            values.rebase(list(1_000_000)).unwrap();
        })
    };
    let (few, many) = (work(1_000), work(10_000));
    assert!(many < 15 * few, "ten times the changes are {many} steps instead of {few}");
}

#[test]
fn f17_a_request_makes_a_hundred_thousand_changes_and_the_next_one_is_refused_without_loss() {
    let mut values = WorkingCopy::default();
    (0..100_000).for_each(|_| apply(&mut values, increment("n")));
    let error = values.apply(increment("n")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().ends_with("more than 100000 changes in one request; save in between"));
    assert_eq!(values.get("n").as_deref(), Some(&b"100000"[..]));
    let carried = stored(&values);
    values.committed(carried, 100_000).unwrap();
    values.apply(increment("n")).unwrap();
    assert_eq!(values.get("n").as_deref(), Some(&b"100001"[..]));
    let update = share_updater(|_: Option<&[u8]>| Ok(Bytes::from_static(b"1")));
    (1..100_000).for_each(|_| apply(&mut values, increment("n")));
    let refused = values.apply_update(&Target::key("m"), &update, None, Bytes::from_static(b"1"));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(values.apply(remove("n")).unwrap(), Effect::Existed(true), "a removal makes room, not work");
}

#[test]
#[cfg(target_pointer_width = "64")]
fn a_working_copy_is_small() {
    assert!(size_of::<WorkingCopy>() <= 256, "{} bytes", size_of::<WorkingCopy>());
}
