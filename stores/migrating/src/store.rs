//! The contract, over two stores.

use cloakroom_store::{
    Capabilities, CreateOutcome, Error, ErrorKind, Record, Result, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome, Version, VersionedRecord, async_trait,
};

use super::marks::{self, Found};
use super::settle::{MOST_ROUNDS, overtaken};
use super::{MigratingStore, Phase, masked};

#[async_trait]
impl Store for MigratingStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        if self.phase == Phase::Following
            && let Some(stored) = Self::in_old(self.old.load(key, touch).await?)
        {
            return match touch {
                // It may just have been touched, while it moves.
                Some(touch) if stored.record.sliding && stored.record.expires_at == touch.expires_at => {
                    Ok(Some(self.touch_copy(key, touch.expires_at).await?.unwrap_or(stored)))
                }
                _ => Ok(Some(stored)),
            };
        }
        match self.new.load(key, touch).await?.map(marks::read) {
            Some(Found::Plain(stored)) => Ok(Some(stored)),
            // Nothing more can have left the old store: this process looked there first.
            None if self.phase == Phase::Following => Ok(None),
            found => self.load_settled(key, touch, found).await,
        }
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        check(record)?;
        match self.phase {
            Phase::Following => self.create_in_old(key, record).await,
            Phase::Moving => self.create_in_new(key, record).await,
        }
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        check(record)?;
        if self.phase == Phase::Following {
            match self.old.update(key, masked(expected), record).await? {
                UpdateOutcome::Updated(version) => return Ok(UpdateOutcome::Updated(masked(version))),
                UpdateOutcome::Revoked => return Ok(UpdateOutcome::Revoked),
                UpdateOutcome::Conflict(stored) => {
                    if let Some(stored) = Self::in_old(Some(stored)) {
                        return Ok(UpdateOutcome::Conflict(stored));
                    }
                }
                UpdateOutcome::NotFound => {}
            }
        }
        match self.new.update(key, expected, record).await? {
            UpdateOutcome::Conflict(stored) if !marks::is_reserved(&stored.record.payload) => {
                Ok(UpdateOutcome::Conflict(stored))
            }
            UpdateOutcome::Conflict(_) | UpdateOutcome::NotFound => {
                Ok(self.settle(key).await?.map_or(UpdateOutcome::NotFound, UpdateOutcome::Conflict))
            }
            answer => Ok(answer),
        }
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        if self.phase == Phase::Following && self.is_in_old(key).await? {
            // It may have left in between: then what was touched is its mark.
            let touched = self.old.touch(key, expires_at).await?;
            if touched && self.is_in_old(key).await? {
                self.touch_copy(key, expires_at).await?;
                return Ok(true);
            }
        }
        Ok(self.settle(key).await?.is_some() && self.new.touch(key, expires_at).await?)
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        loop {
            let Some(stored) = self.load(key, None).await? else { return Ok(None) };
            // Of exactly this version: a mark, or a copy, must not go with it.
            match self.update(key, stored.version, &Record::expired()).await? {
                UpdateOutcome::Updated(_) => return Ok(Some(stored)),
                UpdateOutcome::Conflict(_) => {}
                UpdateOutcome::NotFound | UpdateOutcome::Revoked => return Ok(None),
            }
        }
    }

    fn capabilities(&self) -> Capabilities<'_> {
        let (old, new) = (self.old.capabilities(), self.new.capabilities());
        let mut capabilities = Capabilities::NONE;
        if old.scan.is_some() && new.scan.is_some() {
            capabilities = capabilities.with_scan(self);
        }
        if old.owners.is_some() && new.owners.is_some() {
            capabilities = capabilities.with_owners(self);
        }
        if old.sweep.is_some() || new.sweep.is_some() {
            capabilities = capabilities.with_sweep(self);
        }
        if let Some(clock) = new.server_clock {
            capabilities = capabilities.with_server_clock(clock);
        }
        if let Some(missed) = new.missed_touches.or(old.missed_touches) {
            capabilities = capabilities.with_missed_touches(missed);
        }
        capabilities
    }
}

