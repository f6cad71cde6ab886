//! Documents of connect-mongo, and marks of ended sessions: the only place that knows their fields.
//!
//! connect-mongo reads `_id`, `session` and `expires`. It writes these, and `lastModified`, `createdAt` and `updatedAt` where
//! its options say so; what else a document has stays. The field [`ENDING`] is ours: a document has it from the moment in
//! which its session ends until the mark is kept and the document is removed.

use std::time::Duration;

use cloakroom_store::Timestamp;
use mongodb::bson::{Bson, DateTime, Document, doc};
use sha2::{Digest as _, Sha256};

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
}

/// What was read of a document.
pub(super) struct Looked {
    pub(super) session: Bson,
    pub(super) expires_at: Timestamp,
    pub(super) has_ended: bool,
}

impl Place {
    pub(super) fn new(collection: &str, id: &str, now: Timestamp) -> Self {
        let mark = Sha256::new().chain_update(collection).chain_update([0]).chain_update(id).finalize();
        Self { id: id.to_owned(), mark: binary(&mark), now }
    }

    /// Finds the document, whatever is in it.
    pub(super) fn any(&self) -> Document {
        doc! { "_id": &self.id }
    }

    /// Finds the document if connect-mongo would find a session in it, and it has not ended.
    pub(super) fn live(&self) -> Document {
        doc! { "_id": &self.id, "$or": self.unexpired().to_vec(), ENDING: { "$exists": false } }
    }

    /// Finds the document if it has this session.
    pub(super) fn with(&self, session: &Bson) -> Document {
        let mut filter = self.live();
        filter.insert("session", doc! { "$eq": session });
        filter
    }

    /// Finds the document if there is no session in it, for connect-mongo neither.
    pub(super) fn free(&self) -> Document {
        doc! { "_id": &self.id, "$nor": self.unexpired().to_vec(), ENDING: { "$exists": false } }
    }

    /// Says that a document has not expired, in the words of connect-mongo.
    fn unexpired(&self) -> [Document; 2] {
        [doc! { "expires": { "$exists": false } }, doc! { "expires": { "$gt": date(self.now) } }]
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
        let [unlimited, later] = self.unexpired();
        let ending = doc! { ENDING: { "$exists": true } };
        vec![
            doc! { "$match": { "_id": &self.id, "$or": [unlimited, later, ending] } },
            doc! { "$lookup": { "from": ended, "pipeline": [{ "$match": self.marked() }], "as": MARKS } },
            doc! { "$project": { "_id": 0, "session": 1, "expires": 1, ENDING: 1, MARKS: 1 } },
        ]
    }

    /// Replaces a session and its expiry.
    pub(super) fn replace(&self, session: &Bson, expires_at: Timestamp) -> Vec<Document> {
        let mut fields = self.used();
        fields.insert("session", doc! { "$literal": session });
        fields.insert("expires", expires(expires_at));
        vec![doc! { "$set": fields }]
    }

    /// Moves the expiry of a session, if that makes it later.
    pub(super) fn touch(&self, expires_at: Timestamp) -> Vec<Document> {
        let mut fields = self.used();
        let later = match expires_at {
            Timestamp::NEVER => "$$REMOVE".into(),
            _ => doc! { "$max": ["$expires", date(expires_at)] }.into(),
        };
        fields.insert("expires", if_there("$expires", later));
        vec![doc! { "$set": fields }]
    }

    /// Moves the dates of the last use that connect-mongo keeps if its options say so.
    fn used(&self) -> Document {
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
}

/// Puts a session into a document that was free, or is new.
pub(super) fn insert(session: &Bson, expires_at: Timestamp) -> Vec<Document> {
    let place = doc! { "_id": "$_id", "session": { "$literal": session }, "expires": expires(expires_at) };
    vec![doc! { "$replaceWith": place }]
}

/// Ends a session: connect-mongo takes the document for an expired one.
pub(super) fn end() -> Document {
    doc! { "$set": { ENDING: true, "expires": date(Timestamp::EPOCH) } }
}

/// Reads the answer to [`Place::look`].
pub(super) fn looked(mut document: Document) -> Looked {
    let is_marked = document.get_array(MARKS).is_ok_and(|marks| !marks.is_empty());
    let expires_at = match document.get("expires") {
        Some(Bson::DateTime(date)) => {
            Timestamp::from_millis(u64::try_from(date.timestamp_millis()).unwrap_or(0))
        }
        _ => Timestamp::NEVER,
    };
    Looked {
        session: document.remove("session").unwrap_or(Bson::Undefined),
        expires_at,
        has_ended: is_marked || document.contains_key(ENDING),
    }
}

/// Returns an expression that has a value if a field is there.
fn if_there(field: &str, value: Bson) -> Bson {
    let missing = doc! { "$eq": [{ "$type": field }, "missing"] };
    doc! { "$cond": [missing, "$$REMOVE", value] }.into()
}

/// Returns what a document has as its expiry: none if it never expires.
fn expires(at: Timestamp) -> Bson {
    if at == Timestamp::NEVER { "$$REMOVE".into() } else { date(at) }
}

/// A date has whole milliseconds.
fn date(at: Timestamp) -> Bson {
    Bson::DateTime(DateTime::from_millis(i64::try_from(at.as_millis()).unwrap_or(i64::MAX)))
}
