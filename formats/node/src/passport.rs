//! The logged-in user of Passport.
//!
//! Passport for Express and Koa keeps `"passport":{"user":7}`, `@fastify/passport` keeps `"passport":7`. Each reads
//! the other's shape wrongly: as "not logged in", or as a user that is an object. So the shape is configured for a
//! peer, never guessed, and a body of the other shape is an error.

use crate::body::{BodyError, Json, Object};

/// How a peer keeps the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// `{"user":7}`: Passport for Express and Koa.
    Wrapped,
    /// `7`: `@fastify/passport`.
    Bare,
}

/// Reads and writes the user of a session for one peer.
///
/// ```
/// use cloakroom_node::body::{Json, Object};
/// use cloakroom_node::passport::{Passport, Shape};
///
/// let express = Passport::new(Shape::Wrapped);
/// let mut body = Object::parse(br#"{"cookie":{}}"#)?;
/// express.log_in(&mut body, &Json::number(7))?;
/// assert_eq!(body.to_text(), r#"{"cookie":{},"passport":{"user":7}}"#);
/// assert_eq!(express.user(&body)?.unwrap().as_str(), "7");
///
/// // Fastify's passport would take the whole object for the user, so it is refused.
/// assert!(Passport::new(Shape::Bare).user(&body).is_err());
/// # Ok::<(), cloakroom_node::body::BodyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Passport {
    shape: Shape,
    key: String,
}

impl Passport {
    /// Uses Passport's default key, `passport`.
    pub fn new(shape: Shape) -> Self {
        Self::with_key(shape, "passport")
    }

    /// Uses another key, like Passport's option `key`.
    pub fn with_key(shape: Shape, key: impl Into<String>) -> Self {
        Self { shape, key: key.into() }
    }

    /// Returns the user as the application serialized it, or `None` if no user is logged in: the member is missing or
    /// empty, or the user is `false`, `null` or an empty string.
    ///
    /// # Errors
    /// [`BodyError::WrongKind`] for a member of the other shape.
    pub fn user(&self, body: &Object<'_>) -> Result<Option<Json<'static>>, BodyError> {
        let Some(member) = body.get(&self.key) else { return Ok(None) };
        let object = member.as_object();
        let user = match (self.shape, object) {
            (Shape::Wrapped, Some(object)) => object.get("user").cloned().map(Json::into_owned),
            (Shape::Wrapped, None) if is_nothing(member) => None,
            (Shape::Bare, Some(object)) if is_wrapped(&object) => return Err(BodyError::WrongKind),
            (Shape::Wrapped, None) => return Err(BodyError::WrongKind),
            (Shape::Bare, _) => Some(member.clone().into_owned()),
        };
        Ok(user.filter(|user| !is_nothing(user)))
    }

    /// Writes the user and keeps the other members. Passport for Express also changes the session id, and drops all
    /// members but `cookie` unless `keepSessionInfo` is set.
    ///
    /// # Errors
    /// [`BodyError::WrongKind`] for a member of the other shape, and for a value that means "no user": `false`,
    /// `null` or an empty string. For Fastify, also for an object that looks like the other shape.
    pub fn log_in(&self, body: &mut Object<'_>, user: &Json<'_>) -> Result<(), BodyError> {
        self.user(body)?;
        let looks_wrapped = user.as_object().is_some_and(|object| is_wrapped(&object));
        if is_nothing(user) || (self.shape == Shape::Bare && looks_wrapped) {
            return Err(BodyError::WrongKind);
        }
        let user = user.clone().into_owned();
        match self.shape {
            Shape::Bare => body.set(&self.key, user),
            Shape::Wrapped => {
                let member = body.get(&self.key).and_then(Json::as_object);
                let mut member = member.map(Object::into_owned).unwrap_or_default();
                member.set("user", user);
                body.set(&self.key, Json::object(&member));
            }
        }
        Ok(())
    }

    /// Removes the user and keeps the other members. For Express an empty `passport` stays, as with
    /// `keepSessionInfo`.
    ///
    /// # Errors
    /// [`BodyError::WrongKind`] for a member of the other shape.
    pub fn log_out(&self, body: &mut Object<'_>) -> Result<(), BodyError> {
        self.user(body)?;
        let member = body.get(&self.key).and_then(Json::as_object).map(Object::into_owned);
        match (self.shape, member) {
            (Shape::Bare, _) => drop(body.remove(&self.key)),
            (Shape::Wrapped, Some(mut member)) => {
                member.remove("user");
                body.set(&self.key, Json::object(&member));
            }
            (Shape::Wrapped, None) => {}
        }
        Ok(())
    }
}

/// Returns whether Passport treats this as "no user"; 0 is a user.
fn is_nothing(user: &Json<'_>) -> bool {
    matches!(user.as_str(), "false" | "null" | "\"\"")
}

/// Returns whether this looks like Passport for Express: `{"user":…}`, or `{}` after a log-out.
fn is_wrapped(object: &Object<'_>) -> bool {
    object.members().iter().all(|member| member.name().as_str() == Some("user"))
}

#[cfg(test)]
mod tests {
    use super::{BodyError, Json, Object, Passport, Shape};

