//! How each store turns the expiry of a session into its own: units and rounding.
//!
//! Arguments are milliseconds since 1970, or milliseconds for a length. An expiry of `None` is a session until the
//! browser closes, for which each store has a default length.
//!
//! | store | where | unit | rounding |
//! |---|---|---|---|
//! | connect-redis 4 to 10, koa-redis | TTL of the key | seconds left | up (connect-redis 3: down) |
//! | connect-pg-simple | column `expire` | seconds since 1970 | up |
//! | express-mysql-session | column `expires` | seconds since 1970 | to the nearest |
//! | connect-sqlite3 | column `expired` | milliseconds since 1970, a real number | not rounded |
//! | connect-mongo | field `expires` | a date | not rounded |
//! | connect-memcached | expiration of the item | seconds left | towards zero |
//! | session-file-store | in the body | see [`is_file_expired`] | |
//! | node-session | not checked when it reads | | |

use crate::body::{Dialect, Object, StoredCookie, last_access};

/// The default length of connect-redis, connect-pg-simple, express-mysql-session, connect-sqlite3 and
/// connect-memcached: one day, in milliseconds.
pub const DAY: i64 = 86_400_000;

/// The default length of connect-mongo: 14 days, in milliseconds.
pub const TWO_WEEKS: i64 = 14 * DAY;

/// The default length of session-file-store: one hour, in milliseconds.
pub const HOUR: i64 = 3_600_000;

/// The greatest number of seconds that memcached takes for a length. It takes more for a date, so a session of
/// connect-memcached with a longer lifetime is gone at once.
pub const MEMCACHED_MAX_SECONDS: i64 = 2_592_000;

/// Returns the TTL in seconds that connect-redis and koa-redis set, rounded up.
///
/// If it is 0 or less, connect-redis 5 and later delete the session, and older versions fail. So renew the expiry
/// before a save.
///
/// ```
/// assert_eq!(cloakroom_node::expiry::redis_ttl(Some(1500), 0, cloakroom_node::expiry::DAY), 2);
/// ```
pub fn redis_ttl(expires: Option<i64>, now: i64, default: i64) -> i64 {
    up(expires.map_or(default, |end| end.saturating_sub(now)))
}

/// Returns the second since 1970 that connect-pg-simple writes, rounded up. The column has no time zone: write it
/// with `to_timestamp`, on a connection with the time zone of the Node service.
pub fn postgres_second(expires: Option<i64>, now: i64, default: i64) -> i64 {
    up(end(expires, now, default))
}

/// Returns the second since 1970 that express-mysql-session writes, rounded to the nearest.
pub fn mysql_second(expires: Option<i64>, now: i64, default: i64) -> i64 {
    end(expires, now, default).saturating_add(500).div_euclid(1000)
}

/// Returns the millisecond since 1970 that connect-sqlite3 writes as a real number, and connect-mongo as a date.
pub fn exact(expires: Option<i64>, now: i64, default: i64) -> i64 {
    end(expires, now, default)
}

/// Returns the seconds that connect-memcached sets, of the lifetime in milliseconds. See [`MEMCACHED_MAX_SECONDS`].
pub fn memcached_seconds(max_age: Option<i64>) -> i64 {
    max_age.unwrap_or(DAY) / 1000
}

/// Returns whether session-file-store takes a body for expired: its last access is longer ago than its own lifetime,
/// or than the store's. A body without a last access never expires.
pub fn is_file_expired(body: &Object<'_>, now: i64, default: i64) -> bool {
    let own = StoredCookie::of(body, Dialect::Express).ok().and_then(|cookie| cookie.max_age());
    // A lifetime of 0 counts as not set.
    let length = own.filter(|length| *length != 0).unwrap_or(default);
    last_access(body).is_some_and(|last| last.saturating_add(length) < now)
}

fn end(expires: Option<i64>, now: i64, default: i64) -> i64 {
    expires.unwrap_or_else(|| now.saturating_add(default))
}

/// Whole seconds, rounded up.
fn up(ms: i64) -> i64 {
    ms.div_euclid(1000) + i64::from(ms.rem_euclid(1000) != 0)
}

#[cfg(test)]
mod tests {
    use super::{
        DAY, HOUR, Object, is_file_expired, memcached_seconds, mysql_second, postgres_second, redis_ttl,
    };

    #[test]
    fn each_store_rounds_in_its_own_way() {
        for (expires, ttl, postgres, mysql) in [
            (1000, 1, 1, 1),
            (1001, 2, 2, 1),
            (1499, 2, 2, 1),
            (1500, 2, 2, 2),
            (-500, 0, 0, 0),
            (-1001, -1, -1, -1),
        ] {
            assert_eq!(redis_ttl(Some(expires), 0, DAY), ttl, "{expires}");
            assert_eq!(postgres_second(Some(expires), 0, DAY), postgres, "{expires}");
            assert_eq!(mysql_second(Some(expires), 0, DAY), mysql, "{expires}");
        }
        assert_eq!([Some(1999), Some(-1999), None].map(memcached_seconds), [1, -1, 86_400]);
        assert_eq!((redis_ttl(None, 5, DAY), mysql_second(None, 1500, DAY)), (86_400, 86_402));
    }

    #[test]
    fn a_file_expires_by_its_last_access_and_its_own_lifetime() {
        let expired = |body: &str, now| is_file_expired(&Object::parse(body.as_bytes()).unwrap(), now, HOUR);
        let own =
            r#"{"cookie":{"originalMaxAge":1000,"expires":"1970-01-01T00:00:01.000Z"},"__lastAccess":5000}"#;
        assert!(!expired(own, 6000) && expired(own, 6001));
        let plain = r#"{"cookie":{"originalMaxAge":null},"__lastAccess":5000}"#;
        assert!(!expired(plain, 5000 + HOUR) && expired(plain, 5001 + HOUR));
        for never in [r#"{"cookie":{}}"#, r#"{"cookie":{},"__lastAccess":"5"}"#] {
            assert!(!expired(never, i64::MAX), "{never}");
        }
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        for end in [i64::MIN, i64::MAX] {
            for now in [i64::MIN, i64::MAX] {
                let _rounded = (redis_ttl(Some(end), now, DAY), mysql_second(Some(end), now, DAY));
                let _default = (redis_ttl(None, now, end), postgres_second(None, now, end));
            }
        }
    }
}
