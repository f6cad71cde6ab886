//! What the state means for the end of the request.

use cloakroom_store::Timestamp;

use super::{Intent, IntentKind, Location, Saving, State};
use crate::config::Config;
use crate::plan::{Observed, Origin};

impl State {
    /// Returns what [`Plan::decide`](crate::plan::Plan::decide) needs to know.
    #[inline]
    pub(crate) fn observe(&self, config: &Config, now: Timestamp) -> Observed {
        let lifetime = &config.lifetime;
        let (origin, touch_due, renewal_due) = match &self.location {
            Location::Absent => (Origin::Absent, false, false),
            Location::Closed => (Origin::Closed, false, false),
            Location::Unknown => (Origin::Unknown, false, false),
            Location::Stored(located) => (
                if located.redirected { Origin::Redirected } else { Origin::Current },
                lifetime.touch_is_due(&located.header, located.expires_at, now),
                lifetime.renewal_is_due(&located.header, now),
            ),
        };
        let is_kept_up = !self.looks_only;
        Observed {
            origin,
            intent: self.intent.kind(),
            wanted: self.is_wanted(config.save_empty && is_kept_up),
            changed: self.is_changed()
                || match self.saving {
                    Saving::WhenChanged => {
                        self.values.ages() || ((self.idle_changed || config.save_unchanged) && is_kept_up)
                    }
                    Saving::Always => true,
                    Saving::Never => false,
                },
            touch_due: self.touch || (touch_due && is_kept_up),
            renewal_due: renewal_due && is_kept_up && self.saving != Saving::Never,
            rolling: config.rolling && is_kept_up,
            resend_on_write: config.resend_on_write(),
        }
    }

    pub(crate) fn is_wanted(&self, save_empty: bool) -> bool {
        let save_empty = match self.saving {
            Saving::WhenChanged => save_empty,
            Saving::Always => true,
            Saving::Never => false,
        };
        // A session that was ended is not followed by an empty one.
        let save_empty = save_empty && !self.intent.is_end();
        self.must_exist || save_empty || self.intent.login().is_some() || self.values.holds_new_values()
    }

    pub(crate) fn exists(&self, save_empty: bool) -> bool {
        match self.location {
            // The session that replaced this one goes on, whatever this request decides.
            Location::Closed => {
                self.end_was_ignored || matches!(self.intent, Intent::LogIn(_) | Intent::End(_))
            }
            Location::Unknown => false,
            Location::Absent | Location::Stored(_) => {
                self.stored().is_some() || self.saving != Saving::Never && self.is_wanted(save_empty)
            }
        }
    }

    /// Returns whether the commit will begin the idle time anew.
    pub(crate) fn will_move_expiry(&self) -> bool {
        let is_kept = self.intent.kind() == IntentKind::Keep;
        self.touch || self.idle_changed || self.is_changed() || !is_kept
    }

    /// Returns whether this request changes what the session holds.
    pub(crate) fn is_changed(&self) -> bool {
        self.values.is_changed() || self.values.has_new_device() || !self.header_changes.is_empty()
    }
}
