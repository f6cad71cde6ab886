//! The statements: the only place that knows SQL, beside `schema.sql`, which says what each column means.

use std::sync::Arc;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};

/// What all tables, indices and functions begin with, unless another prefix is set.
pub(crate) const PREFIX: &str = "cloakroom_";

/// A question to the server, with its parameters.
pub(crate) type Question<'q> = Query<'q, Postgres, PgArguments>;

/// A statement; each connection prepares it once.
#[derive(Clone, Debug)]
pub(crate) struct Statement(Arc<str>);

impl Statement {
    /// Makes one of SQL into which nothing but checked or quoted names were put.
    pub(crate) fn new(sql: String) -> Self {
        Self(sql.into())
    }

    /// Returns a question without its parameters.
    pub(crate) fn question<'q>(&self) -> Question<'q> {
        // Nothing but a prefix and a schema were put into it, and both were checked.
        sqlx::query(AssertSqlSafe(Arc::clone(&self.0)))
    }
}

/// The columns of a `VersionedRecord`, in the order in which `layout` reads them.
macro_rules! columns {
    () => {
        "version, expires_at, sliding, owner, owner_since, payload"
    };
}

/// Takes hold of an owner's row of revocations until the statement is done, and tells when the owner was revoked.
macro_rules! mark {
    ($forget_at:literal) => {
        concat!(
            "mark AS (
            INSERT INTO cloakroom_revocations AS r (owner, revoked_at, forget_at) VALUES ($7, -1, ",
            $forget_at,
            ")
            ON CONFLICT (owner) DO UPDATE SET revoked_at = r.revoked_at
            RETURNING revoked_at
        )"
        )
    };
}

/// Replaces an expired record under the same key, no other.
macro_rules! replace_expired {
    () => {
        "ON CONFLICT (key) DO UPDATE SET version = $3, expires_at = $4, due_at = $4, sliding = $5, payload = $6,
            owner = excluded.owner, owner_since = excluded.owner_since
        WHERE r.expires_at <= $2"
    };
}

macro_rules! statements {
    ($($name:ident = $sql:expr;)*) => {
        /// Every statement, with schema and prefix in place.
        #[derive(Clone, Debug)]
        pub(crate) struct Statements { $(pub(crate) $name: Statement,)* }

        impl Statements {
            /// Puts `qualified`, a prefix perhaps with a schema before it, before the names of tables and functions.
            pub(crate) fn new(qualified: &str) -> Self {
                Self { $($name: Statement($sql.replace(PREFIX, qualified).into()),)* }
            }
        }
    };
}

