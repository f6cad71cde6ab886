//! The attributes in a `Set-Cookie` header.

use super::CookieError;
use crate::date::to_utc_string;

/// The attributes of a cookie, with the defaults of express-session: `Path=/; HttpOnly`, until the browser closes.
///
/// ```
/// # use cloakroom_node::cookie::{Attributes, SameSite};
/// let week = Attributes { max_age: Some(604_800_000), same_site: Some(SameSite::Lax), ..Attributes::default() };
/// assert_eq!(week.path.as_deref(), Some("/"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The lifetime in milliseconds from now. It takes precedence over `expires`. `None`: until the browser closes.
    pub max_age: Option<i64>,
    /// The end, in milliseconds since 1970.
    pub expires: Option<i64>,
    /// Whether scripts of the page cannot read the cookie.
    pub http_only: bool,
    /// The path; `None` omits the attribute.
    pub path: Option<String>,
    /// The domain; `None` means the host of the response.
    pub domain: Option<String>,
    /// Whether browsers send it over HTTPS only. `None` and `Some(false)` differ in stored bodies, and for Koa: Koa
    /// without this option marks a cookie secure if the request came over HTTPS, so pass `Some(true)` then.
    pub secure: Option<bool>,
    /// Which requests from other sites send it.
    pub same_site: Option<SameSite>,
    /// Whether it is partitioned by top-level site. `None` and `Some(false)` differ in stored bodies only.
    pub partitioned: Option<bool>,
    /// Which cookies a browser evicts first.
    pub priority: Option<Priority>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            max_age: None,
            expires: None,
            http_only: true,
            path: Some("/".to_owned()),
            domain: None,
            secure: None,
            same_site: None,
            partitioned: None,
            priority: None,
        }
    }
}

/// Which requests from other sites send a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSite {
    /// None of them.
    Strict,
    /// Navigations.
    Lax,
    /// All of them; browsers want `Secure` too.
    None,
}

/// Which cookies a browser evicts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Priority {
    /// Dropped first.
    Low,
    /// The default.
    Medium,
    /// Dropped last.
    High,
}

impl SameSite {
    /// Returns the value as the packages' options have it: `lax`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Lax => "lax",
            Self::None => "none",
        }
    }

    /// Reads the value in any case, as the packages do.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Strict, Self::Lax, Self::None]
            .into_iter()
            .find(|site| text.eq_ignore_ascii_case(site.as_str()))
    }
}

impl Priority {
    /// Returns the value as the packages' options have it: `high`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Reads the value in any case, as the packages do.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High]
            .into_iter()
            .find(|priority| text.eq_ignore_ascii_case(priority.as_str()))
    }
}

impl Attributes {
    /// Returns when the cookie expires, in milliseconds since 1970.
    fn end(&self, now: i64) -> Option<i64> {
        self.max_age.map(|age| now.saturating_add(age)).or(self.expires)
    }

    /// Returns an error if a cookie cannot have the path or the domain.
    pub(crate) fn check(&self) -> Result<(), CookieError> {
        self.checked_path()?;
        self.checked_domain().map(drop)
    }

    fn checked_path(&self) -> Result<Option<&str>, CookieError> {
        match self.path.as_deref() {
            None | Some("") => Ok(None),
            Some(path) if path.bytes().all(|b| matches!(b, b' '..=b':' | b'='..=b'~')) => Ok(Some(path)),
            Some(_) => Err(CookieError::Path),
        }
    }

    fn checked_domain(&self) -> Result<Option<&str>, CookieError> {
        match self.domain.as_deref() {
            None | Some("") => Ok(None),
            Some(domain) if domain.strip_prefix('.').unwrap_or(domain).split('.').all(is_label) => {
                Ok(Some(domain))
            }
            Some(_) => Err(CookieError::Domain),
        }
    }

    /// Writes them as the package `cookie` from 0.7.
    pub(super) fn write_as_cookie(&self, header: &mut String, now: i64) -> Result<(), CookieError> {
        push(header, "; Domain=", self.checked_domain()?);
        push(header, "; Path=", self.checked_path()?);
        push(header, "; Expires=", self.end(now).map(to_utc_string).as_deref());
        push_if(header, "; HttpOnly", self.http_only);
        push_if(header, "; Secure", self.secure == Some(true));
        push_if(header, "; Partitioned", self.partitioned == Some(true));
        push(header, "; Priority=", self.priority.map(|priority| capital(priority.as_str())).as_deref());
        push(header, "; SameSite=", self.same_site.map(|site| capital(site.as_str())).as_deref());
        Ok(())
    }

    /// Writes them as the package `cookie` 0.1.5, which has no newer attributes.
    pub(super) fn write_as_cookie_0_1(&self, header: &mut String, now: i64) -> Result<(), CookieError> {
        push(header, "; Max-Age=", self.max_age.map(seconds).as_deref());
        push(header, "; Domain=", self.checked_domain()?);
        push(header, "; Path=", self.checked_path()?);
        push(header, "; Expires=", self.end(now).map(to_utc_string).as_deref());
        push_if(header, "; HttpOnly", self.http_only);
        push_if(header, "; Secure", self.secure == Some(true));
        Ok(())
    }

