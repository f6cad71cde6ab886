//! The sessions of a request with several session layers.

use super::{RequestHead, RequestSession};

/// Names one of several sessions of an application, for the extractor `Named` of the adapters.
///
/// ```
/// use cloakroom::{Config, SessionName};
///
/// /// The session of the back office.
/// struct Admin;
///
/// impl SessionName for Admin {
///     const COOKIE: &'static str = "__Host-admin";
/// }
///
/// let config = Config::default().cookie_name(Admin::COOKIE);
/// ```
pub trait SessionName {
    /// The name of its cookie: that of [`Config::cookie_name`](crate::Config::cookie_name).
    const COOKIE: &'static str;
}

/// The sessions of a request that went through several session layers: one for each cookie name.
#[derive(Clone, Debug, Default)]
pub struct RequestSessions(Vec<RequestSession>);

impl RequestSessions {
    /// Adds the session of the innermost layer, in the place of one with the same cookie name.
    #[must_use]
    pub fn with(self, innermost: Option<&RequestSession>) -> Self {
        let Self(mut sessions) = self;
        if let Some(innermost) = innermost {
            sessions.retain(|known| known.manager().cookie_name() != innermost.manager().cookie_name());
            sessions.push(innermost.clone());
        }
        Self(sessions)
    }

    /// Reads what the request's headers say, for all of them: see [`RequestSession::note_headers`].
    pub fn note_headers(&self, head: &impl RequestHead) {
        self.0.iter().for_each(|session| session.note_headers(head));
    }

    /// Returns the session whose cookie has this name; `None` if the request went through no such layer.
    pub fn get(&self, cookie_name: &str) -> Option<&RequestSession> {
        self.0.iter().find(|session| session.manager().cookie_name() == cookie_name)
    }
}
