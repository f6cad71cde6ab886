//! Keys with dots.

use crate::body::{BodyError, Json, Object};
use std::{error, fmt};

/// A key of node-session's `get`, `put` and `has`: names with dots between, which lead into nested objects.
///
/// A key is only names and dots; a name has letters, digits, `_` and `$`, and does not start with a digit. All other keys
/// are refused, as most of them are in Node.
///
/// ```
/// use cloakroom_node::body::{Json, Object};
/// use cloakroom_node::node_session::{Key, KeyError};
///
/// let mut body = Object::parse(br#"{"user":{"name":"Zo"}}"#).unwrap();
/// Key::parse("user.address.city")?.put(&mut body, Json::string("Oslo")).unwrap();
/// assert_eq!(body.to_text(), r#"{"user":{"name":"Zo","address":{"city":"Oslo"}}}"#);
/// assert_eq!(Key::parse("user-name").unwrap_err(), KeyError::Character);
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key<'k>(Vec<&'k str>);

/// Tells why a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The key is empty, or there is nothing before, after or between dots.
    Empty,
    /// A name has a character other than letters, digits, `_` and `$`: node-session would run it as an operator.
    Character,
    /// A name starts with a digit, which JavaScript cannot read there.
    Digit,
    /// A name leads to the shared prototype (`__proto__`, `constructor`, `prototype`): in Node a value put there
    /// appears in every object of the process.
    Prototype,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a key has a name before and after each dot",
            Self::Character => "a key is made of letters, digits, _ and $, with dots between names",
            Self::Digit => "a name in a key does not start with a digit",
            Self::Prototype => "a key does not lead to the prototype of objects",
        })
    }
}

impl error::Error for KeyError {}

impl<'k> Key<'k> {
    /// Reads a key.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse(text: &'k str) -> Result<Self, KeyError> {
        let names: Vec<&str> = text.split('.').collect();
        names.iter().try_for_each(|name| check(name))?;
        Ok(Self(names))
    }

    /// Returns the names from the outermost to the innermost; there is one at least.
    pub fn names(&self) -> &[&'k str] {
        &self.0
    }

    /// Returns the value at the key, if there is one.
    pub fn get(&self, body: &Object<'_>) -> Option<Json<'static>> {
        let (first, rest) = self.0.split_first()?;
        let mut value = body.get(first)?.clone().into_owned();
        for name in rest {
            let inner = value.as_object()?.get(name)?.clone().into_owned();
            value = inner;
        }
        Some(value)
    }

    /// Sets the value at the key, and creates missing objects on the path.
    ///
    /// # Errors
    /// [`BodyError::WrongKind`] if a value on the path is not an object. node-session throws for `null`, and
    /// otherwise loses the value.
    pub fn put(&self, body: &mut Object<'_>, value: Json<'_>) -> Result<(), BodyError> {
        let Some((last, way)) = self.0.split_last() else { return Ok(()) };
        let mut outer = Vec::with_capacity(way.len());
        let mut inner: Option<Object<'static>> = None;
        for name in way {
            let here = inner.as_ref().map_or_else(|| body.get(name), |object| object.get(name));
            let next = match here {
                None => Object::default(),
                Some(value) => value.as_object().ok_or(BodyError::WrongKind)?.into_owned(),
            };
            outer.push((name, inner.replace(next)));
        }
        let value = value.into_owned();
        let Some(mut object) = inner else {
            body.set(last, value);
            return Ok(());
        };
        object.set(last, value);
        for (name, parent) in outer.into_iter().rev() {
            let json = Json::object(&object);
            match parent {
                None => body.set(name, json),
                Some(parent) => {
                    object = parent;
                    object.set(name, json);
                }
            }
        }
        Ok(())
    }
}

fn check(name: &str) -> Result<(), KeyError> {
    let is_letter = |letter: char| letter.is_alphabetic() || matches!(letter, '_' | '$');
    if name.is_empty() {
        Err(KeyError::Empty)
    } else if !name.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit()) {
        Err(KeyError::Character)
    } else if name.starts_with(|first: char| first.is_ascii_digit()) {
        Err(KeyError::Digit)
    } else if matches!(name, "__proto__" | "constructor" | "prototype") {
        Err(KeyError::Prototype)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{BodyError, Json, Key, KeyError, Object};
    use proptest::prelude::proptest;

    #[test]
    fn keys_that_would_run_as_a_program_are_refused() {
        for (key, error) in [
            ("", KeyError::Empty),
            (".a", KeyError::Empty),
            ("a..b", KeyError::Empty),
            ("a-1", KeyError::Character),
            ("x,global.y=2", KeyError::Character),
            ("a[\"x\"]", KeyError::Character),
            ("a b", KeyError::Character),
            ("a;b", KeyError::Character),
            ("0", KeyError::Digit),
            ("a.0", KeyError::Digit),
            ("__proto__.x", KeyError::Prototype),
            ("a.constructor", KeyError::Prototype),
        ] {
            assert_eq!(Key::parse(key), Err(error), "{key}");
        }
    }

    #[test]
    fn a_value_cannot_be_put_inside_of_a_non_object() {
        for inner in ["null", "5", "\"V\"", "[]"] {
            let text = format!("{{\"a\":{{\"b\":{inner}}}}}");
            let mut body = Object::parse(text.as_bytes()).unwrap();
            let key = Key::parse("a.b.c").unwrap();
            assert_eq!(key.get(&body), None);
            assert_eq!(key.put(&mut body, Json::NULL), Err(BodyError::WrongKind));
            assert_eq!(body.to_text(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_put_is_got(key in "[a-c_$é]{1,3}(\\.[a-c0-9_]{0,2}[a-c]){0,3}", other in "[a-c](\\.[a-c]){0,2}") {
            if let (Ok(key), Ok(other)) = (Key::parse(&key), Key::parse(&other)) {
                let mut body = Object::default();
                other.put(&mut body, Object::default().to_text().parse_json()).unwrap();
                if key.put(&mut body, Json::number(7)).is_ok() {
                    assert_eq!(key.get(&body).unwrap().as_str(), "7");
                }
            }
        }
    }

    trait ParseJson {
        fn parse_json(&self) -> Json<'_>;
    }

    impl ParseJson for std::borrow::Cow<'_, str> {
        fn parse_json(&self) -> Json<'_> {
            Json::parse(self).unwrap()
        }
    }
}
