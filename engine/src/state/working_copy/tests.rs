//! What a working copy reads as, writes, and comes to on another base.

use cloakroom_store::{RecordHead, StoreKey, Timestamp};

use super::*;
use crate::record::{Header, Payload};
use crate::state::change::{Effect, Target};
use crate::state::share_updater;

fn header() -> Header {
    Header::new(Timestamp::from_millis(1), [1; 16], [2; 16])
}

fn key(name: &str) -> Target {
    Target::key(name)
}

fn at(name: &str, op: Op) -> Change {
    Change::at(key(name), op)
}

fn set(name: &str, json: &'static str) -> Change {
    at(name, Op::Set(Bytes::from_static(json.as_bytes())))
}

/// Commits a draft and reads it back, as the next request does.
fn commit(draft: &WorkingCopy, header: &mut Header) -> (Frames, WorkingCopy) {
    header.commit(7, Timestamp::from_millis(2), std::time::Duration::ZERO);
    let Ok(Payload::Session(read, frames)) = Payload::decode(&draft.encode(header)) else { panic!() };
    let next = WorkingCopy::loaded(frames.clone(), read.number());
    (frames, next)
}

fn shown(draft: &WorkingCopy) -> String {
    let entry = |(key, value): (String, Bytes)| format!("{key}={}", String::from_utf8_lossy(&value));
    draft.entries().into_iter().map(entry).collect::<Vec<_>>().join(" ")
}

fn draft(changes: impl IntoIterator<Item = Change>) -> WorkingCopy {
    let mut draft = WorkingCopy::default();
    for change in changes {
        draft.apply(change).unwrap();
    }
    draft
}

#[test]
fn values_keep_the_order_of_their_first_insertion() {
    let (_, mut next) = commit(&draft([set("b", "1"), set("a", "2"), set("c", "3")]), &mut header());
    next.apply(set("a", "9")).unwrap();
    next.apply(set("d", "4")).unwrap();
    next.apply(at("b", Op::remove())).unwrap();
    assert_eq!(shown(&next), "a=9 c=3 d=4");
    assert_eq!(shown(&commit(&next, &mut header()).1), "a=9 c=3 d=4");
}

#[test]
fn twenty_thousand_keys_are_inserted_changed_and_replayed_as_a_few_are() {
    let name = |number: usize| format!("key {number}");
    let insert =
        |range: std::ops::Range<usize>, json: &'static str| range.map(move |number| set(&name(number), json));
    let (stored, mut next) = commit(&draft(insert(0..20_000, "1")), &mut header());
    insert(10_000..30_000, "2").for_each(|change| assert_eq!(next.apply(change).unwrap(), Effect::Done));
    next.apply(at(&name(10_000), Op::Increment(5))).unwrap();
    next.apply(at(&name(29_999), Op::remove())).unwrap();
    next.rebase(stored).unwrap();
    let (_, last) = commit(&next, &mut header());
    let wanted = (0..29_999).map(|number| {
        let json = match number {
            ..10_000 => "1",
            10_000 => "7",
            _ => "2",
        };
        (name(number), Bytes::from(json))
    });
    assert!(last.entries() == wanted.collect::<Vec<_>>());
}

#[test]
fn a_working_copy_with_many_changes_is_cleared_and_discarded_whole() {
    let many = |json| (0..100).map(move |number| set(&format!("key {number}"), json));
    let (_, mut next) = commit(&draft(many("1")), &mut header());
    many("2").for_each(|change| assert_eq!(next.apply(change).unwrap(), Effect::Done));
    next.apply(Change::Clear).unwrap();
    next.apply(set("a", "3")).unwrap();
    assert_eq!(shown(&next), "a=3");
    assert_eq!(shown(&commit(&next, &mut header()).1), "a=3");
    drop(next.discard());
    assert_eq!(next.entries().len(), 100);
}

#[test]
fn changes_are_carried_out_again_on_what_another_request_stored() {
    let mut h = header();
    let (_, mut mine) = commit(&draft([set("n", "1"), set("list", "[1]"), set("x", "1")]), &mut h);
    let (_, mut theirs) = commit(&draft([set("n", "1"), set("list", "[1]"), set("x", "1")]), &mut header());
    mine.apply(at("n", Op::Increment(2))).unwrap();
    mine.apply(at("list", Op::Push(Bytes::from_static(b"2")))).unwrap();
    mine.apply(set("mine", "true")).unwrap();
    theirs.apply(at("n", Op::Increment(10))).unwrap();
    theirs.apply(at("list", Op::Push(Bytes::from_static(b"3")))).unwrap();
    theirs.apply(at("x", Op::remove())).unwrap();
    let (frames, _) = commit(&theirs, &mut h);
    mine.rebase(frames).unwrap();
    assert_eq!(shown(&mine), "n=13 list=[1,3,2] mine=true");
}

#[test]
fn an_update_runs_again_on_the_new_value() {
    let mut mine = draft([]);
    let op = Op::Update(share_updater(|old: Option<&[u8]>| {
        let n: i64 = old.map_or(0, |json| std::str::from_utf8(json).unwrap().parse().unwrap());
        Ok(Bytes::from((n * 2 + 1).to_string()))
    }));
    mine.apply(at("n", op)).unwrap();
    assert_eq!(shown(&mine), "n=1");
    let (frames, _) = commit(&draft([set("n", "10")]), &mut header());
    mine.rebase(frames).unwrap();
    assert_eq!(shown(&mine), "n=21");
}

