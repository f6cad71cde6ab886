//! Finds the entry of a key.

/// Finds the numbers of entries by the hashes of their keys: one look into memory, where a map with its control
/// bytes apart takes two, and none at the entries when it grows.
///
/// A number stands at the place that its tag names, or after it with no free place between. A place is 0 if it is
/// free; otherwise it holds the tag above and the number, plus one, below.
#[derive(Default)]
pub(super) struct Index {
    /// None, or a power of two of which at most 3/4 are in use.
    places: Box<[u64]>,
    len: usize,
}

/// What the index remembers of a hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(u32);

impl Tag {
    /// By the lowest bits of a hash; other bits say which shard a key belongs to.
    #[inline]
    pub(super) fn of(hash: u64) -> Self {
        Self((hash & LOW) as u32)
    }
}

const LOW: u64 = 0xFFFF_FFFF;
const FREE: u64 = 0;
/// The fewest places of an index that is not empty.
const FEWEST: usize = 4;

impl Index {
    /// Returns the first number with this tag that `is_sought`.
    #[inline]
    pub(super) fn find(&self, tag: Tag, mut is_sought: impl FnMut(u32) -> bool) -> Option<u32> {
        let at = self.position(tag, &mut is_sought)?;
        Some(number(self.places[at]))
    }

    /// Adds a number that is not there yet.
    #[inline]
    pub(super) fn insert(&mut self, tag: Tag, number: u32) {
        if (self.len + 1) * 4 > self.places.len() * 3 {
            self.resize((self.places.len() * 2).max(FEWEST));
        }
        self.put(place(tag, number));
        self.len += 1;
    }

    /// Removes a number, and closes the gap.
    pub(super) fn remove(&mut self, tag: Tag, number: u32) {
        let Some(mut gap) = self.position(tag, |other| other == number) else { return };
        let mask = self.places.len() - 1;
        let mut at = gap;
        loop {
            at = (at + 1) & mask;
            let place = self.places[at];
            if place == FREE {
                break;
            }
            // It may move up unless it would stand before the place that its tag names.
            let home = (place >> 32) as usize & mask;
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(gap) & mask) {
                self.places[gap] = place;
                gap = at;
            }
        }
        self.places[gap] = FREE;
        self.len -= 1;
        self.shrink();
    }

    /// Names an entry anew.
    pub(super) fn renumber(&mut self, tag: Tag, old: u32, new: u32) {
        if let Some(at) = self.position(tag, |number| number == old) {
            self.places[at] = place(tag, new);
        }
    }

    /// Returns where the first number with this tag that `is_sought` stands.
    #[inline]
    fn position(&self, tag: Tag, mut is_sought: impl FnMut(u32) -> bool) -> Option<usize> {
        let mask = self.places.len().checked_sub(1)?;
        let mut at = tag.0 as usize & mask;
        loop {
            let place = self.places[at & mask];
            if place == FREE {
                return None;
            }
            if place >> 32 == u64::from(tag.0) && is_sought(number(place)) {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    fn put(&mut self, place: u64) {
        let mask = self.places.len() - 1;
        let mut at = (place >> 32) as usize & mask;
        while self.places[at] != FREE {
            at = (at + 1) & mask;
        }
        self.places[at] = place;
    }

    /// Gives memory back when the index has become eight times too large.
    fn shrink(&mut self) {
        if self.places.len() > 64 && self.len * 8 < self.places.len() {
            self.resize(self.places.len() / 4);
        }
    }

    #[cold]
    fn resize(&mut self, places: usize) {
        let old = std::mem::replace(&mut self.places, vec![FREE; places].into());
        old.into_iter().filter(|place| *place != FREE).for_each(|place| self.put(place));
    }
}

#[inline]
fn place(tag: Tag, number: u32) -> u64 {
    (u64::from(tag.0) << 32) | (u64::from(number) + 1)
}

#[inline]
fn number(place: u64) -> u32 {
    (place & LOW) as u32 - 1
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Tags collide, run around the end, and are removed in any order.
    #[test]
    fn an_index_is_a_map_however_its_tags_fall() {
        let (mut index, mut model, mut random) = (Index::default(), HashMap::new(), 1_u64);
        for round in 0..100_000_u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = (random >> 33) as u32 % if round < 60_000 { 700 } else { 20 };
            let tag = Tag((number % 97).wrapping_sub(40));
            if model.remove(&number).is_some() {
                index.remove(tag, number);
            } else {
                model.insert(number, tag);
                index.insert(tag, number);
            }
            let sought = (random >> 40) as u32 % 700;
            let tag = Tag((sought % 97).wrapping_sub(40));
            assert_eq!(index.find(tag, |number| number == sought).is_some(), model.contains_key(&sought));
            assert_eq!(index.len, model.len());
        }
        for (number, tag) in model {
            index.renumber(tag, number, number + 1_000);
            assert_eq!(index.find(tag, |other| other == number + 1_000), Some(number + 1_000));
            index.remove(tag, number + 1_000);
        }
        assert_eq!((index.len, index.places.len() <= 64), (0, true));
    }
}
