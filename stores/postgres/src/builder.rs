//! The options of a store, and their defaults.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, Error, ErrorKind, MissedTouches, Result, StoreUrl, SystemClock};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::bodies::{self, PostgresBodies};
use crate::connections::{Connections, Limits};
use crate::settings::Settings;
use crate::setup;
use crate::statements::{PREFIX, Statements};
use crate::store::PostgresStore;

/// The longest schema or table prefix, in bytes.
const LONGEST_NAME: usize = 32;
/// The longest name of a table, in bytes; PostgreSQL cuts off the rest.
const LONGEST_IDENTIFIER: usize = 63;
/// PostgreSQL keeps no value of a gigabyte, and takes no message of one.
const LARGEST_PAYLOAD: usize = 500_000_000;

/// Sets the options of a [`PostgresStore`]; [`PostgresStore::from_url`] makes one.
#[derive(Clone)]
#[must_use]
pub struct Builder {
    server: Server,
    clock: Arc<dyn Clock>,
    has_own_clock: bool,
    names: Names,
    connections: u32,
    limits: Limits,
    limits_in_server: bool,
    max_payload_bytes: usize,
    bodies: Bodies,
}

/// What counts for bodies only.
#[derive(Clone, Debug)]
struct Bodies {
    table: String,
    time_zone: Option<String>,
    may_create: bool,
}

/// How the server is reached.
#[derive(Clone)]
enum Server {
    Options(Box<PgConnectOptions>),
    Pool(PgPool),
}

/// What the tables are called.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) schema: Option<String>,
    pub(crate) prefix: String,
}

impl Builder {
    pub(crate) fn from_url(url: &str) -> Result<Self> {
        let mut url = StoreUrl::parse(url)?;
        let settings = Settings::take(&mut url)?;
        // The client's own error could repeat a part of the URL, and so the password.
        let options = url.rest()?.parse().map_err(|_| {
            invalid("the url is not like postgres://user:password@host:5432/database?sslmode=verify-full")
        })?;
        Ok(settings.apply(Self::options(options)))
    }

    pub(crate) fn options(options: PgConnectOptions) -> Self {
        Self::of(Server::Options(Box::new(options)))
    }

    pub(crate) fn pool(pool: PgPool) -> Self {
        Self::of(Server::Pool(pool))
    }

    fn of(server: Server) -> Self {
        Self {
            server,
            clock: Arc::new(SystemClock),
            has_own_clock: false,
            names: Names { schema: None, prefix: PREFIX.into() },
            connections: 10,
            limits: Limits { connect: Duration::from_secs(3), answer: Duration::from_secs(5) },
            limits_in_server: true,
            max_payload_bytes: 16 << 20,
            bodies: Bodies { table: "session".into(), time_zone: None, may_create: true },
        }
    }

