//! The options of a store, and their defaults.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, Error, ErrorKind, MissedTouches, Result, StoreUrl, SystemClock};
use sqlx::MySqlPool;
use sqlx::mysql::MySqlConnectOptions;

use crate::bodies::{self, Layout, MysqlBodies};
use crate::connections::{Connections, Limits};
use crate::settings::Settings;
use crate::setup;
use crate::statements::{PREFIX, Statements};
use crate::store::MysqlStore;

/// The longest table prefix, in bytes.
const LONGEST_PREFIX: usize = 32;
/// The longest name of a table, in characters.
const LONGEST_IDENTIFIER: usize = 64;
/// The largest `max_allowed_packet` of a server is a gigabyte.
const LARGEST_PAYLOAD: usize = 1_000_000_000;
/// What a statement takes beside its payload, generously.
const ROOM_FOR_THE_REST: usize = 4 << 10;

/// Sets the options of a [`MysqlStore`]; [`MysqlStore::from_url`] makes one.
#[derive(Clone)]
#[must_use]
pub struct Builder {
    server: Server,
    clock: Arc<dyn Clock>,
    has_own_clock: bool,
    prefix: String,
    connections: u32,
    limits: Limits,
    max_payload_bytes: usize,
    bodies: Bodies,
}

/// What counts for bodies only.
#[derive(Clone, Debug)]
struct Bodies {
    table: String,
    node_session_lifetime: Option<Duration>,
    is_wide: bool,
    may_create: bool,
}

/// How the server is reached.
#[derive(Clone)]
enum Server {
    Options(Box<MySqlConnectOptions>),
    Pool(MySqlPool),
}

impl Builder {
    pub(crate) fn from_url(url: &str) -> Result<Self> {
        let mut url = StoreUrl::parse(url)?;
        let settings = Settings::take(&mut url)?;
        // The client's own error could repeat a part of the URL, and so the password.
        let options = url.rest()?.parse().map_err(|_| {
            invalid("the url is not like mysql://user:password@host:3306/database?ssl-mode=VERIFY_IDENTITY")
        })?;
        Ok(settings.apply(Self::options(options)))
    }

    pub(crate) fn options(options: MySqlConnectOptions) -> Self {
        Self::of(Server::Options(Box::new(options)))
    }

    pub(crate) fn pool(pool: MySqlPool) -> Self {
        Self::of(Server::Pool(pool))
    }

    fn of(server: Server) -> Self {
        Self {
            server,
            clock: Arc::new(SystemClock),
            has_own_clock: false,
            prefix: PREFIX.into(),
            connections: 10,
            limits: Limits { connect: Duration::from_secs(3), answer: Duration::from_secs(5) },
            max_payload_bytes: 16 << 20,
            bodies: Bodies {
                table: "sessions".into(),
                node_session_lifetime: None,
                is_wide: false,
                may_create: true,
            },
        }
    }

