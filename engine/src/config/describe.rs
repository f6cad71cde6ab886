//! What a configuration amounts to, for people and for programs that check it.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Config;
use crate::{SameSite, Secure};

/// What a [`Config`] amounts to, from [`Config::describe`]: its options and their values, those that were set and those
/// that were not. It holds no secret.
///
/// `Display` writes a line for each option. It serializes as an object; lifetimes are in seconds there.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    options: Vec<(&'static str, Setting)>,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq)]
enum Setting {
    Flag(bool),
    Number(u64),
    Text(String),
    Span(Duration),
    Unset,
}

impl From<bool> for Setting {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<usize> for Setting {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl From<u32> for Setting {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<&str> for Setting {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Setting {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Duration> for Setting {
    fn from(span: Duration) -> Self {
        Self::Span(span)
    }
}

impl<T: Into<Self>> From<Option<T>> for Setting {
    fn from(set: Option<T>) -> Self {
        set.map_or(Self::Unset, Into::into)
    }
}

/// # What is in force
impl Config {
    /// Returns what this configuration amounts to, as text and for serde: for a log at the start, a page for operators, or a
    /// test that compares it with a policy. It holds no secret.
    ///
    /// ```
    /// # use cloakroom::{Config, Preset};
    /// let policy = Config::default().preset(Preset::Aal2).describe();
    /// assert!(policy.to_string().contains("idle_timeout: 30 min\n"));
    /// let json = serde_json::to_value(&policy)?;
    /// assert_eq!(json["idle_timeout"], 1800);
    /// assert_eq!(json["cookie_name"], "__Host-session");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn describe(&self) -> Policy {
        let options =
            self.lifetimes().into_iter().chain(self.of_the_cookie()).chain(self.of_the_rest()).collect();
        Policy { options }
    }

