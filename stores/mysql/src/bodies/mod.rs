//! Bodies of Node's sessions, as express-mysql-session and node-session's database driver keep them.

mod layout;
mod setup;
mod statements;
mod walk;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{
    Body, BodyCapabilities, BodyStore, Bytes, Clock, Ended, Error, ErrorKind, Replaced, Result, Timestamp,
    Version, async_trait,
};
use sha2::{Digest as _, Sha256};
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row};

use crate::connections::{Connections, Harmless};
use crate::error::Failure;
use crate::layout::micros;
use crate::statements::{Question, Statement};

pub(crate) use layout::Layout;
pub(crate) use setup::Options;
use statements::Statements;

/// How long the mark of an end stays after it was last needed.
const MARKED: Duration = Duration::from_hours(24);
/// How often an operation looks again, while others write the same body between its two looks.
const TRIES: u32 = 64;

/// Keeps the bodies of Node's sessions in MariaDB or MySQL, as express-mysql-session does, or node-session's database driver.
///
/// [`Builder::build_bodies`](crate::Builder::build_bodies) makes one; [`Builder::node_session`](crate::Builder::node_session)
/// chooses the second.
///
/// | | express-mysql-session | node-session |
/// |---|---|---|
/// | table | `sessions` ([`Builder::table`](crate::Builder::table)) | the same |
/// | id | `session_id`, up to 128 characters | `id` |
/// | body | `data` | `payload`, a JSON string of the body |
/// | expiry | `expires`: seconds, rounded to the nearest | `lastActivity`: milliseconds, a lifetime earlier |
///
/// The mark of an end is a row of `cloakroom_ended`, for a day after it was last needed. The first eight bytes of the SHA-256
/// of what is stored stand for a body when it is replaced. A read, a touch, a first write and a write
/// that meets no other one are one trip; a write that meets another one is two, an end is a transaction.
#[derive(Clone)]
pub struct MysqlBodies(Arc<Inner>);

struct Inner {
    connections: Connections,
    statements: Statements,
    clock: Arc<dyn Clock>,
    layout: Layout,
    largest: usize,
    longest_id: usize,
    table: String,
}

/// What was read of a row.
struct Found {
    body: Body,
    is_marked: bool,
}

/// A row, and the moment at which a method looks at it.
#[derive(Clone)]
struct Place {
    id: String,
    /// The name of its mark, from which the id does not follow.
    mark: Vec<u8>,
    now: Timestamp,
    layout: Layout,
}

impl MysqlBodies {
    /// Connects, and looks at the tables.
    pub(crate) async fn open(
        connections: Connections,
        options: &Options,
        clock: Arc<dyn Clock>,
        largest: usize,
    ) -> Result<Self> {
        let opened = setup::open(&connections, options).await?;
        Ok(Self(Arc::new(Inner {
            connections,
            statements: opened.statements,
            clock,
            layout: options.layout,
            largest: largest.min(opened.largest),
            longest_id: opened.longest_id,
            table: options.table.clone(),
        })))
    }
}

impl Inner {
    /// Returns where the body of an id is; `None` if the column cannot hold the id: it would be cut off, or taken for one
    /// without the spaces at its end.
    fn place(&self, id: &str) -> Option<Place> {
        if id.chars().count() > self.longest_id || id.ends_with(' ') {
            return None;
        }
        let mark = Sha256::new().chain_update(&self.table).chain_update([0]).chain_update(id).finalize();
        Some(Place { id: id.to_owned(), mark: mark.to_vec(), now: self.clock.now(), layout: self.layout })
    }

