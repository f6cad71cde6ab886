//! Bodies of Node's sessions, as connect-sqlite3 keeps them.

mod layout;
mod setup;
mod steps;

use std::fmt;
use std::sync::Arc;

use cloakroom_store::{
    Body, BodyCapabilities, BodyIds, BodyStore, Cursor, Ended, Error, ErrorKind, IdPage, Replaced, Result,
    Sweep, SweepStats, Timestamp, Version, async_trait,
};

use crate::database::Database;
use crate::error::Failure;
use crate::reader;
use crate::threads::Threads;
use crate::writer::Writer;

pub(crate) use layout::BodyLayout;
pub(crate) use setup::Setup;
use steps::{Change, Place};

/// Keeps the bodies of Node's sessions in an SQLite database, as connect-sqlite3 does.
///
/// [`Builder::build_bodies`](crate::Builder::build_bodies) makes one.
///
/// | | as it is kept |
/// |---|---|
/// | table | `sessions` ([`Builder::table`](crate::Builder::table)) |
/// | `sid` | the id |
/// | `sess` | the body, as text |
/// | `expired` | milliseconds since 1970, a real number |
/// | mark of an end | a row of `cloakroom_ended`, for a day after it was last needed |
///
/// The first eight bytes of the body's BLAKE3 hash stand for it when it is replaced. Every method but a read is one
/// transaction.
#[derive(Clone)]
pub struct SqliteBodies(Arc<Inner>);

struct Inner {
    // Dropped in this order: the connection that closes last brings a log into the database.
    readers: Threads<BodyLayout>,
    writer: Threads<BodyLayout>,
    largest: usize,
    table: String,
}

impl SqliteBodies {
    /// Opens the connections, and looks at the tables.
    pub(crate) async fn open(setup: Setup, readers: usize, largest: usize) -> Result<Self> {
        let (busy_timeout, table) = (setup.busy_timeout, setup.layout.table.clone());
        let open = {
            let setup = setup.clone();
            move || setup.open_writer()
        };
        let writer = Threads::start(1, open, move |database, queue| {
            Writer { database, queue, busy_timeout }.serve();
        });
        let writer = writer.await?;
        let open = move || setup.open_reader();
        let readers = Threads::start(readers, open, |database, queue| reader::serve(&database, &queue));
        Ok(Self(Arc::new(Inner { readers: readers.await?, writer, largest, table })))
    }
}

impl Inner {
    fn place(&self, id: &str) -> Place {
        Place::new(&self.table, id)
    }

    fn checked<'b>(&self, body: &'b [u8]) -> Result<&'b str> {
        if body.len() > self.largest {
            let message = format!("a body has at most {} bytes here, this one {}", self.largest, body.len());
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        std::str::from_utf8(body).map_err(|_| Error::new(ErrorKind::Invalid, "a body is not UTF-8"))
    }

    fn change(&self, body: &[u8], expires_at: Timestamp) -> Result<Change> {
        Ok(Change { text: self.checked(body)?.into(), expires_at })
    }

    /// Carries out a step in a transaction.
    async fn write<T: Send + 'static>(
        &self,
        step: impl Fn(&Database<BodyLayout>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        self.writer.run(move |database| step(database).map_err(Failure::about_bodies)).await
    }
}

#[async_trait]
impl BodyStore for SqliteBodies {
    async fn read(&self, id: &str) -> Result<Option<Body>> {
        let place = self.0.place(id);
        let wanted = place.clone();
        let look = move |database: &Database<BodyLayout>| {
            database.look(&wanted, database.now()).map_err(Failure::about_bodies)
        };
        match self.0.readers.run(look).await? {
            // Rare: what was written back after an end is removed. It is looked at again in the transaction.
            Some(found) if found.is_marked => {
                self.0.write(move |database| database.look_and_tidy(&place)).await
            }
            found => Ok(found.map(|found| found.body)),
        }
    }

    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        let (place, change) = (self.0.place(id), self.0.change(body, expires_at)?);
        self.0.write(move |database| database.insert(&place, &change)).await
    }

    async fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced> {
        let (place, change) = (self.0.place(id), self.0.change(body, expires_at)?);
        self.0.write(move |database| database.replace(&place, expected, &change)).await
    }

    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        let place = self.0.place(id);
        self.0.write(move |database| database.touch(&place, expires_at)).await
    }

    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        let place = self.0.place(id);
        self.0.write(move |database| database.end(&place, expected)).await
    }

    fn capabilities(&self) -> BodyCapabilities<'_> {
        BodyCapabilities::NONE.with_sweep(self).with_ids(self)
    }
}

/// How many bodies one transaction removes, at most: others can write in between.
const BATCH: u32 = 256;

#[async_trait]
impl Sweep for SqliteBodies {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        let mut removed = 0;
        while removed < limit {
            let batch = u32::try_from(limit - removed).unwrap_or(BATCH).min(BATCH);
            let of_batch = self.0.write(move |database| database.sweep_bodies(batch)).await?;
            removed += of_batch;
            if of_batch < batch as usize {
                break;
            }
        }
        Ok(SweepStats::of_bodies(removed, limit))
    }
}

#[async_trait]
impl BodyIds for SqliteBodies {
    async fn ids(&self, after: Option<&Cursor>, limit: usize) -> Result<IdPage> {
        let last = IdPage::last_of(after)?;
        let most = u32::try_from(limit.max(1)).unwrap_or(u32::MAX);
        let ids = move |database: &Database<BodyLayout>| {
            database.ids_behind(&last, most).map_err(Failure::about_bodies)
        };
        Ok(IdPage::in_order(self.0.readers.run(ids).await?, limit))
    }
}

impl fmt::Debug for SqliteBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteBodies").field("table", &self.0.table).finish_non_exhaustive()
    }
}
