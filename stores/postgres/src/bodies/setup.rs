//! Opening: the tables have to be there with their columns, and the time zone has to be that of Node's connections.

use cloakroom_store::{Error, ErrorKind, Result};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};
use tokio::time::timeout;

use super::statements::{Places, Statements};
use crate::connections::Connections;
use crate::error::Failure;
use crate::setup::{OLDEST, explain};

/// What an opening goes by.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The schema of the tables; `None` for the first one of the connection's `search_path`.
    pub(crate) schema: Option<String>,
    /// The table of Node's sessions.
    pub(crate) table: String,
    /// What the name of our own table begins with.
    pub(crate) prefix: String,
    pub(crate) time_zone: Option<String>,
    pub(crate) may_create: bool,
}

const SERVER: &str = "SELECT current_setting('server_version_num')::int, pg_is_in_recovery()";

const COLUMNS: &str = "SELECT attname::text, format_type(atttypid, NULL), EXISTS (
        SELECT FROM pg_index WHERE indrelid = attrelid AND indisunique AND indnkeyatts = 1 AND indkey[0] = attnum
        AND indpred IS NULL
    ) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";

const PRIVILEGES: &str = "SELECT bool_and(has_table_privilege(to_regclass($1), wanted))
    FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS wanted";

/// The time zone that connections of this user begin with, as far as it was set for the user or the database.
const ZONE_OF_THE_USER: &str = "SELECT split_part(setting, '=', 2)
    FROM pg_db_role_setting, unnest(setconfig) AS setting
    WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
        AND setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
        AND lower(setting) LIKE 'timezone=%'
    ORDER BY setrole = 0, setdatabase = 0 LIMIT 1";

/// The one of the server's configuration, which not every user may read.
const ZONE_OF_THE_SERVER: &str = "SELECT coalesce((
        SELECT setting FROM pg_file_settings WHERE lower(name) = 'timezone' AND applied ORDER BY seqno DESC LIMIT 1
    ), 'GMT')";

/// The one of its log, which is the same unless a person has set one of them.
const ZONE_OF_THE_LOG: &str = "SELECT current_setting('log_timezone')";

