//! Which records each owner has, and revocations.
//!
//! 1. A revocation's file is the truth: from the moment that it has its name, the owner's earlier records do not exist
//!    for any reader, in one step, whether or not their files are still there. Removing those is tidying up.
//! 2. A write that gives a record to an owner holds the owner's lock in shared mode; a revocation holds it alone. So a
//!    record is written either before a revocation, which then finds it, or after, and then it is refused.
//! 3. A note that a record may be an owner's is written before the record and removed after it. It is only a hint:
//!    the record itself decides.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use cloakroom_store::{Bytes, Cursor, HeadPage, Owner, OwnerKey, RecordHead, Timestamp};

use super::disk;
use super::folder::Folder;
use super::layout::{HEAD_MOST, Head, Mark, Name};
use super::scan::read_cursor;
use super::trouble::Trouble;

/// How long a revocation is remembered at least.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// The methods of a store.
impl Folder {
    /// Lists a page in the order of the names; a cursor is the last name of the page before.
    pub(super) fn list(
        &self,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage, Trouble> {
        let after = after.map(read_cursor).transpose()?;
        let (folder, most) = (Name::of(owner.as_bytes()), HeadPage::bounded(limit));
        let _lock = self.lock_owners(folder.shard())?;
        let mut names = self.noted(&folder)?;
        names.retain(|name| after.is_none_or(|after| *name.as_bytes() > after));
        names.sort_unstable_by_key(|name| *name.as_bytes());
        names.truncate(most);
        let mut heads = Vec::with_capacity(names.len());
        for name in &names {
            heads.extend(self.look_at_beginning(name, owner)?);
        }
        let last = names.last().filter(|_| names.len() == most);
        Ok(HeadPage::new(heads, last.map(|name| Cursor::new(name.as_bytes().to_vec()))))
    }

    pub(super) fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64, Trouble> {
        let folder = Name::of(owner.as_bytes());
        let _lock = self.lock_owners(folder.shard())?;
        let earlier = self.mark_or_now(&folder)?;
        let mark = Mark { at: earlier.map_or(at, |mark| mark.at.max(at)), made_at: self.clock.now() };
        self.write_mark(&folder, mark)?;

        let mut removed = 0;
        for name in self.noted(&folder).map_err(Trouble::halfway)? {
            let what = self.remove_revoked(&folder, &name, mark, earlier).map_err(Trouble::halfway)?;
            removed += u64::from(what == Removed::Live);
        }
        Ok(removed)
    }
}

/// The result of a revocation for one record.
#[derive(PartialEq, Eq)]
enum Removed {
    /// It stays, or was not there.
    No,
    /// It was removed; it had expired, or had been revoked earlier.
    Dead,
    /// It was removed, and existed until this revocation.
    Live,
}

/// Helpers of other modules.
impl Folder {
    /// Returns whether a record of this owner does not exist any more.
    pub(super) fn is_revoked(&self, owner: Option<&Owner>) -> Result<bool, Trouble> {
        let Some(owner) = owner else { return Ok(false) };
        Ok(covers(self.mark(&Name::of(owner.key.as_bytes()))?, owner.logged_in_at))
    }

    /// Returns the same as `is_revoked`, but treats a revocation that cannot be read as absent.
    pub(super) fn is_surely_revoked(&self, owner: Option<&Owner>) -> Result<bool, Trouble> {
        match self.is_revoked(owner) {
            Err(Trouble::Damaged | Trouble::OtherFormat) => Ok(false),
            known => known,
        }
    }

    /// Notes that the record `name` may be the owner's. The caller holds the owner's lock and the record's.
    ///
    /// A note that is already there was made for a record that is still there, or by a process that died; so it is
    /// not synced again. Should a power cut take it, a sweep makes it anew.
    pub(super) fn note_owner(&self, owner: &Name, name: &Name) -> Result<(), Trouble> {
        let folder = self.make_owner(owner)?;
        self.durability.create_empty(&folder.join(name.text()))?;
        Ok(())
    }

    /// Forgets that the record `name` was the owner's. If this fails, a sweep does it. The caller holds the record's lock.
    pub(super) fn forget_owner(&self, owner: Option<&Owner>, name: &Name) {
        if let Some(owner) = owner {
            let note = self.owner(&Name::of(owner.key.as_bytes())).join(name.text());
            drop(fs::remove_file(note));
        }
    }

    /// Notes the owner of a record whose note was lost.
    pub(super) fn heal_note(&self, owner: &Owner, name: &Name) -> Result<(), Trouble> {
        let folder = Name::of(owner.key.as_bytes());
        if self.owner(&folder).join(name.text()).try_exists()? {
            return Ok(());
        }
        let _owner = self.lock_owners_shared([Some(&folder), None])?;
        let _lock = self.lock_records(name.shard())?;
        match self.head(name)? {
            Some(head) if belongs_to(head.owner.as_ref(), &owner.key) => self.note_owner(&folder, name),
            _ => Ok(()),
        }
    }

    /// Removes from the owners of a shard what is not needed any more.
    pub(super) fn tidy_owners(&self, shard: u8) -> Result<(), Trouble> {
        for owner in self.names_of_owners(shard)?.iter().filter_map(|name| Name::parse(name)) {
            let _lock = self.lock_owners(owner.shard())?;
            self.tidy_owner(&owner)?;
        }
        Ok(())
    }
}

impl Folder {
    /// Reads the beginning of the record of this name without a lock, if it is live and the owner's.
    fn look_at_beginning(&self, name: &Name, owner: &OwnerKey) -> Result<Option<RecordHead>, Trouble> {
        let seen = match self.beginning(name) {
            Err(Trouble::Damaged) => {
                let _lock = self.lock_records(name.shard())?;
                self.beginning(name)?
            }
            seen => seen?,
        };
        let Some((head, payload)) = seen else { return Ok(None) };
        if !belongs_to(head.owner.as_ref(), owner) || !self.is_live(&head, self.clock.now())? {
            return Ok(None);
        }
        let Head { key, version, expires_at, owner, sliding, .. } = head;
        Ok(owner.map(|owner| RecordHead::new(key, version, owner.logged_in_at, expires_at, sliding, payload)))
    }

