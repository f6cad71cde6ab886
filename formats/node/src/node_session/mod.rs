//! The bodies of node-session: `{"_token":"…","flash":{"old":[],"new":[]}}`, and how its drivers wrap them.
//!
//! * Files and memory keep the body as it is; the database driver keeps it as a JSON string ([`read_payload`],
//!   [`write_payload`]).
//! * With `encrypt: true` the body is `{"ct":"…","mac":"…"}` ([`Encrypter`]).
//! * Keys with dots are paths: [`Key`] takes those that are safe.
//! * [`Flash`] keeps the values that live for one more request.

mod encrypter;
mod flash;
mod key;

pub use encrypter::{Encrypter, EncrypterError};
pub use flash::Flash;
pub use key::{Key, KeyError};

use crate::body::{BodyError, Json, Object};
use crate::cookie::session_id;
use std::borrow::Cow;

/// The key of the CSRF token, which every body has.
pub const TOKEN: &str = "_token";

/// Returns whether node-session would take this as a session id: 40 characters of base64url.
pub fn is_session_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Returns the CSRF token of a body, or `None` if it is missing or empty; node-session then makes a new one.
pub fn token<'o>(body: &'o Object<'_>) -> Option<Cow<'o, str>> {
    body.get(TOKEN)?.as_text().filter(|token| !token.is_empty())
}

/// Sets a new CSRF token made of random bytes, and returns it.
pub fn set_token(body: &mut Object<'_>, random: &[u8; 30]) -> String {
    let token = session_id(random);
    body.set(TOKEN, Json::string(&token));
    token
}

/// Unwraps what the database driver keeps: a JSON string whose content is the body. A payload that is
/// the body itself is accepted too, as in node-session.
///
/// ```
/// # use cloakroom_node::node_session::{read_payload, write_payload};
/// let payload = write_payload(r#"{"views":1}"#);
/// assert_eq!(payload, r#""{\"views\":1}""#);
/// assert_eq!(read_payload(&payload)?, r#"{"views":1}"#);
/// assert_eq!(read_payload(r#"{"views":1}"#)?, r#"{"views":1}"#);
/// # Ok::<(), cloakroom_node::body::BodyError>(())
/// ```
///
/// # Errors
/// [`BodyError::Truncated`] and [`BodyError::Syntax`] for what is not JSON, and [`BodyError::WrongKind`] for a string
/// with a lone surrogate. The body itself is not checked.
pub fn read_payload(payload: &str) -> Result<Cow<'_, str>, BodyError> {
    if !payload.trim_start().starts_with('"') {
        return Ok(Cow::Borrowed(payload));
    }
    let json = Json::parse(payload)?;
    json.as_text().map(|body| Cow::Owned(body.into_owned())).ok_or(BodyError::WrongKind)
}

/// Wraps a body for the database driver.
pub fn write_payload(body: &str) -> String {
    Json::string(body).as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{BodyError, Object, is_session_id, read_payload, set_token, token, write_payload};
    use proptest::prelude::proptest;

    #[test]
    fn a_session_id_has_forty_characters_and_leads_nowhere() {
        assert!(is_session_id(&"-_aZ0".repeat(8)));
        for id in ["", &"a".repeat(39), &"a".repeat(41), &"../".repeat(13), &"é".repeat(20)] {
            assert!(!is_session_id(id), "{id}");
        }
    }

    #[test]
    fn an_empty_token_counts_as_none_and_a_new_one_has_forty_characters() {
        let mut body = Object::parse(br#"{"_token":"","a":1}"#).unwrap();
        assert_eq!(token(&body), None);
        let made = set_token(&mut body, &[1; 30]);
        assert!(is_session_id(&made));
        assert_eq!(token(&body).as_deref(), Some(&*made));
    }

    #[test]
    fn a_payload_that_is_cut_off_is_truncated() {
        assert_eq!(read_payload(r#""{\"a\":"#), Err(BodyError::Truncated));
        assert_eq!(read_payload(r#""\ud83d""#), Err(BodyError::WrongKind));
    }

    proptest! {
        #[test]
        fn a_wrapped_body_unwraps_to_itself(body in "\\PC*") {
            assert_eq!(read_payload(&write_payload(&body)).unwrap(), body);
        }
    }
}
