//! Commands to the collection, with a timeout and the write concern.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use cloakroom_store::{Clock, MissedTouches, Timestamp, Version};
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::{CollectionOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern};
use mongodb::{Collection, Database};

use crate::error::Failure;
use crate::layout::Placed;

/// Where the records are, and by which rules they are written. Cloned, it is the same collection.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) database: Database,
    pub(crate) records: Collection<Document>,
    pub(crate) write_concern: WriteConcern,
    /// How sure a load is that what it shows stays: what the application chose.
    pub(crate) loads: ReadConcern,
    /// Whether the server has said that it belongs to no replica set.
    pub(crate) is_alone: Arc<AtomicBool>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether the server's clock dates log-ins and revocations.
    pub(crate) tells_time: bool,
    pub(crate) timeout: Duration,
    pub(crate) slack: Duration,
    pub(crate) missed_touches: MissedTouches,
}

/// A statement of an update command.
pub(crate) struct Statement {
    pub(crate) filter: Document,
    pub(crate) update: Bson,
    pub(crate) kind: Kind,
}

/// How many documents a statement changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One, if it is there.
    One,
    /// One, which is made if it is missing.
    Upsert,
    /// All that the filter finds.
    Many,
}

/// The results of the statements of a command.
pub(crate) struct Done {
    /// How many documents all statements together found or made.
    pub(crate) count: i64,
    /// The code of the statement that failed; those after it were not carried out.
    pub(crate) failed: Option<i32>,
}

impl Server {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns what a write puts into a slot.
    pub(crate) fn placed<'a>(&self, record: &'a cloakroom_store::Record, now: Timestamp) -> Placed<'a> {
        Placed { record, version: Version::random(), now, slack: self.slack }
    }

    /// Returns another collection of the database, which is asked in the same way.
    pub(crate) fn beside(&self, name: &str) -> Collection<Document> {
        self.database.collection_with_options(name, collection_options(&self.write_concern))
    }

    /// Waits for an answer, but not for ever.
    ///
    /// What goes through the whole collection may take longer: [`ask_within`](Self::ask_within).
    pub(crate) async fn ask<T>(
        &self,
        question: impl IntoFuture<IntoFuture: Future, Output = mongodb::error::Result<T>>,
    ) -> Result<T, Failure> {
        self.ask_within(self.timeout, question).await
    }

    pub(crate) async fn ask_within<T>(
        &self,
        limit: Duration,
        question: impl IntoFuture<IntoFuture: Future, Output = mongodb::error::Result<T>>,
    ) -> Result<T, Failure> {
        let answer = tokio::time::timeout(limit, question.into_future()).await;
        Ok(answer.map_err(|_| Failure::LATE)??)
    }

    /// Carries out several statements in one trip, in order, up to the first that fails. Each is atomic, the whole is not.
    pub(crate) async fn carry_out(&self, statements: Vec<Statement>) -> Result<Done, Failure> {
        let updates = statements.into_iter().map(|Statement { filter, update, kind }| {
            let (upsert, multi) = (kind == Kind::Upsert, kind == Kind::Many);
            Bson::from(doc! { "q": filter, "u": update, "upsert": upsert, "multi": multi })
        });
        let command = doc! {
            "update": self.records.name(),
            "ordered": true,
            "updates": updates.collect::<Vec<_>>(),
            "writeConcern": concern(&self.write_concern),
        };
        let answer = self.ask(self.database.run_command(command)).await?;
        if let Ok(error) = answer.get_document("writeConcernError") {
            return Err(Failure::of_write_concern(error.get_i32("code").unwrap_or_default()));
        }
        let count = answer.get("n").and_then(integer).ok_or(Failure::DAMAGED)?;
        let failed = answer.get_array("writeErrors").ok().and_then(|errors| errors.first()?.as_document());
        let failed = failed.and_then(|error| error.get("code").and_then(integer));
        Ok(Done { count, failed: failed.map(|code| i32::try_from(code).unwrap_or_default()) })
    }
}

/// Reads of the primary, and writes as sure as the application wants them.
pub(crate) fn collection_options(write_concern: &WriteConcern) -> CollectionOptions {
    CollectionOptions::builder()
        .write_concern(write_concern.clone())
        .read_concern(ReadConcern::local())
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .build()
}

/// Returns a number out of 2^64, which nothing else has.
pub(crate) fn random() -> i64 {
    Version::random().get().cast_signed()
}

fn integer(value: &Bson) -> Option<i64> {
    value.as_i64().or_else(|| value.as_i32().map(i64::from))
}

fn concern(concern: &WriteConcern) -> Bson {
    mongodb::bson::serialize_to_bson(concern).unwrap_or_else(|_| doc! { "w": "majority" }.into())
}
