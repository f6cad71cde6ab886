//! The member `cookie` of a body: the lifetime and the attributes of this session's cookie.

use super::{BodyError, Dialect, Json, Object};
use crate::cookie::{Attributes, Priority, SameSite};
use crate::date;

/// The `cookie` object of a body. Unknown fields are kept as they are.
///
/// ```
/// use cloakroom_node::body::{Dialect, Object, StoredCookie};
///
/// let mut body = Object::parse(br#"{"cookie":{"originalMaxAge":60000,"expires":null,"path":"/"},"views":1}"#)?;
/// let mut cookie = StoredCookie::of(&body, Dialect::Express)?;
/// cookie.touch(1_767_225_600_000);
/// cookie.store(&mut body);
/// assert_eq!(
///     body.to_text(),
///     r#"{"cookie":{"originalMaxAge":60000,"expires":"2026-01-01T00:01:00.000Z","path":"/"},"views":1}"#
/// );
/// # Ok::<(), cloakroom_node::body::BodyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct StoredCookie<'a> {
    fields: Object<'a>,
    dialect: Dialect,
}

impl<'a> StoredCookie<'a> {
    /// Reads the object itself; `None` if it is not an object.
    pub fn parse(json: &'a str, dialect: Dialect) -> Option<Self> {
        let fields = Object::split(json).ok()?;
        Some(Self { fields, dialect })
    }
}

impl StoredCookie<'static> {
    /// Reads the cookie of a body.
    ///
    /// # Errors
    /// [`BodyError::NoCookie`] if it is missing or not an object.
    pub fn of(body: &Object<'_>, dialect: Dialect) -> Result<Self, BodyError> {
        let fields = body.get("cookie").and_then(Json::as_object).ok_or(BodyError::NoCookie)?;
        Ok(Self { fields: fields.into_owned(), dialect })
    }

    /// Makes the cookie of a new session. `now` is in milliseconds since 1970.
    pub fn new(attributes: &Attributes, now: i64, dialect: Dialect) -> Self {
        let mut cookie = Self { fields: Object::default(), dialect };
        let absolute = attributes.expires.filter(|_| attributes.max_age.is_none());
        // Fastify keeps a date of the options apart, and then knows no age.
        let age = match absolute {
            Some(_) if dialect == Dialect::Fastify => None,
            Some(end) => Some(end.saturating_sub(now)),
            None => attributes.max_age,
        };
        cookie.put(dialect.age(), age.map_or(Json::NULL, Json::number));
        if let Some(end) = dialect.end() {
            let date = age.map(|age| now.saturating_add(age)).or(absolute);
            cookie.put(end, date.map_or(Json::NULL, date_json));
        }
        cookie.put_attributes(attributes);
        if let (Dialect::Fastify, Some(end)) = (dialect, absolute) {
            cookie.put("originalExpires", date_json(end));
        }
        cookie
    }

    fn put_attributes(&mut self, attributes: &Attributes) {
        let text = |value: &str| Json::string(value);
        let optional = [
            ("partitioned", attributes.partitioned.map(Json::bool)),
            ("priority", attributes.priority.map(|priority| text(priority.as_str()))),
            ("secure", attributes.secure.map(Json::bool)),
            ("httpOnly", Some(Json::bool(attributes.http_only))),
            ("domain", attributes.domain.as_deref().map(text)),
            ("path", Some(attributes.path.as_deref().map_or(Json::NULL, text))),
            ("sameSite", attributes.same_site.map(|site| text(site.as_str()))),
        ];
        for (key, value) in optional {
            let value = value.or((self.dialect == Dialect::Fastify).then_some(Json::NULL));
            if let (Some(value), true) = (value, self.dialect.order().contains(&key)) {
                self.put(key, value);
            }
        }
        if self.dialect == Dialect::Koa {
            self.put("overwrite", Json::bool(true));
            self.put("signed", Json::bool(true));
        }
    }

    /// Makes the cookie of a new session of koa-generic-session from the application's option `cookie`: its fields in
    /// their order, then the missing defaults. The old spelling `maxage` becomes `maxAge`.
    pub fn of_koa_options(options: &Object<'_>) -> Self {
        let mut fields = options.clone().into_owned();
        let defaults = [
            ("httpOnly", "true"),
            ("path", "\"/\""),
            ("overwrite", "true"),
            ("signed", "true"),
            ("maxAge", "86400000"),
        ];
        for (key, value) in defaults {
            if fields.get(key).is_none() {
                fields.set(key, Json::scanned(value));
            }
        }
        if let Some(age) = fields.remove("maxage").filter(Json::is_truthy) {
            fields.set("maxAge", age);
        }
        Self { fields, dialect: Dialect::Koa }
    }
}

