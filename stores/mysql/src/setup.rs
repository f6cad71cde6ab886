//! Makes the tables, and checks that existing ones are ours.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor, MySqlConnection, Row};
use tokio::time::timeout;

use crate::connections::Connections;
use crate::error::Failure;
use crate::statements::PREFIX;

const SCHEMA: &str = include_str!("schema.sql");
/// From schema 1 to schema 2.
const SCHEMA_2: &str = include_str!("schema-2.sql");
/// What lets it take its time.
const UNHURRIED: &str = "SET SESSION /*M! max_statement_time = 0, */ lock_wait_timeout = 3600";
/// How long that may take: the server copies the table.
const COPYING: Duration = Duration::from_hours(1);
/// What the comment on the tables says, which tells our tables from others and from those of other versions.
const MARK: &str = "cloakroom-mysql, schema 2";
const EARLIER_MARK: &str = "cloakroom-mysql, schema 1";
const OURS: &str = "cloakroom-mysql, schema ";

const RECORDS: &str = "id bigint, record_key varbinary, version bigint, expires_at bigint, due_at bigint, \
    sliding tinyint, owner varbinary, owner_since bigint, payload longblob, payload_head varbinary";
const EARLIER_RECORDS: &str = "id bigint, record_key varbinary, version bigint, expires_at bigint, due_at bigint, \
    sliding tinyint, owner varbinary, owner_since bigint, payload longblob";
const REVOCATIONS: &str = "owner varbinary, revoked_at bigint, forget_at bigint";

const ABOUT: &str = "SELECT CAST(VERSION() AS CHAR), CAST(@@max_allowed_packet AS SIGNED)";
/// What counts on a connection: `binlog_format` only if there is a log.
const SETTINGS: &str = "SHOW SESSION VARIABLES WHERE Variable_name IN
    ('tx_isolation', 'transaction_isolation', 'autocommit', 'sql_mode', 'binlog_format', 'log_bin')";
const COMMENT: &str = "SELECT CAST(table_comment AS CHAR) FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = '…'";
const COLUMNS: &str =
    "SELECT CAST(column_name AS CHAR), CAST(data_type AS CHAR) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = '…' ORDER BY ordinal_position";

/// What was found of our tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Not all of them.
    Missing,
    /// All of them, and one is of the schema before.
    Earlier,
    All,
}

/// A table that was found.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    comment: String,
    columns: String,
}

/// What was learnt about the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    /// The largest packet that it takes, in bytes.
    pub(crate) largest_packet: usize,
    /// Whether its log keeps statements, which it refuses for transactions that lock no gaps.
    pub(crate) logs_statements: bool,
}

/// Fails unless the server can be used and the tables are ours; answers with the largest packet that it takes.
pub(crate) async fn check(connections: &Connections, prefix: &str) -> Result<usize, Failure> {
    let mut lease = connections.lease().await.map_err(explain)?;
    let work = async {
        let About { largest_packet, logs_statements } = check_server(&mut lease).await?;
        connections.keeps_gaps.store(logs_statements, Ordering::Relaxed);
        match find(&mut lease, prefix).await? {
            Found::All => Ok(largest_packet),
            Found::Earlier => Err(Failure::EARLIER_SCHEMA),
            Found::Missing => Err(Failure::MISSING_TABLES),
        }
    };
    let answer = timeout(connections.limits().answer, work).await.unwrap_or(Err(Failure::NO_ANSWER));
    connections.give_back(lease, answer).map_err(explain)
}

/// Makes what is missing, and brings tables of the schema before up to date; fails if what is there is not ours.
pub(crate) async fn create_tables(connections: &Connections, prefix: &str) -> Result<(), Failure> {
    let mut lease = connections.lease().await.map_err(explain)?;
    let work = async {
        check_server(&mut lease).await?;
        if find(&mut lease, prefix).await? == Found::Missing {
            run(&mut lease, SCHEMA.replace(PREFIX, prefix)).await?;
        }
        find(&mut lease, prefix).await
    };
    let found = timeout(connections.limits().answer, work).await.unwrap_or(Err(Failure::NO_ANSWER));
    let answer = match found {
        Ok(Found::Earlier) => {
            let work = bring_up_to_date(&mut lease, prefix);
            let brought = timeout(COPYING, work).await.unwrap_or(Err(Failure::NO_ANSWER));
            // It has other limits now, and is not for anything else.
            lease.close_on_drop();
            brought
        }
        found => found.map(drop),
    };
    connections.give_back(lease, answer).map_err(explain)
}

/// Drops what is ours.
pub(crate) async fn drop_tables(connections: &Connections, prefix: &str) -> Result<(), Failure> {
    let mut lease = connections.lease().await.map_err(explain)?;
    let work = async {
        if find(&mut lease, prefix).await? != Found::Missing {
            run(&mut lease, format!("DROP TABLE {prefix}records, {prefix}revocations")).await?;
        }
        Ok(())
    };
    let answer = timeout(connections.limits().answer, work).await.unwrap_or(Err(Failure::NO_ANSWER));
    connections.give_back(lease, answer).map_err(explain)
}

