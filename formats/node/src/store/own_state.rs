//! The member `__cloakroom` of a body: what a session knows about itself besides its values.
//!
//! | member | what |
//! |---|---|
//! | `state` | base64url of the facts of our own format, of a redirect, or of a migration's mark; at most 166 characters for a session |
//! | `user` | the user, where the body has no other place for that |
//! | `device` | the name of the user's device, if it has one |
//! | `flash` | flash values: an object of pairs, the number of the commit that they were born under and the value |
//!
//! The Node application carries it along untouched, as it does with every member that it does not know.

use cloakroom::format::{Facts, Member, MemberKind, PayloadBuilder};
use cloakroom::store::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

use crate::body::{Json, Object, push_string};

/// The key of the member.
pub(crate) const KEY: &str = "__cloakroom";

/// The key, as JSON.
pub(crate) const NAME: &str = "\"__cloakroom\"";

/// How many commits a body remembers: with more, the member would be longer than 200 bytes.
const NONCES: usize = 5;

/// What the member says.
#[derive(Debug)]
pub(crate) enum OwnState {
    Session(Facts),
    /// The payload of what is not a session: of a redirect, or of a mark that a migration leaves.
    Other(Vec<u8>),
}

/// Reads the state; `None` if it is missing or damaged.
pub(crate) fn read(own: &Object<'_>) -> Option<OwnState> {
    let bytes = BASE64URL_NOPAD.decode(own.get("state")?.as_text()?.as_bytes()).ok()?;
    match Facts::from_bytes(&bytes) {
        Some(facts) => Some(OwnState::Session(facts)),
        None if bytes.len() >= SHORTEST => Some(OwnState::Other(bytes)),
        None => None,
    }
}

/// The shortest payload of what is not a session: that of a redirect without a key.
const SHORTEST: usize = 18;

/// Returns whether a payload of no format that is known here can be kept: it must not look like a session's, nor like what
/// [`Read::unreadable`](super::Read::unreadable) makes.
pub(crate) fn can_be_other(payload: &[u8]) -> bool {
    payload.len() >= SHORTEST && payload[0] != 0 && Facts::from_bytes(payload).is_none()
}

/// Makes the facts of a session that Node has begun. Its public id and CSRF secret follow from its id, so that they are
/// the same at every load until a write of ours stores them.
pub(crate) fn facts_of(id: &str, started_at: Timestamp) -> Facts {
    let derive = |use_: &str| {
        let hash: [u8; 32] =
            Sha256::new().chain_update(use_).chain_update([0]).chain_update(id).finalize().into();
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        half
    };
    Facts::new(
        started_at,
        derive("cloakroom v1: node session to public id"),
        derive("cloakroom v1: node session to csrf secret"),
    )
}

/// Appends the member for a session. Of `members`, it takes the device and the flash values.
pub(crate) fn write<'m>(
    out: &mut String,
    facts: &Facts,
    members: impl Iterator<Item = Member<'m>>,
    user: Option<&str>,
) {
    let (mut device, mut flash) = (None, Object::default());
    for member in members {
        match member.kind {
            MemberKind::Device => device = Some(String::from_utf8_lossy(member.value)),
            MemberKind::Flash { born } => flash.set(member.key, flash_json(born, member.value)),
            MemberKind::Value | MemberKind::Foreign => {}
        }
    }
    begin(out, &facts.to_bytes(NONCES));
    for (name, text) in [(",\"user\":", user), (",\"device\":", device.as_deref())] {
        if let Some(text) = text {
            out.push_str(name);
            push_string(out, text);
        }
    }
    if !flash.is_empty() {
        out.push_str(",\"flash\":");
        out.push_str(&flash.to_text());
    }
    out.push('}');
}

/// Appends the member for what is not a session.
pub(crate) fn write_other(out: &mut String, payload: &[u8]) {
    begin(out, payload);
    out.push('}');
}

/// Appends the state, up to the closing brace, which follows unless more fields do.
fn begin(out: &mut String, state: &[u8]) {
    out.push_str("{\"state\":\"");
    BASE64URL_NOPAD.encode_append(state, out);
    out.push('"');
}

fn flash_json(born: u64, value: &[u8]) -> Json<'static> {
    let text = format!("[{born},{}]", String::from_utf8_lossy(value));
    Json::parse(&text).map_or(Json::NULL, Json::into_owned)
}

/// Adds what the member says besides the state.
pub(crate) fn add_rest(own: &Object<'_>, out: &mut PayloadBuilder) {
    if let Some(flash) = own.get("flash").and_then(Json::as_object) {
        for member in flash.members() {
            let (Some(key), Some(pair)) = (member.name().as_str(), member.value().as_array()) else {
                continue;
            };
            let [born, value] = &pair[..] else { continue };
            if let Ok(born) = born.as_str().parse() {
                out.add(MemberKind::Flash { born }, key, value.as_str().as_bytes());
            }
        }
    }
    if let Some(device) = own.get("device").and_then(Json::as_text) {
        out.add(MemberKind::Device, "", device.as_bytes());
    }
}
