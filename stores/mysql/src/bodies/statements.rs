//! The statements for bodies: the only place that knows the SQL of this layout.

use crate::statements::Statement;

/// The names of the tables, in quotes.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) sessions: String,
    pub(super) ended: String,
}

#[derive(Clone, Debug)]
pub(super) struct Statements {
    pub(super) read: Statement,
    pub(super) insert: Statement,
    pub(super) remove_expired: Statement,
    pub(super) replace: Statement,
    pub(super) touch: Statement,
    pub(super) lock: Statement,
    pub(super) remove: Statement,
    pub(super) mark: Statement,
    pub(super) forget: Statement,
}

/// The body, as the bytes that the application gave.
const BODY: &str = "CONVERT(data USING utf8mb4)";
/// That there is a body which has not expired, as Node looks at it.
const LIVE: &str = "session_id = ? AND expires >= ? AND data IS NOT NULL";

impl Statements {
    pub(super) fn new(places: &Places) -> Self {
        let Places { sessions, ended } = places;
        let marked = format!("EXISTS (SELECT 1 FROM {ended} WHERE id = ? AND `until` > ?)");
        let columns = format!("{BODY}, CAST(expires AS SIGNED), {marked}");
        let of = Statement::new;
        Self {
            // mark, this moment, id, this second → body, second of its expiry, whether the session has ended
            read: of(format!("SELECT {columns} FROM {sessions} WHERE {LIVE}")),

            // id, second of the expiry, body, mark, this moment. Fails if the id is there, its body expired or not.
            insert: of(format!(
                "INSERT INTO {sessions} (session_id, expires, data) SELECT ?, ?, ? FROM DUAL WHERE NOT {marked}"
            )),

            // id, this second
            remove_expired: of(format!(
                "DELETE FROM {sessions} WHERE session_id = ? AND (expires < ? OR data IS NULL)"
            )),

            // body, second of the expiry, id, this second, what stands for the body that was read, mark, this moment
            replace: of(format!(
                "UPDATE {sessions} SET data = ?, expires = ?
                WHERE {LIVE} AND LEFT(SHA2({BODY}, 256), 16) = ? AND NOT {marked}"
            )),

            // second of the expiry, id, this second, mark, this moment
            touch: of(format!(
                "UPDATE {sessions} SET expires = GREATEST(expires, ?) WHERE {LIVE} AND NOT {marked}"
            )),

            // As `read`. Others cannot write the row until the transaction is done.
            lock: of(format!("SELECT {columns} FROM {sessions} WHERE {LIVE} FOR UPDATE")),

            // id
            remove: of(format!("DELETE FROM {sessions} WHERE session_id = ?")),

            // mark, until when it stays, and again until when
            mark: of(format!(
                "INSERT INTO {ended} (id, `until`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `until` = GREATEST(`until`, ?)"
            )),

            // this moment
            forget: of(format!("DELETE FROM {ended} WHERE `until` <= ? ORDER BY `until` LIMIT 10")),
        }
    }
}
