//! The statements for bodies: the only place that knows the SQL of this layout.

use crate::statements::Statement;

/// The names of the tables, in quotes, and those of the columns of Node's.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) sessions: String,
    pub(super) ended: String,
    /// Of the id, the time and the body.
    pub(super) columns: [&'static str; 3],
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
    pub(super) expired: Statement,
    pub(super) ids: Statement,
}

impl Statements {
    pub(super) fn new(places: &Places) -> Self {
        let Places { sessions, ended, columns: [id, time, data] } = places;
        // The body, as the bytes that an application gave.
        let body = format!("CONVERT({data} USING utf8mb4)");
        // That there is a body which has not expired.
        let live = format!("{id} = ? AND {time} >= ? AND {data} IS NOT NULL");
        let marked = format!("EXISTS (SELECT 1 FROM {ended} WHERE id = ? AND `until` > ?)");
        let columns = format!("{body}, CAST({time} AS SIGNED), {marked}");
        let of = Statement::new;
        Self {
            // mark, this moment, id, earliest time → body, its time, whether the session has ended
            read: of(format!("SELECT {columns} FROM {sessions} WHERE {live}")),

            // id, time, body, mark, this moment. Fails if the id is there, its body expired or not.
            insert: of(format!(
                "INSERT INTO {sessions} ({id}, {time}, {data}) SELECT ?, ?, ? FROM DUAL WHERE NOT {marked}"
            )),

            // id, earliest time
            remove_expired: of(format!(
                "DELETE FROM {sessions} WHERE {id} = ? AND ({time} < ? OR {data} IS NULL)"
            )),

            // body, time, id, earliest time, what stands for the body that was read, mark, this moment
            replace: of(format!(
                "UPDATE {sessions} SET {data} = ?, {time} = ?
                WHERE {live} AND LEFT(SHA2({body}, 256), 16) = ? AND NOT {marked}"
            )),

            // time, id, earliest time, mark, this moment
            touch: of(format!(
                "UPDATE {sessions} SET {time} = GREATEST({time}, ?) WHERE {live} AND NOT {marked}"
            )),

            // As `read`. Others cannot write the row until the transaction is done.
            lock: of(format!("SELECT {columns} FROM {sessions} WHERE {live} FOR UPDATE")),

            // id
            remove: of(format!("DELETE FROM {sessions} WHERE {id} = ?")),

            // mark, until when it stays, and again until when
            mark: of(format!(
                "INSERT INTO {ended} (id, `until`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `until` = GREATEST(`until`, ?)"
            )),

            // this moment
            forget: of(format!("DELETE FROM {ended} WHERE `until` <= ? ORDER BY `until` LIMIT 10")),

            // earliest time, how many at most → ids. Locks nothing: a table of Node's may have no index of times, and
            // then a deletion by time would lock all rows.
            expired: of(format!("SELECT {id} FROM {sessions} WHERE {time} < ? LIMIT ?")),

            // the last id of the page before, how many at most → ids
            ids: of(format!("SELECT {id} FROM {sessions} WHERE {id} > ? ORDER BY {id} LIMIT ?")),
        }
    }
}
