//! What to do with store and cookie at the end of a request: a table, no I/O.

use crate::state::IntentKind;

/// What a request did with its session, as far as the decision depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) origin: Origin,
    pub(crate) intent: IntentKind,
    /// Whether the session holds something that must be stored: a change, a log-in, `reset`, or `save_empty`.
    pub(crate) wanted: bool,
    /// Whether the stored session would read differently: a change, spent flash values, `save_unchanged`.
    pub(crate) changed: bool,
    pub(crate) touch_due: bool,
    pub(crate) renewal_due: bool,
    pub(crate) rolling: bool,
    /// Whether a write also sends the cookie again.
    pub(crate) resend_on_write: bool,
}

/// What the store has for this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// See [`Location::Absent`](crate::state::Location::Absent).
    Absent,
    /// See [`Location::Closed`](crate::state::Location::Closed).
    Closed,
    /// See [`Location::Unknown`](crate::state::Location::Unknown).
    Unknown,
    /// A session under the id that the client sent.
    Current,
    /// A session that the id sent, renewed a moment ago, still leads to. The client has, or is about to get, a newer one.
    Redirected,
}

/// What to do in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    Create,
    Update,
    Touch,
    /// Create under a new id, then leave a redirect under the old one.
    Renew(Privilege),
    End,
    /// End the old one, create a new one.
    Replace,
    /// Changes were made to a session that must not be stored.
    Discard,
    /// The session was to end, and a log-in has replaced it: it is left alone.
    DiscardEnd,
    /// The session was to end, and the store could not be asked where it is.
    Refuse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privilege {
    Same,
    New,
}

/// What to do with the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieStep {
    Leave,
    /// An id that this request made.
    Set,
    /// The id that the client has, with a fresh lifetime.
    Resend,
    Remove,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) step: Step,
    pub(crate) cookie: CookieStep,
}

impl Plan {
    #[inline]
    pub(crate) fn decide(seen: Observed) -> Self {
        let step = match seen.origin {
            Origin::Absent if seen.wanted => Step::Create,
            Origin::Closed => Self::for_a_closed_id(seen),
            Origin::Unknown if seen.intent == IntentKind::End => Step::Refuse,
            Origin::Unknown if seen.wanted => Step::Discard,
            Origin::Absent | Origin::Unknown => Step::Nothing,
            Origin::Current | Origin::Redirected => Self::for_a_stored_session(seen),
        };
        Self { step, cookie: Self::cookie(step, seen) }
    }

    /// Only a log-in, for which a user gave a password just now, opens a new session here.
    const fn for_a_closed_id(seen: Observed) -> Step {
        match (seen.intent, seen.wanted) {
            (IntentKind::LogIn, _) => Step::Create,
            (IntentKind::End, _) => Step::DiscardEnd,
            (_, true) => Step::Discard,
            (_, false) => Step::Nothing,
        }
    }

    fn for_a_stored_session(seen: Observed) -> Step {
        let current = seen.origin == Origin::Current;
        match seen.intent {
            IntentKind::End if seen.wanted => Step::Replace,
            IntentKind::End => Step::End,
            IntentKind::LogIn => Step::Renew(Privilege::New),
            // The id was renewed a moment ago by another request: once is enough.
            IntentKind::Renew if current => Step::Renew(Privilege::Same),
            IntentKind::Keep if current && seen.renewal_due => Step::Renew(Privilege::Same),
            IntentKind::Keep | IntentKind::Renew if seen.changed => Step::Update,
            IntentKind::Keep | IntentKind::Renew if seen.touch_due => Step::Touch,
            IntentKind::Keep | IntentKind::Renew => Step::Nothing,
        }
    }

    /// Only the response that made an id sends it to the client, unless `rolling` or `resend_on_write` is set.
    fn cookie(step: Step, seen: Observed) -> CookieStep {
        match step {
            Step::Create | Step::Renew(_) | Step::Replace => CookieStep::Set,
            Step::End => CookieStep::Remove,
            // The session had ended before; the cookie may not have been sent, and goes all the same.
            Step::Nothing if seen.origin == Origin::Absent && seen.intent == IntentKind::End => {
                CookieStep::Remove
            }
            Step::Update if seen.resend_on_write && seen.origin == Origin::Current => CookieStep::Resend,
            Step::Nothing | Step::Update | Step::Touch if seen.rolling && seen.origin == Origin::Current => {
                CookieStep::Resend
            }
            _ => CookieStep::Leave,
        }
    }

    /// Returns how many trips the step takes if no other request interferes.
    #[cfg(test)]
    pub(crate) const fn trips(self) -> u32 {
        match self.step {
            Step::Nothing | Step::Discard | Step::DiscardEnd | Step::Refuse => 0,
            Step::Create | Step::Update | Step::Touch | Step::End => 1,
            Step::Renew(_) | Step::Replace => 2,
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
