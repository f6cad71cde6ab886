//! Carries a change out at a path inside a value.

use bytes::Bytes;

use super::MAX_DEPTH;
use super::array::{Array, Item};
use super::node::{Node, Opened, is_json};
use crate::state::change::Path;
use crate::{Error, ErrorKind, Result};

/// The result of a change for the value at its path.
#[derive(Debug)]
pub(crate) enum Made {
    /// Nothing was changed.
    Same,
    /// It was changed in place.
    Changed,
    New(Node),
    Gone,
}

/// What a change through a list saw there, so that it finds the same item again in a list that another request changed.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// How many names of the path lead to the list.
    level: usize,
    /// How long the list was.
    length: usize,
    /// Which change of this request touched the item last; 0: none did.
    touched_by: u64,
    /// The item, unless a change of this request led into it.
    value: Option<Bytes>,
}

/// A change on its way down a path.
pub(crate) struct Edit<'a> {
    /// Its number among the changes of this request.
    pub(crate) number: u64,
    /// The number of the oldest change of this request that is not stored yet.
    pub(crate) oldest: u64,
    /// The lists on its path: noted when it is carried out first, looked for when it is again.
    pub(crate) places: &'a mut Vec<Place>,
    pub(crate) is_replay: bool,
    /// Whether it removes: it then does nothing where there is nothing.
    pub(crate) removes: bool,
}

/// Does something with the value at the path, if there is one.
type Run<'a> = dyn FnMut(Option<&mut Node>) -> Result<Made> + 'a;

/// Carries a change out at `path` below `value`, which must be valid JSON; parents that are missing are made.
/// `run` runs once. If it fails, or the path cannot be followed, nothing is changed.
pub(crate) fn edit(
    edit: &mut Edit<'_>,
    value: Option<&mut Node>,
    path: Path<'_>,
    run: &mut Run<'_>,
) -> Result<Made> {
    if path.len() > MAX_DEPTH {
        if edit.removes {
            return run(None);
        }
        let message = format!("a path has {MAX_DEPTH} names at most after its key");
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    edit.go(value, path, 0, run)
}

impl Edit<'_> {
    fn go(
        &mut self,
        value: Option<&mut Node>,
        path: Path<'_>,
        level: usize,
        run: &mut Run<'_>,
    ) -> Result<Made> {
        let Some((name, rest)) = path.split_first() else { return run(value) };
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return self.go_into_nothing(name, rest, level, run);
        };
        match value.open() {
            Opened::Object(object) => match object.get_mut(name) {
                Some(member) => match self.go(Some(&mut *member), rest, level + 1, run)? {
                    Made::New(new) => *member = new,
                    Made::Gone => object.remove(name),
                    Made::Changed => {}
                    Made::Same => return Ok(Made::Same),
                },
                None => match self.go(None, rest, level + 1, run)? {
                    Made::New(new) => object.append(name, new),
                    Made::Same | Made::Changed | Made::Gone => return Ok(Made::Same),
                },
            },
            Opened::Array(array) => return self.go_into_item(array, name, rest, level, run),
            Opened::Leaf if self.removes => return run(None),
            Opened::Leaf => {
                return Err(mismatch(format!("cannot access {name:?}: its parent is not an object")));
            }
        }
        Ok(Made::Changed)
    }

    fn go_into_nothing(
        &mut self,
        name: &str,
        rest: Path<'_>,
        level: usize,
        run: &mut Run<'_>,
    ) -> Result<Made> {
        if self.removes {
            return run(None);
        }
        Ok(match self.go(None, rest, level + 1, run)? {
            Made::New(new) => Made::New(Node::object_of(name, new)),
            Made::Same | Made::Changed | Made::Gone => Made::Same,
        })
    }

    fn go_into_item(
        &mut self,
        array: &mut Array,
        name: &str,
        rest: Path<'_>,
        level: usize,
        run: &mut Run<'_>,
    ) -> Result<Made> {
        let Some(place) = self.place(array, name, rest, level)? else { return run(None) };
        let text = array.counted_text(place);
        let Some(item) = array.items.get_mut(place) else { return run(None) };
        match self.go(Some(&mut item.value), rest, level + 1, run)? {
            Made::New(new) => item.value = new,
            Made::Gone => {
                array.items.remove(place);
                array.forget(text.as_ref());
                return Ok(Made::Changed);
            }
            Made::Changed => {}
            Made::Same => return Ok(Made::Same),
        }
        item.touched_by = self.number;
        array.forget(text.as_ref());
        Ok(Made::Changed)
    }

    /// Returns the place of the item that is meant; `None`: what is to be removed is not there.
    fn place(
        &mut self,
        array: &mut Array,
        name: &str,
        rest: Path<'_>,
        level: usize,
    ) -> Result<Option<usize>> {
        let place = name.parse::<usize>().ok();
        let seen = self.places.iter().find(|place| place.level == level);
        if let (true, Some(place), Some(seen)) = (self.is_replay, place, seen) {
            return self.find_again(array, place, seen, rest);
        }
        let length = array.items.len();
        let Some((place, item)) = place.and_then(|place| Some((place, array.items.get(place)?))) else {
            let message = format!("index {name:?} is out of range (length {length})");
            return if self.removes { Ok(None) } else { Err(mismatch(message)) };
        };
        if !self.is_replay {
            let value = if let Node::Raw(text) = &item.value { Some(text.clone()) } else { None };
            self.places.push(Place { level, length, touched_by: item.touched_by, value });
        }
        Ok(Some(place))
    }

    /// Returns where the item that was seen at `place` is now: there, or else as near as there is an equal one. One that was changed meanwhile
    /// is taken to be where it was, as long as no item can have gone from before it.
    fn find_again(
        &self,
        array: &mut Array,
        place: usize,
        seen: &Place,
        rest: Path<'_>,
    ) -> Result<Option<usize>> {
        let found = if seen.touched_by >= self.oldest {
            array.find_touched(seen.touched_by, place)
        } else {
            seen.value.as_ref().and_then(|value| array.find_text(value, place))
        };
        if found.is_some() {
            return Ok(found);
        }
        let is_item_removed = self.removes && rest.is_empty() && seen.is_known(self.oldest);
        let edited = rest.split_first().map(|(name, _)| name);
        let is_alike =
            |item: &Item| seen.value.as_ref().is_none_or(|value| is_alike(value, &item.value.text(), edited));
        let stands = !is_item_removed
            && seen.length <= array.items.len()
            && array.items.get(place).is_some_and(is_alike);
        match (stands, self.removes) {
            (true, _) => Ok(Some(place)),
            (false, true) => Ok(None),
            (false, false) => Err(mismatch(format!("the item at index {place} was removed meanwhile"))),
        }
    }
}

