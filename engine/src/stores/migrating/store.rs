//! The contract, over two stores.

use async_trait::async_trait;
use cloakroom_store::{
    Abilities, Created, Error, ErrorKind, Record, Result, Store, StoreKey, Stored, Timestamp, Touch, Updated,
    Version,
};

use super::marks::{self, Found};
use super::settle::{MOST_ROUNDS, overtaken};
use super::{MigratingStore, Phase, masked};

#[async_trait]
impl Store for MigratingStore {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<Stored>> {
        if self.phase == Phase::Following
            && let Some(stored) = Self::in_old(self.old.load(key, touch).await?)
        {
            return Ok(Some(stored));
        }
        match self.new.load(key, touch).await?.map(marks::read) {
            Some(Found::Plain(stored)) => Ok(Some(stored)),
            // Nothing more can have left the old store: this process looked there first.
            None if self.phase == Phase::Following => Ok(None),
            found => self.load_settled(key, touch, found).await,
        }
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<Created> {
        check(record)?;
        match self.phase {
            Phase::Following => self.create_in_old(key, record).await,
            Phase::Moving => self.create_in_new(key, record).await,
        }
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<Updated> {
        check(record)?;
        if self.phase == Phase::Following {
            match self.old.update(key, masked(expected), record).await? {
                Updated::Updated(version) => return Ok(Updated::Updated(masked(version))),
                Updated::Revoked => return Ok(Updated::Revoked),
                Updated::Conflict(stored) => {
                    if let Some(stored) = Self::in_old(Some(stored)) {
                        return Ok(Updated::Conflict(stored));
                    }
                }
                Updated::Gone => {}
            }
        }
        match self.new.update(key, expected, record).await? {
            Updated::Conflict(stored) if !marks::is_reserved(&stored.record.payload) => {
                Ok(Updated::Conflict(stored))
            }
            Updated::Conflict(_) | Updated::Gone => {
                Ok(self.settle(key).await?.map_or(Updated::Gone, Updated::Conflict))
            }
            answer => Ok(answer),
        }
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        if self.phase == Phase::Following && self.is_in_old(key).await? {
            // It may have left in between: then what was touched is its mark.
            let touched = self.old.touch(key, expires_at).await?;
            if touched && self.is_in_old(key).await? {
                return Ok(true);
            }
        }
        Ok(self.settle(key).await?.is_some() && self.new.touch(key, expires_at).await?)
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<Stored>> {
        loop {
            let Some(stored) = self.load(key, None).await? else { return Ok(None) };
            // Of exactly this version: a mark, or a copy, must not go with it.
            match self.update(key, stored.version, &Record::expired()).await? {
                Updated::Updated(_) => return Ok(Some(stored)),
                Updated::Conflict(_) => {}
                Updated::Gone | Updated::Revoked => return Ok(None),
            }
        }
    }

    fn abilities(&self) -> Abilities<'_> {
        let (old, new) = (self.old.abilities(), self.new.abilities());
        let mut abilities = Abilities::NONE;
        if old.scan.is_some() && new.scan.is_some() {
            abilities = abilities.with_scan(self);
        }
        if old.owners.is_some() && new.owners.is_some() {
            abilities = abilities.with_owners(self);
        }
        if old.sweep.is_some() || new.sweep.is_some() {
            abilities = abilities.with_sweep(self);
        }
        if let Some(clock) = new.server_clock {
            abilities = abilities.with_server_clock(clock);
        }
        abilities
    }
}

impl MigratingStore {
    /// A record of the old store under the version that it has in this process; `None` for a mark.
    pub(super) fn in_old(stored: Option<Stored>) -> Option<Stored> {
        match marks::read(stored?) {
            Found::Plain(stored) => Some(Stored { version: masked(stored.version), ..stored }),
            Found::Arriving(_) | Found::Left { .. } => None,
        }
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
    ) -> Result<Option<Stored>> {
        let Some(stored) = self.settle_found(key, found).await? else { return Ok(None) };
        if touch.and_then(|touch| touch.moves(&stored.record)).is_none() {
            return Ok(Some(stored));
        }
        let touched = self.new.load(key, touch).await?.map(marks::read);
        Ok(touched.and_then(|found| if let Found::Plain(stored) = found { Some(stored) } else { None }))
    }

    async fn create_in_old(&self, key: &StoreKey, record: &Record) -> Result<Created> {
        if let Some(Found::Plain(_) | Found::Arriving(_)) = self.new.load(key, None).await?.map(marks::read)
            && self.settle(key).await?.is_some()
        {
            return Ok(Created::Taken);
        }
        for _ in 0..MOST_ROUNDS {
            match self.old.create(key, record).await? {
                Created::Created(version) => return Ok(Created::Created(masked(version))),
                Created::Revoked => return Ok(Created::Revoked),
                Created::Taken => {}
            }
            match self.old.load(key, None).await?.map(marks::read) {
                // What moved has ended: its mark must stay, so the new one begins where that ended.
                Some(Found::Left { .. }) => return self.create_in_new(key, record).await,
                Some(Found::Plain(_) | Found::Arriving(_)) => return Ok(Created::Taken),
                // It ended in between.
                None => {}
            }
        }
        Err(overtaken())
    }

    async fn create_in_new(&self, key: &StoreKey, record: &Record) -> Result<Created> {
        if self.settle(key).await?.is_some() {
            return Ok(Created::Taken);
        }
        let created = self.new.create(key, record).await?;
        if created != Created::Taken {
            return Ok(created);
        }
        match self.new.load(key, None).await?.map(marks::read) {
            Some(Found::Left { version, .. }) => self.put_in_new(key, Some(version), record).await,
            _ => Ok(Created::Taken),
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
