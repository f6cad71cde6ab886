//! Splits and builds payloads of our own format, for a store of another layout.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_store::{StoreKey, Timestamp};

use crate::record::{self, Frames, Header, Tag, write_frame};

/// The content of a record's payload.
///
/// The kinds are complete: a store that translates payloads has to translate each of them, or it would lose sessions.
#[derive(Debug)]
pub enum Payload {
    /// A session: facts about it, and its values.
    Session(Facts, Members),
    /// A redirect under an old id.
    Redirect(Redirect),
}

impl Payload {
    /// Reads a payload of our own format; `None` if it is damaged or of another format.
    pub fn decode(payload: &Bytes) -> Option<Self> {
        Some(match record::Payload::decode(payload).ok()? {
            record::Payload::Session(header, frames) => Self::Session(Facts(header), Members(frames)),
            record::Payload::Redirect(redirect) => {
                let bytes = record::redirect_payload(&redirect);
                Self::Redirect(Redirect { to: redirect.to, bytes })
            }
        })
    }
}

/// A redirect under an old id: where its session went.
#[derive(Clone)]
pub struct Redirect {
    to: Option<StoreKey>,
    bytes: Bytes,
}

impl Redirect {
    /// Returns where the session went; `None` after a log-in, when an old id leads nowhere.
    pub const fn to(&self) -> Option<&StoreKey> {
        self.to.as_ref()
    }

    /// Returns the payload: 18 bytes and the key.
    pub const fn payload(&self) -> &Bytes {
        &self.bytes
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redirect(..)")
    }
}

/// The facts about a session besides its values: its public id, its CSRF secret, its clocks, and the nonces of its
/// last commits. `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts(Header);

impl Facts {
    /// Makes the facts of a session that was never written by an engine: `public_id` and `csrf` must be the same whenever
    /// the session is loaded.
    pub fn new(started_at: Timestamp, public_id: [u8; 16], csrf: [u8; 16]) -> Self {
        Self(Header::new(started_at, public_id, csrf))
    }

    /// Reads what [`to_bytes`](Self::to_bytes) has written; `None` if it is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [record::FORMAT | record::FORMAT_WITH_OWN, record::SESSION, rest @ ..] = bytes else {
            return None;
        };
        let (header, length) = Header::decode(rest)?;
        (length == rest.len()).then_some(Self(header))
    }

    /// Writes the facts, with the newest `nonces` nonces at most: 84 bytes and 8 for each, and the key of a record that it
    /// replaces.
    ///
    /// A nonce tells a commit whose answer was lost that its write arrived. With fewer of them, a commit learns that only
    /// while fewer others have followed it.
    pub fn to_bytes(&self, nonces: usize) -> Vec<u8> {
        let mut header = self.0.clone();
        header.keep_nonces(nonces);
        record::begin_session(&header, 0)
    }

    /// Returns when the absolute clock began.
    pub fn started_at(&self) -> Timestamp {
        self.0.started_at()
    }

    /// Returns when the last commit was made.
    pub fn committed_at(&self) -> Timestamp {
        self.0.committed_at()
    }

    /// Returns when the user logged in, if one did.
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.0.authenticated_at()
    }

    /// Sets when the user logged in; `None`: no user is logged in.
    pub fn set_authenticated_at(&mut self, at: Option<Timestamp>) {
        self.0.set_authenticated_at(at.unwrap_or(Timestamp::EPOCH));
    }

    /// Returns the number of the last commit. Flash values are born under one.
    pub fn commit_number(&self) -> u64 {
        self.0.number()
    }

    /// Returns the idle time that the session has of its own; `None`: as configured.
    pub fn own_idle(&self) -> Option<Duration> {
        self.0.own_idle()
    }

    /// Returns the idle time that was in force when it was written.
    pub fn idle(&self) -> Duration {
        self.0.written_idle()
    }

    /// Sets the idle time: `own` if it is not the configured one.
    pub fn set_idle(&mut self, idle: Duration, own: bool) {
        self.0.set_own_idle(own.then_some(idle));
        self.0.set_written_idle(idle);
    }

    /// Returns whether the cookie outlives the browser; `None`: as configured.
    pub fn persistent(&self) -> Option<bool> {
        self.0.persistent()
    }

    /// Sets whether the cookie outlives the browser.
    pub fn set_persistent(&mut self, persistent: bool) {
        self.0.set_persistent(persistent);
    }
}

