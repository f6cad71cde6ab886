//! The tables: making them, and looking whether those that are there are ours.

use sqlx::{AssertSqlSafe, Executor, MySqlConnection, Row};
use tokio::time::timeout;

use crate::connections::Connections;
use crate::error::Failure;
use crate::statements::PREFIX;

const SCHEMA: &str = include_str!("schema.sql");
/// What the comment on the tables says, which tells our tables from others and from those of other versions.
const MARK: &str = "cloakroom-mysql, schema 1";
const OURS: &str = "cloakroom-mysql, schema ";

const RECORDS: &str = "id bigint, record_key varbinary, version bigint, expires_at bigint, due_at bigint, \
    sliding tinyint, owner varbinary, owner_since bigint, payload longblob, payload_head varbinary";
const REVOCATIONS: &str = "owner varbinary, revoked_at bigint, forget_at bigint";

const ABOUT: &str = "SELECT CAST(VERSION() AS CHAR), CAST(@@max_allowed_packet AS SIGNED)";
const ISOLATION: &str =
    "SHOW SESSION VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')";
const COMMENT: &str = "SELECT CAST(table_comment AS CHAR) FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = '…'";
const COLUMNS: &str =
    "SELECT CAST(column_name AS CHAR), CAST(data_type AS CHAR) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = '…' ORDER BY ordinal_position";

/// A table that was found.
#[derive(Debug, PartialEq, Eq)]
struct Table {
    comment: String,
    columns: String,
}

/// Fails unless the server can be used and the tables are ours; answers with the largest packet that it takes.
pub(crate) async fn check(connections: &Connections, prefix: &str) -> Result<usize, Failure> {
    let mut lease = connections.lease().await.map_err(explain)?;
    let work = async {
        let largest_packet = check_server(&mut lease).await?;
        if are_there(&mut lease, prefix).await? { Ok(largest_packet) } else { Err(Failure::MISSING_TABLES) }
    };
    let answer = timeout(connections.limits().answer, work).await.unwrap_or(Err(Failure::NO_ANSWER));
    connections.give_back(lease, answer).map_err(explain)
}

/// Makes what is missing; fails if what is there is not ours.
pub(crate) async fn create_tables(connections: &Connections, prefix: &str) -> Result<(), Failure> {
    let mut lease = connections.lease().await.map_err(explain)?;
    let work = async {
        check_server(&mut lease).await?;
        if !are_there(&mut lease, prefix).await? {
            run(&mut lease, SCHEMA.replace(PREFIX, prefix)).await?;
        }
        Ok(())
    };
    let answer = timeout(connections.limits().answer, work).await.unwrap_or(Err(Failure::NO_ANSWER));
    connections.give_back(lease, answer).map_err(explain)
}

/// Drops what is ours.
pub(crate) async fn drop_tables(connections: &Connections, prefix: &str) -> Result<(), Failure> {
    let mut lease = connections.lease().await.map_err(explain)?;
    let work = async {
        if are_there(&mut lease, prefix).await? {
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

async fn check_server(connection: &mut MySqlConnection) -> Result<usize, Failure> {
    let row = connection.fetch_one(sqlx::raw_sql(ABOUT)).await?;
    if !is_new_enough(&row.try_get::<String, _>(0)?) {
        return Err(Failure::TOO_OLD);
    }
    let largest_packet = usize::try_from(row.try_get::<i64, _>(1)?).unwrap_or(usize::MAX);
    let levels = connection.fetch_all(sqlx::raw_sql(ISOLATION)).await?;
    for level in levels {
        if !["REPEATABLE-READ", "SERIALIZABLE"].contains(&level.try_get::<String, _>(1)?.as_str()) {
            return Err(Failure::ISOLATION);
        }
    }
    Ok(largest_packet)
}

/// Whether the tables are there; an error if they are not ours.
async fn are_there(connection: &mut MySqlConnection, prefix: &str) -> Result<bool, Failure> {
    let records = look(connection, &format!("{prefix}records")).await?;
    let revocations = look(connection, &format!("{prefix}revocations")).await?;
    let mut there = false;
    for (table, columns) in [(records, RECORDS), (revocations, REVOCATIONS)] {
        let Some(table) = table else { continue };
        if table.comment != MARK && table.comment.starts_with(OURS) {
            return Err(Failure::OTHER_SCHEMA);
        }
        if table.comment != MARK || table.columns != columns {
            return Err(Failure::FOREIGN_TABLE);
        }
        there = columns == REVOCATIONS; // which is made last
    }
    Ok(there)
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

/// When the first question makes no sense to the other side, it is something else that listens.
fn explain(failure: Failure) -> Failure {
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
