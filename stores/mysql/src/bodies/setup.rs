//! Opening: the tables have to be there, with their columns.

use std::sync::atomic::Ordering;

use cloakroom_store::{Error, ErrorKind, Result};
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, Executor, MySqlConnection, Row};
use tokio::time::timeout;

use super::layout::{Layout, Wanted};
use super::statements::{Places, Statements};
use crate::connections::Connections;
use crate::error::Failure;
use crate::setup::{About, check_server, explain};

/// What an opening goes by.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The table of Node's sessions.
    pub(crate) table: String,
    pub(crate) layout: Layout,
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

const ENDED: [Wanted; 2] = [("id", &["binary", "varbinary"]), ("until", &["bigint"])];
/// What a statement takes beside its body, generously.
const ROOM_FOR_THE_REST: usize = 4 << 10;

/// Looks at the tables, makes that of ended sessions if it is missing, and makes the statements.
pub(super) async fn open(connections: &Connections, options: &Options) -> Result<Opened> {
    let mut lease = connections.lease().await.map_err(explain)?;
    let answer = timeout(connections.limits().answer, prepare(&mut lease, connections, options)).await;
    let opened = answer.unwrap_or_else(|_| Err(Failure::NO_ANSWER.into()))?;
    // After an error it is closed instead: it may be in the middle of an answer.
    connections.give_back(lease, Ok(()))?;
    Ok(opened)
}

async fn prepare(
    connection: &mut MySqlConnection,
    connections: &Connections,
    options: &Options,
) -> Result<Opened> {
    let About { largest_packet: packet, logs_statements } =
        check_server(connection).await.map_err(explain)?;
    connections.keeps_gaps.store(logs_statements, Ordering::Relaxed);
    let Options { table, prefix, layout, .. } = options;
    let found = columns(connection, table).await?;
    if found.is_empty() {
        return Err(setup(format!(
            "there is no table {table}: let the Node application make it, or set Builder::table"
        )));
    }
    let wanted = layout.columns();
    check(table, &found, &wanted)?;
    check_engine(connection, table).await?;
    let [id, time, data] = wanted.map(|(name, _)| found.iter().find(|column| column.is(name)));
    let (Some(id), Some(time), Some(data)) = (id, time, data) else {
        return Err(Failure::FOREIGN_TABLE.into());
    };
    check_characters(table, id, data, *layout)?;
    if time.kind == "int" && !time.whole_kind.contains("unsigned") {
        let (name, kind) = (&time.name, &time.whole_kind);
        return Err(setup(format!("the column {name} of {table} is of type {kind}, not int unsigned")));
    }
    let ended = format!("{prefix}ended");
    check_ended(connection, &ended, options.may_create).await?;
    Ok(Opened {
        largest: data.longest.min(packet.saturating_sub(ROOM_FOR_THE_REST)),
        longest_id: id.longest,
        statements: Statements::new(&Places {
            sessions: quoted(table),
            ended: quoted(&ended),
            columns: wanted.map(|(name, _)| name),
        }),
    })
}

/// Fails if the columns take different ids for the same, or cannot hold every text.
fn check_characters(table: &str, id: &Column, data: &Column, layout: Layout) -> Result<()> {
    let (name, collation) = (&id.name, &id.collation);
    if !collation.ends_with("_bin") {
        return Err(setup(format!(
            "the column {name} of {table} has the collation {collation}, to which different ids are the same; \
             it needs utf8mb4_bin"
        )));
    }
    // People make the table of node-session, and the package that of express-mysql-session.
    let characters = match layout {
        Layout::ExpressMysqlSession => "",
        Layout::NodeSession { is_wide: false, .. } => "utf8",
        Layout::NodeSession { is_wide: true, .. } => "utf8mb4",
    };
    if !data.collation.starts_with(characters) {
        let (name, collation) = (&data.name, &data.collation);
        return Err(setup(format!(
            "the column {name} of {table} has the collation {collation}, whose characters are not all of Unicode; \
             it needs utf8mb4_bin"
        )));
    }
    Ok(())
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
    /// Returns whether a column has this name: letters of either case are the same in it.
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn read(row: &MySqlRow) -> Result<Self, Failure> {
        let key: String = row.try_get(4)?;
        Ok(Self {
            name: row.try_get(0)?,
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
        let Some(column) = found.iter().find(|column| column.is(name)) else {
            return Err(setup(format!("the table {table} has no column {name}")));
        };
        if !kinds.contains(&column.kind.as_str()) {
            let (kind, due) = (&column.kind, kinds[0]);
            return Err(setup(format!("the column {name} of {table} is of type {kind}, not {due}")));
        }
        if at == 0 && !column.is_unique {
            return Err(setup(format!("the column {name} of {table} is neither its primary key nor unique")));
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
