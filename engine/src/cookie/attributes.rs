//! The attributes of the cookie, and its `Set-Cookie` header.

use std::time::Duration;

use super::{Codec, MAX_AGE, MAX_ATTRIBUTE, MAX_PAIR, domain};
use crate::state::CookieLifetime;
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
    /// The name without its prefix, where `name` is not set.
    pub(crate) base_name: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) secure: Secure,
    pub(crate) http_only: bool,
    pub(crate) same_site: Option<SameSite>,
    pub(crate) partitioned: bool,
    /// Whether a removal reaches the partitioned jar and the other one.
    pub(crate) both_jars: bool,
    /// Whether the cookie is also looked for behind a comma although its name has a prefix.
    pub(crate) behind_commas: bool,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            name: None,
            base_name: None,
            path: Some("/".into()),
            domain: None,
            secure: Secure::Always,
            http_only: true,
            same_site: Some(SameSite::Lax),
            partitioned: false,
            both_jars: false,
            behind_commas: false,
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
    /// For a session whose `SameSite` is another one.
    attributes: Box<Attributes>,
    /// The removal of the cookie in the other jar, while `Partitioned` is being switched.
    other_jar: Option<Box<str>>,
    domain: Option<Box<str>>,
    /// Whether the cookie may also begin behind a comma.
    pub(crate) reads_behind_commas: bool,
}

impl Attributes {
    /// Returns the name: by default the stem, with the strictest prefix that the other attributes allow.
    pub(crate) fn effective_name(&self, stem: &str) -> String {
        let prefix = match (&self.name, self.secure, &self.domain, self.path.as_deref()) {
            (Some(name), ..) => return name.clone(),
            (None, Secure::Always, None, Some("/")) => "__Host-",
            (None, Secure::Always, ..) => "__Secure-",
            (None, ..) => "",
        };
        format!("{prefix}{}", self.base_name.as_deref().unwrap_or(stem))
    }

    /// Checks the attributes of the session's cookie against each other and writes them.
    pub(crate) fn template(&self, codec: &Codec) -> Result<Template, ConfigError> {
        self.template_named(&self.effective_name("session"), codec.length())
    }

    /// Checks the attributes of a cookie with values of this length.
    pub(crate) fn template_named(&self, name: &str, length: usize) -> Result<Template, ConfigError> {
        self.check_text(name, length)?;
        self.check_prefix(name)?;
        let other_jar = self.both_jars.then(|| {
            let other =
                Self { partitioned: !self.partitioned, same_site: Some(SameSite::None), ..self.clone() };
            format!("{name}={GONE}{}", other.written(true)).into_boxed_str()
        });
        Ok(Template {
            name: name.into(),
            secure: self.secure,
            plain: self.written(false),
            secured: self.written(true),
            attributes: Box::new(self.clone()),
            other_jar,
            // Any host of the domain can set a cookie whose value looks like another cookie behind a comma.
            reads_behind_commas: self.behind_commas || !name.starts_with("__"),
            domain: self.domain.as_deref().map(Box::from),
        })
    }

    /// Writes everything after the value and `Max-Age`.
    fn written(&self, secure: bool) -> Box<str> {
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
    }

    /// Checks the `SameSite` of one session against the other attributes.
    pub(crate) fn allows(&self, same_site: SameSite) -> Result<(), ConfigError> {
        Self { same_site: Some(same_site), ..self.clone() }.check_other_sites()
    }

