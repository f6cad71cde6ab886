//! Bodies of Node's sessions, as connect-mongo keeps them, or node-session's database driver with sails-mongo.

mod layout;
mod session;
mod setup;
mod walk;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{
    Body, BodyCapabilities, BodyStore, Bytes, Ended, Error, ErrorKind, Replaced, Result, Timestamp, Version,
    async_trait,
};
use mongodb::Collection;
use mongodb::bson::{Bson, Document};
use sha2::{Digest as _, Sha256};

use crate::error::Failure;
use crate::records::{TRIES, wait_after};
use crate::server::Server;

pub(crate) use layout::{COLLECTION, DATABASE, ENDED};
use layout::{Looked, Place};
pub(crate) use session::Form;

/// How long the mark of an end stays after it was last needed.
const MARKED: Duration = Duration::from_secs(24 * 60 * 60);
/// A write has the old body and the new one, which have to fit into one command of 16 MiB.
const LARGEST: usize = 7 << 20;
const LARGEST_WRITE: usize = 15 << 20;

/// Keeps the bodies of Node's sessions in MongoDB, as connect-mongo does, or node-session's database driver with sails-mongo.
///
/// [`Builder::build_bodies`](crate::Builder::build_bodies) makes one; [`Builder::node_session`](crate::Builder::node_session)
/// chooses the second, whose fields are `payload` (a JSON string of the body) and `lastActivity` (milliseconds, a lifetime before the
/// expiry).
///
/// | | as connect-mongo keeps it |
/// |---|---|
/// | database | the one that the URL names, else `test` |
/// | collection | `sessions` ([`Builder::collection`](crate::Builder::collection)) |
/// | `_id` | the id |
/// | `session` | the body, a string or a document ([`Builder::stringify`](crate::Builder::stringify)) |
/// | `expires` | a date of whole milliseconds; none if the session never expires |
/// | mark of an end | a document of `cloakroom_ended` ([`Builder::ended_collection`](crate::Builder::ended_collection)), for a day after it was last needed |
///
/// The first eight bytes of the body's SHA-256 stand for it when it is replaced. A read is one trip, a touch, a first write
/// and a write that meets no other one are two, an end is four.
#[derive(Clone)]
pub struct MongoBodies(Arc<Inner>);

struct Inner {
    server: Server,
    ended: Collection<Document>,
    form: Form,
    largest: usize,
}

/// A body, and what the server compares when it is replaced.
struct Found {
    body: Body,
    session: Bson,
}

impl MongoBodies {
    /// Looks at the collections.
    pub(crate) async fn open(
        server: Server,
        ended: &str,
        form: Form,
        may_create: bool,
        largest: usize,
    ) -> Result<Self> {
        let ended = server.beside(ended);
        setup::open(&server, &ended, may_create).await?;
        Ok(Self(Arc::new(Inner { server, ended, form, largest: largest.min(LARGEST) })))
    }
}

impl Inner {
    fn place(&self, id: &str) -> Place {
        Place::new(self.server.records.name(), id, self.server.now(), self.form)
    }

    fn checked<'b>(&self, body: &'b [u8]) -> Result<&'b str> {
        self.check_length(body.len())?;
        std::str::from_utf8(body).map_err(|_| Error::new(ErrorKind::Invalid, "a body is not UTF-8"))
    }

    fn check_length(&self, length: usize) -> Result<()> {
        if length <= self.largest {
            return Ok(());
        }
        let message = format!("a body has at most {} bytes here, this one {length}", self.largest);
        Err(Error::new(ErrorKind::TooLarge, message))
    }

    /// Makes what is stored of a body.
    fn session(&self, text: &str, before: Option<&Bson>) -> Result<Bson> {
        let session = self.form.write(text, before)?;
        // A string in a string is longer.
        if let Bson::String(stored) = &session {
            self.check_length(stored.len())?;
        }
        Ok(session)
    }

    /// Returns the body that is there; one whose session has ended is removed.
    async fn look(&self, place: &Place) -> Result<Option<Found>> {
        let (sessions, concern) = (&self.server.records, self.server.loads.clone());
        let found = sessions.aggregate(place.look(self.ended.name())).read_concern(concern);
        let found = self.server.ask(async {
            let mut answers = found.await?;
            if answers.advance().await? { answers.deserialize_current().map(Some) } else { Ok(None) }
        });
        match found.await?.map(|document| place.looked(document)) {
            None => Ok(None),
            Some(Looked { has_ended: true, .. }) => {
                self.finish(place).await?;
                Ok(None)
            }
            Some(looked) => self.found(looked).map(Some),
        }
    }

    fn found(&self, looked: Looked) -> Result<Found> {
        let bytes = Bytes::from(self.form.read(&looked.session)?);
        let version = version_of(&bytes);
        let body = Body::new(bytes, looked.expires_at, version);
        Ok(Found { body, session: looked.session })
    }

    /// Returns the version of a body when it is read again.
    fn version_of(&self, session: &Bson) -> Result<Version> {
        Ok(version_of(self.form.read(session)?.as_bytes()))
    }

    async fn is_marked(&self, place: &Place) -> Result<bool, Failure> {
        Ok(self.server.ask(self.ended.find_one(place.marked())).await?.is_some())
    }

    /// Keeps the mark of a session that has ended, then removes what is under its id.
    async fn finish(&self, place: &Place) -> Result<(), Failure> {
        let update = place.remember(MARKED, self.server.slack);
        self.server.ask(self.ended.update_one(place.mark(), update).upsert(true)).await?;
        self.server.ask(self.server.records.delete_one(place.any())).await?;
        Ok(())
    }

    async fn end(&self, place: &Place, expected: Option<Version>) -> Result<Ended> {
        for failed in 0..TRIES {
            wait_after(failed).await;
            let Some(found) = self.look(place).await? else { return Ok(Ended::Missing) };
            if expected.is_some_and(|expected| expected != found.body.version) {
                return Ok(Ended::Changed(found.body));
            }
            let end = self.server.records.update_one(place.with(&found.session), place.end());
            if self.server.ask(end).await?.matched_count > 0 {
                self.finish(place).await?;
                return Ok(Ended::Ended(found.body));
            }
        }
        Err(Failure::CROWDED.into())
    }
}