    /// Returns what is stored for a body.
    fn stored<'b>(&self, body: &'b [u8]) -> Result<Cow<'b, str>> {
        let body =
            std::str::from_utf8(body).map_err(|_| Error::new(ErrorKind::Invalid, "a body is not UTF-8"))?;
        let stored = self.layout.stored(body)?;
        if stored.len() > self.largest {
            let message =
                format!("a body has at most {} bytes here, this one {}", self.largest, stored.len());
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        Ok(stored)
    }

    async fn look(&self, place: &Place) -> Result<Option<Found>, Failure> {
        let row = self.connections.one(Harmless::Yes, || place.read(&self.statements.read)).await?;
        row.as_ref().map(|row| place.found(row)).transpose()
    }

    /// Returns the body that is there; one that was written back after an end is removed.
    async fn look_and_tidy(&self, place: &Place) -> Result<Option<Body>, Failure> {
        match self.look(place).await? {
            Some(Found { is_marked: true, .. }) => {
                self.end_once(place, None, Harmless::Yes).await.map(|_| None)
            }
            found => Ok(found.map(|found| found.body)),
        }
    }

    /// Removes a body and leaves a mark, in one transaction.
    async fn end_once(
        &self,
        place: &Place,
        expected: Option<Version>,
        harmless: Harmless,
    ) -> Result<Ended, Failure> {
        let (statements, place) = (self.statements.clone(), place.clone());
        self.connections
            .together(harmless, move |connection| {
                let (statements, place) = (statements.clone(), place.clone());
                Box::pin(async move { end(connection, &statements, &place, expected).await })
            })
            .await
    }

    /// Removes a few marks that are not needed any more.
    async fn forget(&self, now: Timestamp) -> Result<(), Failure> {
        let question = || self.statements.forget.question().bind(micros(now));
        self.connections.write(Harmless::Yes, question).await.map(drop)
    }
}

#[async_trait]
impl BodyStore for MysqlBodies {
    async fn read(&self, id: &str) -> Result<Option<Body>> {
        let Some(place) = self.0.place(id) else { return Ok(None) };
        self.0.look_and_tidy(&place).await.map_err(failed)
    }

    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        let inner = &*self.0;
        let Some(place) = inner.place(id) else {
            let message =
                format!("an id has at most {} characters here and no space at its end", inner.longest_id);
            return Err(Error::new(ErrorKind::Invalid, message));
        };
        let stored = inner.stored(body)?;
        let time = inner.layout.time(expires_at);
        let question = || {
            let question = inner.statements.insert.question().bind(place.id.clone()).bind(time);
            place.unmarked(question.bind(stored.clone().into_owned()))
        };
        for _ in 0..TRIES {
            match inner.connections.write(Harmless::No, question).await {
                Ok(0) => return Ok(None), // the session has ended
                Ok(_) => return Ok(Some(version_of(stored.as_bytes()))),
                Err(failure) if !failure.is_duplicate() => return Err(failed(failure)),
                Err(_) => {}
            }
            if inner.look(&place).await.map_err(failed)?.is_some() {
                return Ok(None);
            }
            let make_room =
                || inner.statements.remove_expired.question().bind(place.id.clone()).bind(place.earliest());
            inner.connections.write(Harmless::Yes, make_room).await.map_err(failed)?;
        }
        Err(Failure::CONTENDED.into())
    }

    async fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced> {
        let (inner, stored) = (&*self.0, self.0.stored(body)?);
        let Some(place) = inner.place(id) else { return Ok(Replaced::Missing) };
        let time = inner.layout.time(expires_at);
        let question = || {
            let question = inner.statements.replace.question().bind(stored.clone().into_owned()).bind(time);
            place.unmarked(place.live(question).bind(digits(expected)))
        };
        for _ in 0..TRIES {
            if inner.connections.write(Harmless::No, question).await.map_err(failed)? > 0 {
                return Ok(Replaced::Replaced(version_of(stored.as_bytes())));
            }
            match inner.look_and_tidy(&place).await.map_err(failed)? {
                None => return Ok(Replaced::Missing),
                Some(there) if there.version != expected => return Ok(Replaced::Changed(there)),
                Some(_) => {}
            }
        }
        Err(Failure::CONTENDED.into())
    }

    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        let inner = &*self.0;
        let Some(place) = inner.place(id) else { return Ok(false) };
        let question = || {
            let question = inner.statements.touch.question().bind(inner.layout.time(expires_at));
            place.unmarked(place.live(question))
        };
        Ok(inner.connections.write(Harmless::Yes, question).await.map_err(failed)? > 0)
    }

    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        let Some(place) = self.0.place(id) else { return Ok(Ended::Missing) };
        let ended = self.0.end_once(&place, expected, Harmless::No).await.map_err(failed)?;
        if matches!(ended, Ended::Ended(_)) {
            // The session has ended, whether old marks are gone or not.
            let _another_end_does_it = self.0.forget(place.now).await;
        }
        Ok(ended)
    }

    fn capabilities(&self) -> BodyCapabilities<'_> {
        BodyCapabilities::NONE.with_sweep(self).with_ids(self)
    }
}

