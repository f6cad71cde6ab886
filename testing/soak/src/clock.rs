//! A clock that is wrong by the same span all the time.

use std::time::Duration;

use cloakroom::{Clock, Timestamp};

/// The system's clock, so many seconds ahead; `None` in a drive in which all clocks are right.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Skewed(pub(crate) Option<i64>);

impl Skewed {
    /// Returns whether all clocks of the drive are right.
    pub(crate) const fn is_right(self) -> bool {
        self.0.is_none()
    }
}

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        let ahead = self.0.unwrap_or_default();
        let span = Duration::from_secs(ahead.unsigned_abs());
        if ahead < 0 { Timestamp::now() - span } else { Timestamp::now() + span }
    }
}
