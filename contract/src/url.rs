//! The URL of a store: one way to read its settings, and one name for each, in all stores.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::{Error, ErrorKind, Result};

/// Settings that have another name now: the old name and the new one.
const RENAMED: [(&str, &str); 11] = [
    ("answer_timeout", "request_timeout"),
    ("cache", "cache_bytes"),
    ("eviction", "allow_eviction"),
    ("largest_payload", "max_payload_bytes"),
    ("max_payload", "max_payload_bytes"),
    ("response_timeout", "request_timeout"),
    ("slack", "expiry_margin"),
    ("table_prefix", "prefix"),
    ("timeout", "request_timeout"),
    ("wait", "wait_for_replicas"),
    ("wait_timeout", "replica_timeout"),
];

/// Reads the URL of a store, `scheme:place?name=value&…`, for a store's `from_url`.
///
/// A store takes its settings out one by one, under the names of its builder's methods. `%XX` stands for what would mean
/// something else. No error repeats a part of the URL, which can hold a password.
///
/// ```
/// use cloakroom_store::StoreUrl;
/// use std::time::Duration;
///
/// let mut url = StoreUrl::parse("sqlite:sessions.db?prefix=shop_&busy_timeout=5s")?;
/// assert_eq!(url.path()?, "sessions.db");
/// assert_eq!(url.text("prefix")?.as_deref(), Some("shop_"));
/// assert_eq!(url.duration("busy_timeout")?, Some(Duration::from_secs(5)));
/// url.finish()?;
/// # Ok::<(), cloakroom_store::Error>(())
/// ```
#[derive(Clone)]
pub struct StoreUrl<'u> {
    whole: &'u str,
    scheme: &'u str,
    place: &'u str,
    settings: Vec<Setting<'u>>,
    /// The names that the store asked for, to say which there are.
    known: Vec<&'static str>,
}

#[derive(Clone)]
struct Setting<'u> {
    name: String,
    value: String,
    /// As it was written.
    raw: &'u str,
}

impl<'u> StoreUrl<'u> {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there is no scheme, a setting has no value, or `%XX` does not make a text.
    pub fn parse(url: &'u str) -> Result<Self> {
        let (scheme, rest) = url
            .split_once(':')
            .filter(|(scheme, _)| !scheme.is_empty())
            .ok_or_else(|| invalid("the url of a store looks like scheme:place?name=value"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let settings = query.split('&').filter(|raw| !raw.is_empty()).map(setting);
        let settings = settings.collect::<Result<_>>()?;
        Ok(Self { whole: url, scheme, place, settings, known: Vec::new() })
    }

    /// Returns what is before the first colon.
    pub const fn scheme(&self) -> &'u str {
        self.scheme
    }

    /// Returns the URL as it was written, without its settings. It can hold a password.
    pub fn without_settings(&self) -> &'u str {
        &self.whole[..self.scheme.len() + 1 + self.place.len()]
    }

    /// Returns the place as a path, for a store in files: `file:///var/x` and `file:/var/x` are the same.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is empty or not a text.
    pub fn path(&self) -> Result<String> {
        let path = decoded(self.place.strip_prefix("//").unwrap_or(self.place))?;
        if path.is_empty() {
            return Err(invalid("the url of this store needs a path after the colon"));
        }
        Ok(path)
    }

    /// Takes a setting out; `None` if it is not there.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is there under a name that it had before; the error names the new one.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>> {
        self.known.push(name);
        let old = self
            .settings
            .iter()
            .find_map(|setting| RENAMED.iter().find(|(old, new)| *new == name && *old == setting.name));
        if let Some((old, new)) = old {
            return Err(renamed(old, new));
        }
        let at = self.settings.iter().position(|setting| setting.name == name);
        Ok(at.map(|at| self.settings.remove(at).value))
    }

    /// Takes a setting out, read by `read`, which returns `None` for a value that is not one.
    ///
    /// # Errors
    /// As [`text`](Self::text); [`ErrorKind::Invalid`] also if the value cannot be read.
    pub fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.text(name)? else { return Ok(None) };
        let wrong = || invalid(format!("the value of the setting {name} cannot be read"));
        read(&value).map(Some).ok_or_else(wrong)
    }

    /// Takes a number or the like out.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parsed<T: FromStr>(&mut self, name: &'static str) -> Result<Option<T>> {
        self.read(name, |text| text.parse().ok())
    }

    /// Takes `true` or `false` out.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn flag(&mut self, name: &'static str) -> Result<Option<bool>> {
        self.parsed(name)
    }

    /// Takes a duration out: whole numbers, each with one of `ms`, `s`, `m`, `h` and `d`, as `1m30s`; or `0`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn duration(&mut self, name: &'static str) -> Result<Option<Duration>> {
        self.read(name, Self::span)
    }

    /// Reads a duration as the settings of URLs have it; `None` if it is not one.
    pub fn span(text: &str) -> Option<Duration> {
        duration(text)
    }

    /// Takes the name of a file out, and returns what the file holds.
    ///
    /// # Errors
    /// As [`text`](Self::text); [`ErrorKind::Setup`] if the file cannot be read.
    pub fn file(&mut self, name: &'static str) -> Result<Option<Vec<u8>>> {
        let Some(path) = self.text(name)? else { return Ok(None) };
        std::fs::read(path).map(Some).map_err(|error| {
            let message = format!("the file that the setting {name} names cannot be read");
            Error::new(ErrorKind::Setup, message).with_source(error)
        })
    }

    /// Ends the reading, for a store without other settings than those it has taken.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a setting is left: it is unknown, or there twice.
    pub fn finish(self) -> Result<()> {
        let Some(left) = self.settings.first() else { return Ok(()) };
        if let Some((old, new)) = RENAMED.iter().find(|(old, _)| *old == left.name) {
            return Err(renamed(old, new));
        }
        let mut known = self.known;
        known.sort_unstable();
        known.dedup();
        let known = if known.is_empty() { "no settings".to_owned() } else { known.join(", ") };
        Err(invalid(format!("a setting of the url is unknown, or there twice; there are {known}")))
    }

    /// Returns the URL with the settings that are left, for a client that reads them by itself. It can hold a password.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a setting that the store has taken is there twice.
    pub fn rest(self) -> Result<String> {
        let mut rest = self.without_settings().to_owned();
        for (at, setting) in self.settings.iter().enumerate() {
            if self.known.contains(&setting.name.as_str()) {
                return Err(invalid(format!("the setting {} is there twice", setting.name)));
            }
            rest.push(if at == 0 { '?' } else { '&' });
            rest.push_str(setting.raw);
        }
        Ok(rest)
    }
}

