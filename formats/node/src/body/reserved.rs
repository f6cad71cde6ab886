//! Keys that a session of express-session cannot have.

use super::fingerprint::{fingerprint, fingerprints};

/// Lists the keys that express-session's session object defines itself. It drops them from a body that it loads, then
/// treats the session as modified on every request, and deletes them with the next save. `cookie` is the member of
/// that name.
///
/// `then`, `toJSON`, `length` and the empty key are fine.
pub const RESERVED: [&str; 21] = [
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "constructor",
    "cookie",
    "destroy",
    "hasOwnProperty",
    "id",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "regenerate",
    "reload",
    "req",
    "resetMaxAge",
    "save",
    "toLocaleString",
    "toString",
    "touch",
    "valueOf",
];

/// Every key of every body is looked up: this decides for most of them.
const FINGERPRINTS: u64 = fingerprints(&RESERVED);

/// Returns whether express-session would lose a value under this key.
///
/// ```
/// # use cloakroom_node::body::is_reserved;
/// assert!(is_reserved("id") && !is_reserved("user_id"));
/// ```
pub fn is_reserved(key: &str) -> bool {
    FINGERPRINTS & fingerprint(key.as_bytes()) != 0 && RESERVED.binary_search(&key).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{RESERVED, is_reserved};

    #[test]
    fn every_reserved_key_is_found_and_its_neighbours_are_not() {
        assert!(RESERVED.is_sorted());
        assert!(RESERVED.into_iter().all(is_reserved));
        for key in ["", "then", "toJSON", "length", "Id", "id ", "cookies"] {
            assert!(!is_reserved(key), "{key}");
        }
    }
}