/// A column that has to be there, and the types that it may have.
type Wanted = (&'static str, &'static [&'static str]);

const SESSIONS: [Wanted; 3] = [
    ("sid", &["character varying", "text"]),
    ("sess", &["json"]),
    ("expire", &["timestamp without time zone"]),
];
const ENDED: [Wanted; 2] = [("id", &["bytea"]), ("until", &["bigint"])];

/// Looks at the tables, makes that of ended sessions if it is missing, and makes the statements.
pub(super) async fn open(connections: &Connections, options: &Options) -> Result<Statements> {
    let mut lease = connections.lease().await.map_err(explain)?;
    let answer = timeout(connections.limits().answer, prepare(&mut lease, options)).await;
    let statements = answer.unwrap_or_else(|_| Err(Failure::NO_ANSWER.into()));
    if statements.is_err() {
        lease.close(); // it may be in the middle of an answer
        return statements;
    }
    connections.give_back(lease, Ok(()))?;
    statements
}

async fn prepare(connection: &mut PgConnection, options: &Options) -> Result<Statements> {
    check_server(connection).await?;
    let sessions = options.quoted(&options.table);
    let ended = options.quoted(&format!("{}ended", options.prefix));
    let found = columns(connection, &sessions).await?;
    if found.is_empty() {
        return Err(setup(format!(
            "there is no table {sessions}: let the Node application make it, or set Builder::table"
        )));
    }
    check(&sessions, &found, &SESSIONS)?;
    check_ended(connection, &ended, options).await?;
    check_privileges(connection, &sessions).await?;
    check_privileges(connection, &ended).await?;
    let zone = match &options.time_zone {
        Some(zone) => zone.clone(),
        None => zone_of_the_server(connection).await?,
    };
    let places = Places { sessions, ended, zone: literal(connection, &zone).await? };
    Ok(Statements::new(&places))
}

async fn check_server(connection: &mut PgConnection) -> Result<()> {
    let row = connection.fetch_one(sqlx::raw_sql(SERVER)).await.map_err(|error| explain(error.into()))?;
    let version: i32 = row.try_get(0).map_err(Failure::from)?;
    let standby: bool = row.try_get(1).map_err(Failure::from)?;
    match (version < OLDEST, standby) {
        (true, _) => Err(Failure::TOO_OLD.into()),
        (_, true) => Err(Failure::READ_ONLY.into()),
        _ => Ok(()),
    }
}

/// A column that was found.
struct Column {
    name: String,
    kind: String,
    /// Whether no two rows can have the same value there.
    is_unique: bool,
}

async fn columns(connection: &mut PgConnection, table: &str) -> Result<Vec<Column>, Failure> {
    let rows = sqlx::query(COLUMNS).persistent(false).bind(table).fetch_all(connection).await?;
    let read =
        |row: &PgRow| Ok(Column { name: row.try_get(0)?, kind: row.try_get(1)?, is_unique: row.try_get(2)? });
    rows.iter().map(read).collect()
}

/// Fails unless these columns are there, the first as the key. Others may be there too.
fn check(table: &str, found: &[Column], wanted: &[Wanted]) -> Result<()> {
    for (at, (name, kinds)) in wanted.iter().enumerate() {
        let Some(column) = found.iter().find(|column| column.name == *name) else {
            return Err(setup(format!("the table {table} has no column {name}")));
        };
        if !kinds.contains(&column.kind.as_str()) {
            let (kind, due) = (&column.kind, kinds[0]);
            return Err(setup(format!("the column {name} of {table} is of type {kind}, not {due}")));
        }
        if at == 0 && !column.is_unique {
            return Err(setup(format!("the column {name} of {table} is not its primary key")));
        }
    }
    Ok(())
}

async fn check_ended(connection: &mut PgConnection, table: &str, options: &Options) -> Result<()> {
    let mut found = columns(connection, table).await?;
    let by_hand = |what: &str| {
        setup(format!("the table {table} of ended sessions {what}: make it by hand, as the README says"))
    };
    if found.is_empty() && options.may_create {
        let index = options.prefix.clone() + "ended_until";
        if let Err(failure) = create(connection, table, &index).await {
            let refused = failure.kind == ErrorKind::Setup;
            return Err(if refused { by_hand("cannot be made by this user") } else { failure.into() });
        }
        found = columns(connection, table).await?;
    }
    if found.is_empty() {
        return Err(by_hand("is missing"));
    }
    check(table, &found, &ENDED)
}

async fn create(connection: &mut PgConnection, table: &str, index: &str) -> Result<(), Failure> {
    let sql = format!(
        "SELECT pg_advisory_xact_lock(hashtext('cloakroom create_tables'));
        CREATE TABLE IF NOT EXISTS {table} (id bytea NOT NULL PRIMARY KEY, until bigint NOT NULL);
        CREATE INDEX IF NOT EXISTS {index} ON {table} (until)"
    );
    // All of it is one transaction. Nothing but a schema and a prefix was put into it, and both were checked.
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}

async fn check_privileges(connection: &mut PgConnection, table: &str) -> Result<()> {
    let question = sqlx::query_scalar(PRIVILEGES).persistent(false).bind(table);
    let all: bool = question.fetch_one(connection).await.map_err(Failure::from)?;
    if all {
        return Ok(());
    }
    Err(setup(format!("the user may not select, insert, update and delete in {table}")))
}

/// Returns the time zone that Node's connections begin with. Our own begin with UTC, because their driver says so.
async fn zone_of_the_server(connection: &mut PgConnection) -> Result<String, Failure> {
    if let Some(row) = connection.fetch_optional(sqlx::raw_sql(ZONE_OF_THE_USER)).await? {
        return Ok(row.try_get(0)?);
    }
    let row = match connection.fetch_one(sqlx::raw_sql(ZONE_OF_THE_SERVER)).await {
        Ok(row) => row,
        Err(sqlx::Error::Database(_)) => connection.fetch_one(sqlx::raw_sql(ZONE_OF_THE_LOG)).await?,
        Err(error) => return Err(error.into()),
    };
    Ok(row.try_get(0)?)
}

/// Writes a time zone as a literal, if the server knows it.
async fn literal(connection: &mut PgConnection, zone: &str) -> Result<String> {
    let right = |byte: u8| byte.is_ascii_alphanumeric() || b"_/+-:<>,. ".contains(&byte);
    let unknown = || setup(format!("the server knows no time zone {zone:?}: set Builder::time_zone"));
    if zone.is_empty() || !zone.bytes().all(right) {
        return Err(unknown());
    }
    let literal = format!("'{zone}'");
    // Its characters were checked.
    let sql = AssertSqlSafe(format!("SELECT now() AT TIME ZONE {literal}"));
    match connection.fetch_one(sqlx::raw_sql(sql)).await {
        Ok(_) => Ok(literal),
        Err(sqlx::Error::Database(_)) => Err(unknown()),
        Err(error) => Err(Failure::from(error).into()),
    }
}

impl Options {
    /// Returns the name of a table in quotes, behind its schema.
    fn quoted(&self, table: &str) -> String {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        match &self.schema {
            Some(schema) => format!("{}.{}", quoted(schema), quoted(table)),
            None => quoted(table),
        }
    }
}

fn setup(message: String) -> Error {
    Error::new(ErrorKind::Setup, message)
}
