//! The steps of a body store, each of them inside one transaction.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Body, Ended, Replaced, Timestamp, Version};
use rusqlite::{OptionalExtension as _, params};

use super::layout::{BodyLayout, Found, found, millis, version_of};
use crate::database::Database;
use crate::error::Failure;
use crate::layout::micros;

/// How long the mark of an end stays after it was last needed.
const MARKED: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the body of an id is.
#[derive(Clone)]
pub(super) struct Place {
    id: Arc<str>,
    /// The name of its mark, from which the id does not follow.
    mark: [u8; 32],
}

/// What is written.
pub(super) struct Change {
    pub(super) text: Box<str>,
    pub(super) expires_at: Timestamp,
}

impl Place {
    pub(super) fn new(table: &str, id: &str) -> Self {
        // SQLite takes letters of both cases for the same in the name of a table.
        let mut hasher = blake3::Hasher::new();
        hasher.update(table.to_ascii_lowercase().as_bytes()).update(&[0]).update(id.as_bytes());
        Self { id: id.into(), mark: *hasher.finalize().as_bytes() }
    }
}

impl Database<BodyLayout> {
    pub(super) fn look(&self, place: &Place, now: Timestamp) -> Result<Option<Found>, Failure> {
        let mut statement = self.statement(|layout| &layout.look)?;
        let mut rows = statement.query(params![&*place.id, millis(now), place.mark, micros(now)])?;
        rows.next()?.map(found).transpose()
    }

    /// Returns the body that is there; one that was written back after an end is removed.
    pub(super) fn look_and_tidy(&self, place: &Place) -> Result<Option<Body>, Failure> {
        self.look_and_tidy_at(place, self.now())
    }

    fn look_and_tidy_at(&self, place: &Place, now: Timestamp) -> Result<Option<Body>, Failure> {
        match self.look(place, now)? {
            Some(Found { is_marked: true, .. }) => self.end_at(place, now).map(|()| None),
            found => Ok(found.map(|found| found.body)),
        }
    }

    pub(super) fn insert(&self, place: &Place, change: &Change) -> Result<Option<Version>, Failure> {
        let now = self.now();
        let ended: Option<bool> = self
            .statement(|layout| &layout.is_ended)?
            .query_row(params![place.mark, micros(now)], |row| row.get(0))
            .optional()?;
        if ended == Some(true) || self.look(place, now)?.is_some() {
            return Ok(None);
        }
        self.put(|layout| &layout.insert, place, change).map(Some)
    }

    pub(super) fn replace(
        &self,
        place: &Place,
        expected: Version,
        change: &Change,
    ) -> Result<Replaced, Failure> {
        Ok(match self.look_and_tidy_at(place, self.now())? {
            None => Replaced::Missing,
            Some(there) if there.version != expected => Replaced::Changed(there),
            Some(_) => Replaced::Replaced(self.put(|layout| &layout.replace, place, change)?),
        })
    }

    pub(super) fn touch(&self, place: &Place, expires_at: Timestamp) -> Result<bool, Failure> {
        let Some(there) = self.look_and_tidy_at(place, self.now())? else { return Ok(false) };
        if there.expires_at < expires_at {
            self.statement(|layout| &layout.touch)?.execute(params![&*place.id, millis(expires_at)])?;
        }
        Ok(true)
    }

    pub(super) fn end(&self, place: &Place, expected: Option<Version>) -> Result<Ended, Failure> {
        let now = self.now();
        let Some(there) = self.look_and_tidy_at(place, now)? else { return Ok(Ended::Missing) };
        if expected.is_some_and(|expected| expected != there.version) {
            return Ok(Ended::Changed(there));
        }
        self.end_at(place, now)?;
        self.statement(|layout| &layout.forget)?.execute([micros(now)])?;
        Ok(Ended::Ended(there))
    }

    /// Removes up to `limit` bodies that have expired, and a few marks that are not needed any more.
    pub(super) fn sweep_bodies(&self, limit: u32) -> Result<usize, Failure> {
        let now = self.now();
        self.statement(|layout| &layout.forget)?.execute([micros(now)])?;
        Ok(self.statement(|layout| &layout.sweep)?.execute(params![millis(now), limit])?)
    }

    /// Returns up to `limit` ids behind this one, in order.
    pub(super) fn ids_behind(&self, id: &str, limit: u32) -> Result<Vec<String>, Failure> {
        let mut statement = self.statement(|layout| &layout.ids)?;
        let ids = statement.query_map(params![id, limit], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Removes what is under an id, and leaves a mark.
    fn end_at(&self, place: &Place, now: Timestamp) -> Result<(), Failure> {
        self.statement(|layout| &layout.remove)?.execute([&*place.id])?;
        self.statement(|layout| &layout.mark)?.execute(params![place.mark, micros(now + MARKED)])?;
        Ok(())
    }

    fn put(
        &self,
        sql: fn(&BodyLayout) -> &String,
        place: &Place,
        change: &Change,
    ) -> Result<Version, Failure> {
        self.statement(sql)?.execute(params![&*place.id, millis(change.expires_at), &*change.text])?;
        Ok(version_of(change.text.as_bytes()))
    }
}