/// The values of a session, in their order, not decoded.
#[derive(Clone, Debug)]
pub struct Members(Frames);

impl Members {
    pub(crate) const fn new(frames: Frames) -> Self {
        Self(frames)
    }

    /// Goes through the values.
    pub fn iter(&self) -> impl Iterator<Item = Member<'_>> {
        self.0.iter().map(|frame| Member {
            kind: match frame.tag {
                Tag::Value => MemberKind::Value,
                Tag::Flash { born } => MemberKind::Flash { born },
                Tag::Device => MemberKind::Device,
                Tag::Member => MemberKind::Foreign,
            },
            key: std::str::from_utf8(frame.key).unwrap_or_default(),
            value: &self.0.bytes()[frame.value],
        })
    }
}

/// One value of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member<'a> {
    /// What it is.
    pub kind: MemberKind,
    /// Its key; empty for a device.
    pub key: &'a str,
    /// Its bytes: JSON, but the name of a device is text.
    pub value: &'a [u8],
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("kind", &self.kind).field("key", &self.key).finish_non_exhaustive()
    }
}

/// What a [`Member`] is.
///
/// The kinds are complete: a store that translates payloads has to translate each of them, or it would lose values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A value.
    Value,
    /// A flash value, and the number of the commit that it was born under.
    Flash {
        /// The commit's number.
        born: u64,
    },
    /// The name of the user's device.
    Device,
    /// What the other package keeps beside the values. Handlers do not see it, and every commit carries it along.
    Foreign,
}

/// Puts a session's payload together.
#[derive(Debug)]
pub struct PayloadBuilder(Vec<u8>);

impl PayloadBuilder {
    /// Begins a payload, with room for `room` bytes of values.
    pub fn new(facts: &Facts, room: usize) -> Self {
        Self(record::begin_session(&facts.0, room))
    }

    /// Adds a value. The name of a device comes first: a list of the user's sessions reads the beginning of a payload only.
    pub fn add(&mut self, kind: MemberKind, key: &str, value: &[u8]) {
        let tag = match kind {
            MemberKind::Value => Tag::Value,
            MemberKind::Flash { born } => Tag::Flash { born },
            MemberKind::Device => Tag::Device,
            MemberKind::Foreign => Tag::Member,
        };
        write_frame(&mut self.0, tag, key, value);
    }

    /// Returns the payload.
    pub fn finish(self) -> Bytes {
        self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let mut header = Header::new(Timestamp::from_millis(5), [1; 16], [2; 16]);
        for nonce in 1..=9 {
            header.commit(nonce, Timestamp::from_millis(6), Duration::from_secs(60));
        }
        Facts(header)
    }

    #[test]
    fn facts_survive_their_bytes_and_keep_the_newest_nonces() {
        let facts = facts();
        assert_eq!(Facts::from_bytes(&facts.to_bytes(16)), Some(facts.clone()));
        let short = facts.to_bytes(6);
        assert_eq!(short.len(), 84 + 6 * 8);
        let read = Facts::from_bytes(&short).unwrap();
        assert!(read.0.remembers(9) && read.0.remembers(4) && !read.0.remembers(3));
        assert_eq!((read.commit_number(), read.started_at()), (9, facts.started_at()));
        for length in 0..short.len() {
            assert_eq!(Facts::from_bytes(&short[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn what_was_put_together_comes_apart_the_same() {
        let mut builder = PayloadBuilder::new(&facts(), 0);
        let members = [
            (MemberKind::Foreign, "cookie", b"{}".as_slice()),
            (MemberKind::Value, "views", b"1"),
            (MemberKind::Flash { born: 9 }, "info", b"\"hello\""),
            (MemberKind::Device, "", b"curl"),
        ];
        for (kind, key, value) in members {
            builder.add(kind, key, value);
        }
        let payload = builder.finish();
        let Some(Payload::Session(read, found)) = Payload::decode(&payload) else { panic!("no session") };
        assert_eq!(read, facts());
        assert_eq!(found.iter().map(|it| (it.kind, it.key, it.value)).collect::<Vec<_>>(), members);
    }
}