async fn run(connection: &mut MySqlConnection, sql: String) -> Result<(), Failure> {
    // Nothing but a prefix was put into it, and that was checked.
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}

pub(crate) async fn check_server(connection: &mut MySqlConnection) -> Result<About, Failure> {
    let row = connection.fetch_one(sqlx::raw_sql(ABOUT)).await?;
    if !is_new_enough(&row.try_get::<String, _>(0)?) {
        return Err(Failure::TOO_OLD);
    }
    let largest_packet = usize::try_from(row.try_get::<i64, _>(1)?).unwrap_or(usize::MAX);
    let (mut has_log, mut is_of_statements) = (false, false);
    for setting in connection.fetch_all(sqlx::raw_sql(SETTINGS)).await? {
        let (name, value): (String, String) = (setting.try_get(0)?, setting.try_get(1)?);
        match (name.as_str(), value.as_str()) {
            ("autocommit", "OFF") => return Err(Failure::NO_COMMITS),
            ("sql_mode", modes) if modes.split(',').any(|mode| ["ORACLE", "ANSI_QUOTES"].contains(&mode)) => {
                return Err(Failure::OTHER_SQL);
            }
            ("log_bin", state) => has_log = state == "ON",
            ("binlog_format", format) => is_of_statements = format == "STATEMENT",
            ("tx_isolation" | "transaction_isolation", "REPEATABLE-READ" | "SERIALIZABLE") => {}
            ("tx_isolation" | "transaction_isolation", _) => return Err(Failure::ISOLATION),
            _ => {}
        }
    }
    Ok(About { largest_packet, logs_statements: has_log && is_of_statements })
}

/// Leads from schema 1 to schema 2. Another may be at it, and then has added the column first.
async fn bring_up_to_date(connection: &mut MySqlConnection, prefix: &str) -> Result<(), Failure> {
    // The table is copied, which takes longer than any other statement may.
    run(connection, UNHURRIED.into()).await?;
    let done = run(connection, SCHEMA_2.replace(PREFIX, prefix)).await;
    if find(connection, prefix).await? == Found::All { Ok(()) } else { done }
}

/// Looks for the tables; fails if those that are there are not ours.
async fn find(connection: &mut MySqlConnection, prefix: &str) -> Result<Found, Failure> {
    let records = look(connection, &format!("{prefix}records")).await?;
    let revocations = look(connection, &format!("{prefix}revocations")).await?;
    let (mut there, mut is_earlier) = (false, false);
    for (table, columns, earlier) in
        [(records, RECORDS, EARLIER_RECORDS), (revocations, REVOCATIONS, REVOCATIONS)]
    {
        let Some(table) = table else { continue };
        match &*table.comment {
            MARK if table.columns == columns => {}
            EARLIER_MARK if table.columns == earlier => is_earlier = true,
            MARK | EARLIER_MARK => return Err(Failure::FOREIGN_TABLE),
            other if other.starts_with(OURS) => return Err(Failure::OTHER_SCHEMA),
            _ => return Err(Failure::FOREIGN_TABLE),
        }
        there = columns == REVOCATIONS; // which is made last
    }
    Ok(match (there, is_earlier) {
        (false, _) => Found::Missing,
        (true, true) => Found::Earlier,
        (true, false) => Found::All,
    })
}

async fn look(connection: &mut MySqlConnection, name: &str) -> Result<Option<Table>, Failure> {
    // Text, as what would be prepared for once only. Nothing but a prefix was put into the name, and that was checked.
    let about = |question: &str| sqlx::raw_sql(AssertSqlSafe(question.replace('…', name)));
    let Some(comment) = connection.fetch_optional(about(COMMENT)).await? else { return Ok(None) };
    let mut columns = Vec::new();
    for row in connection.fetch_all(about(COLUMNS)).await? {
        columns.push(format!("{} {}", row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?));
    }
    Ok(Some(Table { comment: comment.try_get(0)?, columns: columns.join(", ") }))
}

/// MariaDB calls itself `10.11.6-MariaDB-…`, MySQL `8.4.3`.
fn is_new_enough(version: &str) -> bool {
    let mut numbers =
        version.split(|other: char| !other.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let oldest = if version.contains("MariaDB") { (10, 6) } else { (8, 0) };
    found >= oldest
}

/// Explains a failure of the first question: a server that cannot answer it is not this kind of database.
pub(crate) fn explain(failure: Failure) -> Failure {
    if failure.is_babble() { Failure::NOT_MYSQL } else { failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_pass_over_locked_rows_are_new_enough() {
        for version in
            ["10.6.0-MariaDB", "10.11.19-MariaDB-0+deb12u1", "11.8.2-MariaDB", "8.0.36", "9.4.0-log"]
        {
            assert!(is_new_enough(version), "{version}");
        }
        for version in ["10.5.28-MariaDB", "5.7.44-log", "5.5.5-10.4.0-MariaDB", "", "PolarDB"] {
            assert!(!is_new_enough(version), "{version}");
        }
    }
}
