//! Writes that bring an owner: claim, check and write, in one command. [`layout`](crate::layout) says why.

use cloakroom_store::{CreateOutcome, Owner, Record, StoreKey, Timestamp, UpdateOutcome, Version};
use mongodb::bson::Document;

use crate::error::Failure;
use crate::layout::{Placed, REFUSED, claim, exactly, free, impossible, refusing_mark, slot, with_claim};
use crate::server::{Done, Kind, Server, Statement, random};

/// The result of the three statements.
enum Outcome {
    Written,
    Refused,
    /// The slot was not as expected, or the claim was withdrawn: look what is there.
    Missed,
}

impl Server {
    /// Creates the record; `None` if the slot is not free, or was not.
    pub(crate) async fn create_owned(
        &self,
        key: &StoreKey,
        record: &Record,
        owner: &Owner,
        now: Timestamp,
    ) -> Result<Option<CreateOutcome>, Failure> {
        let placed = self.placed(record, now);
        let (claimed, written) = ((slot(key), Kind::Upsert), free(key, now));
        Ok(match self.write_owned(claimed, written, owner, &placed).await? {
            Outcome::Written => Some(CreateOutcome::Created(placed.version)),
            Outcome::Refused => Some(CreateOutcome::Revoked),
            Outcome::Missed => None,
        })
    }

    /// Replaces the record; `None` if the slot does not hold that version, or did not.
    pub(crate) async fn update_owner(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &Record,
        owner: &Owner,
        now: Timestamp,
    ) -> Result<Option<UpdateOutcome>, Failure> {
        let placed = self.placed(record, now);
        let filter = exactly(key, now, expected);
        Ok(match self.write_owned((filter.clone(), Kind::One), filter, owner, &placed).await? {
            Outcome::Written => Some(UpdateOutcome::Updated(placed.version)),
            Outcome::Refused => Some(UpdateOutcome::Revoked),
            Outcome::Missed => None,
        })
    }

    async fn write_owned(
        &self,
        (claimed, kind): (Document, Kind),
        written: Document,
        owner: &Owner,
        placed: &Placed<'_>,
    ) -> Result<Outcome, Failure> {
        let token = random();
        let statement =
            |filter, update: Vec<Document>, kind| Statement { filter, update: update.into(), kind };
        let done = self.carry_out(vec![
            statement(claimed, claim(token, owner, self.slack), kind),
            statement(refusing_mark(owner), impossible(), Kind::One),
            statement(with_claim(written, token), placed.replace(), Kind::One),
        ]);
        match done.await? {
            // The claim, and what was written.
            Done { failed: None, count: 2 } => Ok(Outcome::Written),
            // Two that made the same slot at once.
            Done { failed: None | Some(11000), .. } => Ok(Outcome::Missed),
            Done { failed: Some(REFUSED), .. } => Ok(Outcome::Refused),
            Done { failed: Some(code), .. } => Err(Failure::of_code(code)),
        }
    }
}