    /// Sets the clock that decides what has expired. The operating system's unless set; never the server's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self.has_own_clock = true;
        self
    }

    /// Sets the schema that the tables are in. Unless set, the first one on the connection's `search_path`, which is
    /// usually `public`. Up to 32 lower-case ASCII letters, digits and underscores, a letter first.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.names.schema = Some(schema.into());
        self
    }

    /// Sets what the names of all tables, indices and functions begin with, so that several stores can share a schema.
    /// `cloakroom_` unless set; up to 32 lower-case ASCII letters, digits and underscores, a letter first.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.names.prefix = prefix.into();
        self
    }

    /// Sets how many connections the store opens at most. 10 unless set; without effect on a pool that was given.
    pub fn connections(mut self, most: NonZeroU32) -> Self {
        self.connections = most.get();
        self
    }

    /// Sets how long an operation waits for a connection, before it fails as [`ErrorKind::Unavailable`].
    /// 3 seconds unless set. Of a pool that was given, its own limit counts.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.limits.connect = timeout;
        self
    }

    /// Sets how long an operation waits for the server's answer, before it fails as [`ErrorKind::Unavailable`].
    /// 5 seconds unless set.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.limits.answer = timeout;
        self
    }

    /// Says whether each connection of the store's own tells the server the limit of
    /// [`request_timeout`](Self::request_timeout) (`statement_timeout`, and `idle_in_transaction_session_timeout`), so that a
    /// statement that was given up does not go on in the server. `true` unless set. Behind a pooler in transaction mode, say
    /// `false` and set them for the user (`ALTER ROLE … SET statement_timeout`): there, a setting reaches others' sessions.
    pub fn limits_in_server(mut self, tell: bool) -> Self {
        self.limits_in_server = tell;
        self
    }

    /// Sets the largest payload that is kept, in bytes; a larger one is [`ErrorKind::TooLarge`].
    /// 16 MiB unless set; at most 500,000,000.
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes.min(LARGEST_PAYLOAD);
        self
    }

    /// Sets the table that a Node application keeps its sessions in, for [`build_bodies`](Self::build_bodies): its option
    /// `tableName`. `session` unless set; up to 63 bytes.
    pub fn table(mut self, table: impl Into<String>) -> Self {
        self.bodies.table = table.into();
        self
    }

    /// Sets the time zone of the Node application's connections, for [`build_bodies`](Self::build_bodies): the column
    /// `expire` has no zone of its own. Unless set, what is set for the user, then for the database, then for the server;
    /// where the user may not read the server's settings, the time zone of the server's log.
    pub fn time_zone(mut self, zone: impl Into<String>) -> Self {
        self.bodies.time_zone = Some(zone.into());
        self
    }

    /// Lets [`build_bodies`](Self::build_bodies) make the table of ended sessions if it is missing, or not. `true` unless set;
    /// the SQL to make it by hand is on the page of the [crate].
    pub fn create_ended(mut self, create: bool) -> Self {
        self.bodies.may_create = create;
        self
    }

    /// Makes the tables that are missing, and the schema if one is set: what `src/schema.sql` says, in one transaction.
    /// Any number of processes may do so at once.
    ///
    /// # Errors
    /// As [`build`](Self::build); [`ErrorKind::Setup`] also if the user may not create tables.
    pub async fn create_tables(&self) -> Result<()> {
        self.names.check()?;
        Ok(setup::create_tables(&self.connect(), &self.names).await?)
    }

    /// Removes what the store has made in the database: the tables, with every record and revocation in them; a schema stays.
    ///
    /// # Errors
    /// As [`build`](Self::build); tables that are not ours are left alone.
    pub async fn drop_all(&self) -> Result<()> {
        self.names.check()?;
        Ok(setup::drop_tables(&self.connect(), &self.names).await?)
    }

    /// Connects, and looks whether the tables are there and ours.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if the tables are missing or not ours, or if the server refuses the user, has no such
    /// database, is too old or is not PostgreSQL; [`ErrorKind::Unavailable`] if it does not answer or only reads;
    /// [`ErrorKind::Invalid`] if a schema or a prefix can never be right.
    pub async fn build(self) -> Result<PostgresStore> {
        self.names.check()?;
        let connections = self.connect();
        setup::check(&connections, &self.names).await?;
        Ok(self.store(connections))
    }

    /// Makes the store and asks the server nothing yet, for an application that starts although its database is down.
    /// Whatever is wrong shows at the first request. It must be called within a runtime of Tokio.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a schema or a prefix can never be right.
    pub fn build_lazy(self) -> Result<PostgresStore> {
        self.names.check()?;
        let connections = self.connect();
        Ok(self.store(connections))
    }

    fn store(self, connections: Connections) -> PostgresStore {
        PostgresStore {
            connections,
            statements: Statements::new(&self.names.qualified()),
            clock: self.clock,
            tells_time: !self.has_own_clock,
            largest_payload: self.max_payload_bytes,
            missed_touches: MissedTouches::default(),
        }
    }

    /// Connects, and keeps bodies of Node's sessions instead of records: see [`PostgresBodies`]. The table of the Node
    /// application has to be there; the table of ended sessions, `cloakroom_ended`, is made beside it.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if a table is missing or has other columns, the user lacks a privilege on one, or the server
    /// does not know the time zone; otherwise as for [`build`](Self::build).
    pub async fn build_bodies(self) -> Result<PostgresBodies> {
        self.names.check()?;
        let Bodies { table, time_zone, may_create } = self.bodies.clone();
        if !(1..=LONGEST_IDENTIFIER).contains(&table.len()) || table.contains('\0') {
            return Err(invalid("the name of a table has 1 to 63 bytes"));
        }
        let Names { schema, prefix } = self.names.clone();
        let options = bodies::Options { schema, table, prefix, time_zone, may_create };
        PostgresBodies::open(self.connect(), &options, self.clock, self.max_payload_bytes).await
    }

    fn connect(&self) -> Connections {
        match &self.server {
            Server::Options(options) => {
                Connections::new(options, self.connections, self.limits, self.limits_in_server)
            }
            Server::Pool(pool) => Connections::of(pool.clone(), self.limits),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("names", &self.names)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Names {
    /// Returns what stands before `records` in a statement.
    pub(crate) fn qualified(&self) -> String {
        let Self { schema, prefix } = self;
        schema.as_ref().map_or_else(|| prefix.clone(), |schema| format!("\"{schema}\".{prefix}"))
    }

    fn check(&self) -> Result<()> {
        let names = self.schema.iter().chain([&self.prefix]);
        for name in names {
            check_name(name)?;
        }
        Ok(())
    }
}

/// PostgreSQL makes lower case of what is not quoted, so that `A_` and `a_` would be the same.
fn check_name(name: &str) -> Result<()> {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let right = name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(letters);
    if right {
        return Ok(());
    }
    Err(invalid(
        "a schema or table prefix has up to 32 lower-case ascii letters, digits and underscores, a letter first",
    ))
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_is_not_a_name_is_refused() {
        for name in ["", "1a", "_a", "a-b", "a b", "a;drop table b", "a\"", "é", "Blog_", &"a".repeat(33)] {
            assert_eq!(check_name(name).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
        }
        for name in ["a", "cloakroom_", "app2_sessions_"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn nothing_of_a_url_is_shown() {
        let error = Builder::from_url("postgres://alice:pass word@[host/db").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let builder = Builder::from_url("postgres://alice:hunter2@host/db").unwrap();
        for words in [format!("{error:?} {error}"), format!("{builder:?}")] {
            assert!(!words.contains("pass word") && !words.contains("hunter2"), "{words}");
        }
    }
}
