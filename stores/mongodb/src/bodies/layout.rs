//! Documents of connect-mongo and of node-session, and marks of ended sessions: the only place that knows their fields.
//!
//! node-session's database driver with sails-mongo reads and writes `_id`, `payload` and `lastActivity`: milliseconds, as a
//! double.
//! connect-mongo reads `_id`, `session` and `expires`. It writes these, and `lastModified`, `createdAt` and `updatedAt` where
//! its options say so; what else a document has stays. The field [`ENDING`] is ours: a document has it from the moment in
//! which its session ends until the mark is kept and the document is removed.

use std::time::Duration;

use cloakroom_store::Timestamp;
use mongodb::bson::{Bson, DateTime, Document, doc};
use sha2::{Digest as _, Sha256};

use super::session::Form;
use crate::layout::{binary, micros};

/// The collection of Node's sessions, unless another is named.
pub(crate) const COLLECTION: &str = "sessions";
/// The database, unless one is named: that of MongoDB's client for Node.
pub(crate) const DATABASE: &str = "test";
/// The collection of marks, unless another is named.
pub(crate) const ENDED: &str = "cloakroom_ended";
/// The field by which the server removes old marks.
pub(super) const COLLECT_AT: &str = "collect_at";
const ENDING: &str = "cloakroom_ending";
/// The field of an answer that has the marks of a session.
const MARKS: &str = "cloakroom_marks";

/// A document, and the moment at which a method looks at it.
#[derive(Clone)]
pub(super) struct Place {
    id: String,
    /// The name of its mark, from which the id does not follow.
    mark: Bson,
    now: Timestamp,
    form: Form,
}

/// What was read of a document.
pub(super) struct Looked {
    pub(super) session: Bson,
    pub(super) expires_at: Timestamp,
    pub(super) has_ended: bool,
}

impl Place {
    pub(super) fn new(collection: &str, id: &str, now: Timestamp, form: Form) -> Self {
        let mark = Sha256::new().chain_update(collection).chain_update([0]).chain_update(id).finalize();
        Self { id: id.to_owned(), mark: binary(&mark), now, form }
    }

    /// Finds the document, whatever is in it.
    pub(super) fn any(&self) -> Document {
        doc! { "_id": &self.id }
    }

    /// Finds the document if the package would find a session in it, and it has not ended.
    pub(super) fn live(&self) -> Document {
        doc! { "_id": &self.id, "$or": self.unexpired(), ENDING: { "$exists": false } }
    }

    /// Finds the document if it has this session.
    pub(super) fn with(&self, session: &Bson) -> Document {
        let mut filter = self.live();
        filter.insert(self.form.field(), doc! { "$eq": session });
        filter
    }

    /// Finds the document if there is no session in it, for the package neither.
    pub(super) fn free(&self) -> Document {
        doc! { "_id": &self.id, "$nor": self.unexpired(), ENDING: { "$exists": false } }
    }

    /// Says that a document has not expired, in the words of the package.
    fn unexpired(&self) -> Vec<Document> {
        match self.form {
            Form::Payload { lifetime } => {
                vec![doc! { "lastActivity": { "$gt": last_activity(self.now, lifetime) } }]
            }
            Form::Text | Form::Document => {
                vec![doc! { "expires": { "$exists": false } }, doc! { "expires": { "$gt": date(self.now) } }]
            }
        }
    }

    /// Finds the document if node-session's clean-up would remove it.
    pub(super) fn swept(&self) -> Document {
        let mut filter = expired(self.now, self.form);
        filter.insert("_id", &self.id);
        filter
    }

    /// Finds the mark, if it is still needed.
    pub(super) fn marked(&self) -> Document {
        doc! { "_id": &self.mark, "until": { "$gt": micros(self.now) } }
    }

    /// Finds the mark.
    pub(super) fn mark(&self) -> Document {
        doc! { "_id": &self.mark }
    }

    /// Reads the session, and its mark in the collection `ended`, in one trip.
    pub(super) fn look(&self, ended: &str) -> Vec<Document> {
        let mut found = self.unexpired();
        found.push(doc! { ENDING: { "$exists": true } });
        vec![
            doc! { "$match": { "_id": &self.id, "$or": found } },
            doc! { "$lookup": { "from": ended, "pipeline": [{ "$match": self.marked() }], "as": MARKS } },
            doc! { "$project": { "_id": 0, self.form.field(): 1, self.form.time(): 1, ENDING: 1, MARKS: 1 } },
        ]
    }

    /// Replaces a session and its expiry.
    pub(super) fn replace(&self, session: &Bson, expires_at: Timestamp) -> Vec<Document> {
        let mut fields = self.used();
        fields.insert(self.form.field(), doc! { "$literal": session });
        fields.insert(self.form.time(), time(expires_at, self.form));
        vec![doc! { "$set": fields }]
    }