/// Returns what [`Inner::end_once`] does in its transaction.
async fn end(
    connection: &mut MySqlConnection,
    statements: &Statements,
    place: &Place,
    expected: Option<Version>,
) -> Result<Ended, Failure> {
    let row = place.read(&statements.lock).fetch_optional(&mut *connection).await?;
    let Some(Found { body, is_marked }) = row.as_ref().map(|row| place.found(row)).transpose()? else {
        return Ok(Ended::Missing);
    };
    if !is_marked && expected.is_some_and(|expected| expected != body.version) {
        return Ok(Ended::Changed(body));
    }
    statements.remove.question().bind(place.id.clone()).execute(&mut *connection).await?;
    let until = micros(place.now + MARKED);
    let mark = statements.mark.question().bind(place.mark.clone()).bind(until).bind(until);
    mark.execute(&mut *connection).await?;
    Ok(if is_marked { Ended::Missing } else { Ended::Ended(body) })
}

impl Place {
    /// Returns the earliest time of a body that has not expired.
    fn earliest(&self) -> i64 {
        self.layout.earliest(self.now)
    }

    fn read(&self, statement: &Statement) -> Question<'static> {
        self.live(self.unmarked(statement.question()))
    }

    /// Adds the parameters of a body that has not expired.
    fn live(&self, question: Question<'static>) -> Question<'static> {
        question.bind(self.id.clone()).bind(self.earliest())
    }

    /// Adds the parameters of a mark.
    fn unmarked(&self, question: Question<'static>) -> Question<'static> {
        question.bind(self.mark.clone()).bind(micros(self.now))
    }

    /// Reads the columns of a body, its time and its mark.
    fn found(&self, row: &MySqlRow) -> Result<Found, Failure> {
        let stored: Vec<u8> = row.try_get(0)?;
        let version = version_of(&stored);
        let expires_at = self.layout.expires_at(row.try_get(1)?);
        let body = Body::new(Bytes::from(self.layout.body(stored)), expires_at, version);
        Ok(Found { body, is_marked: row.try_get::<i64, _>(2)? != 0 })
    }
}

/// Returns what stands for a body: the first eight bytes of the SHA-256 of what is stored.
fn version_of(stored: &[u8]) -> Version {
    let hash: [u8; 32] = Sha256::digest(stored).into();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    Version::new(u64::from_be_bytes(first))
}

/// Returns the digits that the server compares.
fn digits(version: Version) -> String {
    format!("{:016x}", version.get())
}

/// Says what failed, where the words about the store's own tables would mislead.
fn failed(failure: Failure) -> Error {
    if failure.is_about_tables() {
        let message =
            "the table of Node's sessions or that of ended ones is missing, or has other columns than it had";
        return Error::new(ErrorKind::Setup, message);
    }
    failure.into()
}

impl fmt::Debug for MysqlBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlBodies").field("table", &self.0.table).finish_non_exhaustive()
    }
}
