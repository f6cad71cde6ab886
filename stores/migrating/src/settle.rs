//! Moves one record, or finishes a move that was interrupted.

use cloakroom_store::{
    CreateOutcome, Entry, Error, ErrorKind, Record, Result, StoreKey, UpdateOutcome, Version, VersionedRecord,
};

use super::marks::{self, Copy, Found};
use super::{MigratingStore, Phase};

/// How often others may change a record while it moves, before that is an error.
pub(super) const MOST_ROUNDS: usize = 100;

/// What a round of settling came to.
enum Round {
    /// The record is in the new store, or in neither.
    Settled(Option<VersionedRecord>),
    /// Another process was faster: look again.
    Again,
}

impl MigratingStore {
    /// Moves the record under `key` to the new store if it is in the old one, and returns it.
    pub(super) async fn settle(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let found = self.look_in_new(key).await?;
        self.settle_found(key, found).await
    }

    /// Does the same with a record that was just found in the new store.
    pub(super) async fn settle_found(
        &self,
        key: &StoreKey,
        mut found: Option<Found>,
    ) -> Result<Option<VersionedRecord>> {
        for _ in 0..MOST_ROUNDS {
            if let Round::Settled(stored) = self.round(key, found).await? {
                return Ok(stored);
            }
            found = self.look_in_new(key).await?;
        }
        Err(overtaken())
    }

    async fn look_in_new(&self, key: &StoreKey) -> Result<Option<Found>> {
        Ok(self.new.load(key, None).await?.map(marks::read))
    }

    /// Moves the record of `entry`, which was seen in the old store a moment ago, and returns it. It is mostly still as
    /// it was seen, so it is not loaded first.
    pub(super) async fn settle_seen(&self, entry: &Entry) -> Result<Option<VersionedRecord>> {
        let Entry { key, stored, .. } = entry;
        match self.copy_to_new(key, None, stored).await? {
            Round::Settled(stored) => Ok(stored),
            Round::Again => self.settle(key).await,
        }
    }

    async fn round(&self, key: &StoreKey, found: Option<Found>) -> Result<Round> {
        match found {
            Some(Found::Plain(stored)) => Ok(Round::Settled(Some(stored))),
            Some(Found::Arriving(copy)) => self.bring_to_its_end(key, copy).await,
            Some(Found::Left { version, .. }) => self.begin(key, Some(version)).await,
            None => self.begin(key, None).await,
        }
    }

    /// Nothing is in the new store, or the `mark` of an earlier migration the other way round: puts a copy there, of
    /// what is in the old one.
    async fn begin(&self, key: &StoreKey, mark: Option<Version>) -> Result<Round> {
        if self.phase == Phase::Following {
            // It has looked in the old store first: nothing was there then, and what has come since is another's.
            return Ok(Round::Settled(None));
        }
        match self.old.load(key, None).await?.map(marks::read) {
            Some(Found::Plain(stored)) => self.copy_to_new(key, mark, &stored).await,
            Some(Found::Left { .. }) => self.look_once_more(key).await,
            None => Ok(Round::Settled(None)),
            Some(Found::Arriving(_)) => Err(crossing()),
        }
    }

    /// It has moved: either after this process had looked in the new store, or it has ended since.
    async fn look_once_more(&self, key: &StoreKey) -> Result<Round> {
        Ok(match self.look_in_new(key).await? {
            Some(Found::Plain(_) | Found::Arriving(_)) => Round::Again,
            Some(Found::Left { .. }) | None => Round::Settled(None),
        })
    }

    /// Puts a copy into the new store, and brings it to its end.
    async fn copy_to_new(
        &self,
        key: &StoreKey,
        mark: Option<Version>,
        stored: &VersionedRecord,
    ) -> Result<Round> {
        let number = self.next_move();
        match self.put_in_new(key, mark, &marks::arriving(stored, number)).await? {
            CreateOutcome::Created(version) => {
                let copy = Copy { number, of: stored.version, version, record: stored.record.clone() };
                // Looks again, now that the copy can be seen: a process that touches the record and sees no copy afterwards has
                // touched it before this.
                match self.old.load(key, None).await?.map(marks::read) {
                    Some(Found::Plain(there)) if there.version == copy.of => {
                        self.leave_mark(key, copy, &there).await
                    }
                    _ => Ok(Round::Again),
                }
            }
            CreateOutcome::AlreadyExists => Ok(Round::Again),
            CreateOutcome::Revoked => self.end_in_old(key, stored).await,
        }
    }

