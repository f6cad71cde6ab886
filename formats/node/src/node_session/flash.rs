//! Values that live for one more request.

use crate::body::{BodyError, Json, Object};

/// The member `flash` of a body: the keys of values that end with this request, and of those that were added in it.
///
/// `{"old":[…],"new":[…]}`, in either order, which is kept. At the end of a request the values named in `old` are
/// removed, and `new` becomes `old` ([`Flash::age`]).
///
/// ```
/// use cloakroom_node::body::{Json, Object};
/// use cloakroom_node::node_session::Flash;
///
/// let mut body = Object::default();
/// Flash::add(&mut body, "message", Json::string("saved"))?;
/// Flash::age(&mut body)?; // the end of this request
/// assert_eq!(body.get("message").unwrap().as_str(), "\"saved\"");
/// Flash::age(&mut body)?; // the end of the next one
/// assert_eq!(body.to_text(), r#"{"flash":{"new":[],"old":[]}}"#);
/// # Ok::<(), cloakroom_node::body::BodyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Flash(Object<'static>);

impl Flash {
    /// The key in the body.
    pub const KEY: &'static str = "flash";

    /// Reads the member of a body; a missing one is empty.
    ///
    /// # Errors
    /// [`BodyError::WrongKind`] if `flash` is not an object, or a list in it not an array. node-session loses flash values
    /// then.
    pub fn of(body: &Object<'_>) -> Result<Self, BodyError> {
        let fields = match body.get(Self::KEY) {
            None => Object::default(),
            Some(value) => value.as_object().ok_or(BodyError::WrongKind)?.into_owned(),
        };
        let is_list = |key: &str| fields.get(key).is_none_or(|list| list.as_array().is_some());
        if is_list("old") && is_list("new") { Ok(Self(fields)) } else { Err(BodyError::WrongKind) }
    }

    /// Returns the keys of the values that end with this request.
    pub fn old(&self) -> Vec<String> {
        texts(&self.list("old"))
    }

    /// Returns the keys of the values that were added in this request.
    pub fn new_names(&self) -> Vec<String> {
        texts(&self.list("new"))
    }

    /// Sets a value for this request and the next one. A name that is added twice is listed twice, as in
    /// node-session.
    ///
    /// The name is one key, dots included. node-session nests a name with dots and never removes its value.
    ///
    /// # Errors
    /// As [`Flash::of`].
    pub fn add(body: &mut Object<'_>, name: &str, value: Json<'_>) -> Result<(), BodyError> {
        let mut flash = Self::of(body)?;
        body.set(name, value.into_owned());
        let mut new = flash.list("new");
        new.push(Json::string(name));
        flash.put("new", &new);
        let old = flash.without("old", &[name]);
        flash.put("old", &old);
        flash.store(body);
        Ok(())
    }

    /// Keeps all values for one more request.
    ///
    /// # Errors
    /// As [`Flash::of`].
    pub fn keep_all(body: &mut Object<'_>) -> Result<(), BodyError> {
        let mut flash = Self::of(body)?;
        let old = flash.list("old");
        flash.merge(old);
        flash.put("old", &[]);
        flash.store(body);
        Ok(())
    }

    /// Keeps these values for one more request.
    ///
    /// # Errors
    /// As [`Flash::of`].
    pub fn keep(body: &mut Object<'_>, names: &[&str]) -> Result<(), BodyError> {
        let mut flash = Self::of(body)?;
        flash.merge(names.iter().map(|name| Json::string(name)).collect());
        let old = flash.without("old", names);
        flash.put("old", &old);
        flash.store(body);
        Ok(())
    }

    /// Ends a request: removes the values that are named in `old`, and makes `new` the next `old`.
    ///
    /// # Errors
    /// As [`Flash::of`].
    pub fn age(body: &mut Object<'_>) -> Result<(), BodyError> {
        let mut flash = Self::of(body)?;
        for name in flash.old() {
            body.remove(&name);
        }
        // A value may have been flashed under the name `flash` itself.
        let new = flash.list("new");
        flash.put("old", &new);
        flash.put("new", &[]);
        flash.store(body);
        Ok(())
    }

