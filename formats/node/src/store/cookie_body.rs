//! Bodies with a `cookie` object: Express, Koa and Socialtables.

use std::time::Duration;

use cloakroom::format::{Facts, Member, MemberKind, Members, PayloadBuilder};
use cloakroom::store::{Body, Bytes, Owner, OwnerKey, Record, Result, Timestamp};

use super::own_state::{self, OwnState};
use super::writer::{MemberWriter, owner_text, text_of};
use super::{Read, Translate};
use crate::body::{Dialect, Json, LAST_ACCESS, Object, StoredCookie, is_reserved, is_tombstone};
use crate::cookie::Attributes;

/// What a preset says about its bodies.
#[derive(Clone, Debug)]
pub(crate) struct CookieBody {
    pub(crate) dialect: Dialect,
    /// The attributes of a new session's cookie.
    pub(crate) attributes: Attributes,
    /// How long a session lives that is not used, unless its cookie says otherwise.
    pub(crate) idle: Duration,
    pub(crate) passport: Option<Passport>,
}

/// How Passport's user is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passport {
    /// As a string.
    Text,
    /// As a number, if it is one.
    Number,
}

/// The name of the `cookie` object, as JSON.
const COOKIE: &str = "\"cookie\"";

/// How far a stored lifetime may be from the configured one and still be it: Node loses a millisecond now and then.
const DRIFT: Duration = Duration::from_secs(1);

impl Translate for CookieBody {
    fn read(&self, id: &str, body: &Body) -> Option<Read> {
        if is_tombstone(&body.bytes) {
            return None;
        }
        let read = Object::parse(&body.bytes).ok().and_then(|object| self.read_object(id, body, &object));
        Some(read.unwrap_or_else(|| Read::unreadable(body)))
    }

    fn write(&self, facts: &Facts, members: &Members, record: &Record) -> Result<Vec<u8>> {
        let mut out = String::with_capacity(record.payload.len() + 256);
        self.write_session(facts, members, record, &mut out)?;
        Ok(out.into_bytes())
    }

    fn write_other(&self, payload: &[u8], record: &Record) -> Result<Vec<u8>> {
        let mut out = String::with_capacity(256);
        let attributes = Attributes { max_age: None, ..self.attributes.clone() };
        let cookie = StoredCookie::new(&attributes, millis(record.expires_at), self.dialect);
        let mut members = MemberWriter::new(&mut out);
        cookie.write(members.begin(COOKIE));
        own_state::write_other(members.begin(own_state::NAME), payload);
        members.finish();
        Ok(out.into_bytes())
    }
}

impl CookieBody {
    fn read_object(&self, id: &str, body: &Body, object: &Object<'_>) -> Option<Read> {
        // Node answers with an error where there is no such object.
        let cookie = StoredCookie::parse(object.get("cookie")?.as_str(), self.dialect)?;
        let own = object.get(own_state::KEY).and_then(Json::as_object);
        let mut facts = match own.as_ref().and_then(own_state::read) {
            Some(OwnState::Other(payload)) => {
                return Some(Read { payload: payload.into(), sliding: false, owner: None });
            }
            Some(OwnState::Session(facts)) => facts,
            None => own_state::facts_of(id, self.last_use(body)),
        };
        let sliding = self.read_lifetime(&cookie, &mut facts);
        let owner = self.read_owner(object, own.as_ref(), &mut facts);
        let payload = read_members(object, own.as_ref(), &facts, body.bytes.len());
        Some(Read { payload, sliding, owner })
    }

    /// Returns when the session was last used, as far as its expiry tells.
    fn last_use(&self, body: &Body) -> Timestamp {
        if body.expires_at == Timestamp::NEVER { Timestamp::EPOCH } else { body.expires_at - self.idle }
    }

    /// Takes over the lifetime that the session's cookie names. Returns whether it is the configured one.
    fn read_lifetime(&self, cookie: &StoredCookie<'_>, facts: &mut Facts) -> bool {
        let age = cookie.max_age().and_then(|age| u64::try_from(age).ok()).map(Duration::from_millis);
        let idle = age.unwrap_or(self.idle);
        let is_own = idle.abs_diff(self.idle) > DRIFT;
        facts.set_idle(if is_own { idle } else { self.idle }, is_own);
        facts.set_persistent(age.is_some());
        !is_own
    }

    fn read_owner(&self, object: &Object<'_>, own: Option<&Object<'_>>, facts: &mut Facts) -> Option<Owner> {
        let user = match self.passport {
            Some(_) => passport_user(object),
            None => own.and_then(|own| Some(own.get("user")?.as_text()?.into_owned())),
        };
        let key = user.and_then(|user| OwnerKey::new(user).ok());
        match key {
            Some(key) => {
                let since = facts.authenticated_at().unwrap_or_else(|| facts.started_at());
                facts.set_authenticated_at(Some(since));
                Some(Owner::new(key, since))
            }
            None => {
                facts.set_authenticated_at(None);
                None
            }
        }
    }