    /// Reads the head of the record of this name, dead or alive, and the beginning of its payload. Damage is certain only
    /// under the lock, and seen only in the head: the check is of the whole payload.
    fn beginning(&self, name: &Name) -> Result<Option<(Head, Bytes)>, Trouble> {
        let Some(file) = self.open_record(name)? else { return Ok(None) };
        let length = file.metadata()?.len();
        let bytes = disk::read_up_to(&file, HEAD_MOST + RecordHead::PAYLOAD_BYTES)?;
        let head = Head::decode(&bytes, length, name)?;
        let payload = head.payload_in(bytes);
        Ok(Some((head, payload)))
    }

    /// Returns the records that may be the owner's.
    fn noted(&self, owner: &Name) -> Result<Vec<Name>, Trouble> {
        Ok(self.names_of_owner(owner)?.iter().filter_map(|name| Name::parse(name)).collect())
    }

    fn make_owner(&self, owner: &Name) -> Result<PathBuf, Trouble> {
        let folder = self.owner(owner);
        self.durability.create_folder(&self.owner_shard(owner.shard()))?;
        self.durability.create_folder(&folder)?;
        Ok(folder)
    }

    fn mark(&self, owner: &Name) -> Result<Option<Mark>, Trouble> {
        let Some(file) = self.open_mark(owner)? else { return Ok(None) };
        Mark::decode(&disk::read_up_to(&file, HEAD_MOST)?, owner).map(Some)
    }

    /// Returns the owner's revocation. One that is damaged may have been as late as now, so it counts as that.
    fn mark_or_now(&self, owner: &Name) -> Result<Option<Mark>, Trouble> {
        match self.mark(owner) {
            Err(Trouble::Damaged) => {
                let now = self.clock.now();
                let mark = Mark { at: now, made_at: now };
                self.write_mark(owner, mark).map(|()| Some(mark))
            }
            mark => mark,
        }
    }

    /// Writes the revocation. The caller holds the owner's lock alone.
    fn write_mark(&self, owner: &Name, mark: Mark) -> Result<(), Trouble> {
        let folder = self.make_owner(owner)?;
        self.durability.replace(&folder.join("next"), &folder.join("revoked"), &mark.encode(owner))
    }

    /// Removes the record `name` if `mark` ends it. The caller holds the owner's lock alone.
    fn remove_revoked(
        &self,
        folder: &Name,
        name: &Name,
        mark: Mark,
        earlier: Option<Mark>,
    ) -> Result<Removed, Trouble> {
        let _lock = self.lock_records(name.shard())?;
        let head = match self.head(name) {
            // Whatever owner it had, it cannot be loaded, and a sweep sets it aside.
            Err(Trouble::Damaged | Trouble::OtherFormat) => return Ok(Removed::No),
            head => head?,
        };
        let Some((head, owner)) = head.as_ref().and_then(|head| Some((head, head.owner.as_ref()?))) else {
            return Ok(Removed::No);
        };
        if Name::of(owner.key.as_bytes()) != *folder || mark.at < owner.logged_in_at {
            return Ok(Removed::No);
        }
        fs::remove_file(self.record(name))?;
        self.forget_owner(Some(owner), name);
        let was_live = self.clock.now() < head.expires_at && !covers(earlier, owner.logged_in_at);
        Ok(if was_live { Removed::Live } else { Removed::Dead })
    }

    fn tidy_owner(&self, owner: &Name) -> Result<(), Trouble> {
        let folder = self.owner(owner);
        disk::remove_if_there(&folder.join("next"))?;
        for name in self.noted(owner)? {
            self.tidy_note(owner, &name)?;
        }
        self.tidy_mark(owner)?;
        // Refused, as it should be, if anything is left.
        drop(fs::remove_dir(folder));
        Ok(())
    }

    /// Removes a note whose record is gone.
    fn tidy_note(&self, owner: &Name, name: &Name) -> Result<(), Trouble> {
        if self.exists(name)? {
            return Ok(());
        }
        let _lock = self.lock_records(name.shard())?;
        if !self.exists(name)? {
            disk::remove_if_there(&self.owner(owner).join(name.text()))?;
        }
        Ok(())
    }

    /// Removes what a revocation left behind, and the revocation itself when it is old.
    ///
    /// Never both at once: a writer that read a record just before it was removed must still find the revocation.
    fn tidy_mark(&self, owner: &Name) -> Result<(), Trouble> {
        let Some(mark) = self.mark_or_now(owner)? else { return Ok(()) };
        let mut left = false;
        for name in self.noted(owner)? {
            left |= self.remove_revoked(owner, &name, mark, Some(mark))? != Removed::No;
        }
        if !left && self.clock.now() >= mark.made_at.max(mark.at) + REMEMBERED {
            disk::remove_if_there(&self.owner(owner).join("revoked"))?;
        }
        Ok(())
    }
}

fn belongs_to(whose: Option<&Owner>, owner: &OwnerKey) -> bool {
    whose.is_some_and(|whose| whose.key == *owner)
}

fn covers(mark: Option<Mark>, since: Timestamp) -> bool {
    mark.is_some_and(|mark| since <= mark.at)
}