    fn body(passport: &str) -> String {
        format!("{{\"cart\":1,\"passport\":{passport},\"z\":2}}")
    }

    fn user(shape: Shape, passport: &str) -> Result<Option<String>, BodyError> {
        let text = body(passport);
        let user = Passport::new(shape).user(&Object::parse(text.as_bytes()).unwrap())?;
        Ok(user.map(|user| user.as_str().to_owned()))
    }

    #[test]
    fn each_shape_is_read_by_its_own_peer_and_refused_by_the_other() {
        assert_eq!(user(Shape::Wrapped, r#"{"user":0}"#), Ok(Some("0".to_owned())));
        assert_eq!(user(Shape::Wrapped, r#"{"user":{"id":7}}"#), Ok(Some(r#"{"id":7}"#.to_owned())));
        assert_eq!(user(Shape::Bare, r#"{"id":7}"#), Ok(Some(r#"{"id":7}"#.to_owned())));
        assert_eq!(user(Shape::Bare, "0"), Ok(Some("0".to_owned())));
        for passport in ["7", "\"u\"", "[1]"] {
            assert_eq!(user(Shape::Wrapped, passport), Err(BodyError::WrongKind), "{passport}");
        }
        for passport in [r#"{"user":7}"#, "{}"] {
            assert_eq!(user(Shape::Bare, passport), Err(BodyError::WrongKind), "{passport}");
        }
    }

    #[test]
    fn an_empty_passport_is_logged_out() {
        for passport in ["{}", "null", r#"{"user":null}"#, r#"{"user":""}"#, r#"{"user":false}"#] {
            assert_eq!(user(Shape::Wrapped, passport), Ok(None), "{passport}");
        }
    }

    #[test]
    fn a_second_log_in_and_a_log_out_keep_the_place_of_passport() {
        let text = body(r#"{"user":1,"other":2}"#);
        let mut object = Object::parse(text.as_bytes()).unwrap();
        let passport = Passport::new(Shape::Wrapped);
        passport.log_in(&mut object, &Json::string("b")).unwrap();
        assert_eq!(object.to_text(), body(r#"{"user":"b","other":2}"#));
        passport.log_out(&mut object).unwrap();
        assert_eq!(object.to_text(), body(r#"{"other":2}"#));
    }

    #[test]
    fn fastify_drops_the_whole_member_at_log_out() {
        let text = body("7");
        let mut object = Object::parse(text.as_bytes()).unwrap();
        Passport::new(Shape::Bare).log_out(&mut object).unwrap();
        assert_eq!(object.to_text(), r#"{"cart":1,"z":2}"#);
    }

    #[test]
    fn a_user_that_means_none_cannot_log_in() {
        for shape in [Shape::Wrapped, Shape::Bare] {
            for user in ["null", "false", "\"\""] {
                let user = Json::parse(user).unwrap();
                let mut body = Object::default();
                assert_eq!(Passport::new(shape).log_in(&mut body, &user), Err(BodyError::WrongKind));
            }
        }
    }
}
