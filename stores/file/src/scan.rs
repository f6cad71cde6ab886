//! Scans: all records, in the order of their names.

use std::fs;

use cloakroom_store::{Cursor, Page};

use super::folder::Folder;
use super::layout::Name;
use super::trouble::Trouble;

impl Folder {
    /// A cursor is the name of the last record of the page before.
    pub(super) fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page, Trouble> {
        let after = after.map(read_cursor).transpose()?;
        let first = after.map_or(0, |after| after[0]);
        let mut entries = Vec::new();
        for shard in first..=u8::MAX {
            for name in self.names_in(shard)? {
                if after.is_some_and(|after| *name.as_bytes() <= after) {
                    continue;
                }
                entries.extend(self.look(&name)?);
                if entries.len() >= limit.max(1) {
                    return Ok(Page::new(entries, Some(Cursor::new(name.as_bytes().to_vec()))));
                }
            }
        }
        Ok(Page::new(entries, None))
    }

    pub(super) fn count(&self) -> Result<u64, Trouble> {
        let mut live = 0;
        for shard in 0..=u8::MAX {
            for name in self.names_in(shard)? {
                let head = self.look_at_head(&name)?;
                live += u64::from(head.map_or(Ok(false), |head| self.is_live(&head, self.clock.now()))?);
            }
        }
        Ok(live)
    }

    /// Removes damaged records too.
    pub(super) fn clear(&self) -> Result<u64, Trouble> {
        let mut live = 0;
        for shard in 0..=u8::MAX {
            live += self.clear_shard(shard).map_err(Trouble::halfway)?;
        }
        Ok(live)
    }

    fn clear_shard(&self, shard: u8) -> Result<u64, Trouble> {
        let _lock = self.lock_records(shard)?;
        let names = self.names_in(shard)?;
        let mut live = 0;
        for name in &names {
            live += u64::from(self.clear_record(name)?);
        }
        if !names.is_empty() {
            self.durability.sync_folder(&self.shard(shard))?;
        }
        Ok(live)
    }

    /// Removes a record, and returns whether it was live. The caller holds the lock.
    fn clear_record(&self, name: &Name) -> Result<bool, Trouble> {
        let head = match self.head(name) {
            Err(Trouble::Damaged | Trouble::OtherFormat) => None,
            head => head?,
        };
        fs::remove_file(self.record(name))?;
        let Some(head) = head else { return Ok(false) };
        let owner = head.owner.as_ref();
        let live = self.clock.now() < head.expires_at && !self.is_surely_revoked(owner)?;
        self.forget_owner(owner, name);
        Ok(live)
    }

    /// Returns the records of a shard in the order of a scan.
    fn names_in(&self, shard: u8) -> Result<Vec<Name>, Trouble> {
        let mut names: Vec<Name> =
            self.names_of_records(shard)?.iter().filter_map(|name| Name::parse(name)).collect();
        names.sort_unstable_by_key(|name| *name.as_bytes());
        Ok(names)
    }
}

pub(super) fn read_cursor(cursor: &Cursor) -> Result<[u8; 32], Trouble> {
    cursor.as_bytes().try_into().map_err(|_| Trouble::BadCursor)
}
