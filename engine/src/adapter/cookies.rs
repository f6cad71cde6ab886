//! Cookies that hold something else than an id: read, and written with attributes that were checked as those of a session's
//! cookie are.

use std::time::Duration;

use crate::cookie::{self, Template};
use crate::{Config, ConfigError};

/// Writes cookies with the attributes of a [`Config`]. Every value of one name is sent with the same ones.
///
/// ```
/// use cloakroom::{Config, adapter::CookieTemplate};
///
/// let cookie = CookieTemplate::new(&Config::default(), "hat", 40)?;
/// assert_eq!(cookie.name(), "__Host-hat");
/// assert!(cookie.set(".1", "felt", None).starts_with("__Host-hat.1=felt; Path=/; HttpOnly; Secure"));
/// # Ok::<(), cloakroom::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct CookieTemplate(Template);

impl CookieTemplate {
    /// Checks the options of the cookie, and that browsers keep values of `length` bytes. `stem` is the name, without a prefix, if
    /// the configuration has none.
    ///
    /// # Errors
    /// If the options contradict each other, or name and value are too long.
    pub fn new(config: &Config, stem: &str, length: usize) -> Result<Self, ConfigError> {
        let attributes = &config.cookie;
        attributes.template_named(&attributes.effective_name(stem), length).map(Self)
    }

    /// Returns the cookie's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the value of a `Set-Cookie` header. `suffix` is appended to the name; without `max_age` the cookie ends with the
    /// browser.
    pub fn set(&self, suffix: &str, value: &str, max_age: Option<Duration>) -> String {
        let write = |out: &mut String| out.push_str(value);
        self.0.set_written(suffix, value.len(), write, max_age, false)
    }

    /// Returns the value of a `Set-Cookie` header that removes the cookie.
    pub fn remove(&self, suffix: &str) -> String {
        self.0.remove_suffixed(suffix, false)
    }
}

/// Returns the values of the cookies called `name` in one `Cookie` header, in its order: 200 at most.
pub fn cookie_values<'a>(name: &'a str, header: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    cookie::values_of(name, header)
}
