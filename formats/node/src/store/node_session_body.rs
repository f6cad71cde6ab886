//! Bodies of node-session: no `cookie`, but a CSRF token and the names of flash values.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

use cloakroom::format::{Facts, Member, MemberKind, Members, PayloadBuilder};
use cloakroom::store::{Body, Bytes, Error, ErrorKind, Owner, OwnerKey, Record, Result, Timestamp};

use super::own_state::{self, OwnState};
use super::writer::{MemberWriter, owner_text, text_of};
use super::{Read, Translate};
use crate::body::{Json, Object};
use crate::cookie::session_id;
use crate::node_session::{Encrypter, Flash, TOKEN};

/// What the preset says about its bodies.
///
/// A value that `flash` names is a flash value of ours. Between two requests Node has the names in `old`: the next request
/// shows the values, and removes them at its end. So they count as born under the session's last commit, as those do that
/// this last commit made. A name in `new` has one request more.
#[derive(Clone, Debug)]
pub(crate) struct NodeSessionBody {
    pub(crate) lifetime: Duration,
    /// One for each secret.
    pub(crate) encrypters: Vec<Encrypter>,
    pub(crate) encrypt: bool,
}

/// The name of the list of flash values, as JSON.
const FLASH: &str = "\"flash\"";

impl Translate for NodeSessionBody {
    fn read(&self, id: &str, body: &Body) -> Option<Read> {
        let read = self.open(&body.bytes).and_then(|text| {
            let object = Object::parse(&text).ok()?;
            Some(self.read_object(id, body.expires_at, &object, text.len()))
        });
        Some(read.unwrap_or_else(|| Read::unreadable(body)))
    }

    fn write(&self, facts: &Facts, members: &Members, record: &Record) -> Result<Vec<u8>> {
        let mut out = String::with_capacity(record.payload.len() + 256);
        write_session(facts, members, record, &mut out)?;
        Ok(self.sealed(out))
    }

    fn write_other(&self, payload: &[u8], _: &Record) -> Result<Vec<u8>> {
        let mut out = String::with_capacity(256);
        let mut members = MemberWriter::new(&mut out);
        own_state::write_other(members.begin(own_state::NAME), payload);
        members.finish();
        Ok(self.sealed(out))
    }
}

impl NodeSessionBody {
    /// Encrypts a body, if that is asked for.
    fn sealed(&self, body: String) -> Vec<u8> {
        let sealed = self.encrypters.first().filter(|_| self.encrypt).map(|encrypter| encrypter.seal(&body));
        sealed.unwrap_or(body).into_bytes()
    }

    /// Decrypts a body, if it is encrypted; `None` if no secret fits.
    fn open<'b>(&self, bytes: &'b [u8]) -> Option<Cow<'b, [u8]>> {
        let object = Object::parse(bytes).ok()?;
        let is_sealed =
            object.members().len() == 2 && object.get("ct").is_some() && object.get("mac").is_some();
        if !is_sealed {
            return Some(Cow::Borrowed(bytes));
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let opened = self.encrypters.iter().find_map(|encrypter| encrypter.open(text).ok())?;
        Some(Cow::Owned(opened.into_bytes()))
    }

    fn read_object(&self, id: &str, expires_at: Timestamp, object: &Object<'_>, length: usize) -> Read {
        let own = object.get(own_state::KEY).and_then(Json::as_object);
        let mut facts = match own.as_ref().and_then(own_state::read) {
            Some(OwnState::Other(payload)) => {
                return Read { payload: payload.into(), sliding: false, owner: None };
            }
            Some(OwnState::Session(facts)) => facts,
            None => {
                let last_use = if expires_at == Timestamp::NEVER {
                    Timestamp::EPOCH
                } else {
                    expires_at - self.lifetime
                };
                own_state::facts_of(id, last_use)
            }
        };
        if facts.own_idle().is_none() {
            facts.set_idle(self.lifetime, false);
        }
        let owner = read_owner(own.as_ref(), &mut facts);
        let payload = read_members(object, own.as_ref(), &facts, length);
        Read { payload, sliding: facts.own_idle().is_none(), owner }
    }
}

fn read_owner(own: Option<&Object<'_>>, facts: &mut Facts) -> Option<Owner> {
    let user = own.and_then(|own| Some(own.get("user")?.as_text()?.into_owned()));
    let owner = user.and_then(|user| OwnerKey::new(user).ok()).map(|key| {
        let since = facts.authenticated_at().unwrap_or_else(|| facts.started_at());
        Owner::new(key, since)
    });
    facts.set_authenticated_at(owner.as_ref().map(|owner| owner.logged_in_at));
    owner
}