#[async_trait]
impl BodyStore for MongoBodies {
    async fn read(&self, id: &str) -> Result<Option<Body>> {
        Ok(self.0.look(&self.0.place(id)).await?.map(|found| found.body))
    }

    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        let (inner, place) = (&*self.0, self.0.place(id));
        let session = inner.session(inner.checked(body)?, None)?;
        for failed in 0..TRIES {
            wait_after(failed).await;
            if inner.is_marked(&place).await? {
                return Ok(None);
            }
            let update = place.insert(&session, expires_at);
            let insert = inner.server.records.update_one(place.free(), update).upsert(true);
            match inner.server.ask(insert).await {
                Ok(_) => return inner.version_of(&session).map(Some),
                Err(failure) if !failure.is_duplicate() => return Err(failure.into()),
                Err(_) if inner.look(&place).await?.is_some() => return Ok(None),
                Err(_) => {}
            }
        }
        Err(Failure::CROWDED.into())
    }

    async fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced> {
        let (inner, place, text) = (&*self.0, self.0.place(id), self.0.checked(body)?);
        for failed in 0..TRIES {
            wait_after(failed).await;
            let Some(found) = inner.look(&place).await? else { return Ok(Replaced::Missing) };
            if found.body.version != expected {
                return Ok(Replaced::Changed(found.body));
            }
            let session = inner.session(text, Some(&found.session))?;
            if length_of(&found.session, &found.body.bytes) + length_of(&session, body) > LARGEST_WRITE {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    "the old body and the new one are too large together",
                ));
            }
            let update = place.replace(&session, expires_at);
            let replace = inner.server.records.update_one(place.with(&found.session), update);
            if inner.server.ask(replace).await?.matched_count > 0 {
                return inner.version_of(&session).map(Replaced::Replaced);
            }
        }
        Err(Failure::CROWDED.into())
    }

    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        let (inner, place) = (&*self.0, self.0.place(id));
        if inner.is_marked(&place).await? {
            return Ok(false);
        }
        let touch = inner.server.records.update_one(place.live(), place.touch(expires_at));
        Ok(inner.server.ask(touch).await?.matched_count > 0)
    }

    /// Goes on to its end when nothing waits for it any more.
    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        let (inner, place) = (Arc::clone(&self.0), self.0.place(id));
        let ended = tokio::spawn(async move { inner.end(&place, expected).await });
        ended.await.map_err(|_| Failure::STOPPED)?
    }

    /// The server removes what has expired of connect-mongo.
    fn capabilities(&self) -> BodyCapabilities<'_> {
        let capabilities = BodyCapabilities::NONE.with_ids(self);
        if matches!(self.0.form, Form::Payload { .. }) { capabilities.with_sweep(self) } else { capabilities }
    }
}

/// Returns about how many bytes what is stored of a body has.
fn length_of(session: &Bson, body: &[u8]) -> usize {
    if let Bson::String(stored) = session { stored.len() } else { body.len() }
}

/// Returns what stands for a body: the first eight bytes of its SHA-256.
fn version_of(body: &[u8]) -> Version {
    let hash: [u8; 32] = Sha256::digest(body).into();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    Version::new(u64::from_be_bytes(first))
}

impl fmt::Debug for MongoBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = self.0.server.records.namespace();
        f.debug_struct("MongoBodies").field("collection", &namespace.to_string()).finish_non_exhaustive()
    }
}
