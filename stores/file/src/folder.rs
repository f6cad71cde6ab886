//! The folder of a store: its paths, its creation, its locks.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::Clock;

use super::disk::{self, Durability};
use super::layout::{FORMAT, Name};
use super::lock::{self, Lock};
use super::sweep::Rounds;
use super::trouble::Trouble;

/// The file that tells a store's folder from others.
pub(super) const MARK: &str = "cloakroom";

/// A store's folder. Its methods block; what they do to records, owners and waste is in the modules of these names.
#[derive(Debug)]
pub(super) struct Folder {
    /// Absolute, so that it stays the same when the process changes its working directory.
    pub(super) root: PathBuf,
    pub(super) durability: Durability,
    pub(super) clock: Arc<dyn Clock>,
    /// In bytes.
    pub(super) max_payload: usize,
    pub(super) rounds: Rounds,
    /// How long a lock is waited for.
    pub(super) patience: Duration,
}

/// Where things are.
impl Folder {
    pub(super) fn shard(&self, shard: u8) -> PathBuf {
        self.root.join(format!("records/{shard:02x}"))
    }

    pub(super) fn record(&self, name: &Name) -> PathBuf {
        self.shard(name.shard()).join(name.text())
    }

    /// Returns where a record of this shard is written before it gets its name; only under the shard's lock.
    pub(super) fn next_record(&self, shard: u8) -> PathBuf {
        self.shard(shard).join("next")
    }

    pub(super) fn owner_shard(&self, shard: u8) -> PathBuf {
        self.root.join(format!("owners/{shard:02x}"))
    }

    pub(super) fn owner(&self, owner: &Name) -> PathBuf {
        self.owner_shard(owner.shard()).join(owner.text())
    }

    pub(super) fn damaged(&self, name: &Name) -> PathBuf {
        self.root.join("damaged").join(name.text())
    }
}

/// The locks for changes.
///
/// The order in which locks are taken, against deadlocks: owners by their shard, then one record shard.
impl Folder {
    /// Waits for the right to change the records of a shard.
    pub(super) fn lock_records(&self, shard: u8) -> Result<Lock, Trouble> {
        lock::exclusive(&self.root.join(format!("locks/record-{shard:02x}")), self.patience)
    }

    /// Waits for the right to revoke, and to remove what belongs to, the owners of a shard.
    pub(super) fn lock_owners(&self, shard: u8) -> Result<Lock, Trouble> {
        lock::exclusive(&self.owner_lock(shard), self.patience)
    }

    /// Waits for the right to give records to these owners: shared with others who do, never with a revocation.
    pub(super) fn lock_owners_shared(&self, owners: [Option<&Name>; 2]) -> Result<Vec<Lock>, Trouble> {
        let mut shards: Vec<u8> = owners.iter().flatten().map(|owner| owner.shard()).collect();
        shards.sort_unstable();
        shards.dedup();
        shards.into_iter().map(|shard| lock::shared(&self.owner_lock(shard), self.patience)).collect()
    }

    fn owner_lock(&self, shard: u8) -> PathBuf {
        self.root.join(format!("locks/owner-{shard:02x}"))
    }
}

/// Creating the folder, or checking an existing one.
impl Folder {
    /// Makes the folder a store's, or checks that it is one.
    ///
    /// Whatever a predecessor that died on the way left undone is done now.
    pub(super) fn prepare(&self) -> Result<(), Trouble> {
        self.durability.create_folder(&self.root)?;
        let path = self.root.join(MARK);
        if !path.exists() && self.is_foreign()? {
            return Err(Trouble::Foreign);
        }
        let mut file = disk::private_file().read(true).open(&path)?;
        lock::wait(self.patience, || file.try_lock())?;
        let mut said = Vec::new();
        Read::by_ref(&mut file).take(FORMAT.len() as u64 + 1).read_to_end(&mut said)?;
        // A power cut may leave a file of zeros where it interrupted the signing.
        let signed = said == FORMAT.as_bytes();
        if !signed && !FORMAT.as_bytes().starts_with(&said) && said.iter().any(|byte| *byte != 0) {
            return Err(Trouble::OtherFormat);
        }
        for part in ["locks", "damaged", "records", "owners"] {
            self.durability.create_folder(&self.root.join(part))?;
        }
        if signed { Ok(()) } else { self.sign(&path) }
    }

    /// Returns whether there is anything in the folder that a new file system does not come with.
    ///
    /// The file `cloakroom` is the first that a store makes, so another process that is making this folder ready is seen.
    fn is_foreign(&self) -> io::Result<bool> {
        let names = disk::names(&self.root)?;
        Ok(!names.iter().any(|name| name == MARK) && names.iter().any(|name| name != "lost+found"))
    }

    /// Marks the folder as ready, in its last file.
    fn sign(&self, path: &Path) -> Result<(), Trouble> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.write_all(FORMAT.as_bytes())?;
        file.sync_all()?;
        Ok(self.durability.sync_folder(&self.root)?)
    }
}

/// Opening files that may not exist.
///
/// A folder that went away must not look like an absent record. The 256 sub-folders are made when they are needed,
/// the folders that they are in when the store is; so those tell the two apart.
impl Folder {
    /// Opens a record's file, if there is one.
    pub(super) fn open_record(&self, name: &Name) -> io::Result<Option<File>> {
        self.if_there(File::open(self.record(name)), "records")
    }

    /// Opens an owner's revocation, if there is one.
    pub(super) fn open_mark(&self, owner: &Name) -> io::Result<Option<File>> {
        self.if_there(File::open(self.owner(owner).join("revoked")), "owners")
    }

    /// Returns the names in a shard of records.
    pub(super) fn names_of_records(&self, shard: u8) -> io::Result<Vec<String>> {
        Ok(self.if_there(disk::names(&self.shard(shard)), "records")?.unwrap_or_default())
    }

    /// Returns the names in a shard of owners.
    pub(super) fn names_of_owners(&self, shard: u8) -> io::Result<Vec<String>> {
        Ok(self.if_there(disk::names(&self.owner_shard(shard)), "owners")?.unwrap_or_default())
    }

    /// Returns the names in an owner's folder.
    pub(super) fn names_of_owner(&self, owner: &Name) -> io::Result<Vec<String>> {
        Ok(self.if_there(disk::names(&self.owner(owner)), "owners")?.unwrap_or_default())
    }

    fn if_there<T>(&self, looked: io::Result<T>, part: &str) -> io::Result<Option<T>> {
        match looked {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::metadata(self.root.join(part)).map(|_| None)
            }
            looked => looked.map(Some),
        }
    }
}