impl fmt::Debug for StoreUrl<'_> {
    /// Shows no password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreUrl").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

fn setting(raw: &str) -> Result<Setting<'_>> {
    let (name, value) = raw.split_once('=').ok_or_else(|| invalid("a setting of the url has no value"))?;
    Ok(Setting { name: decoded(name)?, value: decoded(value)?, raw })
}

fn decoded(text: &str) -> Result<String> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) if !text.contains('\0') => Ok(text.into_owned()),
        _ => Err(invalid("what the url writes with % is not a text")),
    }
}

fn duration(text: &str) -> Option<Duration> {
    let (mut total, mut rest) = (Duration::ZERO, text);
    while !rest.is_empty() && text != "0" {
        let unit = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let number: u32 = rest[..unit].parse().ok()?;
        let end = rest[unit..].find(|letter: char| letter.is_ascii_digit());
        let end = end.map_or(rest.len(), |end| unit + end);
        let unit = match &rest[unit..end] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(60 * 60),
            "d" => Duration::from_secs(24 * 60 * 60),
            _ => return None,
        };
        total = total.checked_add(unit.checked_mul(number)?)?;
        rest = &rest[end..];
    }
    Some(total).filter(|_| !text.is_empty())
}

fn renamed(old: &str, new: &str) -> Error {
    invalid(format!("the setting {old} is called {new} now"))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_scheme_a_place_and_settings() {
        let mut url = StoreUrl::parse("sqlite:a%3Fb.db?readers=2&prefix=x%26y&create=false").unwrap();
        assert_eq!((url.scheme(), url.path().unwrap().as_str()), ("sqlite", "a?b.db"));
        assert_eq!(url.without_settings(), "sqlite:a%3Fb.db");
        assert_eq!(url.parsed("readers").unwrap(), Some(2));
        assert_eq!(url.text("prefix").unwrap().as_deref(), Some("x&y"));
        assert_eq!(url.flag("create").unwrap(), Some(false));
        assert_eq!(url.text("create").unwrap(), None);
        url.finish().unwrap();
    }

    #[test]
    fn two_slashes_before_a_path_change_nothing() {
        for (url, path) in [("file:///var/x", "/var/x"), ("file:/var/x", "/var/x"), ("file:x", "x")] {
            assert_eq!(StoreUrl::parse(url).unwrap().path().unwrap(), path);
        }
    }

    #[test]
    fn a_client_gets_the_settings_that_are_left_as_they_were_written() {
        let mut url = StoreUrl::parse("postgres://u:p%40@h/d?prefix=a_&sslmode=disable&x=%26").unwrap();
        url.text("prefix").unwrap();
        assert_eq!(url.rest().unwrap(), "postgres://u:p%40@h/d?sslmode=disable&x=%26");
        let mut twice = StoreUrl::parse("postgres://h?prefix=a_&prefix=b_").unwrap();
        twice.text("prefix").unwrap();
        assert_eq!(twice.rest().unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn an_old_name_of_a_setting_is_an_error_that_names_the_new_one() {
        for (old, new) in RENAMED {
            let url = format!("redis://host?{old}=1");
            let mut asked = StoreUrl::parse(&url).unwrap();
            let error = asked.text(new).unwrap_err();
            assert_eq!(error.to_string(), format!("the setting {old} is called {new} now"));
            let error = StoreUrl::parse(&url).unwrap().finish().unwrap_err();
            assert_eq!(error.to_string(), format!("the setting {old} is called {new} now"));
        }
    }

    #[test]
    fn an_unknown_setting_is_an_error_that_names_the_known_ones_and_repeats_nothing() {
        let mut url = StoreUrl::parse("redis://:hunter2@host?hunter2=hunter2").unwrap();
        for known in ["prefix", "ca"] {
            url.text(known).unwrap();
        }
        let error = url.finish().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("ca, prefix"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn a_url_that_cannot_be_read_is_refused_and_not_repeated() {
        for url in ["", "hunter2", ":x", "file:x?hunter2", "file:x?a=%ff", "file:x?a=%00"] {
            let error = StoreUrl::parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
            assert!(!error.to_string().contains("hunter2"), "{url}");
        }
        assert!(StoreUrl::parse("file:").unwrap().path().is_err());
        assert!(!format!("{:?}", StoreUrl::parse("redis://:hunter2@h").unwrap()).contains("hunter2"));
    }

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("2m"), Some(Duration::from_secs(120)));
        assert_eq!(duration("1h30s"), Some(Duration::from_secs(3630)));
        assert_eq!(duration("0"), Some(Duration::ZERO));
        assert!(["", "3", "s", "-1s", "1h2", "1.5s"].iter().all(|text| duration(text).is_none()));
    }
}