    fn write_session(
        &self,
        facts: &Facts,
        members: &Members,
        record: &Record,
        out: &mut String,
    ) -> Result<()> {
        let user = record.owner.as_ref().map(owner_text).transpose()?;
        let mut body = MemberWriter::new(out);
        let (mut has_cookie, mut has_passport, mut has_more) = (false, false, false);
        if !members.iter().any(|member| is_cookie(&member)) {
            self.cookie(None, facts, record).write(body.begin(COOKIE));
        }
        for member in members.iter() {
            let value = text_of(member.value)?;
            match member.kind {
                MemberKind::Foreign if is_cookie(&member) => {
                    if !std::mem::replace(&mut has_cookie, true) {
                        self.cookie(Some(value), facts, record).write(body.begin(COOKIE));
                    }
                }
                MemberKind::Foreign => body.add(member.key, value),
                MemberKind::Value if member.key == "passport" && self.passport.is_some() => {
                    has_passport = true;
                    body.add("\"passport\"", &self.passport_value(Some(value), user));
                }
                MemberKind::Value => body.add_text(member.key, value),
                MemberKind::Flash { .. } | MemberKind::Device => has_more = true,
            }
        }
        if self.passport.is_some() && !has_passport && user.is_some() {
            body.add("\"passport\"", &self.passport_value(None, user));
        }
        let user = user.filter(|_| self.passport.is_none());
        let more = members.iter().take_while(|_| has_more);
        own_state::write(body.begin(own_state::NAME), facts, more, user);
        body.finish();
        Ok(())
    }

    /// Makes the `cookie` object: what was stored, with the lifetime that the session has now.
    fn cookie<'a>(&self, stored: Option<&'a str>, facts: &Facts, record: &Record) -> StoredCookie<'a> {
        let stored = stored.and_then(|text| StoredCookie::parse(text, self.dialect));
        let idle = i64::try_from(facts.own_idle().unwrap_or(self.idle).as_millis()).unwrap_or(i64::MAX);
        let now = millis(record.expires_at).saturating_sub(idle);
        let is_kept = facts.persistent().unwrap_or(self.attributes.max_age.is_some());
        let mut cookie = stored.unwrap_or_else(|| StoredCookie::new(&self.attributes, now, self.dialect));
        match (is_kept, cookie.max_age()) {
            (false, None) => {}
            (false, Some(_)) => cookie.set_max_age(None, now),
            // The stored lifetime is the session's own, to the millisecond.
            (true, Some(age)) if age.abs_diff(idle) <= 1_000 => cookie.touch(now),
            (true, _) => cookie.set_max_age(Some(idle), now),
        }
        cookie
    }

    /// Makes Passport's member. What is stored stays if it says the same.
    fn passport_value(&self, stored: Option<&str>, user: Option<&str>) -> String {
        let stored = stored.and_then(|text| Json::parse(text).ok()?.as_object().map(Object::into_owned));
        let mut passport = stored.unwrap_or_default();
        let known = passport.get("user").and_then(user_text);
        // A user whose name is too long for a key has no owner here, and stays logged in with Passport.
        if let Some(user) = user
            && known.as_deref() != Some(user)
        {
            let number = user.parse::<i64>().ok().filter(|number| number.to_string() == user);
            let number = number.filter(|_| self.passport == Some(Passport::Number));
            passport.set("user", number.map_or_else(|| Json::string(user), Json::number));
        }
        passport.to_text().into_owned()
    }
}

fn read_members(object: &Object<'_>, own: Option<&Object<'_>>, facts: &Facts, length: usize) -> Bytes {
    let mut out = PayloadBuilder::new(facts, length + 64);
    for member in object.members() {
        let value = member.value().as_str().as_bytes();
        match member.name().as_str() {
            Some(own_state::KEY) => {}
            Some(key) if !matches!(key, "cookie" | LAST_ACCESS) && !is_reserved(key) => {
                out.add(MemberKind::Value, key, value);
            }
            _ => out.add(MemberKind::Foreign, member.name().raw(), value),
        }
    }
    if let Some(own) = own {
        own_state::add_rest(own, &mut out);
    }
    out.finish()
}

fn is_cookie(member: &Member<'_>) -> bool {
    member.kind == MemberKind::Foreign && member.key == COOKIE
}

/// Returns the user that Passport has stored, as text.
fn passport_user(object: &Object<'_>) -> Option<String> {
    user_text(object.get("passport")?.as_object()?.get("user")?)
}

/// A string is its content; a number, or whatever the application serialises, its JSON.
fn user_text(user: &Json<'_>) -> Option<String> {
    match user.as_str() {
        "null" | "false" | "\"\"" => None,
        json => Some(user.as_text().map_or_else(|| json.to_owned(), std::borrow::Cow::into_owned)),
    }
}

fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}
