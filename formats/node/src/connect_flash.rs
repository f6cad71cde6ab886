//! The messages of connect-flash: `"flash":{"info":["saved"]}`, lists that are cleared when they are read.

use crate::body::{BodyError, Json, Object};

/// The key in the body.
pub const KEY: &str = "flash";

/// Adds a message, and returns the number of messages of its kind.
///
/// ```
/// use cloakroom_node::{body::{Json, Object}, connect_flash};
///
/// let mut body = Object::default();
/// connect_flash::push(&mut body, "info", &Json::string("saved"))?;
/// assert_eq!(body.to_text(), r#"{"flash":{"info":["saved"]}}"#);
/// let messages = connect_flash::take(&mut body, "info")?;
/// assert_eq!(messages[0].as_text().as_deref(), Some("saved"));
/// assert_eq!(body.to_text(), r#"{"flash":{}}"#);
/// # Ok::<(), cloakroom_node::body::BodyError>(())
/// ```
///
/// # Errors
/// [`BodyError::WrongKind`] if `flash` is not an object, or the kind's list not an array.
pub fn push(body: &mut Object<'_>, kind: &str, message: &Json<'_>) -> Result<usize, BodyError> {
    let mut flash = all(body)?;
    let mut messages = list(&flash, kind)?;
    messages.push(message.clone().into_owned());
    flash.set(kind, Json::array(&messages));
    body.set(KEY, Json::object(&flash));
    Ok(messages.len())
}

/// Removes and returns the messages of a kind. The member `flash` stays, and is created if it is missing, as in Node.
///
/// # Errors
/// As [`push`].
pub fn take(body: &mut Object<'_>, kind: &str) -> Result<Vec<Json<'static>>, BodyError> {
    let mut flash = all(body)?;
    let messages = list(&flash, kind)?;
    flash.remove(kind);
    body.set(KEY, Json::object(&flash));
    Ok(messages)
}

/// Removes and returns all messages: an object of lists.
///
/// # Errors
/// As [`push`].
pub fn take_all(body: &mut Object<'_>) -> Result<Object<'static>, BodyError> {
    let flash = all(body)?;
    body.set(KEY, Json::object(&Object::default()));
    Ok(flash)
}

fn all(body: &Object<'_>) -> Result<Object<'static>, BodyError> {
    match body.get(KEY) {
        Some(flash) if flash.is_truthy() => {
            flash.as_object().map(Object::into_owned).ok_or(BodyError::WrongKind)
        }
        _ => Ok(Object::default()),
    }
}

fn list(flash: &Object<'_>, kind: &str) -> Result<Vec<Json<'static>>, BodyError> {
    let Some(messages) = flash.get(kind).filter(|messages| messages.is_truthy()) else {
        return Ok(Vec::new());
    };
    let messages = messages.as_array().ok_or(BodyError::WrongKind)?;
    Ok(messages.into_iter().map(Json::into_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::{BodyError, Json, Object, push, take, take_all};

    #[test]
    fn messages_come_in_order_and_once() {
        let mut body = Object::parse(br#"{"flash":{"error":["no"]},"a":1}"#).unwrap();
        assert_eq!(push(&mut body, "info", &Json::number(1)), Ok(1));
        assert_eq!(push(&mut body, "info", &Json::string("two")), Ok(2));
        assert_eq!(body.to_text(), r#"{"flash":{"error":["no"],"info":[1,"two"]},"a":1}"#);
        assert_eq!(take(&mut body, "info").unwrap().len(), 2);
        assert_eq!(take(&mut body, "info").unwrap().len(), 0);
        assert_eq!(take_all(&mut body).unwrap().to_text(), r#"{"error":["no"]}"#);
        assert_eq!(body.to_text(), r#"{"flash":{},"a":1}"#);
    }

    #[test]
    fn a_mere_look_makes_the_member_as_in_node() {
        let mut body = Object::default();
        take(&mut body, "info").unwrap();
        assert_eq!(body.to_text(), r#"{"flash":{}}"#);
    }

    #[test]
    fn a_flash_of_another_kind_is_left_alone() {
        for text in [r#"{"flash":"x"}"#, r#"{"flash":{"info":"x"}}"#] {
            let mut body = Object::parse(text.as_bytes()).unwrap();
            assert_eq!(push(&mut body, "info", &Json::NULL), Err(BodyError::WrongKind));
            assert_eq!(body.to_text(), text);
        }
    }
}
