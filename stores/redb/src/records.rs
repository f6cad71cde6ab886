//! Load, create, update, touch and delete, inside a transaction.

use cloakroom_store::{
    CreateOutcome, Record, StoreKey, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord,
};
use redb::ReadableTable;

use crate::error::Failure;
use crate::layout::Head;
use crate::tables::Tables;

/// Loads the live record under `key` from a table, in whatever transaction.
pub(crate) fn load(
    records: &impl ReadableTable<&'static [u8], &'static [u8]>,
    key: &StoreKey,
    now: Timestamp,
) -> Result<Option<VersionedRecord>, Failure> {
    let Some(value) = records.get(key.as_bytes())? else { return Ok(None) };
    let (head, payload) = Head::decode(value.value())?;
    Ok(head.is_live(now).then(|| head.stored(payload)))
}

impl Tables<'_> {
    /// Loads, and moves the expiry if the touch is due: decided here again, in the transaction that moves it.
    pub(crate) fn load_and_touch(
        &mut self,
        key: &StoreKey,
        touch: Touch,
    ) -> Result<Option<VersionedRecord>, Failure> {
        let Some(mut stored) = load(&self.records, key, self.now())? else { return Ok(None) };
        if let Some(later) = touch.extended_expiry(&stored.record) {
            self.touch(key, later)?;
            stored.record.expires_at = later;
        }
        Ok(Some(stored))
    }

    pub(crate) fn create(&mut self, key: &StoreKey, record: &Record) -> Result<CreateOutcome, Failure> {
        let before = self.head(key)?;
        if before.as_ref().is_some_and(|head| head.is_live(self.now())) {
            return Ok(CreateOutcome::AlreadyExists);
        }
        if self.is_revoked(record.owner.as_ref())? {
            return Ok(CreateOutcome::Revoked);
        }
        let head = Head::of(record, Version::random().get(), record.expires_at);
        self.put(key, before.as_ref(), &head, &record.payload)?;
        Ok(CreateOutcome::Created(Version::new(head.version)))
    }

    pub(crate) fn update(
        &mut self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
    ) -> Result<UpdateOutcome, Failure> {
        let now = self.now();
        let Some(before) = self.head(key)?.filter(|head| head.is_live(now)) else {
            return Ok(UpdateOutcome::NotFound);
        };
        if before.version != expected.get() {
            let there = load(&self.records, key, now)?;
            return Ok(there.map_or(UpdateOutcome::NotFound, UpdateOutcome::Conflict));
        }
        if self.is_revoked(record.owner.as_ref())? {
            return Ok(UpdateOutcome::Revoked);
        }
        let head = Head::of(record, Version::random().get(), before.due_at.min(record.expires_at));
        self.put(key, Some(&before), &head, &record.payload)?;
        Ok(UpdateOutcome::Updated(Version::new(head.version)))
    }

    pub(crate) fn touch(&mut self, key: &StoreKey, expires_at: Timestamp) -> Result<bool, Failure> {
        let now = self.now();
        let Some(value) = self.records.get(key.as_bytes())? else { return Ok(false) };
        let (mut head, payload) = Head::decode(value.value())?;
        if !head.is_live(now) || head.expires_at >= expires_at {
            return Ok(head.is_live(now));
        }
        head.expires_at = expires_at;
        let touched = head.encode(payload);
        drop(value);
        self.changed = true;
        self.records.insert(key.as_bytes(), &touched[..])?;
        Ok(true)
    }

    pub(crate) fn delete(&mut self, key: &StoreKey) -> Result<Option<VersionedRecord>, Failure> {
        let now = self.now();
        let Some((head, stored)) = self.take(key.as_bytes())? else { return Ok(None) };
        Ok(head.is_live(now).then_some(stored))
    }

    /// Removes a record, dead or alive, from every table.
    pub(crate) fn take(&mut self, key: &[u8]) -> Result<Option<(Head, VersionedRecord)>, Failure> {
        let Some(value) = self.records.remove(key)? else { return Ok(None) };
        let (head, payload) = Head::decode(value.value())?;
        let stored = head.clone().stored(payload);
        drop(value);
        self.unlist(key, &head)?;
        Ok(Some((head, stored)))
    }

    /// Removes a record whose head was read, from every table; its payload is not looked at.
    pub(crate) fn remove(&mut self, key: &[u8], head: &Head) -> Result<(), Failure> {
        drop(self.records.remove(key)?);
        self.unlist(key, head)
    }

    fn unlist(&mut self, key: &[u8], head: &Head) -> Result<(), Failure> {
        self.changed = true;
        self.due.remove((head.due_at.as_micros(), key))?;
        if let Some(owner) = &head.owner {
            self.owners.remove((owner.key.as_bytes(), key))?;
        }
        Ok(())
    }

    /// Returns the head of the record under `key`, dead or alive.
    pub(crate) fn head(&self, key: &StoreKey) -> Result<Option<Head>, Failure> {
        let Some(value) = self.records.get(key.as_bytes())? else { return Ok(None) };
        Ok(Some(Head::decode(value.value())?.0))
    }

    /// Writes a record in the place of what was `before`. The usual update changes neither its owner nor when it is
    /// due, and so writes to one table only.
    fn put(
        &mut self,
        key: &StoreKey,
        before: Option<&Head>,
        head: &Head,
        payload: &[u8],
    ) -> Result<(), Failure> {
        self.changed = true;
        let key = key.as_bytes();
        let due = |head: &Head| head.due_at.as_micros();
        if before.map(due) != Some(due(head)) {
            if let Some(before) = before {
                self.due.remove((due(before), key))?;
            }
            self.due.insert((due(head), key), ())?;
        }
        let (old, new) = (before.and_then(|head| head.owner.as_ref()), head.owner.as_ref());
        if old.map(|owner| &owner.key) != new.map(|owner| &owner.key) {
            if let Some(old) = old {
                self.owners.remove((old.key.as_bytes(), key))?;
            }
            if let Some(new) = new {
                self.owners.insert((new.key.as_bytes(), key), ())?;
            }
        }
        self.records.insert(key, &head.encode(payload)[..])?;
        Ok(())
    }
}
