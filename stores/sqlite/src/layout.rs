//! Tables, statements and rows: the only place that knows them. `schema.sql` says what each column means.

use cloakroom_store::{
    Entry, Owner, OwnerKey, Record, RecordHead, StoreKey, Timestamp, Version, VersionedRecord,
};
use rusqlite::Row;

use crate::error::Failure;

/// In the header of every database of ours: "Clkr".
pub(crate) const APPLICATION_ID: i64 = 0x436c_6b72;
/// The newest schema that this version reads and writes.
pub(crate) const SCHEMA_VERSION: i64 = 1;
/// What all tables and indices begin with, unless another prefix is set.
pub(crate) const PREFIX: &str = "cloakroom_";

const SCHEMA: &str = include_str!("schema.sql");

/// The columns of a [`VersionedRecord`], in the order in which [`stored`] reads them.
macro_rules! columns {
    () => {
        "version, expires_at, sliding, owner, owner_since, payload"
    };
}

macro_rules! statements {
    ($($name:ident = $sql:expr;)*) => {
        /// Every statement, with the table prefix in place.
        #[derive(Debug)]
        pub(crate) struct Layout { pub(crate) schema: String, pub(crate) records: String, $(pub(crate) $name: String,)* }

        impl Layout {
            /// Puts a prefix before the names of all tables and indices.
            pub(crate) fn new(prefix: &str) -> Self {
                Self {
                    schema: SCHEMA.replace(PREFIX, prefix),
                    records: format!("{prefix}records"),
                    $($name: $sql.replace(PREFIX, prefix),)*
                }
            }

            /// Returns all statements by name: to prepare them, and to look at their plans.
            pub(crate) fn statements(&self) -> Vec<(&'static str, &str)> {
                vec![$((stringify!($name), self.$name.as_str()),)*]
            }
        }
    };
}

