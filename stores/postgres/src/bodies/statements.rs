//! The statements for bodies: the only place that knows the SQL of this layout.

use crate::statements::Statement;

/// What is put into the statements: names of tables in quotes, and a time zone as a literal.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) sessions: String,
    pub(super) ended: String,
    pub(super) zone: String,
}

/// Each begins with the parameters 1 id, 2 this second, 3 name of the mark, 4 this moment in microseconds; but the last three.
#[derive(Clone, Debug)]
pub(super) struct Statements {
    pub(super) read: Statement,
    pub(super) insert: Statement,
    pub(super) replace: Statement,
    pub(super) touch: Statement,
    pub(super) end: Statement,
    pub(super) end_again: Statement,
    pub(super) sweep: Statement,
    pub(super) ids: Statement,
}

/// What stands for a body.
const HASH: &str = "substr(sha256(convert_to(s.sess::text, 'UTF8')), 1, 8)";

impl Statements {
    pub(super) fn new(places: &Places) -> Self {
        Self {
            read: Statement::new(places.read()),
            insert: Statement::new(places.insert()),
            replace: Statement::new(places.replace()),
            touch: Statement::new(places.touch()),
            end: Statement::new(places.end()),
            end_again: Statement::new(places.end_again()),
            sweep: Statement::new(places.sweep()),
            ids: Statement::new(places.ids()),
        }
    }
}

impl Places {
    /// That the body has not expired, as Node looks at it: the column is read in the time zone in which it was written.
    fn live(&self) -> String {
        format!("s.expire AT TIME ZONE {} >= to_timestamp($2)", self.zone)
    }

    /// That the session has ended.
    fn marked(&self) -> String {
        format!("EXISTS (SELECT FROM {} WHERE id = $3 AND until > $4)", self.ended)
    }

    /// Returns the body and its expiry in microseconds.
    fn columns(&self) -> String {
        let zone = &self.zone;
        format!(
            "s.sess::text AS body,
            (extract(epoch FROM LEAST(s.expire, timestamp '10000-01-02') AT TIME ZONE {zone}) * 1000000)::bigint
            AS expires_at"
        )
    }

    /// Returns a second as the column keeps it.
    fn second(&self, parameter: &str) -> String {
        format!("to_timestamp({parameter}) AT TIME ZONE {}", self.zone)
    }

    // → body, expiry, whether the session has ended
    fn read(&self) -> String {
        let (columns, marked, live) = (self.columns(), self.marked(), self.live());
        format!("SELECT {columns}, {marked} FROM {} AS s WHERE s.sid = $1 AND {live}", self.sessions)
    }

    // 1 id, 2 name of the mark, 3 this moment, 4 until when the mark stays
    fn end_again(&self) -> String {
        let Self { sessions, ended, .. } = self;
        format!(
            "WITH removed AS (
                DELETE FROM {sessions} WHERE sid = $1 AND EXISTS (SELECT FROM {ended} WHERE id = $2 AND until > $3)
            )
            UPDATE {ended} SET until = GREATEST(until, $4) WHERE id = $2 AND until > $3"
        )
    }

    // 5 body, 6 second of the expiry → a row if it was kept. An expired body makes room.
    fn insert(&self) -> String {
        let (second, marked, live) = (self.second("$6"), self.marked(), self.live());
        format!(
            "INSERT INTO {} AS s (sid, sess, expire) SELECT $1, $5::json, {second} WHERE NOT {marked}
            ON CONFLICT (sid) DO UPDATE SET sess = excluded.sess, expire = excluded.expire WHERE NOT ({live})
            RETURNING true",
            self.sessions
        )
    }

    // 5 body, 6 second of the expiry, 7 what stands for the body that was read → whether it was replaced, and if not, what
    // is there
    fn replace(&self) -> String {
        let Self { sessions, .. } = self;
        let (second, columns, marked, live) = (self.second("$6"), self.columns(), self.marked(), self.live());
        format!(
            "WITH replaced AS (
                UPDATE {sessions} AS s SET sess = $5::json, expire = {second}
                WHERE s.sid = $1 AND {live} AND {HASH} = $7 AND NOT {marked}
                RETURNING true
            )
            SELECT true, '' AS body, 0::bigint AS expires_at, false FROM replaced
            UNION ALL
            SELECT false, {columns}, false FROM {sessions} AS s
            WHERE s.sid = $1 AND {live} AND NOT {marked} AND NOT EXISTS (SELECT FROM replaced)"
        )
    }

    // 5 second of the expiry → a row if there is a body
    fn touch(&self) -> String {
        let (second, zone, marked, live) = (self.second("$5"), &self.zone, self.marked(), self.live());
        format!(
            "UPDATE {} AS s SET expire =
                CASE WHEN s.expire AT TIME ZONE {zone} < to_timestamp($5) THEN {second} ELSE s.expire END
            WHERE s.sid = $1 AND {live} AND NOT {marked}
            RETURNING true",
            self.sessions
        )
    }

    // 5 what stands for the body that was read, or NULL, 6 until when the mark stays → whether it was removed, what is or
    // was there, whether the session had ended before. Also forgets a few marks that are not needed any more.
    fn end(&self) -> String {
        let Self { sessions, ended, .. } = self;
        let (columns, marked, live) = (self.columns(), self.marked(), self.live());
        format!(
            "WITH removed AS (
                DELETE FROM {sessions} AS s
                WHERE s.sid = $1 AND {live} AND ($5::bytea IS NULL OR {HASH} = $5 OR {marked})
                RETURNING {columns}, {marked} AS marked
            ), mark AS (
                INSERT INTO {ended} AS e (id, until) SELECT $3, $6 FROM removed
                ON CONFLICT (id) DO UPDATE SET until = GREATEST(e.until, excluded.until)
            ), forgotten AS (
                DELETE FROM {ended} WHERE id IN (
                    SELECT id FROM {ended} WHERE until <= $4 AND id <> $3
                    ORDER BY until LIMIT 10 FOR UPDATE SKIP LOCKED
                )
            )
            SELECT true, body, expires_at, marked FROM removed
            UNION ALL
            SELECT false, {columns}, false FROM {sessions} AS s
            WHERE s.sid = $1 AND {live} AND NOT EXISTS (SELECT FROM removed)"
        )
    }

    // 1 this second, 2 how many at most, 3 this moment → how many bodies were removed. Also forgets a few marks.
    fn sweep(&self) -> String {
        let Self { sessions, ended, zone } = self;
        // The first condition can use the index, and is generous: where clocks are put back, a time of day comes twice.
        format!(
            "WITH expired AS (
                SELECT s.sid FROM {sessions} AS s
                WHERE s.expire < to_timestamp($1 + 86400) AT TIME ZONE {zone}
                    AND s.expire AT TIME ZONE {zone} < to_timestamp($1)
                LIMIT $2 FOR UPDATE SKIP LOCKED
            ), removed AS (
                DELETE FROM {sessions} AS s USING expired WHERE s.sid = expired.sid RETURNING true
            ), forgotten AS (
                DELETE FROM {ended} WHERE id IN (
                    SELECT id FROM {ended} WHERE until <= $3 ORDER BY until LIMIT 10 FOR UPDATE SKIP LOCKED
                )
            )
            SELECT count(*) FROM removed"
        )
    }

    // 1 last id of the page before, 2 how many at most → ids
    fn ids(&self) -> String {
        format!("SELECT s.sid::text FROM {} AS s WHERE s.sid > $1 ORDER BY s.sid LIMIT $2", self.sessions)
    }
}
