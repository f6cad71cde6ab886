//! Cookies of another package.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use cloakroom_store::Timestamp;

use crate::observe::RejectReason;
use crate::record::{Frames, Tag};
use crate::request::Candidates;
use crate::{RequestInfo, SessionId};

/// Reads and writes the session cookies of another package.
///
/// Give it to [`Config::cookie_format`](crate::Config::cookie_format); it then takes the place of the options that shape
/// the cookie: its name, path, domain, flags and signature.
pub trait CookieFormat: fmt::Debug + Send + Sync + 'static {
    /// Returns the name of the cookie that holds the id.
    fn cookie_name(&self) -> &str;

    /// Reads the ids of a request when it first uses its session: most never do, and reading verifies signatures.
    /// `headers` are the values of its `Cookie` headers, which may have been joined by `; `.
    ///
    /// Where the other package looks at the first of several cookies of one name only, at most one id is added.
    fn read(&self, headers: &mut dyn Iterator<Item = &[u8]>, found: &mut FoundIds<'_>);

    /// Makes an id from 32 random bytes: 1 to 255 bytes of text.
    fn new_id(&self, random: &[u8; 32]) -> String;

    /// Returns the values of the `Set-Cookie` headers that hand out an id.
    fn issue(&self, cookie: &IssuedCookie<'_>) -> Vec<String>;

    /// Returns the values of the `Set-Cookie` headers that take the cookie away. Empty where the other package leaves the
    /// cookie to expire.
    fn remove(&self, https: bool) -> Vec<String>;

    /// Returns whether a request for `path` may have a session. A handler that asks for one all the same gets an
    /// [`Unsupported`](crate::ErrorKind::Unsupported) error. Default: yes.
    fn covers(&self, path: &str) -> bool {
        let _ = path;
        true
    }

    /// Returns whether the format looks at more of a request than cookies and path. The head of each request is then copied
    /// for [`covers_request`](Self::covers_request) and [`first_member`](Self::first_member). Default: no.
    fn reads_requests(&self) -> bool {
        false
    }

    /// Returns whether a request may have a session, where the format [reads requests](Self::reads_requests). Default: if
    /// its path is [covered](Self::covers), or unknown.
    fn covers_request(&self, request: &RequestInfo) -> bool {
        request.path().is_none_or(|path| self.covers(path))
    }

    /// Returns a member that a new session begins with, for what depends on its first request: its name and its value as
    /// the package writes them. `request` is there if the format [reads requests](Self::reads_requests).
    /// Default: none.
    ///
    /// # Errors
    /// A handler that asks for the session gets an [`Invalid`](crate::ErrorKind::Invalid) error with this source.
    fn first_member(&self, https: bool, request: Option<&RequestInfo>) -> FirstMember {
        let _ = (https, request);
        Ok(None)
    }

    /// Returns whether the other package cannot keep a value under `key`. A handler that inserts one gets an
    /// [`Invalid`](crate::ErrorKind::Invalid) error. Default: no key.
    fn reserves(&self, key: &str) -> bool {
        let _ = key;
        false
    }
}

/// Name and value of a member that a new session begins with, if there is one; see [`CookieFormat::first_member`].
pub type FirstMember = Result<Option<(String, String)>, Box<dyn Error + Send + Sync>>;

/// What a format needs to write a cookie.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct IssuedCookie<'a> {
    /// The id. Never log it.
    pub id: &'a str,
    /// The present.
    pub now: Timestamp,
    /// How long the browser keeps the cookie from now on; `None`: until it is closed.
    pub max_age: Option<Duration>,
    /// Whether the request came over https, as far as is known.
    pub https: bool,
    members: Option<&'a Frames>,
}

impl fmt::Debug for IssuedCookie<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedCookie")
            .field("now", &self.now)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

impl<'a> IssuedCookie<'a> {
    /// Makes one; a format is given it.
    pub const fn new(id: &'a str, now: Timestamp, max_age: Option<Duration>, https: bool) -> Self {
        Self { id, now, max_age, https, members: None }
    }

    pub(crate) const fn of_session(self, members: &'a Frames) -> Self {
        Self { members: Some(members), ..self }
    }

    /// Returns what the other package keeps beside the session's values under `name`, both as they are written.
    pub fn member(&self, name: &str) -> Option<&'a [u8]> {
        let frames = self.members?;
        let found = frames.iter().find(|frame| frame.tag == Tag::Member && frame.key == name.as_bytes())?;
        Some(&frames.bytes()[found.value])
    }
}

/// Collects what a [`CookieFormat`] finds in a request.
#[derive(Debug)]
pub struct FoundIds<'a> {
    candidates: &'a mut Candidates,
    pub(crate) refused: Option<RejectReason>,
}

impl<'a> FoundIds<'a> {
    pub(crate) const fn new(candidates: &'a mut Candidates) -> Self {
        Self { candidates, refused: None }
    }

    /// Adds an id that the request brought; one that is empty or longer than 255 bytes counts as malformed.
    pub fn add(&mut self, id: &str) {
        match SessionId::foreign(id) {
            Some(id) => self.candidates.add(id),
            None => self.malformed(),
        }
    }

    /// Notes a cookie that is not an id.
    pub fn malformed(&mut self) {
        self.reject(RejectReason::Malformed);
    }

    /// Notes a cookie whose signature is wrong.
    pub fn forged(&mut self) {
        self.reject(RejectReason::Forged);
    }

    /// Sends a `Set-Cookie` header with this value if the handler uses the session: one that is signed with the newest
    /// key, or one that takes away what cannot be read.
    pub fn also_send(&mut self, set_cookie: String) {
        self.candidates.also_send(set_cookie);
    }

    fn reject(&mut self, reason: RejectReason) {
        if self.candidates.reject(reason) {
            self.refused = Some(reason);
        }
    }
}