statements! {
    // key, now → columns
    load = concat!("SELECT ", columns!(), " FROM cloakroom_records WHERE key = $1 AND expires_at > $2");

    // key, now, due_before, expires_at → columns
    load_and_touch = "SELECT version,
            CASE WHEN sliding AND expires_at < $3 AND expires_at < $4
                THEN cloakroom_touch(key, version, expires_at, $4) ELSE expires_at END,
            sliding, owner, owner_since, payload
        FROM cloakroom_records WHERE key = $1 AND expires_at > $2";

    // key, now, version, expires_at, sliding, payload → a row if it was created
    create = concat!("INSERT INTO cloakroom_records AS r (key, version, expires_at, due_at, sliding, payload)
        VALUES ($1, $3, $4, $4, $5, $6) ", replace_expired!(), " RETURNING true");

    // key, now, version, expires_at, sliding, payload, owner, owner_since, forget_at of the mark
    // → whether it was created, whether the owner was revoked
    create_owned = concat!("WITH ", mark!("$9"), ", made AS (
            INSERT INTO cloakroom_records AS r
                (key, version, expires_at, due_at, sliding, payload, owner, owner_since)
            SELECT $1, $3, $4, $4, $5, $6, $7, $8 FROM mark WHERE mark.revoked_at < $8 ",
            replace_expired!(), " RETURNING true
        )
        SELECT EXISTS (SELECT FROM made), EXISTS (SELECT FROM mark WHERE revoked_at >= $8)");

    // key, now, new version, expires_at, sliding, payload, owner, owner_since, version → whether it was replaced,
    // and if not, the columns of what is there. For a record without an owner, or with the same owner as before:
    // a revocation finds it.
    update = concat!("WITH replaced AS (
            UPDATE cloakroom_records
            SET version = $3, expires_at = $4, due_at = LEAST(due_at, $4), sliding = $5, payload = $6,
                owner = $7, owner_since = $8
            WHERE key = $1 AND version = $9 AND expires_at > $2
                AND ($7 IS NULL OR (owner = $7 AND owner_since = $8))
            RETURNING true
        )
        SELECT true, NULL AS version, NULL AS expires_at, NULL AS sliding, NULL AS owner, NULL AS owner_since,
            NULL AS payload FROM replaced
        UNION ALL
        SELECT false, ", columns!(), " FROM cloakroom_records
        WHERE key = $1 AND expires_at > $2 AND NOT EXISTS (SELECT FROM replaced)");

    // The parameters of `update`, forget_at of the mark → whether it was replaced, whether the owner was revoked.
    // For a record that comes to another owner, or whose owner logged in anew.
    update_owned = concat!("WITH ", mark!("$10"), ", replaced AS (
            UPDATE cloakroom_records AS r
            SET version = $3, expires_at = $4, due_at = LEAST(due_at, $4), sliding = $5, payload = $6,
                owner = $7, owner_since = $8
            FROM mark
            WHERE key = $1 AND version = $9 AND expires_at > $2 AND mark.revoked_at < $8
            RETURNING true
        )
        SELECT EXISTS (SELECT FROM replaced), EXISTS (SELECT FROM mark WHERE revoked_at >= $8)");

    // key, now, expires_at → a row if the record is there
    touch = "UPDATE cloakroom_records SET expires_at = GREATEST(expires_at, $3)
        WHERE key = $1 AND expires_at > $2 RETURNING true";

    // key, now → columns
    delete = concat!("DELETE FROM cloakroom_records WHERE key = $1 AND expires_at > $2 RETURNING ", columns!());

    // now, limit → how many were removed, how many were looked at, how many of the removed were sliding. What others work on is left to them.
    sweep = "WITH due AS (
            SELECT key, expires_at FROM cloakroom_records WHERE due_at <= $1
            ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
        ), removed AS (
            DELETE FROM cloakroom_records AS r USING due WHERE r.key = due.key AND due.expires_at <= $1
            RETURNING r.sliding
        ), put_off AS (
            UPDATE cloakroom_records AS r SET due_at = r.expires_at FROM due
            WHERE r.key = due.key AND due.expires_at > $1
            RETURNING true
        )
        SELECT (SELECT count(*) FROM removed), (SELECT count(*) FROM due),
            (SELECT count(*) FROM removed WHERE sliding), (SELECT count(*) FROM put_off)";

    // now → whether there is a record to sweep
    is_due = "SELECT EXISTS (SELECT FROM cloakroom_records WHERE due_at <= $1 AND expires_at <= $1)";

    // now, limit → how many were forgotten
    forget = "WITH forgotten AS (
            DELETE FROM cloakroom_revocations WHERE owner IN (
                SELECT owner FROM cloakroom_revocations WHERE forget_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
            ) RETURNING true
        ) SELECT count(*) FROM forgotten";

    // after, limit, bytes → columns, key: a page ends early when its payloads have that many bytes
    scan = concat!("SELECT ", columns!(), ", key FROM (
            SELECT *, sum(octet_length(payload)) OVER (ORDER BY key) - octet_length(payload) AS before
            FROM (SELECT * FROM cloakroom_records WHERE key > $1 ORDER BY key LIMIT $2) AS next
        ) AS page WHERE before < $3 ORDER BY key");

    // now → count
    count = "SELECT count(*) FROM cloakroom_records WHERE expires_at > $1";

    // after, limit, now → how many live ones were removed, the last key that was looked at
    clear = "WITH page AS (
            SELECT key FROM cloakroom_records WHERE key > $1 ORDER BY key LIMIT $2
        ), removed AS (
            DELETE FROM cloakroom_records AS r USING page WHERE r.key = page.key RETURNING expires_at
        )
        SELECT (SELECT count(*) FROM removed WHERE expires_at > $3),
            (SELECT key FROM page ORDER BY key DESC LIMIT 1)";

    // owner, after, limit, bytes of a payload → columns, key: with the beginning of the payload in its place
    list = "SELECT version, expires_at, sliding, owner, owner_since, substring(payload FROM 1 FOR $4), key
        FROM cloakroom_records WHERE owner = $1 AND key > $2 ORDER BY key LIMIT $3";

    // owner, revoked_at, forget_at, now → how many live records were removed
    revoke = "SELECT cloakroom_revoke($1, $2, $3, $4)";
}