    fn check_text(&self, name: &str, length: usize) -> Result<(), ConfigError> {
        if !is_cookie_name(name) {
            return Err(ConfigError::new(&["cookie_name"], "the name is not a token as RFC 6265 defines it"));
        }
        if name.len() + length > MAX_PAIR {
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
        if self.both_jars && !secure {
            return Err(ConfigError::new(
                &["switching_partitioned", "secure"],
                "browsers refuse Partitioned unless the cookie is always Secure",
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

/// The value of a cookie that is to go, and what makes it go.
const GONE: &str = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";

/// Returns whether browsers take a cookie of this name.
pub(crate) fn is_cookie_name(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    !name.is_empty() && name.bytes().all(token)
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
    /// Returns the header that hands out `id`, with what its session has of its own.
    #[inline]
    pub(crate) fn set_for(
        &self,
        codec: &Codec,
        id: &SessionId,
        cookie: CookieLifetime,
        https: bool,
    ) -> String {
        let write = |out: &mut String| codec.write(&self.name, id, out);
        match cookie.same_site {
            None => self.written_with("", codec.length(), write, cookie.max_age, self.suffix(https)),
            same_site => {
                let attributes = Attributes { same_site, ..(*self.attributes).clone() };
                let suffix = attributes.written(self.is_secure(https));
                self.written_with("", codec.length(), write, cookie.max_age, &suffix)
            }
        }
    }

    /// Returns the header that sets a value of `length` bytes, which `write` appends, in the cookie whose name has `more`.
    pub(crate) fn set_written(
        &self,
        more: &str,
        length: usize,
        write: impl FnOnce(&mut String),
        max_age: Option<Duration>,
        https: bool,
    ) -> String {
        self.written_with(more, length, write, max_age, self.suffix(https))
    }

    /// Does the same with these attributes; without `max_age` the cookie ends with the browser.
    #[inline]
    fn written_with(
        &self,
        more: &str,
        length: usize,
        write: impl FnOnce(&mut String),
        max_age: Option<Duration>,
        suffix: &str,
    ) -> String {
        const MAX_AGE_IS: &str = "; Max-Age=";
        let mut digits = itoa::Buffer::new();
        let seconds = max_age.map(|max_age| {
            let seconds = max_age.as_secs().saturating_add(u64::from(max_age.subsec_nanos() > 0));
            digits.format(seconds.min(MAX_AGE))
        });
        let lifetime = seconds.map_or(0, |seconds| MAX_AGE_IS.len() + seconds.len());
        // To the byte, so that making a header of it copies nothing.
        let mut out =
            String::with_capacity(self.name.len() + more.len() + 1 + length + lifetime + suffix.len());
        out.push_str(&self.name);
        out.push_str(more);
        out.push('=');
        write(&mut out);
        if let Some(seconds) = seconds {
            out.push_str(MAX_AGE_IS);
            out.push_str(seconds);
        }
        out.push_str(suffix);
        out
    }

    /// Returns the header that takes the cookie away: the same path, domain and flags, or browsers would keep it.
    pub(crate) fn remove(&self, https: bool) -> String {
        self.remove_suffixed("", https)
    }

    /// Does the same for the cookie whose name has `more`.
    pub(crate) fn remove_suffixed(&self, more: &str, https: bool) -> String {
        let mut out = String::with_capacity(self.name.len() + more.len() + self.secured.len() + 48);
        out.push_str(&self.name);
        out.push_str(more);
        out.push('=');
        out.push_str(GONE);
        out.push_str(self.suffix(https));
        out
    }

    /// Returns the header that takes the cookie of the other jar away, while `Partitioned` is being switched on or off.
    pub(crate) fn remove_in_other_jar(&self) -> Option<&str> {
        self.other_jar.as_deref()
    }

    /// Returns the headers that take a cookie of a former library away.
    pub(crate) fn remove_old(&self, name: &str, https: bool) -> Vec<String> {
        let secure = if self.is_secure(https) { "; Secure" } else { "" };
        let of_host = format!("{name}={GONE}; Path=/; HttpOnly{secure}");
        let of_domain = self.domain.as_deref().map(|domain| format!("{of_host}; Domain={domain}"));
        std::iter::once(of_host.clone()).chain(of_domain).collect()
    }

    fn suffix(&self, https: bool) -> &str {
        if self.is_secure(https) { &self.secured } else { &self.plain }
    }

    const fn is_secure(&self, https: bool) -> bool {
        match self.secure {
            Secure::Always => true,
            Secure::Auto => https,
            Secure::Never => false,
        }
    }
}

#[cfg(test)]
#[path = "attributes_tests.rs"]
mod tests;