impl<'a> StoredCookie<'a> {
    /// Returns a field as it is written.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.fields.get(key)
    }

    /// Sets a field. An existing field keeps its position, a new one goes where its package writes it.
    pub fn put(&mut self, key: &str, value: Json<'a>) {
        let order = self.dialect.order();
        let rank = |key: &str| order.iter().position(|other| *other == key);
        if self.fields.get(key).is_some() {
            return self.fields.set(key, value);
        }
        let Some(own) = rank(key) else { return self.fields.set(key, value) };
        let is_later = |member: &super::Member<'_>| {
            member.name().as_str().is_none_or(|name| rank(name).is_none_or(|rank| rank > own))
        };
        let members = self.fields.members();
        let place = members.iter().position(is_later).unwrap_or(members.len());
        self.fields.set_at(place, key, value);
    }

    /// Removes a field and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Json<'a>> {
        self.fields.remove(key)
    }

    /// Returns the session's own lifetime in milliseconds, which Node prefers to the application's, or `None` for a
    /// session until the browser closes. Node recomputes it, so it may be some milliseconds below the application's
    /// setting.
    pub fn max_age(&self) -> Option<i64> {
        self.get(self.dialect.age())?.as_millis()
    }

    /// Returns when the session expires, in milliseconds since 1970, or `None` if that is unset or unreadable.
    ///
    /// Do not judge a session by it where the store has its own expiry: a touch moves only that one, so this may be
    /// in the past for a live session.
    pub fn expires(&self) -> Option<i64> {
        let end = self.get(self.dialect.end()?)?;
        end.as_millis().or_else(|| date::parse(&end.as_text()?))
    }

    /// Returns the attributes for this session's `Set-Cookie` header. The lifetime is in `expires`; for Koa, which
    /// has no date, in `max_age`. A missing `path` means `/`; `null` omits it.
    pub fn attributes(&self) -> Attributes {
        let text = |key: &str| self.get(key).and_then(Json::as_text);
        let flag = |key: &str| self.get(key).map(Json::is_truthy);
        Attributes {
            max_age: self.max_age().filter(|_| self.dialect.end().is_none()),
            expires: self.expires(),
            http_only: flag("httpOnly").unwrap_or(true),
            path: if self.get("path").is_none() {
                Some("/".to_owned())
            } else {
                text("path").map(Into::into)
            },
            domain: text("domain").map(Into::into),
            secure: self.get("secure").filter(|value| value.as_str() != "null").map(Json::is_truthy),
            same_site: match self.get("sameSite") {
                Some(value) if value.as_str() == "true" => Some(SameSite::Strict),
                _ => text("sameSite").and_then(|site| SameSite::parse(&site)),
            },
            partitioned: flag("partitioned"),
            priority: text("priority").and_then(|priority| Priority::parse(&priority)),
        }
    }

    /// Renews the expiry: one lifetime from `now`, in milliseconds since 1970, as each request in Node does.
    ///
    /// As in Node, a lifetime that is `null` or `false` is copied to the expiry, and without a lifetime the expiry is
    /// removed. Koa has no date to renew.
    pub fn touch(&mut self, now: i64) {
        let Some(end) = self.dialect.end() else { return };
        if let Some(age) = self.max_age() {
            self.put(end, date_json(now.saturating_add(age)));
            return;
        }
        // Fastify keeps the date of its options.
        if self.dialect == Dialect::Fastify && self.get("originalExpires").is_some() {
            return;
        }
        match self.get(self.dialect.age()).cloned() {
            Some(age) => self.put(end, age),
            None => drop(self.remove(end)),
        }
    }

    /// Sets another lifetime in milliseconds, like an application that sets `cookie.maxAge`, and renews the expiry.
    /// `None` means until the browser closes.
    pub fn set_max_age(&mut self, age: Option<i64>, now: i64) {
        self.put(self.dialect.age(), age.map_or(Json::NULL, Json::number));
        self.touch(now);
    }

    /// Normalizes a foreign cookie as express-session does at the next save: keeps only its own fields, in its order,
    /// with the defaults of `httpOnly` and `path`.
    pub fn normalize(&mut self) {
        let mut normal = Self { fields: Object::default(), dialect: self.dialect };
        for key in self.dialect.order() {
            let default = match *key {
                "httpOnly" => Some(Json::bool(true)),
                "path" => Some(Json::string("/")),
                _ => None,
            };
            if let Some(value) = self.fields.remove(key).or(default) {
                normal.put(key, value);
            }
        }
        *self = normal;
    }

    /// Returns the object's text.
    pub fn to_json(&self) -> Json<'static> {
        let mut json = String::with_capacity(128);
        self.write(&mut json);
        Json::written(json)
    }

    /// Appends the object's text.
    pub(crate) fn write(&self, out: &mut String) {
        self.fields.write_members(out);
    }

    /// Writes it to a body's member `cookie`.
    pub fn store(&self, body: &mut Object<'_>) {
        body.set("cookie", self.to_json());
    }
}

/// Writes a date, which has nothing to escape.
fn date_json(ms: i64) -> Json<'static> {
    let mut json = String::with_capacity(32);
    json.push('"');
    date::push_iso(&mut json, ms);
    json.push('"');
    Json::written(json)
}

#[cfg(test)]
mod tests {
    use super::{Attributes, BodyError, Dialect, Json, Object, Priority, SameSite, StoredCookie};

