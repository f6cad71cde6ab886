//! What a session holds, in the store of a Node application.

use std::fmt::Write;

use cloakroom_node::body::{Json, Object, is_tombstone};

use crate::trouble::Trouble;

/// Reads the body of a session, and describes it.
pub(crate) async fn look(url: &str, id: &str, show_values: bool) -> Result<String, Trouble> {
    Ok(match read(url, id).await? {
        None => "session    none in this store\n".into(),
        Some(body) => describe(&body, show_values),
    })
}

#[cfg(feature = "redis")]
async fn read(url: &str, id: &str) -> Result<Option<Vec<u8>>, Trouble> {
    use cloakroom_tower::store::BodyStore as _;

    let failed =
        |error: cloakroom_tower::store::Error| Trouble::failure("the store cannot be read").because(&error);
    let bodies =
        cloakroom_redis::RedisStore::builder(url).map_err(failed)?.open_bodies().await.map_err(failed)?;
    Ok(bodies.read(id).await.map_err(failed)?.map(|body| body.bytes.to_vec()))
}

#[cfg(not(feature = "redis"))]
async fn read(_: &str, _: &str) -> Result<Option<Vec<u8>>, Trouble> {
    Err(Trouble::failure("this command was built without Redis: add `--features redis`"))
}

/// Describes a body: its keys, and the size of each value, or the values themselves.
fn describe(body: &[u8], show_values: bool) -> String {
    if is_tombstone(body) {
        return "session    ended: connect-redis 6.1 has left its mark\n".into();
    }
    let Ok(object) = Object::parse(body) else {
        return format!("session    {} bytes that are no JSON object\n", body.len());
    };
    let mut text = format!("session    {} bytes\n", body.len());
    for member in object.members() {
        let (name, value) = (member.name().as_str().unwrap_or("?"), member.value());
        // What is in the cookie object is in the response's header, too.
        let shown = if show_values || name == "cookie" { value.as_str().to_owned() } else { kind(value) };
        let _ = writeln!(text, "  {name}: {shown}");
    }
    text
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
    use super::describe;

    #[test]
    fn values_are_shown_only_if_asked_for() {
        let body = br#"{"cookie":{"path":"/"},"passport":{"user":7},"name":"alice"}"#;
        let text = describe(body, false);
        assert!(
            text.contains("cookie: {\"path\":\"/\"}") && text.contains("name: a string, 7 bytes"),
            "{text}"
        );
        assert!(!text.contains("alice") && describe(body, true).contains("alice"));
    }

    #[test]
    fn a_body_that_is_no_object_is_described_by_its_length() {
        assert_eq!(describe(b"[1]", false), "session    3 bytes that are no JSON object\n");
        assert!(describe(b"TOMBSTONE", false).contains("ended"));
    }
}