#[test]
fn a_change_that_no_longer_applies_is_an_error_and_is_not_forgotten() {
    let mut mine = draft([at("n", Op::Increment(1))]);
    let (text, _) = commit(&draft([set("n", "\"text\"")]), &mut header());
    assert_eq!(mine.rebase(text).unwrap_err().kind(), crate::ErrorKind::Mismatch);
    let (number, _) = commit(&draft([set("n", "5")]), &mut header());
    mine.rebase(number).unwrap();
    assert_eq!(shown(&mine), "n=6");
}

#[test]
fn what_a_commit_carried_is_not_carried_again() {
    let mut mine = draft([at("n", Op::Increment(1))]);
    let (frames, _) = commit(&mine, &mut header());
    mine.apply(at("n", Op::Increment(1))).unwrap();
    mine.committed(frames, 1).unwrap();
    assert_eq!(shown(&mine), "n=2");
    assert_eq!(mine.len(), 1);
}

#[test]
fn clearing_hides_everything_and_what_follows_is_kept() {
    let (_, mut next) = commit(&draft([set("a", "1"), set("b", "2")]), &mut header());
    next.apply(set("c", "3")).unwrap();
    next.apply(Change::Clear).unwrap();
    next.apply(set("a", "4")).unwrap();
    assert_eq!(shown(&next), "a=4");
    let (frames, _) = commit(&draft([set("z", "1")]), &mut header());
    next.rebase(frames).unwrap();
    assert_eq!(shown(&next), "a=4", "what was inserted meanwhile is cleared too");
}

fn flash(name: &str) -> Change {
    at(name, Op::Flash(Bytes::from_static(b"\"hi\"")))
}

#[test]
fn a16_a_flash_value_is_shown_in_this_request_and_the_next() {
    let mut h = header();
    let first = draft([flash("msg")]);
    assert_eq!(shown(&first), "msg=\"hi\"");
    let (_, second) = commit(&first, &mut h);
    assert_eq!(shown(&second), "msg=\"hi\"");
    assert!(second.ages());
    let (_, third) = commit(&second, &mut h);
    assert_eq!(shown(&third), "");
    assert!(!third.ages());
}

#[test]
fn a16_a_flash_value_that_is_set_again_or_inserted_lives_on() {
    let mut h = header();
    let (_, mut second) = commit(&draft([flash("again"), flash("plain")]), &mut h);
    second.apply(flash("again")).unwrap();
    second.apply(set("plain", "1")).unwrap();
    let (_, third) = commit(&second, &mut h);
    assert_eq!(shown(&third), "again=\"hi\" plain=1");
    let (_, fourth) = commit(&third, &mut h);
    assert_eq!(shown(&fourth), "plain=1");
}

#[test]
fn a_flash_value_that_another_request_sets_meanwhile_is_not_aged_with_the_old_ones() {
    let mut h = header();
    let (_, mut mine) = commit(&draft([flash("old")]), &mut h);
    let mut theirs = draft([]);
    theirs.apply(flash("new")).unwrap();
    let (frames, _) = commit(&theirs, &mut h);
    mine.rebase(frames).unwrap();
    assert_eq!(shown(&commit(&mine, &mut h).1), "new=\"hi\"");
}

#[test]
fn discarding_leaves_what_was_stored() {
    let (_, mut next) = commit(&draft([set("a", "1")]), &mut header());
    next.apply(Change::Clear).unwrap();
    next.apply(set("b", "1")).unwrap();
    drop(next.discard());
    assert_eq!(shown(&next), "a=1");
    assert!(!next.is_changed());
}

#[test]
fn a1_any_key_is_only_a_key() {
    for name in ["", "__proto__", "a.b", "a/b", "nul\0", "new\nline", "é", "constructor"] {
        let (_, next) = commit(&draft([set(name, "1")]), &mut header());
        assert_eq!(next.get(name).as_deref(), Some(&b"1"[..]), "{name:?}");
    }
}

#[test]
fn the_largest_values_are_named_by_key_and_never_shown() {
    let named = draft([set("small", "1"), set("big", "\"0123456789\"")]).largest();
    assert_eq!(named, "\"big\" with 12 bytes, \"small\" with 1 bytes");
}

#[test]
fn f15_a_list_sees_the_device_of_the_longest_name_in_front_of_the_values() {
    let mut header = header();
    for nonce in 0..20 {
        header.commit(nonce, Timestamp::from_millis(2), std::time::Duration::ZERO);
    }
    header.set_replaces(StoreKey::from_hash([9; 32]));
    let device = "d".repeat(256);
    let (_, mut next) = commit(&draft([set("a", "1"), set("b", "2")]), &mut self::header());
    next.set_device(&device);
    let seen = |copy: &WorkingCopy| {
        let payload = copy.encode(&header);
        let head = payload.slice(..payload.len().min(RecordHead::PAYLOAD_BYTES));
        crate::record::read_head(&head).unwrap().1
    };
    assert_eq!(seen(&next), Some(device.clone()));

    // It stays in front, whatever the next commits write.
    let (_, mut next) = commit(&next, &mut self::header());
    next.apply(Change::at(key("c"), Op::Set(Bytes::from(format!("\"{}\"", "c".repeat(5_000)))))).unwrap();
    assert_eq!(seen(&next), Some(device.clone()));
    next.apply(at("a", Op::remove())).unwrap();
    assert_eq!((seen(&next), shown(&next).len()), (Some(device), "b=2 c=".len() + 5_002));
}
