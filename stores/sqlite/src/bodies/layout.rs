//! Statements and rows of this layout: the only place that knows them.

use cloakroom_store::{Body, Bytes, Timestamp, Version};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::error::Failure;

/// Statements, with the names of the tables in place. Moments of Node's are milliseconds, those of marks microseconds.
#[derive(Debug)]
pub(crate) struct BodyLayout {
    pub(crate) table: String,
    pub(super) ended: String,
    /// Makes the table of ended sessions. Older releases of SQLite read it too, which Node applications may have.
    pub(super) make_ended: String,
    // id, this moment of Node's, mark, this moment → body, expiry, whether the session has ended
    pub(super) look: String,
    // mark, this moment → whether the session has ended
    pub(super) is_ended: String,
    // id, expiry, body. Replaces what is there.
    pub(super) insert: String,
    // id, expiry, body
    pub(super) replace: String,
    // id, expiry
    pub(super) touch: String,
    // id
    pub(super) remove: String,
    // mark, until when it stays
    pub(super) mark: String,
    // this moment
    pub(super) forget: String,
    // this moment of Node's, how many at most
    pub(super) sweep: String,
    // the last id of the page before, how many at most → ids
    pub(super) ids: String,
}

/// The expiry in whole milliseconds. To Node, a value that is not a number is later than every moment.
const EXPIRED: &str =
    "CASE typeof(expired) WHEN 'integer' THEN expired WHEN 'real' THEN CAST(expired AS INTEGER)
    ELSE 9223372036854775807 END";

impl BodyLayout {
    pub(crate) fn new(table: &str, prefix: &str) -> Self {
        let (sessions, ended) = (quoted(table), format!("{prefix}ended"));
        let marked =
            |id: &str, now: &str| format!("EXISTS (SELECT 1 FROM {ended} WHERE id = {id} AND until > {now})");
        Self {
            table: table.to_owned(),
            make_ended: format!(
                "CREATE TABLE IF NOT EXISTS {ended} (id BLOB NOT NULL PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
                CREATE INDEX IF NOT EXISTS {ended}_until ON {ended} (until)"
            ),
            look: format!(
                "SELECT sess, {EXPIRED}, {} FROM {sessions} WHERE sid = ?1 AND ?2 <= expired AND sess IS NOT NULL",
                marked("?3", "?4")
            ),
            is_ended: format!("SELECT {}", marked("?1", "?2")),
            insert: format!(
                "INSERT OR REPLACE INTO {sessions} (sid, expired, sess) VALUES (?1, CAST(?2 AS REAL), ?3)"
            ),
            replace: format!("UPDATE {sessions} SET expired = CAST(?2 AS REAL), sess = ?3 WHERE sid = ?1"),
            touch: format!("UPDATE {sessions} SET expired = max(expired, CAST(?2 AS REAL)) WHERE sid = ?1"),
            remove: format!("DELETE FROM {sessions} WHERE sid = ?1"),
            mark: format!(
                "INSERT INTO {ended} (id, until) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET until = max(until, ?2)"
            ),
            forget: format!(
                "DELETE FROM {ended} WHERE id IN (SELECT id FROM {ended} WHERE until <= ?1 ORDER BY until LIMIT 10)"
            ),
            // What Node's clean-up removes, too.
            sweep: format!(
                "DELETE FROM {sessions} WHERE sid IN (SELECT sid FROM {sessions} WHERE expired < ?1 LIMIT ?2)"
            ),
            ids: format!(
                "SELECT sid FROM {sessions} WHERE typeof(sid) = 'text' AND sid > ?1 ORDER BY sid LIMIT ?2"
            ),
            ended,
        }
    }

    /// Returns all statements on tables that are there.
    pub(super) fn statements(&self) -> [&str; 10] {
        [
            &self.look,
            &self.is_ended,
            &self.insert,
            &self.replace,
            &self.touch,
            &self.remove,
            &self.mark,
            &self.forget,
            &self.sweep,
            &self.ids,
        ]
    }
}

/// What is under an id.
pub(super) struct Found {
    pub(super) body: Body,
    /// Whether the session has ended.
    pub(super) is_marked: bool,
}

/// Reads a row of `look`.
pub(super) fn found(row: &Row<'_>) -> Result<Found, Failure> {
    let bytes = match row.get_ref(0)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
        // A body is an object, so this is not a body; the reader decides about it.
        ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Null => Vec::new(),
    };
    let version = version_of(&bytes);
    let body = Body::new(Bytes::from(bytes), expiry(row.get(1)?), version);
    Ok(Found { body, is_marked: row.get(2)? })
}

/// Reads the milliseconds of an expiry.
fn expiry(millis: i64) -> Timestamp {
    let millis = u64::try_from(millis).unwrap_or(0);
    if millis >= Timestamp::NEVER.as_millis() { Timestamp::NEVER } else { Timestamp::from_millis(millis) }
}

/// Returns a moment as Node counts it.
pub(super) fn millis(moment: Timestamp) -> i64 {
    moment.as_millis().cast_signed() // a timestamp always fits
}

/// Returns what stands for a body: the first eight bytes of its hash.
pub(super) fn version_of(body: &[u8]) -> Version {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(body).as_bytes()[..8]);
    Version::new(u64::from_be_bytes(first))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
