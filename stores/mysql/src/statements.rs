//! The statements: the only place that knows SQL, beside `schema.sql`, which says what each column means.

use std::fmt::Write as _;
use std::sync::Arc;

use cloakroom_store::OwnerKey;

use sqlx::mysql::MySqlArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, MySql, RawSql};

/// What all tables begin with, unless another prefix is set.
pub(crate) const PREFIX: &str = "cloakroom_";

/// A question to the server, with its parameters.
pub(crate) type Question<'q> = Query<'q, MySql, MySqlArguments>;

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
        // Nothing but a prefix was put into it, and that was checked.
        sqlx::query(AssertSqlSafe(Arc::clone(&self.0)))
    }

    /// Returns the statements of a revocation, as text. A deletion that `keeps_gaps` locks the gaps in the owners'
    /// index too.
    pub(crate) fn revoking(
        &self,
        owner: &OwnerKey,
        [at, forget_at, now]: [i64; 3],
        keeps_gaps: bool,
    ) -> RawSql {
        let mut hex = String::new();
        for byte in owner.as_bytes() {
            let _ = write!(hex, "{byte:02x}");
        }
        let level = if keeps_gaps { "" } else { "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;" };
        let sql = self.0.replace("…1", &at.to_string()).replace("…2", &forget_at.to_string());
        let sql = sql.replace("…3", &now.to_string()).replace("…4", level).replace('…', &hex);
        // Nothing but numbers, digits of bytes and a prefix that was checked was put into it.
        sqlx::raw_sql(AssertSqlSafe(sql))
    }

    /// Returns the statement with a list of ids in the place of `(…)`, as text. It is never the same twice; and to
    /// prepare it for once would end with a message that the server does not answer, behind which the next may wait for
    /// 40 ms.
    pub(crate) fn text_of(&self, ids: &[i64]) -> RawSql {
        let ids: Vec<_> = ids.iter().map(i64::to_string).collect();
        // Nothing but numbers and a prefix that was checked was put into it.
        sqlx::raw_sql(AssertSqlSafe(self.0.replace("(…)", &format!("({})", ids.join(",")))))
    }
}

/// The columns of a `VersionedRecord`, in the order in which `layout` reads them.
macro_rules! columns {
    () => {
        "version, expires_at, sliding, owner, owner_since, payload"
    };
}

/// That the owner was not revoked since. Read as a part of a statement that writes, it locks the owner's place in the
/// table, empty or not, until that statement is done (repeatable read); a revocation waits for it there.
macro_rules! not_revoked {
    () => {
        "NOT EXISTS (SELECT 1 FROM cloakroom_revocations WHERE owner = ? AND revoked_at >= ? LOCK IN SHARE MODE)"
    };
}

macro_rules! set {
    () => {
        "UPDATE cloakroom_records
        SET version = ?, expires_at = ?, due_at = LEAST(due_at, ?), sliding = ?, payload = ?, owner = ?, owner_since = ?
        WHERE record_key = ? AND version = ? AND expires_at > ? AND "
    };
}

macro_rules! statements {
    ($($name:ident = $sql:expr;)*) => {
        /// Every statement, with the prefix in place.
        #[derive(Clone, Debug)]
        pub(crate) struct Statements { $(pub(crate) $name: Statement,)* }

        impl Statements {
            /// Puts a prefix before the names of tables.
            pub(crate) fn new(prefix: &str) -> Self {
                Self { $($name: Statement($sql.replace(PREFIX, prefix).into()),)* }
            }
        }
    };
}