    fn lifetimes(&self) -> [(&'static str, Setting); 9] {
        let lifetime = &self.lifetime;
        [
            ("preset", lifetime.preset.map(super::Preset::name).into()),
            ("idle_timeout", lifetime.idle.into()),
            ("absolute_timeout", lifetime.absolute.into()),
            ("renew_every", lifetime.renew_every.into()),
            ("renewal_grace_period", lifetime.grace.into()),
            ("touch_threshold", lifetime.touch_threshold.to_string().into()),
            ("max_sessions_per_user", self.cap.limit().into()),
            ("remember_endings", self.remember_endings.into()),
            ("ending_interval", self.ending_interval.into()),
        ]
    }

    fn of_the_cookie(&self) -> [(&'static str, Setting); 12] {
        let (cookie, format) = (&self.cookie, self.format.as_deref());
        let name = format.map_or_else(|| cookie.effective_name("session"), |it| it.cookie_name().to_owned());
        let carrier = match (&self.transport, format) {
            (Some(_), _) => "a transport of the application",
            (None, Some(_)) => "a cookie of another package's format",
            (None, None) => "a cookie",
        };
        let secure = match cookie.secure {
            Secure::Always => "always",
            Secure::Auto => "auto",
            Secure::Never => "never",
        };
        let same_site = cookie.same_site.map(|same_site| match same_site {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        });
        [
            ("carrier", carrier.into()),
            ("cookie_name", name.into()),
            ("cookie_path", cookie.path.as_deref().into()),
            ("cookie_domain", cookie.domain.as_deref().into()),
            ("secure", secure.into()),
            ("http_only", cookie.http_only.into()),
            ("same_site", same_site.into()),
            ("partitioned", cookie.partitioned.into()),
            ("persistent", self.lifetime.persistent.into()),
            ("cookie_max_age", self.lifetime.cookie_max_age.into()),
            ("signed", self.keys.is_some().into()),
            ("rolling", self.rolling.into()),
        ]
    }

    fn of_the_rest(&self) -> [(&'static str, Setting); 14] {
        let hooks = &self.hooks;
        [
            ("save_unchanged", self.save_unchanged.into()),
            ("save_empty", self.save_empty.into()),
            ("max_size", self.max_size.into()),
            ("lenient_keys", self.lenient_keys.join(", ").into()),
            ("schema", self.schema.as_ref().map(|schema| schema.version).into()),
            ("newer_schema", self.schema.as_ref().map(|schema| format!("{:?}", schema.newer)).into()),
            ("deadline", self.deadline.into()),
            ("outage_retry_for", self.outage.retry_for.into()),
            ("outage_fallback", format!("{:?}", self.outage.fallback).into()),
            ("fail_on_dropped_write", self.fail_on_dropped_write.into()),
            ("validate", hooks.validate.is_some().into()),
            ("before_save", hooks.before_save.is_some().into()),
            ("record_lifetime", hooks.record_lifetime.is_some().into()),
            ("id_generator", hooks.new_id.is_some().into()),
        ]
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.options.len()))?;
        for (name, setting) in &self.options {
            match setting {
                Setting::Flag(flag) => map.serialize_entry(name, flag)?,
                Setting::Number(number) => map.serialize_entry(name, number)?,
                Setting::Text(text) => map.serialize_entry(name, text)?,
                Setting::Span(span) if span.subsec_nanos() == 0 => {
                    map.serialize_entry(name, &span.as_secs())?;
                }
                Setting::Span(span) => map.serialize_entry(name, &span.as_secs_f64())?,
                Setting::Unset => map.serialize_entry(name, &())?,
            }
        }
        map.end()
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, setting) in &self.options {
            writeln!(f, "{name}: {setting}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(true) => f.write_str("yes"),
            Self::Flag(false) => f.write_str("no"),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) if text.is_empty() => f.write_str("-"),
            Self::Text(text) => f.write_str(text),
            Self::Unset => f.write_str("-"),
            Self::Span(span) => match (span.as_secs(), span.subsec_nanos()) {
                (_, 1..) | (0, _) => write!(f, "{span:?}"),
                (seconds, _) if seconds % 86_400 == 0 => write!(f, "{} d", seconds / 86_400),
                (seconds, _) if seconds % 3_600 == 0 => write!(f, "{} h", seconds / 3_600),
                (seconds, _) if seconds % 60 == 0 => write!(f, "{} min", seconds / 60),
                (seconds, _) => write!(f, "{seconds} s"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Config, ConfigError, KeyRing, Preset, SessionManager, stores::MemoryStore};
    use std::time::Duration;

    const SECRET: &str = "a secret that no description may show";

    #[test]
    fn r33_a_description_has_every_option_and_no_secret() {
        let config = Config::default().signed(KeyRing::new([SECRET]).unwrap()).lenient_key("cart");
        let policy = config.describe();
        let (text, json) = (policy.to_string(), serde_json::to_string(&policy).unwrap());
        for shown in [&text, &json, &format!("{policy:?}")] {
            assert!(!shown.contains(SECRET) && shown.contains("cart"));
        }
        assert!(text.contains("signed: yes\n") && text.contains("absolute_timeout: 12 h\n"));
        assert!(json.contains(r#""renew_every":null"#) && json.contains(r#""outage_retry_for":0.25"#));
    }

    #[test]
    fn r33_what_is_looser_than_its_preset_does_not_build() {
        let hour = Duration::from_secs(60 * 60);
        let build = |config: Config| SessionManager::new(MemoryStore::new(), config).map(drop);
        let options = |result: Result<(), ConfigError>| result.unwrap_err().options().to_vec();
        for preset in [Preset::Aal1, Preset::Aal2, Preset::Aal3] {
            let config = Config::default().preset(preset);
            build(config.clone()).unwrap();
            build(config.clone().idle_timeout(Duration::from_secs(60)).absolute_timeout(hour)).unwrap();
            let endless = config.clone().absolute_timeout(None);
            assert_eq!(options(build(endless)), ["preset", "absolute_timeout"]);
            let open = config.http_only(false);
            assert_eq!(options(build(open)), ["preset", "http_only"]);
        }
        let idle = Config::default().preset(Preset::Aal3).idle_timeout(hour);
        assert_eq!(options(build(idle)), ["preset", "idle_timeout"]);
        assert_eq!(options(build(Config::plain_http().preset(Preset::Aal2))), ["preset", "secure"]);
    }
}
