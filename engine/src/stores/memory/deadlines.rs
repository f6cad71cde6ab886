//! Who expires next: cheap to keep, cheap to ask.
//!
//! Two *lines* (records without an owner, and owned ones) of *buckets*, one for each second; the entries of a bucket
//! are chained by their numbers. An entry stands in the bucket of its expiry or in an earlier one: a touch moves
//! the expiry alone, and the entry is moved when its bucket is looked at. So touching costs nothing here, and
//! nothing is ever left behind for an entry that is gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloakroom_store::Timestamp;

use super::entries::Entries;
use super::sync::{AtomicU32, Ordering};

const SECOND: u64 = 1_000_000;
/// No entry, no bucket.
const NONE: u32 = u32::MAX;

/// Which records are dropped before which, where there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Unowned,
    Owned,
}

impl Line {
    pub(super) const ALL: [Self; 2] = [Self::Unowned, Self::Owned];
}

/// A whole second since the epoch; what comes after 2106 shares the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bucket(u32);

impl Bucket {
    pub(super) fn of(moment: Timestamp) -> Self {
        Self(u32::try_from(moment.as_micros() / SECOND).unwrap_or(NONE).min(NONE - 1))
    }

    /// The last moment before the bucket's second.
    pub(super) fn end_of_previous(self) -> Timestamp {
        Timestamp::from_micros((u64::from(self.0) * SECOND).saturating_sub(1))
    }
}

/// An entry's place: its bucket, and its neighbours there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    bucket: Bucket,
    previous: u32,
    next: u32,
}

impl Default for Links {
    fn default() -> Self {
        Self { bucket: Bucket(NONE), previous: NONE, next: NONE }
    }
}

impl Links {
    pub(super) fn bucket(&self) -> Bucket {
        self.bucket
    }
}

/// The first bucket of each line, for those who do not hold the lock.
#[derive(Debug)]
pub(super) struct Fronts([AtomicU32; 2]);

impl Fronts {
    pub(super) fn get(&self, line: Line) -> Option<Bucket> {
        Some(self.0[line as usize].load(Ordering::Relaxed)).filter(|bucket| *bucket != NONE).map(Bucket)
    }
}

/// The entries in the order in which they expire, as far as it was looked at.
pub(super) struct Deadlines {
    lines: [Buckets; 2],
    /// Always says which bucket is first in each line.
    fronts: Arc<Fronts>,
}

/// The buckets of a line.
#[derive(Default)]
struct Buckets {
    /// The number of the first entry of each.
    firsts: BTreeMap<Bucket, u32>,
    /// The one that was asked for last: sessions that begin in one second end in one second.
    recent: Option<(Bucket, u32)>,
}

impl Buckets {
    /// The first entry of a bucket; `number` if there is none yet.
    #[inline]
    fn first_or(&mut self, bucket: Bucket, number: u32) -> u32 {
        let recent = self.recent.filter(|(recent, _)| *recent == bucket);
        let first = recent.map_or_else(|| *self.firsts.entry(bucket).or_insert(number), |(_, first)| first);
        self.recent = Some((bucket, first));
        first
    }

    /// Makes an entry the first of its bucket, or takes an empty bucket away.
    fn set_first(&mut self, bucket: Bucket, first: Option<u32>) {
        self.recent = None;
        match first {
            Some(first) => self.firsts.insert(bucket, first),
            None => self.firsts.remove(&bucket),
        };
    }
}

impl Deadlines {
    pub(super) fn new() -> Self {
        Self {
            lines: Default::default(),
            fronts: Arc::new(Fronts([AtomicU32::new(NONE), AtomicU32::new(NONE)])),
        }
    }

    pub(super) fn fronts(&self) -> Arc<Fronts> {
        Arc::clone(&self.fronts)
    }

    /// Puts an entry into the bucket of its expiry, behind the first one.
    #[inline]
    pub(super) fn join(&mut self, entries: &mut Entries, number: u32) {
        let (line, bucket) = (entries[number].line(), Bucket::of(entries[number].expiry.peek()));
        let first = self.lines[line as usize].first_or(bucket, number);
        if first == number {
            entries[number].links = Links { bucket, previous: NONE, next: NONE };
            return self.show_front(line);
        }
        let next = std::mem::replace(&mut entries[first].links.next, number);
        entries[number].links = Links { bucket, previous: first, next };
        if next != NONE {
            entries[next].links.previous = number;
        }
    }

    /// Takes an entry out of its bucket; to be called before its owner is changed.
    pub(super) fn leave(&mut self, entries: &mut Entries, number: u32) {
        let (line, Links { bucket, previous, next }) = (entries[number].line(), entries[number].links);
        if next != NONE {
            entries[next].links.previous = previous;
        }
        if previous != NONE {
            entries[previous].links.next = next;
            return;
        }
        self.lines[line as usize].set_first(bucket, Some(next).filter(|next| *next != NONE));
        if next == NONE {
            self.show_front(line);
        }
    }

    /// Tells the neighbours of an entry the number that it has now.
    pub(super) fn renumber(&mut self, entries: &mut Entries, number: u32) {
        let (line, Links { bucket, previous, next }) = (entries[number].line(), entries[number].links);
        if next != NONE {
            entries[next].links.previous = number;
        }
        if previous == NONE {
            self.lines[line as usize].set_first(bucket, Some(number));
        } else {
            entries[previous].links.next = number;
        }
    }

    /// The first bucket of a line and its first entry.
    pub(super) fn first(&self, line: Line) -> Option<(Bucket, u32)> {
        self.lines[line as usize].firsts.first_key_value().map(|(bucket, number)| (*bucket, *number))
    }

    /// The entry after `number` in its bucket.
    pub(super) fn after(entries: &Entries, number: u32) -> Option<u32> {
        Some(entries[number].links.next).filter(|next| *next != NONE)
    }

    /// The entries of a line, the earliest bucket first.
    pub(super) fn iter<'a>(&'a self, entries: &'a Entries, line: Line) -> impl Iterator<Item = u32> + 'a {
        let chain = |first: &u32| std::iter::successors(Some(*first), |at| Self::after(entries, *at));
        self.lines[line as usize].firsts.values().flat_map(chain)
    }

    /// The entries that may be expired at `now`, and perhaps some of the same second that are not.
    pub(super) fn due<'a>(&'a self, entries: &'a Entries, now: Timestamp) -> impl Iterator<Item = u32> + 'a {
        let last = Bucket::of(now);
        let line =
            move |line| self.iter(entries, line).take_while(move |at| entries[*at].links.bucket <= last);
        Line::ALL.into_iter().flat_map(line)
    }

    /// Forgets everybody.
    pub(super) fn clear(&mut self) {
        for line in Line::ALL {
            self.lines[line as usize] = Buckets::default();
            self.show_front(line);
        }
    }

    /// How many entries are known, and how many buckets.
    #[cfg(test)]
    #[cfg(not(shuttle))]
    pub(super) fn sizes(&self, entries: &Entries) -> (usize, usize) {
        let known = Line::ALL.map(|line| self.iter(entries, line).count());
        (known.iter().sum(), self.lines.iter().map(|line| line.firsts.len()).sum())
    }

    fn show_front(&self, line: Line) {
        let first = self.first(line).map_or(NONE, |(bucket, _)| bucket.0);
        self.fronts.0[line as usize].store(first, Ordering::Relaxed);
    }
}
