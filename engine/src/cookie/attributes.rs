//! The attributes of the cookie, and its `Set-Cookie` header.

use std::time::Duration;

use super::{Codec, MAX_AGE, MAX_ATTRIBUTE, MAX_PAIR, domain};
use crate::{ConfigError, SessionId};

/// When the cookie carries `Secure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Secure {
    /// Always; browsers then send it over https only (and to localhost).
    #[default]
    Always,
    /// When the request came over https, as far as the adapter and [`trust_forwarded_proto`](crate::Config::trust_forwarded_proto) can tell.
    Auto,
    /// Never: for development over plain http. See [`Config::plain_http`](crate::Config::plain_http).
    Never,
}

/// Which requests from other sites carry the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SameSite {
    /// None. A link from another site arrives without its session.
    Strict,
    /// Only links that the user follows.
    #[default]
    Lax,
    /// All. Needs `Secure`.
    None,
}

/// The attributes of the cookie. The name is always written out: what is sent is what is read.
#[derive(Clone, Debug)]
pub(crate) struct Attributes {
    pub(crate) name: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) secure: Secure,
    pub(crate) http_only: bool,
    pub(crate) same_site: Option<SameSite>,
    pub(crate) partitioned: bool,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            name: None,
            path: Some("/".into()),
            domain: None,
            secure: Secure::Always,
            http_only: true,
            same_site: Some(SameSite::Lax),
            partitioned: false,
        }
    }
}

/// A cookie whose attributes were checked and written once.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) name: Box<str>,
    secure: Secure,
    /// Everything after the value and `Max-Age`, without and with `Secure`.
    plain: Box<str>,
    secured: Box<str>,
}

impl Attributes {
    /// Returns the name, by default with the strictest prefix that the other attributes allow.
    fn effective_name(&self) -> &str {
        match (&self.name, self.secure, &self.domain, self.path.as_deref()) {
            (Some(name), ..) => name,
            (None, Secure::Always, None, Some("/")) => "__Host-session",
            (None, Secure::Always, ..) => "__Secure-session",
            (None, ..) => "session",
        }
    }

    /// Checks the attributes against each other and writes them.
    pub(crate) fn template(&self, codec: &Codec) -> Result<Template, ConfigError> {
        let name = self.effective_name();
        self.check_text(name, codec)?;
        self.check_prefix(name)?;
        let suffix = |secure: bool| {
            let mut out = String::new();
            let mut put = |name: &str, value: Option<&str>| {
                out.push_str("; ");
                out.push_str(name);
                if let Some(value) = value {
                    out.push('=');
                    out.push_str(value);
                }
            };
            let same_site = self.same_site.map(SameSite::as_str);
            let valued = |name, value: Option<_>| value.map(|value| (name, Some(value)));
            let flag = |name, set: bool| set.then_some((name, None));
            let attributes = [
                valued("Path", self.path.as_deref()),
                valued("Domain", self.domain.as_deref()),
                flag("HttpOnly", self.http_only),
                flag("Secure", secure),
                valued("SameSite", same_site),
                flag("Partitioned", self.partitioned),
            ];
            for (name, value) in attributes.into_iter().flatten() {
                put(name, value);
            }
            out.into_boxed_str()
        };
        Ok(Template { name: name.into(), secure: self.secure, plain: suffix(false), secured: suffix(true) })
    }

