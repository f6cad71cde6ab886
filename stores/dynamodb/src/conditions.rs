//! The conditions under which items are written, and the values in them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use cloakroom_store::{Owner, OwnerKey, Record, StoreKey, Timestamp, Touch, Version};

use crate::layout::{self, Item, bytes, moment, number};

pub(crate) type Values = HashMap<String, AttributeValue>;

/// What is done to an item, and when: one request, or one part of a transaction.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) deed: Deed,
    /// `None` if it is done in any case.
    pub(crate) condition: Option<String>,
    pub(crate) values: Option<Values>,
}

#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Writes the whole item.
    Put(Item),
    /// Changes some attributes of the item with this key.
    Change(Item, String),
    /// Removes the item with this key.
    Remove(Item),
    /// Only looks at the item with this key.
    Check(Item),
}

fn values<const N: usize>(values: [(&str, AttributeValue); N]) -> Values {
    values.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

/// Writes a record where no live one is.
pub(crate) fn create(name: &StoreKey, record: &Record, version: Version, now: Timestamp) -> Step {
    Step {
        deed: Deed::Put(layout::record_item(name, record, version, now)),
        condition: Some("attribute_not_exists(pk) OR e <= :now".into()),
        values: Some(values([(":now", moment(now))])),
    }
}

/// Replaces exactly the version named with a record without an owner, or with the same one: no mark has to be checked.
pub(crate) fn replace(
    name: &StoreKey,
    expected: Version,
    record: &Record,
    next: Version,
    now: Timestamp,
) -> Step {
    let mut change = Change::when("e > :now AND v = :expected");
    change.speaks_of(":now", moment(now));
    change.speaks_of(":expected", number(expected.get()));
    change.set(layout::VERSION, ":version", number(next.get()));
    change.set(layout::SLIDING, ":sliding", AttributeValue::Bool(record.sliding));
    let (beginning, rest) = layout::halves(&record.payload);
    change.set(layout::PAYLOAD, ":payload", bytes(beginning));
    if rest.is_empty() {
        change.remove.push(layout::REST);
    } else {
        change.set(layout::REST, ":rest", bytes(rest));
    }
    change.expire(record.expires_at, now);
    match &record.owner {
        None => change.remove.extend([layout::OWNER, layout::SINCE, layout::NOTED]),
        Some(owner) => {
            change.condition += " AND ow = :owner AND os = :since AND x >= :expires";
            change.speaks_of(":owner", bytes(owner.key.as_bytes()));
            change.speaks_of(":since", moment(owner.logged_in_at));
        }
    }
    change.of(name)
}

/// Replaces exactly the version named, whatever owner it had: for a transaction that looks at the new one.
pub(crate) fn replace_whole(
    name: &StoreKey,
    expected: Version,
    record: &Record,
    next: Version,
    now: Timestamp,
) -> Step {
    Step {
        deed: Deed::Put(layout::record_item(name, record, next, now)),
        condition: Some("v = :expected AND e > :now".into()),
        values: Some(values([(":now", moment(now)), (":expected", number(expected.get()))])),
    }
}

/// Moves an expiry later, if the owner's note stays as long.
pub(crate) fn touch(name: &StoreKey, expires_at: Timestamp, now: Timestamp) -> Step {
    later(expires_at, now).of(name)
}

/// Does the same for exactly the version named, and writes its owner's note with it.
pub(crate) fn touch_noted(name: &StoreKey, version: Version, expires_at: Timestamp, now: Timestamp) -> Step {
    let mut change = Change::when("e > :now AND e < :expires AND v = :version");
    change.speaks_of(":now", moment(now));
    change.speaks_of(":version", number(version.get()));
    change.set(layout::NOTED, ":noted", moment(layout::noted_until(expires_at)));
    change.expire(expires_at, now);
    change.of(name)
}

/// Does the same, if the touch that rides on a load is due.
pub(crate) fn ride(name: &StoreKey, touch: Touch, now: Timestamp) -> Step {
    let mut change = later(touch.expires_at, now);
    change.condition += " AND sl = :sliding AND e < :due";
    change.speaks_of(":sliding", AttributeValue::Bool(true));
    change.speaks_of(":due", moment(touch.due_before));
    change.of(name)
}

fn later(expires_at: Timestamp, now: Timestamp) -> Change {
    let mut change =
        Change::when("e > :now AND e < :expires AND (attribute_not_exists(ow) OR x >= :expires)");
    change.speaks_of(":now", moment(now));
    change.expire(expires_at, now);
    change
}

/// Sees that the owner was not revoked at or after `since`.
pub(crate) fn not_revoked(owner: &Owner) -> Step {
    Step {
        deed: Deed::Check(layout::mark_key(&owner.key)),
        condition: Some("attribute_not_exists(r) OR r < :since".into()),
        values: Some(values([(":since", moment(owner.logged_in_at))])),
    }
}

/// Notes that a record is the owner's.
pub(crate) fn note(owner: &OwnerKey, name: &StoreKey, expires_at: Timestamp, now: Timestamp) -> Step {
    let deed = Deed::Put(layout::note_item(owner, name, expires_at, now));
    Step { deed, condition: None, values: None }
}

/// Removes the record, if it is still there, the owner's and revoked.
pub(crate) fn end(name: &StoreKey, owner: &OwnerKey, at: Timestamp) -> Step {
    Step {
        deed: Deed::Remove(layout::record_key(name)),
        condition: Some("ow = :owner AND os <= :at".into()),
        values: Some(values([(":owner", bytes(owner.as_bytes())), (":at", moment(at))])),
    }
}

/// Sees that the record is not the owner's, or does not live.
pub(crate) fn not_theirs(name: &StoreKey, owner: &OwnerKey, now: Timestamp) -> Step {
    Step {
        deed: Deed::Check(layout::record_key(name)),
        condition: Some(
            "attribute_not_exists(pk) OR attribute_not_exists(ow) OR ow <> :owner OR e <= :now".into(),
        ),
        values: Some(values([(":owner", bytes(owner.as_bytes())), (":now", moment(now))])),
    }
}

/// Removes the owner's note of a record.
pub(crate) fn forget(owner: &OwnerKey, name: &StoreKey) -> Step {
    let deed = Deed::Remove(layout::note_key(owner, name));
    Step { deed, condition: None, values: None }
}

/// Remembers a revocation, unless a later one is.
pub(crate) fn mark(owner: &OwnerKey, at: Timestamp, until: Timestamp, now: Timestamp) -> Step {
    let mut item = layout::mark_key(owner);
    item.insert(layout::REVOKED.into(), moment(at));
    item.extend(layout::ttl(now, until).map(|ttl| (layout::TTL.into(), ttl)));
    Step {
        deed: Deed::Put(item),
        condition: Some("attribute_not_exists(r) OR r <= :at".into()),
        values: Some(values([(":at", moment(at))])),
    }
}

/// A change of some attributes of a record, while it is put together.
struct Change {
    condition: String,
    set: Vec<String>,
    remove: Vec<&'static str>,
    values: Values,
}

impl Change {
    fn when(condition: &str) -> Self {
        Self { condition: condition.into(), set: Vec::new(), remove: Vec::new(), values: Values::new() }
    }

    fn speaks_of(&mut self, name: &str, value: AttributeValue) {
        self.values.insert(name.into(), value);
    }

    fn set(&mut self, attribute: &str, name: &str, value: AttributeValue) {
        self.set.push(format!("{attribute} = {name}"));
        self.speaks_of(name, value);
    }

    fn expire(&mut self, expires_at: Timestamp, now: Timestamp) {
        self.set(layout::EXPIRES, ":expires", moment(expires_at));
        match layout::ttl(now, expires_at) {
            Some(ttl) => self.set(layout::TTL, ":ttl", ttl),
            None => self.remove.push(layout::TTL),
        }
    }

    fn of(self, name: &StoreKey) -> Step {
        let removals = if self.remove.is_empty() { "" } else { " REMOVE " };
        let change = format!("SET {}{removals}{}", self.set.join(", "), self.remove.join(", "));
        let deed = Deed::Change(layout::record_key(name), change);
        Step { deed, condition: Some(self.condition), values: Some(self.values) }
    }
}