    /// Moves the expiry of a session, if that makes it later.
    pub(super) fn touch(&self, expires_at: Timestamp) -> Vec<Document> {
        let mut fields = self.used();
        let (name, there) = (self.form.time(), format!("${}", self.form.time()));
        let later = match (expires_at, self.form) {
            (Timestamp::NEVER, Form::Text | Form::Document) => "$$REMOVE".into(),
            _ => doc! { "$max": [&there, time(expires_at, self.form)] }.into(),
        };
        fields.insert(name, if_there(&there, later));
        vec![doc! { "$set": fields }]
    }

    /// Moves the dates of the last use that connect-mongo keeps if its options say so.
    fn used(&self) -> Document {
        if matches!(self.form, Form::Payload { .. }) {
            return Document::new();
        }
        doc! {
            "lastModified": if_there("$lastModified", date(self.now)),
            "updatedAt": if_there("$updatedAt", date(self.now)),
        }
    }

    /// Keeps a mark for so long.
    pub(super) fn remember(&self, kept: Duration, slack: Duration) -> Vec<Document> {
        let collect_at =
            doc! { "$add": ["$$NOW", i64::try_from((kept + slack).as_millis()).unwrap_or(i64::MAX)] };
        vec![doc! { "$set": {
            "until": { "$max": ["$until", micros(self.now + kept)] },
            COLLECT_AT: { "$max": [format!("${COLLECT_AT}"), collect_at] },
        } }]
    }

    /// Puts a session into a document that was free, or is new.
    pub(super) fn insert(&self, session: &Bson, expires_at: Timestamp) -> Vec<Document> {
        let mut place = doc! { "_id": "$_id", self.form.field(): { "$literal": session } };
        place.insert(self.form.time(), time(expires_at, self.form));
        vec![doc! { "$replaceWith": place }]
    }

    /// Ends a session: connect-mongo takes the document for an expired one, and node-session finds no value in it.
    pub(super) fn end(&self) -> Document {
        doc! { "$set": match self.form {
            Form::Payload { .. } => doc! { ENDING: true, "payload": "\"{}\"", "lastActivity": 0.0 },
            Form::Text | Form::Document => doc! { ENDING: true, "expires": date(Timestamp::EPOCH) },
        } }
    }

    /// Reads the answer to [`look`](Self::look).
    pub(super) fn looked(&self, mut document: Document) -> Looked {
        let is_marked = document.get_array(MARKS).is_ok_and(|marks| !marks.is_empty());
        let expires_at = match (document.get(self.form.time()), self.form) {
            (Some(Bson::DateTime(date)), Form::Text | Form::Document) => from_millis(date.timestamp_millis()),
            (Some(number), Form::Payload { lifetime }) => match millis_of(number) {
                Some(last) => from_millis(last.saturating_add(millis(lifetime))),
                None => Timestamp::NEVER,
            },
            _ => Timestamp::NEVER,
        };
        Looked {
            session: document.remove(self.form.field()).unwrap_or(Bson::Undefined),
            expires_at,
            has_ended: is_marked || document.contains_key(ENDING),
        }
    }
}

/// Finds the documents that node-session's clean-up would remove.
pub(super) fn expired(now: Timestamp, form: Form) -> Document {
    let last = match form {
        Form::Payload { lifetime } => last_activity(now, lifetime),
        // The server removes them.
        Form::Text | Form::Document => f64::NEG_INFINITY,
    };
    doc! { "lastActivity": { "$lt": last }, ENDING: { "$exists": false } }
}

/// Returns an expression that has a value if a field is there.
fn if_there(field: &str, value: Bson) -> Bson {
    let missing = doc! { "$eq": [{ "$type": field }, "missing"] };
    doc! { "$cond": [missing, "$$REMOVE", value] }.into()
}

/// Returns what a document has as its expiry: none in connect-mongo if it never expires.
fn time(expires_at: Timestamp, form: Form) -> Bson {
    match form {
        Form::Payload { lifetime } => last_activity(expires_at, lifetime).into(),
        _ if expires_at == Timestamp::NEVER => "$$REMOVE".into(),
        Form::Text | Form::Document => date(expires_at),
    }
}

/// Returns the last use of a session that expires at this moment, as the number that JavaScript has for it.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of the next 285,000 years are exact")]
fn last_activity(expires_at: Timestamp, lifetime: Duration) -> f64 {
    (expires_at.as_millis().cast_signed() - millis(lifetime)) as f64
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 2)
}

/// Reads a number of milliseconds; a double beyond the range is the nearest integer.
#[expect(clippy::cast_possible_truncation, reason = "a moment has whole milliseconds")]
fn millis_of(number: &Bson) -> Option<i64> {
    match number {
        Bson::Double(millis) => Some(*millis as i64),
        Bson::Int64(millis) => Some(*millis),
        Bson::Int32(millis) => Some(i64::from(*millis)),
        _ => None,
    }
}

fn from_millis(millis: i64) -> Timestamp {
    match u64::try_from(millis).unwrap_or(0) {
        millis if millis >= Timestamp::NEVER.as_millis() => Timestamp::NEVER,
        millis => Timestamp::from_millis(millis),
    }
}

/// A date has whole milliseconds.
fn date(at: Timestamp) -> Bson {
    Bson::DateTime(DateTime::from_millis(i64::try_from(at.as_millis()).unwrap_or(i64::MAX)))
}
