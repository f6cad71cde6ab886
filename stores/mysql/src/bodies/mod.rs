//! Bodies of Node's sessions, as express-mysql-session keeps them.

mod setup;
mod statements;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{
    Body, BodyStore, Bytes, Clock, Ended, Error, ErrorKind, Replaced, Result, Timestamp, Version, async_trait,
};
use sha2::{Digest as _, Sha256};
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row};

use crate::connections::{Connections, Harmless};
use crate::error::Failure;
use crate::layout::micros;
use crate::statements::{Question, Statement};
use crate::transaction::Locks;

pub(crate) use setup::Options;
use statements::Statements;

/// How long the mark of an end stays after it was last needed.
const MARKED: Duration = Duration::from_hours(24);
/// How often an operation looks again, while others write the same body between its two looks.
const TRIES: u32 = 64;
/// The latest second of the column, which stands for every later one.
const LAST_SECOND: u64 = u32::MAX as u64;

/// Keeps the bodies of Node's sessions in MariaDB or MySQL, as express-mysql-session does.
///
/// [`Builder::open_bodies`](crate::Builder::open_bodies) makes one.
///
/// | | as it is kept |
/// |---|---|
/// | table | `sessions` ([`Builder::table`](crate::Builder::table)) |
/// | `session_id` | the id, up to 128 characters |
/// | `data` | the body |
/// | `expires` | seconds, rounded to the nearest |
/// | mark of an end | a row of `cloakroom_ended`, for a day after it was last needed |
///
/// The first eight bytes of the body's SHA-256 stand for it when it is replaced. A read, a touch, a first write and a write
/// that meets no other one are one trip; a write that meets another one is two, an end is a transaction.
#[derive(Clone)]
pub struct MysqlBodies(Arc<Inner>);

struct Inner {
    connections: Connections,
    statements: Statements,
    clock: Arc<dyn Clock>,
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
        Some(Place { id: id.to_owned(), mark: mark.to_vec(), now: self.clock.now() })
    }

    fn checked<'b>(&self, body: &'b [u8]) -> Result<&'b str> {
        if body.len() > self.largest {
            let message = format!("a body has at most {} bytes here, this one {}", self.largest, body.len());
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        std::str::from_utf8(body).map_err(|_| Error::new(ErrorKind::Invalid, "a body is not UTF-8"))
    }

    async fn look(&self, place: &Place) -> Result<Option<Found>, Failure> {
        let row = self.connections.one(Harmless::Yes, || place.read(&self.statements.read)).await?;
        row.as_ref().map(found).transpose()
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
            .together(harmless, Locks::Rows, move |connection| {
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
        let text = inner.checked(body)?;
        let question = || {
            let question = inner.statements.insert.question().bind(place.id.clone()).bind(second(expires_at));
            place.unmarked(question.bind(text.to_owned()))
        };
        for _ in 0..TRIES {
            match inner.connections.write(Harmless::No, question).await {
                Ok(0) => return Ok(None), // the session has ended
                Ok(_) => return Ok(Some(version_of(body))),
                Err(failure) if !failure.is_duplicate() => return Err(failed(failure)),
                Err(_) => {}
            }
            if inner.look(&place).await.map_err(failed)?.is_some() {
                return Ok(None);
            }
            let make_room =
                || inner.statements.remove_expired.question().bind(place.id.clone()).bind(place.second());
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
        let (inner, text) = (&*self.0, self.0.checked(body)?);
        let Some(place) = inner.place(id) else { return Ok(Replaced::Missing) };
        let question = || {
            let question = inner.statements.replace.question().bind(text.to_owned()).bind(second(expires_at));
            place.unmarked(place.live(question).bind(digits(expected)))
        };
        for _ in 0..TRIES {
            if inner.connections.write(Harmless::No, question).await.map_err(failed)? > 0 {
                return Ok(Replaced::Replaced(version_of(body)));
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
            let question = inner.statements.touch.question().bind(second(expires_at));
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
}

/// What [`Inner::end_once`] does in its transaction.
async fn end(
    connection: &mut MySqlConnection,
    statements: &Statements,
    place: &Place,
    expected: Option<Version>,
) -> Result<Ended, Failure> {
    let row = place.read(&statements.lock).fetch_optional(&mut *connection).await?;
    let Some(Found { body, is_marked }) = row.as_ref().map(found).transpose()? else {
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
    /// Returns the second that Node compares an expiry with.
    fn second(&self) -> i64 {
        second(self.now)
    }

    fn read(&self, statement: &Statement) -> Question<'static> {
        self.live(self.unmarked(statement.question()))
    }

    /// Adds the parameters of a body that has not expired.
    fn live(&self, question: Question<'static>) -> Question<'static> {
        question.bind(self.id.clone()).bind(self.second())
    }

    /// Adds the parameters of a mark.
    fn unmarked(&self, question: Question<'static>) -> Question<'static> {
        question.bind(self.mark.clone()).bind(micros(self.now))
    }
}

/// Reads the columns of a body, its expiry and its mark.
fn found(row: &MySqlRow) -> Result<Found, Failure> {
    let text: Vec<u8> = row.try_get(0)?;
    let expires_at = match u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or(0) {
        second if second >= LAST_SECOND => Timestamp::NEVER,
        second => Timestamp::from_millis(second * 1_000),
    };
    let body = Body { version: version_of(&text), bytes: Bytes::from(text), expires_at };
    Ok(Found { body, is_marked: row.try_get::<i64, _>(2)? != 0 })
}

/// Returns what stands for a body: the first eight bytes of its SHA-256.
fn version_of(body: &[u8]) -> Version {
    let hash: [u8; 32] = Sha256::digest(body).into();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    Version::new(u64::from_be_bytes(first))
}

/// Returns the digits that the server compares.
fn digits(version: Version) -> String {
    format!("{:016x}", version.get())
}

/// Returns the second of a moment as express-mysql-session writes it: of whole milliseconds, the nearest.
fn second(moment: Timestamp) -> i64 {
    ((moment.as_millis() + 500) / 1_000).min(LAST_SECOND).cast_signed()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_to_the_nearest_as_node_does() {
        let at = Timestamp::from_micros;
        let rounded = [0, 499_999, 500_000, 1_499_999, 1_500_000].map(|micros| second(at(micros)));
        assert_eq!(rounded, [0, 0, 1, 1, 2]);
        assert_eq!(second(Timestamp::NEVER), i64::from(u32::MAX));
    }
}