fn read_members(object: &Object<'_>, own: Option<&Object<'_>>, facts: &Facts, length: usize) -> Bytes {
    let mut out = PayloadBuilder::new(facts, length + 64);
    let (old, new) = flash_names(object);
    for member in object.members() {
        let value = member.value().as_str().as_bytes();
        match member.name().as_str() {
            Some(own_state::KEY) => {}
            Some(key) if !is_reserved(key) => {
                let kind = if new.contains(key) {
                    MemberKind::Flash { born: facts.commit_number() + 1 }
                } else if old.contains(key) {
                    MemberKind::Flash { born: facts.commit_number() }
                } else {
                    MemberKind::Value
                };
                out.add(kind, key, value);
            }
            _ => out.add(MemberKind::Foreign, member.name().raw(), value),
        }
    }
    if let Some(own) = own {
        own_state::add_rest(own, &mut out);
    }
    out.finish()
}

type Names = HashSet<String>;

/// Returns the names in `old` and `new`.
fn flash_names(object: &Object<'_>) -> (Names, Names) {
    // node-session takes a `flash` of another kind for an empty one.
    let Ok(flash) = Flash::of(object) else { return Default::default() };
    (flash.old().into_iter().collect(), flash.new_names().into_iter().collect())
}

fn write_session(facts: &Facts, members: &Members, record: &Record, out: &mut String) -> Result<()> {
    let user = record.owner.as_ref().map(owner_text).transpose()?;
    let mut body = MemberWriter::new(out);
    let is_token = |member: Member<'_>| member.kind == MemberKind::Value && member.key == TOKEN;
    if !members.iter().any(is_token) {
        body.add(&format!("\"{TOKEN}\""), new_token()?.as_str());
    }
    let mut has_flash = false;
    for member in members.iter() {
        let value = text_of(member.value)?;
        match member.kind {
            MemberKind::Foreign if member.key == FLASH => {
                has_flash = true;
                body.add(FLASH, &flash_lists(Some(value), facts, members));
            }
            MemberKind::Foreign => body.add(member.key, value),
            MemberKind::Value | MemberKind::Flash { .. } => body.add_text(member.key, value),
            MemberKind::Device => {}
        }
    }
    if !has_flash {
        body.add(FLASH, &flash_lists(None, facts, members));
    }
    let device = members.iter().filter(|member| member.kind == MemberKind::Device);
    own_state::write(body.begin(own_state::NAME), facts, device, user);
    body.finish();
    Ok(())
}

fn new_token() -> Result<Json<'static>> {
    let mut random = [0; 30];
    getrandom::fill(&mut random).map_err(|source| {
        Error::new(ErrorKind::Unavailable, "the system gives no random numbers").with_source(source)
    })?;
    Ok(Json::string(&session_id(&random)))
}

/// Returns the member `flash` for the flash values that there are. What is stored stays if it says the same.
fn flash_lists(stored: Option<&str>, facts: &Facts, members: &Members) -> String {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for member in members.iter() {
        match member.kind {
            MemberKind::Flash { born } if born <= facts.commit_number() => old.push(member.key),
            MemberKind::Flash { .. } => new.push(member.key),
            _ => {}
        }
    }
    let stored = stored.unwrap_or("{}");
    let whole = format!("{{{FLASH}:{stored}}}");
    let before = Object::parse(whole.as_bytes()).unwrap_or_default();
    let (was_old, was_new) = flash_names(&before);
    let same = |was: &Names, now: &[&str]| was.len() == now.len() && now.iter().all(|key| was.contains(*key));
    if stored != "{}" && same(&was_old, &old) && same(&was_new, &new) {
        return stored.to_owned();
    }
    let mut lists = before.get(Flash::KEY).and_then(Json::as_object).unwrap_or_default().into_owned();
    for (key, names) in [("old", old), ("new", new)] {
        let names: Vec<Json<'_>> = names.into_iter().map(Json::string).collect();
        lists.set(key, Json::array(&names));
    }
    lists.to_text().into_owned()
}

/// Returns whether node-session cannot keep a value under this key.
pub(crate) fn is_reserved(key: &str) -> bool {
    matches!(key, Flash::KEY | own_state::KEY | "__proto__")
}

#[cfg(test)]
#[path = "node_session_body_tests.rs"]
mod tests;
