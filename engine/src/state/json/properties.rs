//! Edits of JSON text against the same edits of a parsed tree.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::tests::{edited, pushed, raw};
use super::*;
use crate::ErrorKind;
use crate::state::Target;
use crate::state::change::increment;
use bytes::Bytes;

/// Any JSON, small enough to walk through.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((name(), inner), 0..5).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-c]", 1 => "[0-3]", 1 => ".{0,3}", 1 => Just("__proto__".to_owned())]
}

/// Names without dots, which part the names of a path.
fn any_path() -> impl Strategy<Value = Vec<Box<str>>> {
    vec(name().prop_map(|name| name.replace('.', "_").into()), 1..4)
}

fn find(json: &[u8], path: &[Box<str>]) -> Option<Bytes> {
    let target = Target::path(&format!("key.{}", path.join(".")));
    Node::Raw(Bytes::copy_from_slice(json)).find(target.below())
}

/// The same text with white space wherever JSON allows it.
fn spaced(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[ {} ]", items.iter().map(spaced).collect::<Vec<_>>().join(" ,\n"))
        }
        Value::Object(members) => {
            let pair = |(name, value)| format!("{} : {}", Value::String(String::clone(name)), spaced(value));
            format!("{{ {}\t}}", members.iter().map(pair).collect::<Vec<_>>().join(" , "))
        }
        leaf => leaf.to_string(),
    }
}

fn find_slowly<'a>(value: &'a Value, path: &[Box<str>]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, name| match value {
        Value::Object(members) => members.get(&**name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}

#[expect(clippy::option_option, reason = "the outer one is the mismatch, the inner one the removal")]
/// Sets (or with `None`, removes) what is at `path`; `None` where that is a mismatch.
fn edit_slowly(value: Option<Value>, path: &[Box<str>], new: Option<&Value>) -> Option<Option<Value>> {
    let Some((first, rest)) = path.split_first() else { return Some(new.cloned()) };
    match value {
        None | Some(Value::Null) => {
            let inner = edit_slowly(None, rest, new)?;
            // Where there is nothing, there is nothing to remove, and no parents are made for that.
            Some(inner.map_or(value, |inner| {
                Some(Value::Object([(first.to_string(), inner)].into_iter().collect()))
            }))
        }
        Some(Value::Object(mut members)) => {
            let inner = edit_slowly(members.get(&**first).cloned(), rest, new)?;
            match inner {
                Some(inner) => drop(members.insert(first.to_string(), inner)),
                None => drop(members.remove(&**first)),
            }
            Some(Some(Value::Object(members)))
        }
        Some(Value::Array(mut items)) => {
            let place = first.parse::<usize>().ok().filter(|place| *place < items.len())?;
            match edit_slowly(Some(items[place].clone()), rest, new)? {
                Some(inner) => items[place] = inner,
                None => drop(items.remove(place)),
            }
            Some(Some(Value::Array(items)))
        }
        Some(_) => None,
    }
}

fn parse(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_is_what_a_tree_holds(value in any_json(), path in any_path()) {
        let text = spaced(&value);
        let found = find(text.as_bytes(), &path).map(|json| parse(&json));
        prop_assert_eq!(found.as_ref(), find_slowly(&value, &path));
    }

    #[test]
    fn an_edit_does_what_it_does_to_a_tree(
        value in proptest::option::of(any_json()),
        path in any_path(),
        new in proptest::option::of(any_json()),
    ) {
        let text = value.as_ref().map(spaced);
        let seen = value.as_ref().and_then(|value| find_slowly(value, &path)).cloned();
        let mut asked = Vec::new();
        let edited = edited(text.as_deref().map(str::as_bytes), &path.join("."), &mut |old| {
            asked.push(old.map(|old| parse(&old.text())));
            Ok(new.as_ref().map_or(Made::Gone, |new| Made::New(raw(&new.to_string()))))
        });
        let expected = edit_slowly(value, &path, new.as_ref());
        prop_assert_eq!(edited.as_ref().ok().map(|json| json.as_deref().map(parse)), expected.clone());
        if expected.is_some() {
            prop_assert_eq!(asked, [seen], "the closure runs once, on what is there");
        } else {
            prop_assert_eq!(edited.unwrap_err().kind(), ErrorKind::Mismatch);
        }
    }

    #[test]
    fn an_edit_leaves_every_other_value_to_the_byte(
        members in proptest::collection::btree_map("[a-e]", any_json(), 1..5),
        touched in "[a-f]",
    ) {
        let value = Value::Object(members.clone().into_iter().collect());
        let text = spaced(&value);
        let path = [touched.as_str().into()];
        let edited = edited(Some(text.as_bytes()), &touched, &mut |_| Ok(Made::New(raw("1e+21")))).unwrap().unwrap();
        for name in members.keys().filter(|name| **name != touched) {
            let place = [name.as_str().into()];
            prop_assert_eq!(find(&edited, &place), find(text.as_bytes(), &place));
        }
        prop_assert_eq!(find(&edited, &path), Some(Bytes::from_static(b"1e+21")));
    }

    #[test]
    fn pushing_appends_and_leaves_the_others_to_the_byte(items in vec(any_json(), 0..5), item in any_json()) {
        let text = spaced(&Value::from(items.clone()));
        let (pushed, length) = pushed(Some(&text), &item.to_string()).unwrap();
        prop_assert_eq!(length, items.len() + 1);
        prop_assert!(pushed.starts_with(text.trim_end_matches([']', ' '])));
        let expected: Vec<Value> = items.into_iter().chain([item]).collect();
        prop_assert_eq!(parse(pushed.as_bytes()), Value::from(expected));
    }

    #[test]
    fn counting_is_adding_or_a_mismatch(now: i64, by: i64) {
        let counted = increment(Some(now.to_string().as_bytes()), by);
        match now.checked_add(by) {
            Some(sum) => prop_assert_eq!(counted.unwrap(), sum),
            None => prop_assert_eq!(counted.unwrap_err().kind(), ErrorKind::Mismatch),
        }
    }

    #[test]
    fn bytes_that_are_not_json_are_refused_and_nothing_panics(bytes in vec(any::<u8>(), 0..40), path in any_path()) {
        let _ = find(&bytes, &path);
        let _ = edited(Some(&bytes), &path.join("."), &mut |_| Ok(Made::New(raw("1"))));
        let _ = Node::push(Some(&mut Node::Raw(Bytes::copy_from_slice(&bytes))), &Bytes::from_static(b"1"), 1);
        let _ = increment(Some(&bytes), 1);
    }
}
