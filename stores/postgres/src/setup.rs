//! Makes the tables, and checks that existing ones are ours.

use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};
use tokio::time::timeout;

use crate::builder::Names;
use crate::connections::Connections;
use crate::error::Failure;
use crate::statements::PREFIX;

const SCHEMA: &str = include_str!("schema.sql");
/// What the comment on the table says, which tells our tables from others and from those of other versions.
const MARK: &str = "cloakroom-postgres, schema 1";
const OURS: &str = "cloakroom-postgres, schema ";
/// The oldest server, in PostgreSQL's own numbers: the oldest that is still maintained.
pub(crate) const OLDEST: i32 = 14_00_00;

const RECORDS: &str = "key bytea, version bigint, expires_at bigint, due_at bigint, sliding boolean, owner bytea, \
    owner_since bigint, payload bytea";
const REVOCATIONS: &str = "owner bytea, revoked_at bigint, forget_at bigint";

/// About the server, and about the tables of these names; NULL for a table that is not there.
const LOOK: &str = "SELECT current_setting('server_version_num')::int,
    pg_is_in_recovery() OR current_setting('transaction_read_only')::bool,
    (SELECT obj_description(to_regclass($1), 'pg_class')), columns.of_records, columns.of_revocations
    FROM (SELECT
        (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
            FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped) AS of_records,
        (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
            FROM pg_attribute WHERE attrelid = to_regclass($2) AND attnum > 0 AND NOT attisdropped) AS of_revocations
    ) AS columns";

/// What was found.
struct Found {
    server: i32,
    reads_only: bool,
    comment: Option<String>,
    records: Option<String>,
    revocations: Option<String>,
}

/// Fails unless the server can be used and the tables are ours.
pub(crate) async fn check(connections: &Connections, names: &Names) -> Result<(), Failure> {
    let mut lease = connections.lease().await.map_err(explain)?;
    let work = async {
        let found = look(&mut lease, names).await?;
        found.check_server()?;
        found.check_tables()
    };
    let answer = timeout(connections.limits().answer, work).await.unwrap_or(Err(Failure::NO_ANSWER));
    connections.give_back(lease, answer).map_err(explain)
}

/// Makes what is missing; fails if what is there is not ours.
pub(crate) async fn create_tables(connections: &Connections, names: &Names) -> Result<(), Failure> {
    let mut lease = connections.lease().await.map_err(explain)?;
    let answer = timeout(connections.limits().answer, create(&mut lease, names)).await;
    let answer = answer.unwrap_or(Err(Failure::NO_ANSWER));
    if let Err(failure) = answer {
        lease.close(); // it may be inside the transaction, which ends with it
        return Err(explain(failure));
    }
    connections.give_back(lease, answer)
}

/// Drops what is ours.
pub(crate) async fn drop_tables(connections: &Connections, names: &Names) -> Result<(), Failure> {
    let mut lease = connections.lease().await.map_err(explain)?;
    let name = names.qualified();
    let work = async {
        match look(&mut lease, names).await? {
            found if found.is_absent() => return Ok(()),
            found => found.check_tables()?,
        }
        let sql =
            format!("DROP TABLE {name}records, {name}revocations; DROP FUNCTION {name}touch, {name}revoke");
        run(&mut lease, sql).await
    };
    let answer = timeout(connections.limits().answer, work).await.unwrap_or(Err(Failure::NO_ANSWER));
    connections.give_back(lease, answer).map_err(explain)
}

async fn create(connection: &mut PgConnection, names: &Names) -> Result<(), Failure> {
    let found = look(connection, names).await?;
    found.check_server()?;
    run(connection, "BEGIN; SELECT pg_advisory_xact_lock(hashtext('cloakroom create_tables'))".into())
        .await?;
    if let Some(schema) = &names.schema {
        let sql = format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"; SET LOCAL search_path TO \"{schema}\"");
        run(connection, sql).await?;
    }
    // Another process, perhaps of another application, may have created tables meanwhile: check again.
    match look(connection, names).await? {
        found if found.is_absent() => run(connection, SCHEMA.replace(PREFIX, &names.prefix)).await?,
        found => found.check_tables()?,
    }
    run(connection, "COMMIT".into()).await
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<(), Failure> {
    // Nothing but a prefix and a schema were put into it, and both were checked.
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}

async fn look(connection: &mut PgConnection, names: &Names) -> Result<Found, Failure> {
    let table = |name| format!("{}{name}", names.qualified());
    let question = sqlx::query(LOOK).persistent(false).bind(table("records")).bind(table("revocations"));
    let row = question.fetch_one(connection).await?;
    Ok(Found {
        server: row.try_get(0)?,
        reads_only: row.try_get(1)?,
        comment: row.try_get(2)?,
        records: row.try_get(3)?,
        revocations: row.try_get(4)?,
    })
}

impl Found {
    fn check_server(&self) -> Result<(), Failure> {
        if self.server < OLDEST {
            return Err(Failure::TOO_OLD);
        }
        if self.reads_only { Err(Failure::READ_ONLY) } else { Ok(()) }
    }

    fn is_absent(&self) -> bool {
        self.records.is_none() && self.revocations.is_none()
    }

    fn check_tables(&self) -> Result<(), Failure> {
        if self.is_absent() {
            return Err(Failure::MISSING_TABLES);
        }
        match self.comment.as_deref() {
            Some(MARK) => {}
            Some(other) if other.starts_with(OURS) => return Err(Failure::OTHER_SCHEMA),
            _ => return Err(Failure::FOREIGN_TABLE),
        }
        let ours =
            self.records.as_deref() == Some(RECORDS) && self.revocations.as_deref() == Some(REVOCATIONS);
        if ours { Ok(()) } else { Err(Failure::FOREIGN_TABLE) }
    }
}

/// Explains a failure of the first question: a server that cannot answer it is not this kind of database.
pub(crate) fn explain(failure: Failure) -> Failure {
    if failure.is_babble() { Failure::NOT_POSTGRES } else { failure }
}
