//! Members that single stores add to a body.

use super::{Json, Object};

/// The key of session-file-store's last access, in milliseconds since 1970. A file without it, or with a string
/// there, never expires.
pub const LAST_ACCESS: &str = "__lastAccess";

/// The key of the last save in connect-redis 6.1.0 and 6.1.2, in milliseconds since 1970.
pub const LAST_MODIFIED: &str = "lastModified";

/// The value that connect-redis 6.1.0 and 6.1.2 write in place of a destroyed session, for 300 seconds. It is not
/// JSON.
pub const TOMBSTONE: &str = "TOMBSTONE";

/// Returns whether a value is the [`TOMBSTONE`] of a destroyed session. Treat it as "no session".
pub fn is_tombstone(value: &[u8]) -> bool {
    value == TOMBSTONE.as_bytes()
}

/// Returns session-file-store's last access, in milliseconds since 1970.
pub fn last_access(body: &Object<'_>) -> Option<i64> {
    body.get(LAST_ACCESS)?.as_millis()
}

/// Sets session-file-store's last access, in milliseconds since 1970. A new member goes to the end.
pub fn set_last_access(body: &mut Object<'_>, now: i64) {
    body.set(LAST_ACCESS, Json::number(now));
}

/// Returns connect-redis 6.1's last save, in milliseconds since 1970.
pub fn last_modified(body: &Object<'_>) -> Option<i64> {
    body.get(LAST_MODIFIED)?.as_millis()
}

/// Sets connect-redis 6.1's last save, in milliseconds since 1970. A new member goes to the end.
pub fn set_last_modified(body: &mut Object<'_>, now: i64) {
    body.set(LAST_MODIFIED, Json::number(now));
}

#[cfg(test)]
mod tests {
    use super::{Object, is_tombstone, last_access, set_last_access};

    #[test]
    fn the_last_access_keeps_its_place() {
        let mut body = Object::parse(br#"{"cookie":{},"__lastAccess":5,"a":1}"#).unwrap();
        assert_eq!(last_access(&body), Some(5));
        set_last_access(&mut body, 7);
        assert_eq!(body.to_text(), r#"{"cookie":{},"__lastAccess":7,"a":1}"#);
    }

    #[test]
    fn a_text_as_last_access_is_not_a_time() {
        assert_eq!(last_access(&Object::parse(br#"{"__lastAccess":"5"}"#).unwrap()), None);
    }

    #[test]
    fn only_the_whole_word_is_a_tombstone() {
        assert!(is_tombstone(b"TOMBSTONE"));
        assert!(!is_tombstone(b"\"TOMBSTONE\"") && !is_tombstone(b""));
    }
}
