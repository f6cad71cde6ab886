//! Bodies of Node's sessions, as connect-pg-simple keeps them.

mod setup;
mod statements;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{
    Body, BodyCapabilities, BodyIds, BodyStore, Bytes, Clock, Cursor, Ended, Error, ErrorKind, IdPage,
    Replaced, Result, Sweep, SweepStats, Timestamp, Version, async_trait,
};
use sha2::{Digest as _, Sha256};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::connections::{Connections, Harmless};
use crate::error::Failure;
use crate::layout::micros;
use crate::statements::{Question, Statement};

pub(crate) use setup::Options;
use statements::Statements;

/// How long the mark of an end stays after it was last needed.
const MARKED: Duration = Duration::from_hours(24);
/// How many bodies one statement of a sweep removes, at most.
const BATCH: usize = 500;
/// How often a write looks again, while others write the same body between its two looks.
const TRIES: u32 = 64;

/// Keeps the bodies of Node's sessions in PostgreSQL, as connect-pg-simple does.
///
/// [`Builder::build_bodies`](crate::Builder::build_bodies) makes one.
///
/// | | as it is kept |
/// |---|---|
/// | table | `session` ([`Builder::table`](crate::Builder::table)) |
/// | `sid` | the id |
/// | `sess` | the body, as the text that it is |
/// | `expire` | whole seconds, rounded up, in the time zone of Node's connections ([`Builder::time_zone`](crate::Builder::time_zone)) |
/// | mark of an end | a row of `cloakroom_ended`, for a day after it was last needed |
///
/// The first eight bytes of the body's SHA-256 stand for it when it is replaced. Every method is one statement and one trip;
/// removing a body that was written back after an end is a second one.
#[derive(Clone)]
pub struct PostgresBodies(Arc<Inner>);

struct Inner {
    connections: Connections,
    statements: Statements,
    clock: Arc<dyn Clock>,
    largest: usize,
    table: String,
}

/// What was read of a row.
struct Found {
    body: Body,
    is_marked: bool,
}

impl PostgresBodies {
    /// Connects, and looks at the tables.
    pub(crate) async fn open(
        connections: Connections,
        options: &Options,
        clock: Arc<dyn Clock>,
        largest: usize,
    ) -> Result<Self> {
        let statements = setup::open(&connections, options).await?;
        let table = options.table.clone();
        Ok(Self(Arc::new(Inner { connections, statements, clock, largest, table })))
    }
}

impl Inner {
    /// Begins a question with the parameters that all have: id, this second, name of the mark, this moment.
    fn question(&self, statement: &Statement, id: &str, now: Timestamp) -> Question<'static> {
        let question = statement.question().bind(id.to_owned()).bind(second(now));
        question.bind(self.mark_of(id)).bind(micros(now))
    }

    /// Returns the name of an id's mark, from which the id does not follow.
    fn mark_of(&self, id: &str) -> Vec<u8> {
        Sha256::new().chain_update(&self.table).chain_update([0]).chain_update(id).finalize().to_vec()
    }

    async fn one(
        &self,
        harmless: Harmless,
        question: impl Fn() -> Question<'static> + Send + Sync,
    ) -> Result<Option<PgRow>> {
        self.connections.one(harmless, question).await.map_err(failed)
    }

    fn checked<'b>(&self, body: &'b [u8]) -> Result<&'b str> {
        if body.len() > self.largest {
            let message = format!("a body has at most {} bytes here, this one {}", self.largest, body.len());
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        std::str::from_utf8(body).map_err(|_| Error::new(ErrorKind::Invalid, "a body is not UTF-8"))
    }

    /// Removes a body that was written back after its session had ended, and keeps the mark.
    async fn end_again(&self, id: &str, now: Timestamp) -> Result<()> {
        let question = || {
            let question = self.statements.end_again.question().bind(id.to_owned()).bind(self.mark_of(id));
            question.bind(micros(now)).bind(micros(now + MARKED))
        };
        self.one(Harmless::Yes, question).await.map(drop)
    }
}