statements! {
    // key, now → columns
    load = concat!("SELECT ", columns!(), " FROM cloakroom_records WHERE key = ?1 AND expires_at > ?2");

    // key, now, version, expires_at, sliding, owner, owner_since, payload. Replaces an expired record, no other.
    create = "INSERT INTO cloakroom_records
            (key, version, expires_at, due_at, sliding, owner, owner_since, payload)
        VALUES (?1, ?3, ?4, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (key) DO UPDATE SET version = ?3, expires_at = ?4, due_at = ?4, sliding = ?5, owner = ?6,
            owner_since = ?7, payload = ?8
        WHERE expires_at <= ?2";

    // key, now, version, new version, expires_at, sliding, owner, owner_since, payload. The usual update: of the
    // columns that it sets, none is in an index.
    update = "UPDATE cloakroom_records
        SET version = ?4, expires_at = ?5, sliding = ?6, owner_since = ?8, payload = ?9
        WHERE key = ?1 AND version = ?3 AND expires_at > ?2 AND due_at <= ?5 AND owner IS ?7";

    // As `update`, for an owner that changes or an expiry that comes sooner than a sweep would look.
    update_indexed = "UPDATE cloakroom_records
        SET version = ?4, expires_at = ?5, due_at = ?5, sliding = ?6, owner = ?7, owner_since = ?8, payload = ?9
        WHERE key = ?1 AND version = ?3 AND expires_at > ?2";

    // key, now, expires_at
    touch = "UPDATE cloakroom_records SET expires_at = max(expires_at, ?3) WHERE key = ?1 AND expires_at > ?2";

    // key, now → columns
    delete = concat!("DELETE FROM cloakroom_records WHERE key = ?1 AND expires_at > ?2 RETURNING ", columns!());

    // now, limit → id, expires_at: the records that a sweep has to look at.
    due = "SELECT id, expires_at, sliding FROM cloakroom_records INDEXED BY cloakroom_records_due
        WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2";

    // id
    sweep_away = "DELETE FROM cloakroom_records WHERE id = ?1";

    // id
    look_later = "UPDATE cloakroom_records SET due_at = expires_at WHERE id = ?1";

    // after, limit → columns, key, id
    scan = concat!("SELECT ", columns!(), ", key, id FROM cloakroom_records WHERE id > ?1 ORDER BY id LIMIT ?2");

    // now → count. Of all records, counted in the smallest index, those that are due are looked at.
    count = "SELECT (SELECT count(*) FROM cloakroom_records) -
        (SELECT count(*) FROM cloakroom_records INDEXED BY cloakroom_records_due
            WHERE due_at <= ?1 AND expires_at <= ?1)";

    clear = "DELETE FROM cloakroom_records";

    // owner, after, limit → columns without the payload, key, id. The index has the id, too.
    list = "SELECT version, expires_at, sliding, owner, owner_since, NULL, key, id FROM cloakroom_records
        INDEXED BY cloakroom_records_owner WHERE owner = ?1 AND id > ?2 ORDER BY id LIMIT ?3";

    // owner, revoked_at, forget_at
    remember = "INSERT INTO cloakroom_revocations (owner, revoked_at, forget_at) VALUES (?1, ?2, ?3)
        ON CONFLICT (owner) DO UPDATE
        SET revoked_at = max(revoked_at, ?2), forget_at = max(forget_at, ?3)";

    // owner, revoked_at → expires_at
    revoke = "DELETE FROM cloakroom_records INDEXED BY cloakroom_records_owner
        WHERE owner = ?1 AND owner_since <= ?2 RETURNING expires_at";

    // owner, since → whether the owner was revoked then or later
    is_revoked = "SELECT EXISTS (SELECT 1 FROM cloakroom_revocations WHERE owner = ?1 AND revoked_at >= ?2)";

    // now, limit
    forget = "DELETE FROM cloakroom_revocations WHERE owner IN
        (SELECT owner FROM cloakroom_revocations INDEXED BY cloakroom_revocations_forget
            WHERE forget_at <= ?1 LIMIT ?2)";
}

/// Reads a row that begins with [`columns!`].
pub(crate) fn stored(row: &Row<'_>) -> Result<VersionedRecord, Failure> {
    let owner: Option<&[u8]> = row.get_ref(3)?.as_blob_or_null()?;
    let since: Option<i64> = row.get(4)?;
    let record = Record::new(row.get_ref(5)?.as_blob()?.to_vec(), timestamp(row.get(1)?)?)
        .with_sliding(row.get(2)?)
        .with_owner(owner.zip(since).map(|(key, since)| read_owner(key, since)).transpose()?);
    Ok(VersionedRecord::new(record, Version::new(row.get::<_, i64>(0)?.cast_unsigned())))
}

/// Reads a row that begins with [`columns!`] and the key.
pub(crate) fn entry(row: &Row<'_>) -> Result<Entry, Failure> {
    let key = StoreKey::from_bytes(row.get_ref(6)?.as_blob()?).map_err(|_| Failure::DAMAGED_ROW)?;
    Ok(Entry::new(key, stored(row)?))
}

/// Reads a row that begins with [`columns!`] but for the payload, of which it takes the beginning, and the key.
pub(crate) fn head(row: &Row<'_>, payload_head: Vec<u8>) -> Result<RecordHead, Failure> {
    let since: i64 = row.get(4)?;
    Ok(RecordHead::new(
        StoreKey::from_bytes(row.get_ref(6)?.as_blob()?).map_err(|_| Failure::DAMAGED_ROW)?,
        Version::new(row.get::<_, i64>(0)?.cast_unsigned()),
        timestamp(since)?,
        timestamp(row.get(1)?)?,
        row.get(2)?,
        payload_head.into(),
    ))
}

fn read_owner(key: &[u8], since: i64) -> Result<Owner, Failure> {
    let key = OwnerKey::new(key).map_err(|_| Failure::DAMAGED_ROW)?;
    Ok(Owner::new(key, timestamp(since)?))
}

/// Reads a column of microseconds.
pub(crate) fn timestamp(micros: i64) -> Result<Timestamp, Failure> {
    u64::try_from(micros).map(Timestamp::from_micros).map_err(|_| Failure::DAMAGED_ROW)
}

/// Returns a column of microseconds.
pub(crate) fn micros(moment: Timestamp) -> i64 {
    moment.as_micros().cast_signed() // a timestamp always fits
}

/// Returns a version's column.
pub(crate) fn number(version: Version) -> i64 {
    version.get().cast_signed()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// Returns what SQLite answers to `explain` before each statement: the column with this name.
    fn explained(explain: &str, column: &str) -> Vec<(&'static str, Vec<String>)> {
        let (layout, connection) = (Layout::new(PREFIX), Connection::open_in_memory().unwrap());
        connection.execute_batch(&layout.schema).unwrap();
        let explain_one = |(name, sql): (&'static str, &str)| {
            let mut statement = connection.prepare(&format!("{explain} {sql}")).unwrap();
            let nothing = vec![None::<i64>; statement.parameter_count()];
            let rows = statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get(column));
            (name, rows.unwrap().map(Result::unwrap).collect())
        };
        layout.statements().into_iter().map(explain_one).collect()
    }

    #[test]
    fn no_statement_but_counting_and_clearing_goes_through_all_records() {
        for (name, plan) in explained("EXPLAIN QUERY PLAN", "detail") {
            let searches = plan.iter().filter(|step| step.starts_with("SEARCH")).count();
            let slow =
                plan.iter().any(|step| step.starts_with("SCAN cloakroom") || step.contains("TEMP B-TREE"));
            match name {
                "count" => {
                    let scan = "SCAN cloakroom_records USING COVERING INDEX cloakroom_records_due";
                    assert!(plan.iter().any(|step| step == scan), "{plan:?}");
                }
                "create" | "remember" | "clear" => {}
                _ => assert!(searches > 0 && !slow, "{name}: {plan:?}"),
            }
        }
    }

    #[test]
    fn the_usual_writes_touch_no_index() {
        let mut looked_at = 0;
        for (name, steps) in explained("EXPLAIN", "opcode") {
            if ["update", "touch"].contains(&name) {
                let index =
                    steps.iter().find(|step| step.starts_with("IdxInsert") || step.starts_with("IdxDelete"));
                assert_eq!(index, None, "{name}");
                looked_at += 1;
            }
        }
        assert_eq!(looked_at, 2);
    }

    #[test]
    fn the_schema_file_carries_the_numbers_that_open_looks_for() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        let header = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((header("application_id"), header("user_version")), (APPLICATION_ID, SCHEMA_VERSION));
    }
}
