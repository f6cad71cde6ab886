//! What the packages with a `cookie` object in their bodies decide about a cookie.

use std::fmt;
use std::sync::Arc;

use cloakroom::RequestInfo;
use cloakroom::format::{FirstMember, IssuedCookie};

use crate::body::{Dialect, StoredCookie};
use crate::cookie::{Attributes, SameSite};

/// The name of the object, as it is written.
const MEMBER: &str = "\"cookie\"";

/// When the cookie carries `Secure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    Https,
    Never,
}

impl When {
    /// Returns whether a response may carry the cookie, and whether it then says `Secure`.
    pub(crate) fn decide(self, https: bool) -> Option<bool> {
        match self {
            Self::Always => https.then_some(true),
            Self::Https => Some(https),
            Self::Never => Some(false),
        }
    }
}

/// Chooses the attributes of a new session's cookie, given those of the options.
type Choose = dyn Fn(&RequestInfo, Attributes) -> Attributes + Send + Sync;

/// A function that chooses the attributes of a new session's cookie.
#[derive(Clone)]
pub(crate) struct Choice(pub(crate) Arc<Choose>);

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choice(..)")
    }
}

/// The application's options for the cookie.
#[derive(Debug)]
pub(crate) struct CookieOptions {
    /// Without a lifetime, which the engine decides.
    pub(crate) attributes: Attributes,
    pub(crate) secure: When,
    /// Whether `SameSite` is `None` over https and else `Lax`.
    pub(crate) same_site_auto: bool,
    pub(crate) dialect: Dialect,
    pub(crate) chosen: Option<Choice>,
}

impl CookieOptions {
    /// Returns whether a path is within the cookie's: it begins with the same characters, as the packages compare it.
    pub(crate) fn covers(&self, path: &str) -> bool {
        is_below(path, &self.attributes)
    }

    /// Returns whether a request's path is within that of the cookie that would be chosen for it.
    pub(crate) fn covers_request(&self, request: &RequestInfo) -> bool {
        let Some(choice) = &self.chosen else { return request.path().is_none_or(|path| self.covers(path)) };
        request.path().is_none_or(|path| is_below(path, &choice.0(request, self.attributes.clone())))
    }

    /// Returns the `cookie` object of a new session, if it depends on the request that begins the session: the packages
    /// keep what they decided then, and send it for as long as the session lives.
    pub(crate) fn first_member(&self, https: bool, request: Option<&RequestInfo>) -> FirstMember {
        let choice = self.chosen.as_ref().zip(request);
        if self.secure != When::Https && !self.same_site_auto && choice.is_none() {
            return Ok(None);
        }
        let mut attributes = Attributes {
            secure: if self.secure == When::Https { Some(https) } else { self.attributes.secure },
            ..self.new_attributes(https)
        };
        if let Some((choice, request)) = choice {
            attributes = super::without_lifetime(&choice.0(request, attributes));
            attributes.check()?;
        }
        // The store sets the lifetime when it writes.
        let cookie = StoredCookie::new(&attributes, 0, self.dialect);
        Ok(Some((MEMBER.to_owned(), cookie.to_json().as_str().to_owned())))
    }

    /// Returns the attributes that the session's cookie has; `None` if none may be sent over plain http.
    ///
    /// The package `cookies`, which Koa uses, marks every cookie as `Secure` that goes over https.
    pub(crate) fn of_session(&self, issued: &IssuedCookie<'_>) -> Option<Attributes> {
        let stored = issued.member(MEMBER).and_then(|json| std::str::from_utf8(json).ok());
        let attributes = match stored.and_then(|json| StoredCookie::parse(json, self.dialect)) {
            Some(stored) => {
                let attributes = stored.attributes();
                let secure = attributes.secure == Some(true);
                if secure && !issued.https {
                    return None;
                }
                attributes
            }
            None => {
                let is_secure = self.secure.decide(issued.https)?;
                let secure = if is_secure { Some(true) } else { self.attributes.secure.and(Some(false)) };
                Attributes { secure, ..self.new_attributes(issued.https) }
            }
        };
        let is_auto = matches!(self.dialect, Dialect::Koa | Dialect::SocialTables) && issued.https;
        let secure = attributes.secure.or(is_auto.then_some(true));
        Some(Attributes { max_age: lifetime(issued), expires: None, secure, ..attributes })
    }

    fn new_attributes(&self, https: bool) -> Attributes {
        let auto = if https { SameSite::None } else { SameSite::Lax };
        let same_site = if self.same_site_auto { Some(auto) } else { self.attributes.same_site };
        Attributes { same_site, ..self.attributes.clone() }
    }
}

/// Returns whether the path begins with the characters of the cookie's.
fn is_below(path: &str, cookie: &Attributes) -> bool {
    path.starts_with(cookie.path.as_deref().unwrap_or("/"))
}

/// Returns the lifetime that the engine has decided, in milliseconds.
pub(crate) fn lifetime(issued: &IssuedCookie<'_>) -> Option<i64> {
    issued.max_age.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}
