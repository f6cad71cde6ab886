//! Opening: the tables have to be there, with their columns.

use cloakroom_store::{Error, ErrorKind, Result};
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, Executor, MySqlConnection, Row};
use tokio::time::timeout;

use super::statements::{Places, Statements};
use crate::connections::Connections;
use crate::error::Failure;
use crate::setup::{check_server, explain};

/// What an opening goes by.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The table of Node's sessions.
    pub(crate) table: String,
    /// What the name of our own table begins with.
    pub(crate) prefix: String,
    pub(crate) may_create: bool,
}

/// What an opening has found.
pub(super) struct Opened {
    pub(super) statements: Statements,
    /// The largest body, in bytes: the column and the server's packets have room for it.
    pub(super) largest: usize,
    /// The longest id, in characters.
    pub(super) longest_id: usize,
}

const ENGINE: &str = "SELECT CAST(engine AS CHAR) FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = ?";

const COLUMNS: &str = "SELECT CAST(column_name AS CHAR), CAST(data_type AS CHAR), CAST(column_type AS CHAR),
        CAST(COALESCE(collation_name, '') AS CHAR), CAST(column_key AS CHAR),
        CAST(COALESCE(character_maximum_length, 0) AS SIGNED)
    FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?";

/// A column that has to be there, and the types that it may have.
type Wanted = (&'static str, &'static [&'static str]);

const SESSIONS: [Wanted; 3] = [
    ("session_id", &["varchar", "char"]),
    ("expires", &["int", "bigint"]),
    ("data", &["mediumtext", "text", "longtext"]),
];
const ENDED: [Wanted; 2] = [("id", &["binary", "varbinary"]), ("until", &["bigint"])];
/// What a statement takes beside its body, generously.
const ROOM_FOR_THE_REST: usize = 4 << 10;

/// Looks at the tables, makes that of ended sessions if it is missing, and makes the statements.
pub(super) async fn open(connections: &Connections, options: &Options) -> Result<Opened> {
    let mut lease = connections.lease().await.map_err(explain)?;
    let answer = timeout(connections.limits().answer, prepare(&mut lease, options)).await;
    let opened = answer.unwrap_or_else(|_| Err(Failure::NO_ANSWER.into()))?;
    // After an error it is closed instead: it may be in the middle of an answer.
    connections.give_back(lease, Ok(()))?;
    Ok(opened)
}

async fn prepare(connection: &mut MySqlConnection, options: &Options) -> Result<Opened> {
    let packet = check_server(connection).await.map_err(explain)?;
    let Options { table, prefix, .. } = options;
    let found = columns(connection, table).await?;
    if found.is_empty() {
        return Err(setup(format!(
            "there is no table {table}: let the Node application make it, or set Builder::table"
        )));
    }
    check(table, &found, &SESSIONS)?;
    check_engine(connection, table).await?;
    let [id, expires, data] = SESSIONS.map(|(name, _)| found.iter().find(|column| column.name == name));
    let (Some(id), Some(expires), Some(data)) = (id, expires, data) else {
        return Err(Failure::FOREIGN_TABLE.into());
    };
    if !id.collation.ends_with("_bin") {
        return Err(setup(format!(
            "the column session_id of {table} has the collation {}, to which different ids are the same; \
             it needs utf8mb4_bin",
            id.collation
        )));
    }
    if expires.kind == "int" && !expires.whole_kind.contains("unsigned") {
        return Err(setup(format!(
            "the column expires of {table} is of type {}, not int unsigned",
            expires.whole_kind
        )));
    }
    let ended = format!("{prefix}ended");
    check_ended(connection, &ended, options.may_create).await?;
    Ok(Opened {
        largest: data.longest.min(packet.saturating_sub(ROOM_FOR_THE_REST)),
        longest_id: id.longest,
        statements: Statements::new(&Places { sessions: quoted(table), ended: quoted(&ended) }),
    })
}

/// A column that was found.
struct Column {
    name: String,
    kind: String,
    /// The type with length and sign.
    whole_kind: String,
    collation: String,
    /// Whether no two rows can have the same value there.
    is_unique: bool,
    /// The longest text: in characters for `varchar`, in bytes for `text`.
    longest: usize,
}

impl Column {
    fn read(row: &MySqlRow) -> Result<Self, Failure> {
        let key: String = row.try_get(4)?;
        Ok(Self {
            name: row.try_get::<String, _>(0)?.to_lowercase(),
            kind: row.try_get(1)?,
            whole_kind: row.try_get(2)?,
            collation: row.try_get(3)?,
            is_unique: key == "PRI" || key == "UNI",
            longest: usize::try_from(row.try_get::<i64, _>(5)?).unwrap_or(usize::MAX),
        })
    }
}

async fn columns(connection: &mut MySqlConnection, table: &str) -> Result<Vec<Column>, Failure> {
    let rows = sqlx::query(COLUMNS).persistent(false).bind(table).fetch_all(connection).await?;
    rows.iter().map(Column::read).collect()
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

async fn check_engine(connection: &mut MySqlConnection, table: &str) -> Result<()> {
    let question = sqlx::query_scalar(ENGINE).persistent(false).bind(table);
    let engine: Option<Option<String>> = question.fetch_optional(connection).await.map_err(Failure::from)?;
    match engine.flatten() {
        Some(engine) if engine == "InnoDB" => Ok(()),
        _ => Err(setup(format!("the table {table} is not of the engine InnoDB"))),
    }
}

async fn check_ended(connection: &mut MySqlConnection, table: &str, may_create: bool) -> Result<()> {
    let mut found = columns(connection, table).await?;
    let by_hand = |what: &str| {
        setup(format!("the table {table} of ended sessions {what}: make it by hand, as the README says"))
    };
    if found.is_empty() && may_create {
        if let Err(failure) = create(connection, table).await {
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

async fn create(connection: &mut MySqlConnection, table: &str) -> Result<(), Failure> {
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {} (id BINARY(32) NOT NULL PRIMARY KEY, `until` BIGINT NOT NULL,
        KEY ended_until (`until`)) ENGINE = InnoDB",
        quoted(table)
    );
    // Nothing but a prefix was put into it, and that was checked.
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn setup(message: String) -> Error {
    Error::new(ErrorKind::Setup, message)
}
