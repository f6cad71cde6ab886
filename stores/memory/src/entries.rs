//! A slab of entries, without gaps.

use std::ops::{Index, IndexMut};

use super::entry::Entry;

/// Entries in chunks, numbered from 0 without gaps: growing copies nothing, and what was removed is given back.
#[derive(Default)]
pub(super) struct Entries {
    /// All full but the last, and none empty.
    chunks: Vec<Vec<Entry>>,
}

const CHUNK: usize = 256;

impl Entries {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    /// Adds an entry and says its number.
    #[inline]
    pub(super) fn push(&mut self, entry: Entry) -> u32 {
        let number = self.len();
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(entry),
            Some(_) => self.chunks.push(with_room(CHUNK, entry)),
            // A store that holds little takes little: only the first chunk grows step by step.
            None => self.chunks.push(with_room(1, entry)),
        }
        narrow(number)
    }

    /// Takes an entry out. The last one gets its number.
    pub(super) fn swap_remove(&mut self, number: u32) -> Option<Entry> {
        let last = self.chunks.last_mut()?.pop()?;
        if self.chunks.last().is_some_and(Vec::is_empty) {
            self.chunks.pop();
        }
        if number as usize == self.len() {
            Some(last)
        } else {
            Some(std::mem::replace(&mut self[number], last))
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.chunks.iter().flatten()
    }
}

fn with_room(room: usize, entry: Entry) -> Vec<Entry> {
    let mut chunk = Vec::with_capacity(room);
    chunk.push(entry);
    chunk
}

/// Numbers fit: the store's bound is never above `u32::MAX - 1` records.
pub(super) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Index<u32> for Entries {
    type Output = Entry;
    #[inline]
    fn index(&self, number: u32) -> &Entry {
        &self.chunks[number as usize / CHUNK][number as usize % CHUNK]
    }
}

impl IndexMut<u32> for Entries {
    #[inline]
    fn index_mut(&mut self, number: u32) -> &mut Entry {
        &mut self.chunks[number as usize / CHUNK][number as usize % CHUNK]
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use cloakroom_store::{Record, StoreKey, Timestamp, Version};

    use super::*;

    fn entry(number: usize) -> Entry {
        let key = StoreKey::from_bytes(&number.to_be_bytes()).unwrap();
        Entry::new(&key, &Record::new("", Timestamp::NEVER), Version::new(number as u64))
    }

    #[test]
    fn the_last_entry_takes_the_number_of_the_removed_one_and_empty_chunks_go() {
        let mut entries = Entries::default();
        for number in 0..=CHUNK {
            assert_eq!(entries.push(entry(number)) as usize, number);
        }
        assert_eq!((entries.len(), entries.chunks.len()), (CHUNK + 1, 2));
        assert_eq!(entries.swap_remove(3).unwrap().version.get(), 3);
        assert_eq!((entries[3].version.get(), entries.chunks.len()), (CHUNK as u64, 1));
        let last = narrow(entries.len() - 1);
        assert_eq!(entries.swap_remove(last).unwrap().version.get(), u64::from(last));
        while entries.swap_remove(0).is_some() {}
        assert_eq!((entries.len(), entries.chunks.len()), (0, 0));
    }
}
