//! Two stores between which records move keep the contract together, wherever a record is and whichever process moves it.
#![cfg(not(shuttle))]

use std::sync::Arc;

use cloakroom_conformance::{Capability, Limits, ManualHarness, Reference, suite};
use cloakroom_migrating::MigratingStore;
use cloakroom_store::{
    Capabilities, CreateOutcome, ManualClock, Record, Result, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version, VersionedRecord, async_trait,
};

const LARGEST: usize = 1 << 20;

struct Pair {
    clock: ManualClock,
    old: Arc<dyn Store>,
    new: Arc<dyn Store>,
}

impl Pair {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::now());
        // What a copy carries beyond its record must fit too.
        let [old, new] = [LARGEST, LARGEST + 64].map(|largest| {
            Arc::new(Reference::new(clock.clone()).with_max_payload_bytes(largest)) as Arc<dyn Store>
        });
        Self { clock, old, new }
    }

    fn following(&self) -> MigratingStore {
        MigratingStore::read_through(self.old.clone(), self.new.clone())
    }

    fn moving(&self) -> MigratingStore {
        MigratingStore::write_through(self.old.clone(), self.new.clone())
    }

    fn harness(self, store: impl Store, other: impl Store) -> ManualHarness {
        ManualHarness::with_clock(self.clock, store).and_handle(other).with_limits(limits())
    }
}

fn limits() -> Limits {
    Limits::default().promise(&Capability::ALL)
}

mod when_every_process_moves {
    use super::*;

    fn harness() -> ManualHarness {
        let pair = Pair::new();
        let (store, other) = (pair.moving(), pair.moving());
        pair.harness(store, other)
    }

    suite!(harness());
}

mod when_every_process_follows {
    use super::*;

    fn harness() -> ManualHarness {
        let pair = Pair::new();
        let (store, other) = (pair.following(), pair.following());
        pair.harness(store, other)
    }

    suite!(harness());
}

mod while_one_process_moves_what_the_other_made {
    use super::*;

    fn harness() -> ManualHarness {
        let pair = Pair::new();
        // One handle: a record that moves has another version afterwards, which a second handle would take for a write.
        let store = Across { creates: pair.following(), rest: pair.moving() };
        ManualHarness::with_clock(pair.clock, store).with_limits(limits())
    }

    suite!(harness());
}

/// A browser whose first request goes to a process in one phase, and all later ones to a process in the other.
#[derive(Debug)]
struct Across {
    creates: MigratingStore,
    rest: MigratingStore,
}

#[async_trait]
impl Store for Across {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        self.rest.load(key, touch).await
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        match self.creates.create(key, record).await? {
            // Its version is another process's name for it.
            CreateOutcome::Created(_) => {
                let stored = self.rest.load(key, None).await?;
                Ok(stored.map_or(CreateOutcome::Created(Version::new(0)), |stored| {
                    CreateOutcome::Created(stored.version)
                }))
            }
            refused => Ok(refused),
        }
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        self.rest.update(key, expected, record).await
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        self.rest.touch(key, expires_at).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        self.rest.delete(key).await
    }
    fn capabilities(&self) -> Capabilities<'_> {
        self.rest.capabilities()
    }
}