    /// Sets the clock that decides what has expired. The operating system's unless set; never the server's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self.has_own_clock = true;
        self
    }

    /// Sets what the names of all tables begin with, so that several stores can share a database.
    /// `cloakroom_` unless set; up to 32 lower-case ASCII letters, digits and underscores, a letter first.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
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

    /// Sets the largest payload that is kept, in bytes; a larger one is [`ErrorKind::TooLarge`].
    /// 16 MiB unless set; never more than the server's `max_allowed_packet` has room for.
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes.min(LARGEST_PAYLOAD);
        self
    }

    /// Sets the table that a Node application keeps its sessions in, for [`build_bodies`](Self::build_bodies): its option
    /// `schema.tableName`, or `table` of node-session. `sessions` unless set; up to 64 characters.
    pub fn table(mut self, table: impl Into<String>) -> Self {
        self.bodies.table = table.into();
        self
    }

    /// Says that the Node application uses node-session's database driver, for [`build_bodies`](Self::build_bodies), whose
    /// option `lifetime` is this. express-mysql-session unless set.
    pub fn node_session(mut self, lifetime: Duration) -> Self {
        self.bodies.node_session_lifetime = Some(lifetime);
        self
    }

    /// Says whether the connections of node-session's adapter carry characters beyond three bytes of UTF-8, as they do with
    /// `charset: 'utf8mb4'`. `false` unless set: then a body with one is refused as [`ErrorKind::Invalid`], because the Node
    /// process would end when it has to write it. Of no effect for express-mysql-session.
    pub fn wide_characters(mut self, carried: bool) -> Self {
        self.bodies.is_wide = carried;
        self
    }

    /// Lets [`build_bodies`](Self::build_bodies) make the table of ended sessions if it is missing, or not. `true` unless set;
    /// the SQL to make it by hand is on the page of the [crate].
    pub fn create_ended(mut self, create: bool) -> Self {
        self.bodies.may_create = create;
        self
    }

    /// Makes the tables that are missing: what `src/schema.sql` says. Any number of processes may do so at once.
    ///
    /// # Errors
    /// As [`build`](Self::build); [`ErrorKind::Setup`] also if the user may not create tables.
    pub async fn create_tables(&self) -> Result<()> {
        check_prefix(&self.prefix)?;
        Ok(setup::create_tables(&self.connect(), &self.prefix).await?)
    }

    /// Removes what the store has made in the database: the tables, with every record and revocation in them.
    ///
    /// # Errors
    /// As [`build`](Self::build); tables that are not ours are left alone.
    pub async fn drop_all(&self) -> Result<()> {
        check_prefix(&self.prefix)?;
        Ok(setup::drop_tables(&self.connect(), &self.prefix).await?)
    }

    /// Connects, and looks whether the tables are there and ours.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if the tables are missing or not ours, or if the server refuses the user, has no such
    /// database, is too old or is neither MariaDB nor MySQL; [`ErrorKind::Unavailable`] if it does not answer;
    /// [`ErrorKind::Invalid`] if a prefix can never be right.
    pub async fn build(self) -> Result<MysqlStore> {
        check_prefix(&self.prefix)?;
        let connections = self.connect();
        let largest_packet = setup::check(&connections, &self.prefix).await?;
        Ok(self.store(connections, largest_packet.saturating_sub(ROOM_FOR_THE_REST)))
    }

    /// Makes the store and asks the server nothing yet, for an application that starts although its database is down.
    /// Whatever is wrong shows at the first request. It must be called within a runtime of Tokio.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a prefix can never be right.
    pub fn build_lazy(self) -> Result<MysqlStore> {
        check_prefix(&self.prefix)?;
        let connections = self.connect();
        Ok(self.store(connections, usize::MAX))
    }

    fn store(self, connections: Connections, room: usize) -> MysqlStore {
        MysqlStore {
            connections,
            statements: Statements::new(&self.prefix),
            clock: self.clock,
            tells_time: !self.has_own_clock,
            largest_payload: self.max_payload_bytes.min(room),
            missed_touches: MissedTouches::default(),
        }
    }

    /// Connects, and keeps bodies of Node's sessions instead of records: see [`MysqlBodies`]. The table of the Node
    /// application has to be there; the table of ended sessions, `cloakroom_ended`, is made beside it.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if a table is missing or has other columns, a collation that takes different ids for the same, or
    /// another engine than `InnoDB`; otherwise as for [`build`](Self::build).
    pub async fn build_bodies(self) -> Result<MysqlBodies> {
        check_prefix(&self.prefix)?;
        let Bodies { table, node_session_lifetime, is_wide, may_create } = self.bodies.clone();
        let layout = match node_session_lifetime {
            Some(lifetime) => Layout::NodeSession { lifetime, is_wide },
            None => Layout::ExpressMysqlSession,
        };
        if !(1..=LONGEST_IDENTIFIER).contains(&table.chars().count()) || table.contains('\0') {
            return Err(invalid("the name of a table has 1 to 64 characters"));
        }
        let options = bodies::Options { table, layout, prefix: self.prefix.clone(), may_create };
        MysqlBodies::open(self.connect(), &options, self.clock, self.max_payload_bytes).await
    }

    fn connect(&self) -> Connections {
        match &self.server {
            Server::Options(options) => Connections::new(options, self.connections, self.limits),
            Server::Pool(pool) => Connections::of(pool.clone(), self.limits),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("prefix", &self.prefix)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// On some systems, `A_` and `a_` would be the same.
fn check_prefix(name: &str) -> Result<()> {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let right = name.len() <= LONGEST_PREFIX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(letters);
    if right {
        return Ok(());
    }
    Err(invalid(
        "a table prefix has up to 32 lower-case ascii letters, digits and underscores, a letter first",
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
            assert_eq!(check_prefix(name).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
        }
        for name in ["a", "cloakroom_", "app2_sessions_"] {
            assert!(check_prefix(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn nothing_of_a_url_is_shown() {
        let error = Builder::from_url("mysql://alice:pass word@[host/db").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let builder = Builder::from_url("mysql://alice:hunter2@host/db").unwrap();
        for words in [format!("{error:?} {error}"), format!("{builder:?}")] {
            assert!(!words.contains("pass word") && !words.contains("hunter2"), "{words}");
        }
    }
}
