//! Values of a session, and what changes make of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The values of a session.
pub(crate) type Values = BTreeMap<&'static str, Held>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    pub(crate) value: Value,
    /// The commit that a flash value was born under.
    pub(crate) flash: Option<u64>,
}

impl Held {
    fn plain(value: Value) -> Self {
        Self { value, flash: None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Set(&'static str, i64),
    Flash(&'static str, i64),
    /// Removes what was seen; whether the request had changed it before.
    Remove(&'static str, Value, bool),
    Add(&'static str, i64),
    Push(&'static str, i64),
    /// A closure that does not commute with itself.
    Grow(&'static str, i64),
    Clear,
}

/// What the closure of an update does.
pub(crate) fn grow(old: Option<i64>, by: i64) -> i64 {
    (old.unwrap_or(1) * 3 + by) % 1_000_003
}

impl Change {
    /// Returns whether it is about `key`, whatever it does.
    pub(crate) fn concerns(&self, key: &str) -> bool {
        match self {
            Self::Set(of, _)
            | Self::Flash(of, _)
            | Self::Remove(of, ..)
            | Self::Add(of, _)
            | Self::Push(of, _)
            | Self::Grow(of, _) => *of == key,
            Self::Clear => true,
        }
    }

    /// Carries the change out in commit `number`.
    pub(crate) fn run(&self, values: &mut Values, number: u64) {
        let number_at = |values: &Values, key| values.get(key).and_then(|held| held.value.as_i64());
        match *self {
            Self::Set(key, value) => drop(values.insert(key, Held::plain(json!(value)))),
            Self::Flash(key, value) => {
                values.insert(key, Held { value: json!(value), flash: Some(number) });
            }
            Self::Remove(key, ref seen, is_own) => remove(values, key, seen, is_own),
            Self::Add(key, by) => {
                let sum = number_at(values, key).unwrap_or(0) + by;
                values.insert(key, Held::plain(json!(sum)));
            }
            Self::Push(key, item) => {
                let held = values.entry(key).or_insert_with(|| Held::plain(json!([])));
                held.flash = None;
                held.value.as_array_mut().expect("only lists are pushed onto").push(json!(item));
            }
            Self::Grow(key, by) => {
                let grown = grow(number_at(values, key), by);
                values.insert(key, Held::plain(json!(grown)));
            }
            Self::Clear => values.clear(),
        }
    }
}

/// Removes what was seen: of a list to which others pushed meanwhile, only the items that were there.
fn remove(values: &mut Values, key: &'static str, seen: &Value, is_own: bool) {
    let Some(held) = values.get_mut(key) else { return };
    if held.value == *seen {
        values.remove(key);
        return;
    }
    let (Some(there), Some(seen)) = (held.value.as_array(), seen.as_array()) else { return };
    let mut wanted = seen.iter().peekable();
    let mut left = Vec::new();
    for item in there {
        if wanted.next_if_eq(&item).is_none() {
            left.push(item.clone());
        }
    }
    if wanted.peek().is_none() && (is_own || there.starts_with(seen)) {
        *held = Held::plain(Value::from(left));
    }
}