impl MigratingStore {
    /// Returns a record of the old store under the version that it has in this process; `None` for a mark.
    pub(super) fn in_old(stored: Option<VersionedRecord>) -> Option<VersionedRecord> {
        match marks::read(stored?) {
            Found::Plain(stored) => Some(VersionedRecord::new(stored.record, masked(stored.version))),
            Found::Arriving(_) | Found::Left { .. } => None,
        }
    }

    /// Handles a record that was touched in the old store: brings it to the new one if it is on its way there, and touches
    /// it there: the copy may have been made before. Who copies it later sees the touch.
    async fn touch_copy(&self, key: &StoreKey, expires_at: Timestamp) -> Result<Option<VersionedRecord>> {
        let found = self.new.load(key, None).await?.map(marks::read);
        if !matches!(found, Some(Found::Arriving(_) | Found::Plain(_))) {
            return Ok(None);
        }
        if self.settle_found(key, found).await?.is_none() || !self.new.touch(key, expires_at).await? {
            return Ok(None);
        }
        let there = self.new.load(key, None).await?.map(marks::read);
        Ok(there.and_then(|found| if let Found::Plain(stored) = found { Some(stored) } else { None }))
    }

    async fn is_in_old(&self, key: &StoreKey) -> Result<bool> {
        Ok(Self::in_old(self.old.load(key, None).await?).is_some())
    }

    /// The record was not to be had in one step from the new store.
    async fn load_settled(
        &self,
        key: &StoreKey,
        touch: Option<Touch>,
        found: Option<Found>,
    ) -> Result<Option<VersionedRecord>> {
        let Some(stored) = self.settle_found(key, found).await? else { return Ok(None) };
        if touch.and_then(|touch| touch.extended_expiry(&stored.record)).is_none() {
            return Ok(Some(stored));
        }
        let touched = self.new.load(key, touch).await?.map(marks::read);
        Ok(touched.and_then(|found| if let Found::Plain(stored) = found { Some(stored) } else { None }))
    }

    async fn create_in_old(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        if let Some(Found::Plain(_) | Found::Arriving(_)) = self.new.load(key, None).await?.map(marks::read)
            && self.settle(key).await?.is_some()
        {
            return Ok(CreateOutcome::AlreadyExists);
        }
        for _ in 0..MOST_ROUNDS {
            match self.old.create(key, record).await? {
                CreateOutcome::Created(version) => return Ok(CreateOutcome::Created(masked(version))),
                CreateOutcome::Revoked => return Ok(CreateOutcome::Revoked),
                CreateOutcome::AlreadyExists => {}
            }
            match self.old.load(key, None).await?.map(marks::read) {
                // What moved has ended: its mark must stay, so the new one begins where that ended.
                Some(Found::Left { .. }) => return self.create_in_new(key, record).await,
                Some(Found::Plain(_) | Found::Arriving(_)) => return Ok(CreateOutcome::AlreadyExists),
                // It ended in between.
                None => {}
            }
        }
        Err(overtaken())
    }

    async fn create_in_new(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        if self.settle(key).await?.is_some() {
            return Ok(CreateOutcome::AlreadyExists);
        }
        let created = self.new.create(key, record).await?;
        if created != CreateOutcome::AlreadyExists {
            return Ok(created);
        }
        match self.new.load(key, None).await?.map(marks::read) {
            Some(Found::Left { version, .. }) => self.put_in_new(key, Some(version), record).await,
            _ => Ok(CreateOutcome::AlreadyExists),
        }
    }
}

/// A payload that could be taken for a mark of this store; no format of ours or of others begins so.
fn check(record: &Record) -> Result<()> {
    if marks::is_reserved(&record.payload) {
        return Err(Error::new(ErrorKind::Invalid, "the payload begins like a mark of a migration"));
    }
    Ok(())
}
