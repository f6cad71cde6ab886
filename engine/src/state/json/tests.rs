//! Edits of JSON text, one by one.

use bytes::Bytes;

use super::*;
use crate::state::Target;
use crate::state::change::increment;
use crate::{ErrorKind, Result};

pub(super) fn raw(json: &str) -> Node {
    Node::Raw(Bytes::copy_from_slice(json.as_bytes()))
}

fn below(path: &str) -> Target {
    Target::path(path)
}

/// Does something at a path below a value, and returns its text then.
pub(super) fn edited(
    json: Option<&[u8]>,
    path: &str,
    run: &mut dyn FnMut(Option<&mut Node>) -> Result<Made>,
) -> Result<Option<Vec<u8>>> {
    let mut root = json.map(|json| Node::Raw(Bytes::copy_from_slice(json)));
    let (mut places, target) = (Vec::new(), below(&format!("key.{path}")));
    let mut walk = Edit { number: 1, oldest: 1, places: &mut places, is_replay: false, removes: false };
    let made = edit(&mut walk, root.as_mut(), target.below(), run)?;
    Ok(match made {
        Made::New(new) => Some(new.text().to_vec()),
        Made::Gone => None,
        Made::Same | Made::Changed => root.map(|root| root.text().to_vec()),
    })
}

pub(super) fn pushed(json: Option<&str>, item: &str) -> Result<(String, usize)> {
    let mut root = json.map(raw);
    let (made, length) = Node::push(root.as_mut(), &Bytes::copy_from_slice(item.as_bytes()), 1)?;
    let node = if let Made::New(new) = made { new } else { root.unwrap() };
    Ok((String::from_utf8(node.text().to_vec()).unwrap(), length))
}

fn set(json: Option<&str>, at: &str, value: &str) -> Result<String> {
    let new = edited(json.map(str::as_bytes), at, &mut |_| Ok(Made::New(raw(value))))?;
    Ok(String::from_utf8(new.unwrap()).unwrap())
}

fn found(json: &[u8], at: &str) -> Option<Bytes> {
    Node::Raw(Bytes::copy_from_slice(json)).find(below(&format!("key.{at}")).below())
}

#[test]
fn an_edit_leaves_every_other_byte_as_it_was() {
    let json = r#"{"z":1e+21,"a":{"b":-0,"é":"\ud83d"},"n":9007199254740993}"#;
    assert_eq!(
        set(Some(json), "a.b", "2").unwrap(),
        r#"{"z":1e+21,"a":{"b":2,"é":"\ud83d"},"n":9007199254740993}"#
    );
}

#[test]
fn missing_parents_are_made() {
    assert_eq!(set(None, "a.b.c", "1").unwrap(), r#"{"a":{"b":{"c":1}}}"#);
    assert_eq!(set(Some("{\"x\":null}"), "x.y", "1").unwrap(), r#"{"x":{"y":1}}"#);
}

#[test]
fn a_parent_that_is_not_an_object_is_a_mismatch_and_nothing_is_lost() {
    assert_eq!(set(Some("3"), "a", "1").unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(set(Some("[1]"), "1", "2").unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(set(Some("[1,2]"), "1", "7").unwrap(), "[1,7]");
}

#[test]
fn deep_json_is_walked_without_recursion_into_it() {
    let deep = format!("{{\"a\":{}{},\"b\":1}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(found(deep.as_bytes(), "b").as_deref(), Some(&b"1"[..]));
}

#[test]
fn a_path_that_is_too_deep_is_refused_and_one_that_is_not_can_be_read_whole() {
    let deep = |names: usize| vec!["a"; names].join(".");
    let made = set(None, &deep(MAX_DEPTH), "1").unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&made).is_ok());
    for names in [MAX_DEPTH + 1, 100_000] {
        assert_eq!(set(None, &deep(names), "1").unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(found(made.as_bytes(), &deep(names)), None);
    }
}

#[test]
fn pushing_makes_a_list_and_refuses_other_values() {
    assert_eq!(pushed(None, "1").unwrap(), ("[1]".to_owned(), 1));
    assert_eq!(pushed(Some("[ 1 ]"), "2").unwrap(), ("[ 1 ,2]".to_owned(), 2));
    assert_eq!(pushed(Some("{}"), "2").unwrap_err().kind(), ErrorKind::Mismatch);
}

#[test]
fn counting_stops_at_the_end_of_the_range() {
    assert_eq!(increment(None, 3).unwrap(), 3);
    assert_eq!(increment(Some(b"-5"), 3).unwrap(), -2);
    for wrong in ["1.5", "\"1\"", "9223372036854775807", "[]"] {
        assert_eq!(increment(Some(wrong.as_bytes()), 1).unwrap_err().kind(), ErrorKind::Mismatch, "{wrong}");
    }
}

#[test]
fn of_a_name_that_is_there_twice_the_last_counts_and_both_are_removed() {
    let members: Vec<String> = (0..100).map(|number| format!("\"{}\":{number}", number % 60)).collect();
    for twice in [r#"{"1":1,"39":2,"39":99}"#.to_owned(), format!("{{{}}}", members.join(","))] {
        assert_eq!(found(twice.as_bytes(), "39").as_deref(), Some(&b"99"[..]));
        let removed = edited(Some(twice.as_bytes()), "39", &mut |_| Ok(Made::Gone)).unwrap().unwrap();
        assert_eq!(found(&removed, "39"), None);
    }
}

#[test]
fn names_with_escapes_are_found_and_stay_as_they_were_written() {
    let json = r#"{"\u0061b":1,"\ud83d":2,"c":3}"#;
    assert_eq!(found(json.as_bytes(), "ab").as_deref(), Some(&b"1"[..]));
    assert_eq!(set(Some(json), "ab", "9").unwrap(), r#"{"\u0061b":9,"\ud83d":2,"c":3}"#);
    assert_eq!(set(Some(json), r"\ud83d", "9").unwrap(), r#"{"\u0061b":1,"\ud83d":2,"c":3,"\\ud83d":9}"#);
}
