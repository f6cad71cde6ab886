//! What the handler decided about the session as a whole: keep, renew, log in, end.

use cloakroom_store::{Owner, Timestamp};

use super::WorkingCopy;
use crate::id::NewSecrets;
use crate::observe::EndReason;

/// What the handler decided about the session itself, besides its values.
#[derive(Debug, Default)]
pub(crate) enum Intent {
    /// Keeps the session.
    #[default]
    Keep,
    /// Gives it a new id, with the same rights.
    Renew,
    /// Logs a user in: a new id, and the old one leads nowhere.
    LogIn(Login),
    /// Ends the stored session. Values written afterwards belong to a new one.
    End(Ending),
}

/// A log-in of this request.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// The user, and when the log-in began. A commit dates it by the [shared clock](crate::shared_clock) before it writes.
    pub(crate) owner: Owner,
    /// When it began by this machine's clock, as all other moments of a session are.
    pub(crate) began_at: Timestamp,
    /// The id, public id and CSRF secret that the session has from then on.
    pub(crate) secrets: Box<NewSecrets>,
}

/// The end of the stored session.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) reason: EndReason,
    /// The values of the session that ends, in case the end is discarded.
    pub(crate) before: Box<WorkingCopy>,
    /// A log-in that came after it in the same request.
    pub(crate) then: Option<Login>,
}

/// An [`Intent`] without what it carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum IntentKind {
    #[default]
    Keep,
    Renew,
    LogIn,
    End,
}

impl Intent {
    pub(crate) const fn kind(&self) -> IntentKind {
        match self {
            Self::Keep => IntentKind::Keep,
            Self::Renew => IntentKind::Renew,
            Self::LogIn(_) => IntentKind::LogIn,
            Self::End(_) => IntentKind::End,
        }
    }

    pub(crate) const fn is_end(&self) -> bool {
        matches!(self, Self::End(_))
    }

    /// Returns the log-in of this request, if there is one.
    pub(crate) const fn login(&self) -> Option<&Login> {
        match self {
            Self::LogIn(login) | Self::End(Ending { then: Some(login), .. }) => Some(login),
            Self::Keep | Self::Renew | Self::End(_) => None,
        }
    }

    pub(crate) const fn login_mut(&mut self) -> Option<&mut Login> {
        match self {
            Self::LogIn(login) | Self::End(Ending { then: Some(login), .. }) => Some(login),
            Self::Keep | Self::Renew | Self::End(_) => None,
        }
    }
}
