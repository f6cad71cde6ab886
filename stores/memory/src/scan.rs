//! Scans: reads all records by pages, counts them, removes them.

use cloakroom_store::{Cursor, Entry, Error, ErrorKind, Page, Result};

use super::MemoryStore;
use super::entries::Entries;
use super::shard::Shard;

/// Before which entry of which shard a page begins.
///
/// Pages go backwards. An entry changes its number only when it is the last and another one is removed; it then gets
/// a lower number, so a scan that has not seen it yet still will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    shard: u32,
    before: u32,
}

impl Position {
    const BEGIN: Self = Self { shard: 0, before: u32::MAX };

    fn parse(cursor: &Cursor) -> Option<Self> {
        let (shard, before) = cursor.as_bytes().split_first_chunk()?;
        let before = before.try_into().ok()?;
        Some(Self { shard: u32::from_be_bytes(*shard), before: u32::from_be_bytes(before) })
    }

    fn cursor(self) -> Cursor {
        Cursor::new([self.shard.to_be_bytes(), self.before.to_be_bytes()].concat())
    }

    /// Returns where to go on after the entry numbered `begin`.
    fn after(self, begin: u32) -> Self {
        if begin == 0 {
            Self { shard: self.shard + 1, ..Self::BEGIN }
        } else {
            Self { before: begin, ..self }
        }
    }
}

impl MemoryStore {
    pub(super) fn scan_now(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let wrong = || Error::new(ErrorKind::Invalid, "the cursor was not made by a memory store");
        let mut position = match after {
            None => Position::BEGIN,
            Some(cursor) => Position::parse(cursor).ok_or_else(wrong)?,
        };
        let (now, limit) = (self.clock.now(), limit.max(1));
        let mut entries = Vec::new();
        while let Some(shard) = self.shards.get(position.shard as usize) {
            if entries.len() >= limit {
                return Ok(Page::new(entries, Some(position.cursor())));
            }
            let (live, begin) = shard.read()?.page(position.before, limit - entries.len(), now);
            entries.extend(live.into_iter().map(|(key, stored)| Entry::new(key, stored)));
            position = position.after(begin);
        }
        Ok(Page::new(entries, None))
    }

    pub(super) fn count_now(&self) -> Result<u64> {
        let held = self.shards.iter().map(Shard::read).collect::<Result<Vec<_>>>()?;
        let now = self.clock.now();
        Ok(held.iter().map(|contents| contents.count(now) as u64).sum())
    }

    pub(super) fn clear_now(&self) -> Result<u64> {
        let mut registers = self.owners.lock_all()?;
        let mut held = self.shards.iter().map(Shard::write).collect::<Result<Vec<_>>>()?;
        let now = self.clock.now();
        let live = held.iter().map(|contents| contents.count(now) as u64).sum();
        let removed: Vec<_> = held.iter_mut().map(|contents| contents.take_all()).collect();
        for register in &mut registers {
            register.clear_lists();
        }
        drop((held, registers));
        for entry in removed.iter().flat_map(Entries::iter) {
            self.give_back(entry);
        }
        Ok(live)
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_cursor_and_foreign_bytes_do_not_decode() {
        let position = Position { shard: 7, before: 300 };
        assert_eq!(Position::parse(&position.cursor()), Some(position));
        for bytes in [&b""[..], b"1234567", b"123456789"] {
            assert_eq!(Position::parse(&Cursor::new(bytes)), None);
        }
    }
}