    /// Writes them as the package `cookies`, which treats a lifetime of 0 as not set.
    pub(super) fn write_as_cookies(&self, header: &mut String, now: i64) -> Result<(), CookieError> {
        let age = self.max_age.filter(|age| *age != 0);
        let end = age.map(|age| now.saturating_add(age)).or(self.expires);
        push(header, "; path=", self.checked_path()?);
        push(header, "; expires=", end.map(to_utc_string).as_deref());
        push(header, "; domain=", self.checked_domain()?);
        push(header, "; priority=", self.priority.map(Priority::as_str));
        push(header, "; samesite=", self.same_site.map(SameSite::as_str));
        push_if(header, "; secure", self.secure == Some(true));
        push_if(header, "; httponly", self.http_only);
        push_if(header, "; partitioned", self.partitioned == Some(true));
        Ok(())
    }
}

fn push(header: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        header.push_str(name);
        header.push_str(value);
    }
}

fn push_if(header: &mut String, flag: &str, set: bool) {
    if set {
        header.push_str(flag);
    }
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}

/// Writes milliseconds as seconds, like a JavaScript number: `1.5` for 1500.
fn seconds(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let (whole, rest) = (ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{rest:03}").trim_end_matches('0').to_owned()
}

/// Returns whether this is a label of a domain name: letters, digits and inner hyphens, 63 at most.
fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    let ends_well = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() <= 63
        && ends_well(bytes.first())
        && ends_well(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::{Attributes, CookieError, Priority, SameSite, seconds};

    fn all() -> Attributes {
        Attributes {
            max_age: Some(1500),
            domain: Some(".example.com".to_owned()),
            path: Some("/shop".to_owned()),
            secure: Some(true),
            same_site: Some(SameSite::None),
            partitioned: Some(true),
            priority: Some(Priority::Medium),
            ..Attributes::default()
        }
    }

    #[test]
    fn each_package_has_its_own_order_and_case() {
        let (mut new, mut old, mut koa) = (String::new(), String::new(), String::new());
        all().write_as_cookie(&mut new, 0).unwrap();
        all().write_as_cookie_0_1(&mut old, 0).unwrap();
        all().write_as_cookies(&mut koa, 0).unwrap();
        assert_eq!(
            new,
            "; Domain=.example.com; Path=/shop; Expires=Thu, 01 Jan 1970 00:00:01 GMT; HttpOnly; Secure; \
             Partitioned; Priority=Medium; SameSite=None"
        );
        assert_eq!(
            old,
            "; Max-Age=1.5; Domain=.example.com; Path=/shop; Expires=Thu, 01 Jan 1970 00:00:01 GMT; HttpOnly; \
             Secure"
        );
        assert_eq!(
            koa,
            "; path=/shop; expires=Thu, 01 Jan 1970 00:00:01 GMT; domain=.example.com; priority=medium; \
             samesite=none; secure; httponly; partitioned"
        );
    }

    #[test]
    fn an_attribute_cannot_smuggle_another_one_in() {
        for path in ["/; Domain=evil.example", "/\r\nSet-Cookie: a=b", "/é", "/<", "\t"] {
            let attributes = Attributes { path: Some(path.to_owned()), ..all() };
            assert_eq!(attributes.write_as_cookie(&mut String::new(), 0), Err(CookieError::Path), "{path}");
            assert_eq!(
                attributes.write_as_cookie_0_1(&mut String::new(), 0),
                Err(CookieError::Path),
                "{path}"
            );
            assert_eq!(attributes.write_as_cookies(&mut String::new(), 0), Err(CookieError::Path), "{path}");
        }
        for domain in ["a; Secure", "a..b", "-a", "a-", "a_b", "é.example", ".", " a"] {
            let attributes = Attributes { domain: Some(domain.to_owned()), ..all() };
            assert_eq!(
                attributes.write_as_cookie(&mut String::new(), 0),
                Err(CookieError::Domain),
                "{domain}"
            );
        }
    }

    #[test]
    fn seconds_are_printed_like_a_javascript_number() {
        for (ms, text) in [(0, "0"), (300_000, "300"), (1500, "1.5"), (1050, "1.05"), (-1001, "-1.001")] {
            assert_eq!(seconds(ms), text);
        }
    }

    #[test]
    fn same_site_and_priority_are_read_in_any_case() {
        assert_eq!(SameSite::parse("LAX"), Some(SameSite::Lax));
        assert_eq!(SameSite::parse("lax "), None);
        assert_eq!(Priority::parse("High"), Some(Priority::High));
        assert_eq!(Priority::parse(""), None);
    }
}