#[async_trait]
impl BodyStore for PostgresBodies {
    async fn read(&self, id: &str) -> Result<Option<Body>> {
        if !can_be(id) {
            return Ok(None);
        }
        let (inner, now) = (&*self.0, self.0.clock.now());
        let row = inner.one(Harmless::Yes, || inner.question(&inner.statements.read, id, now)).await?;
        let Some(row) = row else { return Ok(None) };
        let Found { body, is_marked } = found(&row, 0).map_err(failed)?;
        if is_marked {
            inner.end_again(id, now).await?;
            return Ok(None);
        }
        Ok(Some(body))
    }

    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        if !can_be(id) {
            return Err(Error::new(ErrorKind::Invalid, "an id in PostgreSQL has no zero bytes"));
        }
        let (inner, now, text) = (&*self.0, self.0.clock.now(), self.0.checked(body)?);
        let question = || {
            let question = inner.question(&inner.statements.insert, id, now).bind(text.to_owned());
            question.bind(second(expires_at))
        };
        let row = inner.one(Harmless::No, question).await?;
        Ok(row.map(|_| version_of(body)))
    }

    async fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced> {
        let (inner, now, text) = (&*self.0, self.0.clock.now(), self.0.checked(body)?);
        if !can_be(id) {
            return Ok(Replaced::Missing);
        }
        let question = || {
            let question = inner.question(&inner.statements.replace, id, now).bind(text.to_owned());
            question.bind(second(expires_at)).bind(bytes_of(expected))
        };
        for _ in 0..TRIES {
            let Some(row) = inner.one(Harmless::No, question).await? else { return Ok(Replaced::Missing) };
            if is_done(&row)? {
                return Ok(Replaced::Replaced(version_of(body)));
            }
            let there = found(&row, 1).map_err(failed)?.body;
            if there.version != expected {
                return Ok(Replaced::Changed(there));
            }
        }
        Err(Failure::CONTENDED.into())
    }

    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        if !can_be(id) {
            return Ok(false);
        }
        let (inner, now) = (&*self.0, self.0.clock.now());
        let question = || inner.question(&inner.statements.touch, id, now).bind(second(expires_at));
        Ok(inner.one(Harmless::Yes, question).await?.is_some())
    }

    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        if !can_be(id) {
            return Ok(Ended::Missing);
        }
        let (inner, now) = (&*self.0, self.0.clock.now());
        let question = || {
            let question = inner.question(&inner.statements.end, id, now).bind(expected.map(bytes_of));
            question.bind(micros(now + MARKED))
        };
        for _ in 0..TRIES {
            let Some(row) = inner.one(Harmless::No, question).await? else { return Ok(Ended::Missing) };
            let Found { body, is_marked } = found(&row, 1).map_err(failed)?;
            match (is_done(&row)?, is_marked) {
                (true, true) => return Ok(Ended::Missing),
                (true, false) => return Ok(Ended::Ended(body)),
                _ if expected.is_some_and(|expected| expected != body.version) => {
                    return Ok(Ended::Changed(body));
                }
                _ => {}
            }
        }
        Err(Failure::CONTENDED.into())
    }

    fn capabilities(&self) -> BodyCapabilities<'_> {
        BodyCapabilities::NONE.with_sweep(self).with_ids(self)
    }
}

#[async_trait]
impl Sweep for PostgresBodies {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        let (inner, now, mut removed) = (&*self.0, self.0.clock.now(), 0);
        while removed < limit {
            let batch = BATCH.min(limit - removed);
            let question =
                || inner.statements.sweep.question().bind(second(now)).bind(sized(batch)).bind(micros(now));
            let row = inner.one(Harmless::Yes, question).await?;
            let of_batch =
                row.map_or(Ok(0), |row| row.try_get::<i64, _>(0).map_err(|error| failed(error.into())))?;
            removed += usize::try_from(of_batch).unwrap_or(0);
            if of_batch < sized(batch) {
                break;
            }
        }
        Ok(SweepStats::of_bodies(removed, limit))
    }
}

#[async_trait]
impl BodyIds for PostgresBodies {
    async fn ids(&self, after: Option<&Cursor>, limit: usize) -> Result<IdPage> {
        let (inner, last) = (&*self.0, IdPage::last_of(after)?);
        let question = || inner.statements.ids.question().bind(last.clone()).bind(sized(limit.max(1)));
        let within = inner.connections.limits().answer;
        let rows = inner.connections.all(within, Harmless::Yes, question).await.map_err(failed)?;
        let ids = rows.iter().map(|row| row.try_get(0).map_err(|error| failed(error.into())));
        Ok(IdPage::in_order(ids.collect::<Result<_>>()?, limit))
    }
}

fn sized(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Returns whether an id can be in a column of text.
fn can_be(id: &str) -> bool {
    !id.contains('\0')
}

/// Returns whether the statement did what it was to do.
fn is_done(row: &PgRow) -> Result<bool> {
    row.try_get(0).map_err(|error| failed(error.into()))
}

/// Reads the columns of a body, its expiry and its mark, of which the first is the column `first`.
fn found(row: &PgRow, first: usize) -> Result<Found, Failure> {
    let text: String = row.try_get(first)?;
    let expires_at: i64 = row.try_get(first + 1)?;
    let expires_at = u64::try_from(expires_at).map_or(Timestamp::EPOCH, Timestamp::from_micros);
    let version = version_of(text.as_bytes());
    let body = Body::new(Bytes::from(text), expires_at, version);
    Ok(Found { body, is_marked: row.try_get(first + 2)? })
}

/// Returns what stands for a body: the first eight bytes of its SHA-256.
fn version_of(body: &[u8]) -> Version {
    let hash: [u8; 32] = Sha256::digest(body).into();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    Version::new(u64::from_be_bytes(first))
}

fn bytes_of(version: Version) -> Vec<u8> {
    version.get().to_be_bytes().to_vec()
}

/// Returns the second of a moment as connect-pg-simple counts it: of whole milliseconds, as Node's clock has them, the next.
fn second(moment: Timestamp) -> i64 {
    moment.as_millis().div_ceil(1_000).cast_signed()
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

impl fmt::Debug for PostgresBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBodies").field("table", &self.0.table).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_rounded_up_to_seconds_as_node_does() {
        let at = Timestamp::from_micros;
        let rounded = [0, 999, 1_000, 1_000_999, 1_001_000].map(|micros| second(at(micros)));
        assert_eq!(rounded, [0, 0, 1, 1, 2]);
        assert_eq!(second(Timestamp::NEVER), 253_402_300_800);
    }
}
