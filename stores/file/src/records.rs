//! One record at a time: load, create, update, touch, delete.
//!
//! A change of a record holds its shard's lock. A read needs no lock: a file gets its name when it is whole,
//! and keeps its bytes but for the expiry, which a touch rewrites in place. That waits for the disk once, where a new
//! file waits twice and for longer; a reader who meets it half done sees a check that fails, and looks again under
//! the lock.

use std::fs::File;
use std::io::Read;

use cloakroom_store::{
    CreateOutcome, Entry, Record, StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord,
};

use super::disk;
use super::folder::Folder;
use super::layout::{EXPIRY_AT, HEAD_MOST, Head, Name, encode_expiry, encode_record};
use super::trouble::Trouble;

/// Most records are read in one go of so many bytes.
const FIRST_READ: usize = 4096;
const _: () = assert!(FIRST_READ >= HEAD_MOST);

/// The methods of a store.
impl Folder {
    pub(super) fn load(&self, key: &StoreKey) -> Result<Option<VersionedRecord>, Trouble> {
        Ok(self.look(&Name::of(key.as_bytes()))?.map(|entry| entry.stored))
    }

    /// Loads, and moves the expiry if the touch is due: decided under the lock.
    pub(super) fn load_and_touch(
        &self,
        key: &StoreKey,
        touch: Touch,
    ) -> Result<Option<VersionedRecord>, Trouble> {
        let name = Name::of(key.as_bytes());
        let _lock = self.lock_records(name.shard())?;
        let Some(Entry { mut stored, .. }) = self.live(&name)? else { return Ok(None) };
        if let Some(later) = touch.extended_expiry(&stored.record) {
            self.move_expiry(&name, stored.version, later)?;
            stored.record.expires_at = later;
        }
        Ok(Some(stored))
    }

    pub(super) fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome, Trouble> {
        self.check_size(record)?;
        let name = Name::of(key.as_bytes());
        let owner = record.owner.as_ref().map(|owner| Name::of(owner.key.as_bytes()));
        let _owner = self.lock_owners_shared([owner.as_ref(), None])?;
        let _lock = self.lock_records(name.shard())?;
        let before = self.head(&name)?;
        if let Some(head) = &before
            && self.is_live(head, self.clock.now())?
        {
            return Ok(CreateOutcome::AlreadyExists);
        }
        if self.is_revoked(record.owner.as_ref())? {
            return Ok(CreateOutcome::Revoked);
        }
        let version = Version::random();
        self.put(&name, before.as_ref(), key, record, version)?;
        Ok(CreateOutcome::Created(version))
    }

    /// Also holds the lock of the owner that the record has so far: otherwise a revocation could fall between
    /// seeing that it has no owner and moving the record to another owner, and a dead record would live again.
    pub(super) fn update(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome, Trouble> {
        self.check_size(record)?;
        let name = Name::of(key.as_bytes());
        let after = record.owner.as_ref().map(|owner| Name::of(owner.key.as_bytes()));
        loop {
            let before = self.look_at_head(&name)?.as_ref().and_then(owner_of);
            let _owners = self.lock_owners_shared([before.as_ref(), after.as_ref()])?;
            let _lock = self.lock_records(name.shard())?;
            let head = self.head(&name)?;
            if head.as_ref().and_then(owner_of) == before {
                return self.update_locked(&name, head, key, expected, record);
            }
        }
    }

    pub(super) fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool, Trouble> {
        let name = Name::of(key.as_bytes());
        let _lock = self.lock_records(name.shard())?;
        let Some(head) = self.head(&name)? else { return Ok(false) };
        if !self.is_live(&head, self.clock.now())? {
            return Ok(false);
        }
        if head.expires_at < expires_at {
            self.move_expiry(&name, head.version, expires_at)?;
        }
        Ok(true)
    }

    pub(super) fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>, Trouble> {
        let name = Name::of(key.as_bytes());
        let _lock = self.lock_records(name.shard())?;
        let Some(Entry { stored, .. }) = self.live(&name)? else { return Ok(None) };
        self.durability.remove(&self.record(&name))?;
        self.forget_owner(stored.record.owner.as_ref(), &name);
        Ok(Some(stored))
    }
}

/// Helpers of other modules.
impl Folder {
    /// Reads the live record of this name without a lock.
    pub(super) fn look(&self, name: &Name) -> Result<Option<Entry>, Trouble> {
        match self.live(name) {
            Err(Trouble::Damaged) => {
                let _lock = self.lock_records(name.shard())?;
                self.live(name)
            }
            seen => seen,
        }
    }