    fn check_text(&self, name: &str, codec: &Codec) -> Result<(), ConfigError> {
        let token = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(ConfigError::new(&["cookie_name"], "the name is not a token as RFC 6265 defines it"));
        }
        if name.len() + codec.length() > MAX_PAIR {
            let message = format!("name and value have at most {MAX_PAIR} bytes together");
            return Err(ConfigError::new(&["cookie_name"], message));
        }
        for (option, value) in [("cookie_path", &self.path), ("cookie_domain", &self.domain)] {
            let Some(value) = value else { continue };
            let clean = value.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b';');
            if !clean || value.is_empty() || value.len() > MAX_ATTRIBUTE {
                let message = format!("has 1 to {MAX_ATTRIBUTE} printable bytes other than a semicolon");
                return Err(ConfigError::new(&[option], message));
            }
        }
        if self.path.as_deref().is_some_and(|path| !path.starts_with('/')) {
            return Err(ConfigError::new(&["cookie_path"], "begins with a slash"));
        }
        self.domain.as_deref().map_or(Ok(()), domain::check)
    }

    fn check_prefix(&self, name: &str) -> Result<(), ConfigError> {
        let contradicts = |option, message| Err(ConfigError::new(&["cookie_name", option], message));
        let begins =
            |prefix: &str| name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        let host = begins("__Host-");
        let http = begins("__Http-") || begins("__Host-Http-");
        if (host || http || begins("__Secure-")) && self.secure != Secure::Always {
            return contradicts(
                "secure",
                "browsers refuse a name with this prefix unless it is always Secure",
            );
        }
        if host && self.domain.is_some() {
            return contradicts("cookie_domain", "browsers refuse a __Host- cookie with a domain");
        }
        if host && self.path.as_deref() != Some("/") {
            return contradicts("cookie_path", "browsers refuse a __Host- cookie whose path is not /");
        }
        if http && !self.http_only {
            return contradicts("http_only", "browsers refuse a name with this prefix unless it is HttpOnly");
        }
        self.check_other_sites()
    }

    /// Checks what browsers want of a cookie that requests from other sites carry.
    fn check_other_sites(&self) -> Result<(), ConfigError> {
        let to_all = self.same_site == Some(SameSite::None);
        let secure = self.secure == Secure::Always;
        if self.partitioned && !secure {
            return Err(ConfigError::new(
                &["partitioned", "secure"],
                "browsers refuse Partitioned unless the cookie is always Secure",
            ));
        }
        if to_all && !secure {
            return Err(ConfigError::new(
                &["same_site", "secure"],
                "browsers refuse SameSite=None unless the cookie is always Secure",
            ));
        }
        if self.partitioned && !to_all {
            return Err(ConfigError::new(
                &["partitioned", "same_site"],
                "Partitioned is for requests from other sites, which need SameSite=None",
            ));
        }
        Ok(())
    }
}

impl SameSite {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

impl Template {
    /// Returns the header that hands out `id`; without `max_age` the cookie ends with the browser.
    pub(crate) fn set(
        &self,
        codec: &Codec,
        id: &SessionId,
        max_age: Option<Duration>,
        https: bool,
    ) -> String {
        const MAX_AGE_IS: &str = "; Max-Age=";
        let (suffix, mut digits) = (self.suffix(https), itoa::Buffer::new());
        let seconds = max_age.map(|max_age| {
            let seconds = max_age.as_secs().saturating_add(u64::from(max_age.subsec_nanos() > 0));
            digits.format(seconds.min(MAX_AGE))
        });
        let lifetime = seconds.map_or(0, |seconds| MAX_AGE_IS.len() + seconds.len());
        // To the byte, so that making a header of it copies nothing.
        let mut out = String::with_capacity(self.name.len() + 1 + codec.length() + lifetime + suffix.len());
        out.push_str(&self.name);
        out.push('=');
        codec.write(&self.name, id, &mut out);
        if let Some(seconds) = seconds {
            out.push_str(MAX_AGE_IS);
            out.push_str(seconds);
        }
        out.push_str(suffix);
        out
    }

    /// Returns the header that takes the cookie away: the same path, domain and flags, or browsers would keep it.
    pub(crate) fn remove(&self, https: bool) -> String {
        let mut out = String::with_capacity(self.name.len() + self.secured.len() + 48);
        out.push_str(&self.name);
        out.push_str("=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        out.push_str(self.suffix(https));
        out
    }

    fn suffix(&self, https: bool) -> &str {
        let secure = match self.secure {
            Secure::Always => true,
            Secure::Auto => https,
            Secure::Never => false,
        };
        if secure { &self.secured } else { &self.plain }
    }
}

#[cfg(test)]
#[path = "attributes_tests.rs"]
mod tests;