    /// Creates a record in the new store, in the place of a `mark` if one is there.
    pub(super) async fn put_in_new(
        &self,
        key: &StoreKey,
        mark: Option<Version>,
        record: &Record,
    ) -> Result<CreateOutcome> {
        let Some(mark) = mark else { return self.new.create(key, record).await };
        Ok(match self.new.update(key, mark, record).await? {
            UpdateOutcome::Updated(version) => CreateOutcome::Created(version),
            UpdateOutcome::Conflict(_) | UpdateOutcome::NotFound => CreateOutcome::AlreadyExists,
            UpdateOutcome::Revoked => CreateOutcome::Revoked,
        })
    }

    /// Decides about a copy in the new store by what the old store holds, and finishes or removes it.
    async fn bring_to_its_end(&self, key: &StoreKey, copy: Copy) -> Result<Round> {
        match self.old.load(key, None).await?.map(marks::read) {
            Some(Found::Left { number, expires_at, .. }) if number == copy.number => {
                self.show(key, copy.lasting_until(expires_at)).await
            }
            Some(Found::Plain(stored)) if stored.version == copy.of => {
                self.leave_mark(key, copy, &stored).await
            }
            Some(Found::Plain(stored)) => self.copy_again(key, &copy, &stored).await,
            Some(Found::Left { .. }) | None => self.drop_copy(key, &copy).await,
            Some(Found::Arriving(_)) => Err(crossing()),
        }
    }

    /// Replaces what was copied by a mark, if it is as it was: then it has moved.
    async fn leave_mark(&self, key: &StoreKey, copy: Copy, stored: &VersionedRecord) -> Result<Round> {
        let left = marks::left(&stored.record, copy.number);
        match self.old.update(key, copy.of, &left).await? {
            UpdateOutcome::Updated(_) => self.show(key, copy.lasting_until(stored.record.expires_at)).await,
            UpdateOutcome::Conflict(_) | UpdateOutcome::NotFound | UpdateOutcome::Revoked => Ok(Round::Again),
        }
    }

    /// The copy becomes the record.
    async fn show(&self, key: &StoreKey, copy: Copy) -> Result<Round> {
        match self.new.update(key, copy.version, &copy.record).await? {
            UpdateOutcome::Updated(version) => {
                Ok(Round::Settled(Some(VersionedRecord::new(copy.record, version))))
            }
            UpdateOutcome::Conflict(_) | UpdateOutcome::NotFound => Ok(Round::Again),
            UpdateOutcome::Revoked => self.drop_copy(key, &copy).await,
        }
    }

    /// The old record was changed after it was copied.
    async fn copy_again(&self, key: &StoreKey, copy: &Copy, stored: &VersionedRecord) -> Result<Round> {
        let record = marks::arriving(stored, self.next_move());
        match self.new.update(key, copy.version, &record).await? {
            UpdateOutcome::Updated(_) | UpdateOutcome::Conflict(_) | UpdateOutcome::NotFound => {
                Ok(Round::Again)
            }
            UpdateOutcome::Revoked => self.end_in_old(key, stored).await,
        }
    }

    /// The record that was copied has ended, or moved by another copy that is gone.
    async fn drop_copy(&self, key: &StoreKey, copy: &Copy) -> Result<Round> {
        let _gone_or_changed = self.new.update(key, copy.version, &Record::expired()).await?;
        Ok(Round::Again)
    }

    /// The new store knows that the record's owner was revoked.
    async fn end_in_old(&self, key: &StoreKey, stored: &VersionedRecord) -> Result<Round> {
        let _gone_or_changed = self.old.update(key, stored.version, &Record::expired()).await?;
        Ok(Round::Again)
    }
}

pub(super) fn overtaken() -> Error {
    Error::new(ErrorKind::Unavailable, "too many others changed the record while it moved")
}

fn crossing() -> Error {
    let message =
        "records of the old store are still arriving from somewhere else; finish that migration first";
    Error::new(ErrorKind::Setup, message)
}