/// Returns whether `now` may be the object `seen` with a change to its member `edited`, or to others: they have a member in
/// common. `false` if it is not an object, or has no other member.
fn is_alike(seen: &[u8], now: &[u8], edited: Option<&str>) -> bool {
    type Members = serde_json::Map<String, serde_json::Value>;
    let members = |json| serde_json::from_slice::<Members>(json).ok();
    let (Some(seen), Some(now)) = (members(seen), members(now)) else { return true };
    let has_others = |members: &Members| members.keys().any(|name| Some(name.as_str()) != edited);
    !has_others(&seen) || !has_others(&now) || seen.iter().any(|(name, value)| now.get(name) == Some(value))
}

impl Place {
    /// Returns whether it can tell its item from others.
    const fn is_known(&self, oldest: u64) -> bool {
        self.value.is_some() || self.touched_by >= oldest
    }
}

pub(crate) fn mismatch(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Mismatch, message)
}

impl Node {
    /// Appends `item` to the list `list` (a missing one is empty). Returns how long it is then.
    pub(crate) fn push(list: Option<&mut Self>, item: &Bytes, number: u64) -> Result<(Made, usize)> {
        let Some(list) = list.filter(|list| !list.is_null()) else {
            let mut array = Array::default();
            array.items.push_back(Item { value: Self::Raw(item.clone()), touched_by: number });
            return Ok((Made::New(Self::Array(array.into())), 1));
        };
        let Opened::Array(array) = list.open() else { return Err(mismatch("cannot push: not a list")) };
        array.items.push_back(Item { value: Self::Raw(item.clone()), touched_by: number });
        Ok((Made::Changed, array.items.len()))
    }
}

/// Removes what a request saw from what is there now.
///
/// The same value goes. Of a list that begins with the items of the seen one, those go, and what others pushed stays. If
/// the request had pushed to the list itself (`is_own`), others may have pushed before it: the seen items then need not
/// be next to each other. Any other value was written by another request, and stays.
pub(crate) fn remove_seen(node: &mut Node, seen: &Bytes, is_own: bool) -> Made {
    if node.text() == *seen {
        return Made::Gone;
    }
    let is_valid = !matches!(node, Node::Raw(text) if !is_json(text));
    if seen.first() != Some(&b'[') || !is_valid || !is_json(seen) {
        return Made::Same;
    }
    let seen = Array::of(seen);
    if seen.items.is_empty() {
        return Made::Same;
    }
    let Opened::Array(array) = node.open() else { return Made::Same };
    if array.remove_prefix(&seen) || (is_own && array.remove_in_order(&seen)) {
        return if array.items.is_empty() { Made::Gone } else { Made::Changed };
    }
    Made::Same
}
