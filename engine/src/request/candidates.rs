//! The ids that a request brought.

use crate::SessionId;
use crate::observe::RejectReason;

/// How many trips to the store finding the session of a request takes at most, whatever the client sends.
pub(crate) const MOST_LOOKUPS: usize = 3;

/// The same for signed cookies, which cannot be made up.
pub(crate) const MOST_LOOKUPS_SIGNED: usize = 8;

/// How many cookies of our name are read, and verified if they are signed, whatever the client sends.
const MOST_COOKIES: usize = 16;

/// The ids that a request brought, each once, in the order of the headers.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    first: Option<SessionId>,
    read: usize,
    more: Option<Box<More>>,
}

/// What hardly any request brings.
#[derive(Debug, Default)]
struct More {
    others: Vec<SessionId>,
    is_malformed: bool,
    is_forged: bool,
    /// Set-Cookie headers for a response that used its session.
    also_send: Vec<String>,
}

impl Candidates {
    pub(crate) fn add(&mut self, id: SessionId) {
        self.read += 1;
        if self.first.is_none() {
            self.first = Some(id);
        } else if !self.iter().any(|other| *other == id) {
            self.more().others.push(id);
        }
    }

    /// Notes a cookie that is not an id; returns whether it is the first of its kind.
    pub(crate) fn reject(&mut self, reason: RejectReason) -> bool {
        self.read += 1;
        let more = self.more();
        let seen = if reason == RejectReason::Forged { &mut more.is_forged } else { &mut more.is_malformed };
        !std::mem::replace(seen, true)
    }

    pub(crate) fn also_send(&mut self, set_cookie: String) {
        self.more().also_send.push(set_cookie);
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// Returns `Set-Cookie` headers that a format sends in any case.
    pub(crate) fn to_send(&self) -> &[String] {
        self.more.as_ref().map_or(&[], |more| &more.also_send)
    }

    /// Returns whether there were cookies of the name, and none of them could be an id.
    pub(crate) const fn has_no_id(&self) -> bool {
        self.first.is_none() && self.read > 0
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.read >= MOST_COOKIES
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &SessionId> {
        self.first.iter().chain(self.more.iter().flat_map(|more| &more.others))
    }

    /// Returns the ids behind the first `n`.
    pub(crate) fn behind(&self, n: usize) -> Vec<SessionId> {
        if self.more.is_none() && n > 0 {
            return Vec::new();
        }
        self.iter().skip(n).cloned().collect()
    }
}
