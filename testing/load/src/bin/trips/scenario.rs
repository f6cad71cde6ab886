//! What a request does.

use cloakroom_services::Result;

use crate::browser::Browser;
use crate::counter::Counter;
use crate::playground::Playground;

/// How often each is counted. The median is reported: a driver that looks after its connections in between adds to one.
const TIMES: usize = 9;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    Untouched,
    Read,
    Write,
    FirstWrite,
    TouchDue,
    LogIn,
    RenewId,
    LogOut,
    List,
}

impl Scenario {
    pub(crate) const ALL: [Self; 9] = [
        Self::Untouched,
        Self::Read,
        Self::TouchDue,
        Self::Write,
        Self::FirstWrite,
        Self::LogIn,
        Self::RenewId,
        Self::LogOut,
        Self::List,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Untouched => "untouched",
            Self::Read => "read",
            Self::TouchDue => "read, touch due",
            Self::Write => "read and write",
            Self::FirstWrite => "first write",
            Self::LogIn => "read and log in",
            Self::RenewId => "read and renew id",
            Self::LogOut => "read and log out",
            Self::List => "list a user's sessions",
        }
    }

    pub(crate) fn touches(self) -> bool {
        self == Self::TouchDue
    }

    pub(crate) fn trips(self, playground: &Playground, counter: &Counter) -> Result<usize> {
        let mut counts = (0..TIMES).map(|_| self.count(playground, counter)).collect::<Result<Vec<_>>>()?;
        counts.sort_unstable();
        Ok(counts[TIMES / 2])
    }

    fn count(self, playground: &Playground, counter: &Counter) -> Result<usize> {
        let (address, mut browser) = (&*playground.address, Browser::default());
        match self {
            Self::FirstWrite | Self::List => {}
            Self::LogOut => browser.run(address, r#"{"log_in": "alice"}"#)?,
            _ => browser.run(address, r#"{"insert": ["n", 1]}"#)?,
        }
        let before = counter.trips()?;
        match self {
            Self::Untouched => browser.get(address, "/api/untouched")?,
            Self::Read | Self::TouchDue => browser.get(address, "/api/session")?,
            Self::Write => browser.run(address, r#"{"increment": ["n", 1]}"#)?,
            Self::FirstWrite => browser.run(address, r#"{"insert": ["n", 1]}"#)?,
            Self::LogIn => browser.run(address, r#"{"log_in": "alice"}"#)?,
            Self::RenewId => browser.run(address, r#"{"cycle_id": true}"#)?,
            Self::LogOut => browser.run(address, r#"{"log_out": true}"#)?,
            Self::List => browser.get(address, "/api/sessions?user=alice")?,
        }
        Ok(counter.trips()? - before)
    }
}