    fn list(&self, key: &str) -> Vec<Json<'static>> {
        let items = self.0.get(key).and_then(Json::as_array).unwrap_or_default();
        items.into_iter().map(Json::into_owned).collect()
    }

    fn without(&self, key: &str, names: &[&str]) -> Vec<Json<'static>> {
        let is_other = |item: &Json<'_>| !item.as_text().is_some_and(|text| names.contains(&&*text));
        self.list(key).into_iter().filter(is_other).collect()
    }

    /// Adds names to `new` and removes duplicates.
    fn merge(&mut self, names: Vec<Json<'static>>) {
        let mut merged: Vec<Json<'static>> = Vec::new();
        for name in self.list("new").into_iter().chain(names) {
            if !merged.iter().any(|other| *other == name || same_text(other, &name)) {
                merged.push(name);
            }
        }
        self.put("new", &merged);
    }

    fn put(&mut self, key: &str, list: &[Json<'static>]) {
        self.0.set(key, Json::array(list));
    }

    fn store(&self, body: &mut Object<'_>) {
        body.set(Self::KEY, Json::object(&self.0));
    }
}

fn texts(list: &[Json<'_>]) -> Vec<String> {
    list.iter().filter_map(|item| item.as_text().map(Into::into)).collect()
}

fn same_text(one: &Json<'_>, other: &Json<'_>) -> bool {
    one.as_text().is_some_and(|text| other.as_text() == Some(text))
}

#[cfg(test)]
mod tests {
    use super::{BodyError, Flash, Json, Object};

    fn body(text: &str) -> Object<'_> {
        Object::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_order_of_old_and_new_is_kept_and_a_missing_one_begins_with_old_at_the_end_of_a_request() {
        for (before, after) in [
            (r#"{"flash":{"new":["a"],"old":[]}}"#, r#"{"flash":{"new":[],"old":["a"]}}"#),
            (r#"{"flash":{"old":[],"new":["a"]}}"#, r#"{"flash":{"old":["a"],"new":[]}}"#),
            ("{}", r#"{"flash":{"old":[],"new":[]}}"#),
        ] {
            let mut body = body(before);
            Flash::age(&mut body).unwrap();
            assert_eq!(body.to_text(), after);
        }
    }

    #[test]
    fn a_name_that_is_flashed_twice_is_listed_twice_and_no_longer_old() {
        let mut body = body(r#"{"m":0,"flash":{"old":["m","n"],"new":[]}}"#);
        Flash::add(&mut body, "m", Json::number(1)).unwrap();
        Flash::add(&mut body, "m", Json::number(2)).unwrap();
        assert_eq!(body.to_text(), r#"{"m":2,"flash":{"old":["n"],"new":["m","m"]}}"#);
        let flash = Flash::of(&body).unwrap();
        assert_eq!((flash.old(), flash.new_names()), (vec!["n".to_owned()], vec!["m".to_owned(); 2]));
    }

    #[test]
    fn kept_names_are_listed_once() {
        let mut one = body(r#"{"flash":{"old":["m","n"],"new":["m","m"]}}"#);
        Flash::keep(&mut one, &["m"]).unwrap();
        assert_eq!(one.to_text(), r#"{"flash":{"old":["n"],"new":["m"]}}"#);
        Flash::keep_all(&mut one).unwrap();
        assert_eq!(one.to_text(), r#"{"flash":{"old":[],"new":["m","n"]}}"#);
    }

    #[test]
    fn a_flash_of_another_kind_is_left_alone() {
        for text in [r#"{"flash":"V"}"#, r#"{"flash":{"new":"V"}}"#, r#"{"flash":null}"#] {
            let mut body = body(text);
            assert_eq!(Flash::add(&mut body, "a", Json::NULL), Err(BodyError::WrongKind));
            assert_eq!(Flash::age(&mut body), Err(BodyError::WrongKind));
            assert_eq!(body.to_text(), text);
        }
    }
}