statements! {
    // key, now → columns
    load = concat!("SELECT ", columns!(), " FROM cloakroom_records WHERE record_key = ? AND expires_at > ?");

    // new expires_at, key, version, expires_at
    move_expiry = "UPDATE cloakroom_records SET expires_at = ? WHERE record_key = ? AND version = ? AND expires_at = ?";

    // key, version, expires_at, due_at, sliding, payload. Fails if the key is there, its record expired or not.
    create = "INSERT INTO cloakroom_records (record_key, version, expires_at, due_at, sliding, payload)
        VALUES (?, ?, ?, ?, ?, ?)";

    // As `create`, owner, owner_since, and again owner, owner_since. Inserts nothing if the owner was revoked.
    create_owned = concat!("INSERT INTO cloakroom_records
            (record_key, version, expires_at, due_at, sliding, payload, owner, owner_since)
        SELECT ?, ?, ?, ?, ?, ?, ?, ? FROM DUAL WHERE ", not_revoked!());

    // key, now
    remove_expired = "DELETE FROM cloakroom_records WHERE record_key = ? AND expires_at <= ?";

    // version, expires_at, expires_at, sliding, payload, owner, owner_since, key, version, now, and again owner, owner,
    // owner_since. For a record without an owner, or with the same owner as before: a revocation finds it.
    update = concat!(set!(), "(? IS NULL OR (owner = ? AND owner_since = ?))");

    // version … now, as `update`, and again owner, owner_since. For a record that comes to another owner, or whose
    // owner logged in anew.
    update_owned = concat!(set!(), not_revoked!());

    // expires_at, key, now
    touch = "UPDATE cloakroom_records SET expires_at = GREATEST(expires_at, ?) WHERE record_key = ? AND expires_at > ?";

    // key, version, expires_at
    delete = "DELETE FROM cloakroom_records WHERE record_key = ? AND version = ? AND expires_at = ?";

    // now, limit → id, expires_at of what a sweep has to look at. What others work on is left to them.
    due = "SELECT id, expires_at, sliding FROM cloakroom_records WHERE due_at <= ? ORDER BY due_at LIMIT ?
        FOR UPDATE SKIP LOCKED";

    sweep_away = "DELETE FROM cloakroom_records WHERE id IN (…)";

    put_off = "UPDATE cloakroom_records SET due_at = expires_at WHERE id IN (…)";

    // now, now → whether there is a record to sweep
    is_due = "SELECT EXISTS (SELECT 1 FROM cloakroom_records WHERE due_at <= ? AND expires_at <= ?)";

    // now, limit → owners whose marks may be forgotten. What others work on is left to them.
    forgettable = "SELECT owner FROM cloakroom_revocations WHERE forget_at <= ? ORDER BY forget_at LIMIT ?
        FOR UPDATE SKIP LOCKED";

    // owner, now
    forget = "DELETE FROM cloakroom_revocations WHERE owner = ? AND forget_at <= ?";

    // after, limit → id, bytes
    sizes = "SELECT id, LENGTH(payload) FROM cloakroom_records WHERE id > ? ORDER BY id LIMIT ?";

    // after, last → columns, key
    scan = concat!("SELECT ", columns!(), ", record_key FROM cloakroom_records WHERE id > ? AND id <= ? ORDER BY id");

    // now → count
    count = "/*M! SET STATEMENT max_statement_time = 300 FOR */ SELECT /*+ MAX_EXECUTION_TIME(300000) */ COUNT(*) FROM cloakroom_records WHERE expires_at > ?";

    // → the last id
    last = "SELECT COALESCE(MAX(id), 0) FROM cloakroom_records";

    // last id, limit
    clear = "DELETE FROM cloakroom_records WHERE id <= ? ORDER BY id LIMIT ?";

    // owner, after, limit → columns, key, id: with the beginning of the payload in its place
    list = "SELECT version, expires_at, sliding, owner, owner_since, payload_head, record_key, id
        FROM cloakroom_records WHERE owner = ? AND id > ? ORDER BY id LIMIT ?";

    // Leaves the mark, which waits for log-ins under way, and then removes what they and others left, the live records first.
    // Text, so that all goes in one trip. Each statement is a transaction of its own, so that a client that is gone
    // leaves no lock behind. … stands for the owner; then revoked_at, forget_at, now.
    revoke = "INSERT INTO cloakroom_revocations (owner, revoked_at, forget_at) VALUES (x'…', …1, …2)
        ON DUPLICATE KEY UPDATE revoked_at = GREATEST(revoked_at, …1), forget_at = GREATEST(forget_at, …2);
        …4DELETE FROM cloakroom_records WHERE owner = x'…' AND owner_since <= …1 AND expires_at > …3;
        …4DELETE FROM cloakroom_records WHERE owner = x'…' AND owner_since <= …1";
}
