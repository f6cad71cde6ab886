//! Why a configuration cannot work.

use std::fmt;

/// Says that a configuration cannot work, and which options make it so.
#[derive(Debug)]
pub struct ConfigError {
    options: Vec<&'static str>,
    message: Box<str>,
}

impl ConfigError {
    pub(crate) fn new(options: &[&'static str], message: impl Into<String>) -> Self {
        Self { options: options.to_vec(), message: message.into().into_boxed_str() }
    }

    /// Returns the names of the options, as their methods are called.
    pub fn options(&self) -> &[&'static str] {
        &self.options
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.options.join(" and "), self.message)
    }
}

impl std::error::Error for ConfigError {}
