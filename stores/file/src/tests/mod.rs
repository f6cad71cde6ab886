//! What the contract's suite cannot see: bytes, damage, what a dead process leaves.

mod bytes;
mod damage;
mod leftovers;
mod opening;
mod owners;
mod sweeping;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{CreateOutcome, ManualClock, Owner, OwnerKey, Record, StoreKey, Timestamp, Version};
use tempfile::TempDir;

use super::disk::Durability;
use super::folder::Folder;
use super::layout::{Mark, Name};
use super::sweep::Rounds;

const HOUR: Duration = Duration::from_secs(3_600);
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A ready folder, its clock and what removes it.
struct Place {
    folder: Folder,
    clock: ManualClock,
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(START);
        let folder = unprepared(dir.path().join("store"), &clock);
        folder.prepare().unwrap();
        Self { folder, clock, dir }
    }

    /// Another handle, as another process has.
    fn again(&self) -> Folder {
        let folder = unprepared(self.folder.root.clone(), &self.clock);
        folder.prepare().unwrap();
        folder
    }

    fn create(&self, key: &StoreKey, record: &Record) -> Version {
        match self.folder.create(key, record).unwrap() {
            CreateOutcome::Created(version) => version,
            other => panic!("{other:?}"),
        }
    }

    /// Does of a revocation what a process has done that dies right after.
    fn mark_revoked(&self, owner: &[u8], at: Timestamp) {
        let owner = Name::of(owner);
        fs::create_dir_all(self.folder.owner(&owner)).unwrap();
        let mark = Mark { at, made_at: at }.encode(&owner);
        fs::write(self.folder.owner(&owner).join("revoked"), mark).unwrap();
    }

    /// Does what 256 sweeps do to every shard.
    fn sweep_all_round(&self) {
        for shard in 0..=u8::MAX {
            self.folder.look_through(shard, 1_000).unwrap();
        }
    }
}

fn unprepared(root: std::path::PathBuf, clock: &ManualClock) -> Folder {
    Folder {
        root,
        durability: Durability::Process,
        clock: Arc::new(clock.clone()),
        max_payload: 1_000,
        rounds: Rounds::new().unwrap(),
        patience: Duration::from_secs(60),
    }
}

fn key(text: &str) -> StoreKey {
    StoreKey::from_bytes(text.as_bytes()).unwrap()
}

fn name(key: &StoreKey) -> Name {
    Name::of(key.as_bytes())
}

fn alice() -> OwnerKey {
    OwnerKey::new("alice").unwrap()
}

/// Lives for an hour.
fn record(payload: &'static str) -> Record {
    Record::new(payload, START + HOUR)
}

/// Alice's since the start.
fn alices(payload: &'static str) -> Record {
    record(payload).with_owner(Owner::new(alice(), START))
}
