//! How a Node package keeps bodies in a table: the only place that knows its columns and what is in them.

use std::borrow::Cow;
use std::time::Duration;

use cloakroom_store::{Error, ErrorKind, Result, Timestamp};

/// The latest second of a column of seconds, which stands for every later one.
const LAST_SECOND: u64 = u32::MAX as u64;

/// A column that has to be there, and the types that it may have.
pub(super) type Wanted = (&'static str, &'static [&'static str]);

/// A package, and what counts for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// express-mysql-session: seconds of the expiry, and the body.
    ExpressMysqlSession,
    /// node-session's database driver: milliseconds of the last write, and the body as a JSON string.
    NodeSession {
        lifetime: Duration,
        /// Whether its connections carry characters beyond three bytes of UTF-8.
        is_wide: bool,
    },
}

impl Layout {
    /// Returns the columns of the id, the time and the body.
    pub(super) const fn columns(self) -> [Wanted; 3] {
        match self {
            Self::ExpressMysqlSession => [
                ("session_id", &["varchar", "char"]),
                ("expires", &["int", "bigint"]),
                ("data", &["mediumtext", "text", "longtext"]),
            ],
            Self::NodeSession { .. } => [
                ("id", &["varchar", "char"]),
                ("lastActivity", &["bigint"]),
                ("payload", &["longtext", "mediumtext", "text", "varchar"]),
            ],
        }
    }

    /// Returns the time of a body that expires at this moment.
    pub(super) fn time(self, expires_at: Timestamp) -> i64 {
        match self {
            // Of whole milliseconds the nearest second, as Node rounds.
            Self::ExpressMysqlSession => {
                ((expires_at.as_millis() + 500) / 1_000).min(LAST_SECOND).cast_signed()
            }
            Self::NodeSession { lifetime, .. } => expires_at.as_millis().cast_signed() - millis(lifetime),
        }
    }

    /// Returns the earliest time of the bodies that have not expired at this moment.
    pub(super) fn earliest(self, now: Timestamp) -> i64 {
        self.time(now)
    }

    /// Returns when a body of this time expires.
    pub(super) fn expires_at(self, time: i64) -> Timestamp {
        let from_millis = |millis: i64| match u64::try_from(millis).unwrap_or(0) {
            millis if millis >= Timestamp::NEVER.as_millis() => Timestamp::NEVER,
            millis => Timestamp::from_millis(millis),
        };
        match self {
            Self::ExpressMysqlSession if time >= LAST_SECOND.cast_signed() => Timestamp::NEVER,
            Self::ExpressMysqlSession => from_millis(time.saturating_mul(1_000)),
            Self::NodeSession { lifetime, .. } => from_millis(time.saturating_add(millis(lifetime))),
        }
    }

    /// Returns what is stored for a body.
    pub(super) fn stored(self, body: &str) -> Result<Cow<'_, str>> {
        match self {
            Self::ExpressMysqlSession => Ok(body.into()),
            Self::NodeSession { is_wide: false, .. } if body.chars().any(|letter| letter > '\u{ffff}') => {
                Err(Error::new(ErrorKind::Invalid, TOO_WIDE))
            }
            // Both write a string alike.
            Self::NodeSession { .. } => match serde_json::to_string(body) {
                Ok(text) => Ok(text.into()),
                Err(_) => Err(Error::new(ErrorKind::Invalid, "a body cannot be written as a string")),
            },
        }
    }

    /// Returns the body that is stored as this. node-session reads a value that is not a JSON string, too.
    pub(super) fn body(self, stored: Vec<u8>) -> Vec<u8> {
        match self {
            Self::NodeSession { .. } if stored.trim_ascii_start().starts_with(b"\"") => {
                serde_json::from_slice::<String>(&stored).map_or(stored, String::into_bytes)
            }
            _ => stored,
        }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// node-session's process ends when the server refuses what it writes, also if it has only read it.
const TOO_WIDE: &str = "node-session's connection carries no character beyond three bytes of UTF-8, unless its charset is \
     utf8mb4: see Builder::wide_characters";

#[cfg(test)]
mod tests {
    use super::*;

    const NODE_SESSION: Layout = Layout::NodeSession { lifetime: Duration::from_mins(5), is_wide: false };

    #[test]
    fn seconds_are_rounded_to_the_nearest_as_node_does() {
        let rounded = [0, 499_999, 500_000, 1_499_999, 1_500_000]
            .map(|micros| Layout::ExpressMysqlSession.time(Timestamp::from_micros(micros)));
        assert_eq!(rounded, [0, 0, 1, 1, 2]);
        assert_eq!(Layout::ExpressMysqlSession.time(Timestamp::NEVER), i64::from(u32::MAX));
    }

    #[test]
    fn the_last_activity_is_a_lifetime_before_the_expiry() {
        let now = Timestamp::from_millis(1_795_972_470_953);
        assert_eq!(NODE_SESSION.time(now + Duration::from_mins(5)), 1_795_972_470_953);
        assert_eq!(NODE_SESSION.expires_at(1_795_972_470_953), now + Duration::from_mins(5));
        assert_eq!(NODE_SESSION.expires_at(NODE_SESSION.time(Timestamp::NEVER)), Timestamp::NEVER);
        let [least, most] = [i64::MIN, i64::MAX].map(|time| NODE_SESSION.expires_at(time));
        assert_eq!((least, most), (Timestamp::EPOCH, Timestamp::NEVER));
    }

    #[test]
    fn a_payload_is_the_string_of_javascripts_json_stringify() {
        let body = "{\"_token\":\"t\",\"a\":\"\\ud83d \\\\ é\u{2028}\u{7f}/\",\n\t\"b\":\"\u{1}\"}";
        let stored = "\"{\\\"_token\\\":\\\"t\\\",\\\"a\\\":\\\"\\\\ud83d \\\\\\\\ é\u{2028}\u{7f}/\\\",\\n\\t\\\"b\\\":\\\"\\u0001\\\"}\"";
        assert_eq!(NODE_SESSION.stored(body).unwrap(), stored);
        assert_eq!(NODE_SESSION.body(stored.into()), body.as_bytes());
        assert_eq!(NODE_SESSION.body(r#""\ud83d\ude00""#.into()), "😀".as_bytes());
    }

    #[test]
    fn a_character_beyond_three_bytes_is_refused_unless_nodes_connection_carries_it() {
        assert_eq!(NODE_SESSION.stored("😀").unwrap_err().kind(), ErrorKind::Invalid);
        let wide = Layout::NodeSession { lifetime: Duration::ZERO, is_wide: true };
        assert_eq!(wide.stored("😀").unwrap(), "\"😀\"");
        assert_eq!(Layout::ExpressMysqlSession.stored("😀").unwrap(), "😀");
    }

    #[test]
    fn a_payload_of_one_layer_is_the_body_and_one_that_is_broken_stays_as_it_is() {
        for stored in ["{\"views\":1}", "", "\"half", "null"] {
            assert_eq!(NODE_SESSION.body(stored.into()), stored.as_bytes());
        }
    }
}
