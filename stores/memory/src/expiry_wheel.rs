//! A timer wheel of expiries: O(1) insert, and entries that are due come first.
//!
//! Two wheels (records without an owner, and owned ones) of *slots*, which hold the numbers of entries. A slot spans a
//! second if it is near, and more the farther off it is, so there are few of them. An entry stands in the slot of its
//! expiry or in an earlier one: a touch moves the expiry alone, and the entry is moved when its slot is looked at. So
//! touching costs nothing here, and nothing is ever left behind for an entry that is gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloakroom_store::Timestamp;

use super::entries::{Entries, narrow};
use super::sync::{AtomicU32, Ordering};

const SECOND: u64 = 1_000_000;
/// No second.
const NONE: u32 = u32::MAX;
/// A slot spans at most 1/16 = 2⁻⁴ of the time until it begins.
const FINENESS: u32 = 4;

/// Which records are dropped before which, where there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Unowned,
    Owned,
}

impl Class {
    pub(super) const ALL: [Self; 2] = [Self::Unowned, Self::Owned];
}

/// A whole second since the epoch; what comes after 2106 shares the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Second(u32);

impl Second {
    #[inline]
    pub(super) fn of(moment: Timestamp) -> Self {
        Self(u32::try_from(moment.as_micros() / SECOND).unwrap_or(NONE).min(NONE - 1))
    }

    /// Returns the last moment before it.
    pub(super) fn end_of_previous(self) -> Timestamp {
        Timestamp::from_micros((u64::from(self.0) * SECOND).saturating_sub(1))
    }
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The first second of its slot.
    begin: Second,
    /// At which position of the slot.
    at: u32,
    /// The slot spans 2 to this power seconds.
    width: u8,
}

impl Default for Place {
    fn default() -> Self {
        Self { begin: Second(NONE), at: NONE, width: 0 }
    }
}

impl Place {
    /// Returns the place for an expiry in this second, seen from `present`: in the slot of the second itself if that is
    /// near or past. The slot begins after `present` if the second does.
    #[inline]
    fn of(second: Second, present: Second) -> Self {
        let distance = second.0.saturating_sub(present.0);
        let width = distance.checked_ilog2().unwrap_or(0).saturating_sub(FINENESS);
        Self {
            begin: Second((second.0 >> width) << width),
            at: NONE,
            width: width.try_into().unwrap_or_default(),
        }
    }

    pub(super) fn begin(self) -> Second {
        self.begin
    }

    /// Returns whether `second` comes after all of the slot.
    pub(super) fn is_before(self, second: Second) -> bool {
        self.begin.0.saturating_add(1 << self.width) <= second.0
    }
}

/// The first second of each class's first slot, for those who do not hold the lock.
#[derive(Debug)]
pub(super) struct Fronts([AtomicU32; 2]);

impl Fronts {
    pub(super) fn get(&self, class: Class) -> Option<Second> {
        Some(self.0[class as usize].load(Ordering::Relaxed)).filter(|second| *second != NONE).map(Second)
    }
}

/// The numbers of entries in the order in which they expire, as far as it was looked at.
pub(super) struct ExpiryWheel {
    /// By the seconds with which they begin; no slot is empty.
    slots: [BTreeMap<Second, Vec<u32>>; 2],
    /// Always says which slot is first.
    fronts: Arc<Fronts>,
}

impl ExpiryWheel {
    pub(super) fn new() -> Self {
        let fronts = Arc::new(Fronts([AtomicU32::new(NONE), AtomicU32::new(NONE)]));
        Self { slots: Default::default(), fronts }
    }

    pub(super) fn fronts(&self) -> Arc<Fronts> {
        Arc::clone(&self.fronts)
    }

    /// Puts an entry into the slot of its expiry as seen from `present`.
    #[inline]
    pub(super) fn join(&mut self, entries: &mut Entries, number: u32, present: Second) {
        let entry = &mut entries[number];
        let (class, place) = (entry.class(), Place::of(Second::of(entry.expiry.peek()), present));
        let slot = self.slots[class as usize].entry(place.begin).or_default();
        entry.place = Place { at: narrow(slot.len()), ..place };
        slot.push(number);
        if slot.len() == 1 {
            self.show_front(class);
        }
    }

    /// Takes an entry out of its slot, whose last one gets its position. To be called before its owner is changed.
    pub(super) fn leave(&mut self, entries: &mut Entries, number: u32) {
        let (class, place) = (entries[number].class(), entries[number].place);
        let slots = &mut self.slots[class as usize];
        let Some(slot) = slots.get_mut(&place.begin) else { return };
        slot.swap_remove(place.at as usize);
        if let Some(moved) = slot.get(place.at as usize) {
            entries[*moved].place.at = place.at;
        }
        if slot.is_empty() {
            slots.remove(&place.begin);
            self.show_front(class);
        } else if slot.len() * 8 < slot.capacity() {
            slot.shrink_to(slot.len() * 2);
        }
    }

    /// Makes an entry known by the number that it has now.
    pub(super) fn renumber(&mut self, entries: &Entries, number: u32) {
        let (class, place) = (entries[number].class(), entries[number].place);
        if let Some(slot) = self.slots[class as usize].get_mut(&place.begin) {
            slot[place.at as usize] = number;
        }
    }

    /// Returns the first slot of a class, and how many entries stand in it.
    pub(super) fn first(&self, class: Class) -> Option<(Second, usize)> {
        self.slots[class as usize].first_key_value().map(|(second, slot)| (*second, slot.len()))
    }

    /// Returns the entry at a position of the first slot of a class.
    pub(super) fn in_first(&self, class: Class, at: usize) -> Option<u32> {
        self.slots[class as usize].first_key_value()?.1.get(at).copied()
    }

    /// Returns the entries of a class, the earliest slot first.
    pub(super) fn iter(&self, class: Class) -> impl Iterator<Item = u32> {
        self.slots[class as usize].values().flat_map(|slot| slot.iter().rev().copied())
    }

    /// Returns the entries that may be expired at `now`, and perhaps some that are not.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = u32> {
        let last = Second::of(now);
        self.slots
            .iter()
            .flat_map(move |slots| slots.range(..=last).flat_map(|(_, slot)| slot.iter().copied()))
    }

    /// Forgets all entries.
    pub(super) fn clear(&mut self) {
        self.slots = Default::default();
        Class::ALL.into_iter().for_each(|class| self.show_front(class));
    }

    /// Returns how many entries are known, and how many slots.
    #[cfg(test)]
    #[cfg(not(shuttle))]
    pub(super) fn sizes(&self) -> (usize, usize) {
        let known = Class::ALL.map(|class| self.iter(class).count());
        (known.iter().sum(), self.slots.iter().map(BTreeMap::len).sum())
    }

    fn show_front(&self, class: Class) {
        let first = self.first(class).map_or(NONE, |(second, _)| second.0);
        self.fronts.0[class as usize].store(first, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    #[test]
    fn a_slot_holds_its_second_begins_after_the_present_and_spans_little_of_the_time_until_then() {
        for distance in (0..5_000).chain([86_399, 1_209_600, 31_536_000, 2_000_000_000]) {
            for present in [0, 1, 1_767_225_600] {
                let place = Place::of(Second(present + distance), Second(present));
                let span = 1_u32 << place.width;
                assert!(place.begin.0 <= present + distance && !place.is_before(Second(present + distance)));
                assert!(span == 1 || span <= distance / 16, "{distance}: {span}");
                assert!(distance == 0 || place.begin.0 > present);
            }
        }
    }
}