    /// Reads the head of the record of this name, dead or alive, without a lock.
    pub(super) fn look_at_head(&self, name: &Name) -> Result<Option<Head>, Trouble> {
        match self.head(name) {
            Err(Trouble::Damaged) => {
                let _lock = self.lock_records(name.shard())?;
                self.head(name)
            }
            seen => seen,
        }
    }

    /// Reads the head of the record of this name, dead or alive. Damage is certain only under the lock.
    pub(super) fn head(&self, name: &Name) -> Result<Option<Head>, Trouble> {
        let Some(file) = self.open_record(name)? else { return Ok(None) };
        let length = file.metadata()?.len();
        let bytes = disk::read_up_to(&file, HEAD_MOST)?;
        Head::decode(&bytes, length, name).map(Some)
    }

    /// Reads the live record of this name. Damage is certain only under the lock.
    pub(super) fn live(&self, name: &Name) -> Result<Option<Entry>, Trouble> {
        let Some(file) = self.open_record(name)? else { return Ok(None) };
        let (head, bytes) = read_whole(&file, name)?;
        if !self.is_live(&head, self.clock.now())? {
            return Ok(None);
        }
        head.with_payload(bytes).map(Some)
    }

    /// Reads the head of the record of this name, dead or alive, and sees that every byte after it is as it was written.
    pub(super) fn checked_head(&self, name: &Name) -> Result<Option<Head>, Trouble> {
        let Some(file) = self.open_record(name)? else { return Ok(None) };
        let (head, bytes) = read_whole(&file, name)?;
        head.check_payload(&bytes).map(|()| Some(head))
    }

    /// Returns whether a file has this name, of whatever state.
    pub(super) fn exists(&self, name: &Name) -> Result<bool, Trouble> {
        Ok(self.open_record(name)?.is_some())
    }

    /// Returns whether the record exists for the contract: neither expired nor revoked.
    pub(super) fn is_live(&self, head: &Head, now: Timestamp) -> Result<bool, Trouble> {
        Ok(now < head.expires_at && !self.is_revoked(head.owner.as_ref())?)
    }
}

impl Folder {
    fn check_size(&self, record: &Record) -> Result<(), Trouble> {
        if record.payload.len() > self.max_payload { Err(Trouble::TooLarge) } else { Ok(()) }
    }

    fn update_locked(
        &self,
        name: &Name,
        head: Option<Head>,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome, Trouble> {
        let Some(head) = head else { return Ok(UpdateOutcome::NotFound) };
        if !self.is_live(&head, self.clock.now())? {
            return Ok(UpdateOutcome::NotFound);
        }
        if head.version != expected {
            return Ok(self
                .live(name)?
                .map_or(UpdateOutcome::NotFound, |entry| UpdateOutcome::Conflict(entry.stored)));
        }
        if self.is_revoked(record.owner.as_ref())? {
            return Ok(UpdateOutcome::Revoked);
        }
        let version = Version::random();
        self.put(name, Some(&head), key, record, version)?;
        Ok(UpdateOutcome::Updated(version))
    }

    /// Writes a record in the place of what was `before`.
    ///
    /// The owner is noted first, so that the record can be found by its owner whenever the process dies.
    fn put(
        &self,
        name: &Name,
        before: Option<&Head>,
        key: &StoreKey,
        record: &Record,
        version: Version,
    ) -> Result<(), Trouble> {
        let bytes = encode_record(key, record, version)?;
        let (old, new) = (before.and_then(|head| head.owner.as_ref()), record.owner.as_ref());
        let moves = old.map(|owner| &owner.key) != new.map(|owner| &owner.key);
        if let Some(owner) = new {
            self.note_owner(&Name::of(owner.key.as_bytes()), name)?;
        }
        self.durability.create_folder(&self.shard(name.shard()))?;
        let next = self.next_record(name.shard());
        let written = self.durability.replace(&next, &self.record(name), &bytes);
        match &written {
            Ok(()) if moves => self.forget_owner(old, name),
            Err(Trouble::Io(_)) if moves => self.forget_owner(new, name),
            _ => {}
        }
        written
    }

    fn move_expiry(&self, name: &Name, version: Version, later: Timestamp) -> Result<(), Trouble> {
        self.durability.patch(&self.record(name), EXPIRY_AT, &encode_expiry(version, later))
    }
}

fn owner_of(head: &Head) -> Option<Name> {
    head.owner.as_ref().map(|owner| Name::of(owner.key.as_bytes()))
}

fn read_whole(file: &File, name: &Name) -> Result<(Head, Vec<u8>), Trouble> {
    let length = file.metadata()?.len();
    let mut bytes = disk::read_up_to(file, FIRST_READ)?;
    let head = Head::decode(&bytes, length, name)?;
    let rest = head.file_length().saturating_sub(bytes.len());
    file.take(rest as u64).read_to_end(&mut bytes)?;
    Ok((head, bytes))
}
