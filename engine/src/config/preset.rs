//! Sets of options for levels of assurance.

use std::time::Duration;

use super::Config;
use crate::{ConfigError, Secure};

/// A level of authenticator assurance of NIST SP 800-63B: how long a session may last before its user proves again who
/// they are. The limits satisfy the third and the fourth revision of the document.
///
/// | level | log-in at least every | ends when idle for |
/// |---|---|---|
/// | `Aal1` | 30 days | (no limit) |
/// | `Aal2` | 12 hours | 30 minutes |
/// | `Aal3` | 12 hours | 15 minutes |
///
/// It covers what the document says of sessions. How users prove who they are is for the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// One factor is enough.
    Aal1,
    /// Two factors.
    Aal2,
    /// Two factors, one of them a cryptographic device that resists phishing.
    Aal3,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Preset {
    /// Returns the longest absolute lifetime of a session: the time after which its user has to log in again.
    pub const fn absolute_timeout(self) -> Duration {
        match self {
            Self::Aal1 => DAY.saturating_mul(30),
            Self::Aal2 | Self::Aal3 => HOUR.saturating_mul(12),
        }
    }

    /// Returns the longest idle time; `None`: the level sets no limit.
    pub const fn idle_timeout(self) -> Option<Duration> {
        match self {
            Self::Aal1 => None,
            Self::Aal2 => Some(MINUTE.saturating_mul(30)),
            Self::Aal3 => Some(MINUTE.saturating_mul(15)),
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Aal1 => "NIST SP 800-63B AAL1",
            Self::Aal2 => "NIST SP 800-63B AAL2",
            Self::Aal3 => "NIST SP 800-63B AAL3",
        }
    }
}

/// # Presets
impl Config {
    /// Sets the lifetimes to the limits of `preset`, and holds all options to them: stricter ones may be set afterwards,
    /// looser ones do not build, and the error names both. An idle or absolute time of
    /// [one session](crate::Session::set_idle_timeout) counts only as far as the limit. Default: none.
    ///
    /// The cookie must be `Secure` and `HttpOnly`. For actions that need the user again earlier, see
    /// [`Session::require_fresh`](crate::Session::require_fresh).
    ///
    /// ```
    /// use cloakroom::{Config, Preset, SessionManager, stores::MemoryStore};
    /// use std::time::Duration;
    ///
    /// let config = Config::default().preset(Preset::Aal2).idle_timeout(Duration::from_secs(15 * 60));
    /// SessionManager::new(MemoryStore::new(), config)?;
    ///
    /// let looser = Config::default().preset(Preset::Aal2).idle_timeout(Duration::from_secs(60 * 60));
    /// let error = SessionManager::new(MemoryStore::new(), looser).unwrap_err();
    /// assert_eq!(error.options(), ["preset", "idle_timeout"]);
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn preset(mut self, preset: Preset) -> Self {
        let absolute = preset.absolute_timeout();
        self.lifetime.preset = Some(preset);
        self.lifetime.absolute = Some(absolute);
        self.lifetime.most_absolute = absolute;
        // Where there is no limit, a session that is used within the absolute time lives until its end.
        self.lifetime.idle = preset.idle_timeout().unwrap_or(absolute);
        self.lifetime.most_idle = self.lifetime.idle;
        self
    }

    /// Checks that no option is looser than the preset.
    pub(super) fn check_preset(&self) -> Result<(), ConfigError> {
        let Some(preset) = self.lifetime.preset else { return Ok(()) };
        let looser = [
            (self.lifetime.idle > self.lifetime.most_idle, "idle_timeout"),
            (self.lifetime.absolute.is_none_or(|it| it > self.lifetime.most_absolute), "absolute_timeout"),
            (
                self.format.is_none() && self.transport.is_none() && self.cookie.secure != Secure::Always,
                "secure",
            ),
            (self.format.is_none() && self.transport.is_none() && !self.cookie.http_only, "http_only"),
        ];
        match looser.into_iter().find(|(is_looser, _)| *is_looser) {
            Some((_, option)) => {
                let message = format!("the option is looser than {} allows", preset.name());
                Err(ConfigError::new(&["preset", option], message))
            }
            None => Ok(()),
        }
    }
}