    const NOW: i64 = 1_767_225_600_000;

    fn cookie(json: &str, dialect: Dialect) -> StoredCookie<'static> {
        let body = format!("{{\"cookie\":{json}}}");
        StoredCookie::of(&Object::parse(body.as_bytes()).unwrap(), dialect).unwrap()
    }

    fn hour() -> Attributes {
        Attributes { max_age: Some(3_600_000), ..Attributes::default() }
    }

    #[test]
    fn a_body_without_a_cookie_object_has_no_cookie() {
        for body in ["{}", r#"{"cookie":null}"#, r#"{"cookie":"a"}"#, r#"{"cookie":[]}"#] {
            let body = Object::parse(body.as_bytes()).unwrap();
            assert_eq!(StoredCookie::of(&body, Dialect::Express).unwrap_err(), BodyError::NoCookie);
        }
    }

    #[test]
    fn each_package_writes_a_new_cookie_in_its_own_way() {
        for (dialect, json) in [
            (
                Dialect::Express,
                r#"{"originalMaxAge":3600000,"expires":"2026-01-01T01:00:00.000Z","httpOnly":true,"path":"/"}"#,
            ),
            (
                Dialect::Fastify,
                r#"{"expires":"2026-01-01T01:00:00.000Z","originalMaxAge":3600000,"sameSite":null,"secure":null,"path":"/","httpOnly":true,"domain":null}"#,
            ),
            (Dialect::Koa, r#"{"httpOnly":true,"path":"/","overwrite":true,"signed":true,"maxAge":3600000}"#),
            (
                Dialect::SocialTables,
                r#"{"maxAge":3600000,"_expires":"2026-01-01T01:00:00.000Z","httpOnly":true,"path":"/"}"#,
            ),
        ] {
            assert_eq!(StoredCookie::new(&hour(), NOW, dialect).to_json().as_str(), json);
        }
    }

    #[test]
    fn a_touch_moves_the_end_by_the_sessions_own_lifetime() {
        let mut cookie = cookie(r#"{"originalMaxAge":3599999,"expires":"nope","x":1}"#, Dialect::Express);
        assert_eq!(cookie.expires(), None);
        cookie.touch(NOW);
        assert_eq!((cookie.max_age(), cookie.expires()), (Some(3_599_999), Some(NOW + 3_599_999)));
        assert_eq!(cookie.get("x").unwrap().as_str(), "1");
    }

    #[test]
    fn a_touch_never_gives_koa_a_date() {
        let json = r#"{"httpOnly":true,"maxAge":5}"#;
        let mut cookie = cookie(json, Dialect::Koa);
        cookie.touch(NOW);
        assert_eq!(cookie.to_json().as_str(), json);
    }

    #[test]
    fn dates_as_numbers_and_without_milliseconds_are_read() {
        for end in [r#""2026-01-01T00:00:00Z""#, r#""2026-01-01T00:00:00+00:00""#, "1767225600000"] {
            assert_eq!(
                cookie(&format!("{{\"expires\":{end}}}"), Dialect::Express).expires(),
                Some(NOW),
                "{end}"
            );
        }
        for end in ["null", "false", r#""nope""#, "[]"] {
            assert_eq!(cookie(&format!("{{\"expires\":{end}}}"), Dialect::Express).expires(), None, "{end}");
        }
    }

    #[test]
    fn attributes_come_back_as_they_were_stored() {
        let all = Attributes {
            expires: Some(NOW),
            domain: Some("example.com".to_owned()),
            secure: Some(false),
            same_site: Some(SameSite::Lax),
            partitioned: Some(true),
            priority: Some(Priority::High),
            path: None,
            http_only: false,
            max_age: None,
        };
        assert_eq!(StoredCookie::new(&all, NOW, Dialect::Express).attributes(), all);
        assert_eq!(cookie("{}", Dialect::Express).attributes(), Attributes::default());
        let strict = cookie(r#"{"sameSite":true}"#, Dialect::Express).attributes();
        assert_eq!(strict.same_site, Some(SameSite::Strict));
    }

    #[test]
    fn a_new_field_goes_where_its_package_writes_it() {
        let mut cookie = StoredCookie::new(&hour(), NOW, Dialect::Express);
        cookie.put("mine", Json::NULL);
        cookie.put("secure", Json::bool(true));
        assert_eq!(
            cookie.to_json().as_str(),
            r#"{"originalMaxAge":3600000,"expires":"2026-01-01T01:00:00.000Z","secure":true,"httpOnly":true,"path":"/","mine":null}"#
        );
    }

    #[test]
    fn another_lifetime_moves_the_end_too() {
        let mut cookie = StoredCookie::new(&hour(), NOW, Dialect::Express);
        cookie.set_max_age(Some(1000), NOW);
        assert_eq!((cookie.max_age(), cookie.expires()), (Some(1000), Some(NOW + 1000)));
        cookie.set_max_age(None, NOW);
        assert_eq!((cookie.max_age(), cookie.get("expires").unwrap().as_str()), (None, "null"));
    }
}
