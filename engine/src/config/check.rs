//! Options that contradict each other, or make no sense.

use super::{Config, ConfigError};
use crate::cookie::{Codec, Template};

/// What is wrong if the first part is true: the names of the options, and why.
type Rule = (bool, &'static [&'static str], &'static str);

impl Config {
    /// Checks all options against each other.
    pub(crate) fn check(&self, codec: &Codec) -> Result<Template, ConfigError> {
        self.lifetime.check()?;
        self.front.check()?;
        self.check_preset()?;
        if let Some(proxies) = &self.proxies {
            proxies.check()?;
        }
        let broken = self.rules_of_cookies().into_iter().chain(self.other_rules()).find(|rule| rule.0);
        if let Some((_, options, message)) = broken {
            return Err(ConfigError::new(options, message));
        }
        let template = self.cookie.template(codec)?;
        let own = self.format.as_ref().map_or(&*template.name, |format| format.cookie_name());
        if self.front.old_cookies.iter().any(|name| **name == *own) {
            let message = "the cookie of the sessions cannot be an old one";
            return Err(ConfigError::new(&["remove_old_cookies", "cookie_name"], message));
        }
        Ok(template)
    }

    fn rules_of_cookies(&self) -> [Rule; 6] {
        let is_foreign = self.format.is_some();
        let renews = self.lifetime.renew_every.is_some();
        let has_max_age = self.lifetime.cookie_max_age.is_some();
        [
            (
                is_foreign && self.keys.is_some(),
                &["cookie_format", "signed"],
                "a cookie of another package's format is signed by that",
            ),
            (
                self.resend_on_write() && renews,
                &["cookie_format", "renew_every"],
                "a cookie on every write would bring renewed ids back",
            ),
            (
                self.rolling && renews,
                &["rolling", "renew_every"],
                "a cookie on every response would bring renewed ids back",
            ),
            (
                self.transport.is_some() && is_foreign,
                &["transport", "cookie_format"],
                "another package's format is one of cookies",
            ),
            (
                has_max_age && !self.lifetime.persistent,
                &["cookie_max_age", "persistent"],
                "a cookie that ends with the browser has no lifetime",
            ),
            (
                has_max_age && is_foreign,
                &["cookie_max_age", "cookie_format"],
                "the lifetime of another package's cookie is an option of its format",
            ),
        ]
    }

    fn other_rules(&self) -> [Rule; 9] {
        [
            (self.ending_interval.is_zero(), &["ending_interval"], "must be longer than zero"),
            (
                self.remember_endings.is_some() && self.format.is_some(),
                &["remember_endings", "cookie_format"],
                "another package would not know what such a record is",
            ),
            (
                self.schema.is_some() && self.format.is_some(),
                &["schema", "cookie_format"],
                "a session of another package's format has no place for a version",
            ),
            (
                self.sweep_lottery.is_some_and(|(wins, of)| wins == 0 || wins > of),
                &["sweep_lottery"],
                "wins at least once, and not more often than it is drawn",
            ),
            (
                self.hooks.allow_weak_ids && self.hooks.new_id.is_none(),
                &["allow_weak_ids", "id_generator"],
                "ids that the engine makes are never weak",
            ),
            (
                self.trust_forwarded_proto && self.proxies.is_some(),
                &["trust_forwarded_proto", "trust_proxies"],
                "the one believes the first element of the header, the other counts from the last one",
            ),
            (
                self.sweep_interval.is_some_and(|every| every.is_zero()),
                &["sweep_interval"],
                "must be longer than zero",
            ),
            (self.deadline.is_zero(), &["deadline"], "must be longer than zero"),
            (
                self.cap.limit() == Some(0),
                &["max_sessions_per_user"],
                "a limit of zero sessions would let no user log in",
            ),
        ]
    }
}
