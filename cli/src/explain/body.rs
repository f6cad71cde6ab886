//! What a session holds, in the store of a Node application.

use std::fmt::Write;
use std::time::SystemTime;

use cloakroom_node::body::{Json, Object, is_tombstone};
use cloakroom_node::node_session::Encrypter;

use super::folder;
use crate::stores::bodies::Package;
use crate::stores::{self, bodies};
use crate::trouble::Trouble;

/// What of a body is shown.
pub(crate) struct Shown<'a> {
    /// The secrets that may have encrypted it.
    pub(crate) secrets: &'a [String],
    pub(crate) values: bool,
}

/// Reads the body of a session, and describes it.
pub(crate) async fn look(url: &str, id: &str, keeper: Package, shown: &Shown<'_>) -> Result<String, Trouble> {
    if let Some(path) = stores::folder(url)? {
        return folder::look(&path, id, SystemTime::now(), shown);
    }
    let failed =
        |error: cloakroom_tower::store::Error| Trouble::failure("the store cannot be read").because(&error);
    let opened = bodies::open(url, keeper, None).await?;
    Ok(match opened.bodies.read(id).await.map_err(failed)? {
        None => "session    none in this store\n".into(),
        Some(body) => describe(&body.bytes, shown),
    })
}

/// Describes a body: its keys, and the size of each value, or the values themselves.
pub(super) fn describe(body: &[u8], shown: &Shown<'_>) -> String {
    if is_tombstone(body) {
        return "session    ended: connect-redis 6.1 has left its mark\n".into();
    }
    let Ok(object) = Object::parse(body) else {
        return format!("session    {} bytes that are not a JSON object\n", body.len());
    };
    let mut text = format!("session    {} bytes\n", body.len());
    if is_encrypted(&object) {
        match decrypted(body, shown.secrets) {
            Some((number, plain)) => {
                let _ = writeln!(text, "encrypted  by secret {number} of {}", shown.secrets.len());
                if let Ok(object) = Object::parse(plain.as_bytes()) {
                    add_members(&mut text, &object, shown);
                }
            }
            None => text.push_str("encrypted  by none of these secrets\n"),
        }
        return text;
    }
    add_members(&mut text, &object, shown);
    text
}

fn add_members(text: &mut String, object: &Object<'_>, shown: &Shown<'_>) {
    for member in object.members() {
        let (name, value) = (member.name().as_str().unwrap_or("?"), member.value());
        // What is in the cookie object is in the response's header, too.
        let shown = if shown.values || name == "cookie" { value.as_str().to_owned() } else { kind(value) };
        let _ = writeln!(text, "  {name}: {shown}");
    }
}

/// Returns whether node-session has encrypted it.
fn is_encrypted(object: &Object<'_>) -> bool {
    object.members().len() == 2 && object.get("ct").is_some() && object.get("mac").is_some()
}

/// Returns what is encrypted, and the number of the secret, counted from 1.
fn decrypted(body: &[u8], secrets: &[String]) -> Option<(usize, String)> {
    let sealed = std::str::from_utf8(body).ok()?;
    let opened = secrets.iter().map(|secret| Encrypter::new(secret).open(sealed).ok());
    opened.enumerate().find_map(|(at, plain)| Some((at + 1, plain?)))
}

fn kind(value: &Json<'_>) -> String {
    let text = value.as_str();
    let what = match text.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    };
    format!("{what}, {} bytes", text.len())
}

#[cfg(test)]
mod tests {
    use super::{Shown, describe};
    use cloakroom_node::node_session::Encrypter;

    const KEYS: Shown<'_> = Shown { secrets: &[], values: false };
    const VALUES: Shown<'_> = Shown { secrets: &[], values: true };

    #[test]
    fn values_are_shown_only_if_asked_for() {
        let body = br#"{"cookie":{"path":"/"},"passport":{"user":7},"name":"alice"}"#;
        let text = describe(body, &KEYS);
        assert!(
            text.contains("cookie: {\"path\":\"/\"}") && text.contains("name: a string, 7 bytes"),
            "{text}"
        );
        assert!(!text.contains("alice") && describe(body, &VALUES).contains("alice"));
    }

    #[test]
    fn a_body_that_is_not_an_object_is_described_by_its_length() {
        assert_eq!(describe(b"[1]", &KEYS), "session    3 bytes that are not a JSON object\n");
        assert!(describe(b"TOMBSTONE", &KEYS).contains("ended"));
    }

    #[test]
    fn an_encrypted_body_is_described_if_a_secret_opens_it() {
        let sealed = Encrypter::new("new").seal(r#"{"_token":"t","name":"alice"}"#);
        let secrets = ["old".to_owned(), "new".to_owned()];
        let opened = describe(sealed.as_bytes(), &Shown { secrets: &secrets, values: false });
        assert!(opened.contains("encrypted  by secret 2 of 2\n  _token: a string, 3 bytes\n"), "{opened}");
        let closed = describe(sealed.as_bytes(), &Shown { secrets: &secrets[..1], values: true });
        assert!(closed.ends_with("encrypted  by none of these secrets\n"), "{closed}");
    }
}
