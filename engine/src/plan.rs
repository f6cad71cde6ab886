//! What to do with store and cookie at the end of a request: a table, no I/O.

/// What a request did with its session, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) origin: Origin,
    pub(crate) fate: Fate,
    /// Whether the session holds something that must be stored: a change, a log-in, `reset`, or `save_empty`.
    pub(crate) wanted: bool,
    /// Whether the stored session would read differently: a change, spent flash values, `save_unchanged`.
    pub(crate) changed: bool,
    pub(crate) touch_due: bool,
    pub(crate) renewal_due: bool,
    pub(crate) rolling: bool,
}

/// What the store has for this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nothing.
    Absent,
    /// A log-in took this id's place a moment ago. The request is anonymous and must not disturb the client's new cookie.
    Closed,
    /// Nobody knows: the store was down. The request is anonymous and writes nothing, not even a log-in, which would leave
    /// an old session alive.
    Unseen,
    /// A session under the id that the client sent.
    Current,
    /// A session that the id sent, renewed a moment ago, still leads to. The client has, or is about to get, a newer one.
    Late,
}

/// What the handler decided about the stored session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    #[default]
    Keep,
    /// A new id, same privilege.
    Renew,
    /// A new id, new privilege: the old one leads nowhere.
    LogIn,
    /// It ends; whatever was written afterwards is a new session.
    End,
}

/// What to do in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    Create,
    Update,
    Touch,
    /// Create under a new id, then leave a trail under the old one.
    Rotate(Privilege),
    Delete,
    /// Delete the old one, create a new one.
    Replace,
    /// Changes were made to a session that must not be stored.
    Drop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privilege {
    Same,
    New,
}

/// What to tell the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieStep {
    Leave,
    Set,
    Remove,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) step: Step,
    pub(crate) cookie: CookieStep,
}

impl Plan {
    pub(crate) fn decide(seen: Observed) -> Self {
        let step = match seen.origin {
            Origin::Absent => Self::for_nothing_stored(seen),
            Origin::Closed => Self::for_a_closed_id(seen),
            Origin::Unseen if seen.wanted => Step::Drop,
            Origin::Unseen => Step::Nothing,
            Origin::Current | Origin::Late => Self::for_a_stored_session(seen),
        };
        Self { step, cookie: Self::cookie(step, seen) }
    }

    const fn for_nothing_stored(seen: Observed) -> Step {
        if seen.wanted { Step::Create } else { Step::Nothing }
    }

    /// Only a log-in, for which somebody gave a password just now, opens a new session here.
    const fn for_a_closed_id(seen: Observed) -> Step {
        match (seen.fate, seen.wanted) {
            (Fate::LogIn, _) => Step::Create,
            (_, true) => Step::Drop,
            (_, false) => Step::Nothing,
        }
    }

    fn for_a_stored_session(seen: Observed) -> Step {
        let current = seen.origin == Origin::Current;
        match seen.fate {
            Fate::End if seen.wanted => Step::Replace,
            Fate::End => Step::Delete,
            Fate::LogIn => Step::Rotate(Privilege::New),
            // The id was renewed a moment ago by another request: once is enough.
            Fate::Renew if current => Step::Rotate(Privilege::Same),
            Fate::Keep if current && seen.renewal_due => Step::Rotate(Privilege::Same),
            Fate::Keep | Fate::Renew if seen.changed => Step::Update,
            Fate::Keep | Fate::Renew if seen.touch_due => Step::Touch,
            Fate::Keep | Fate::Renew => Step::Nothing,
        }
    }

    /// An id is told to the client by the response that made it, and (unless `rolling`) by no other.
    fn cookie(step: Step, seen: Observed) -> CookieStep {
        match step {
            Step::Create | Step::Rotate(_) | Step::Replace => CookieStep::Set,
            Step::Delete => CookieStep::Remove,
            Step::Nothing | Step::Update | Step::Touch if seen.rolling && seen.origin == Origin::Current => {
                CookieStep::Set
            }
            Step::Nothing | Step::Update | Step::Touch | Step::Drop => CookieStep::Leave,
        }
    }

    /// How many trips the step takes if nobody interferes.
    pub(crate) const fn trips(self) -> u32 {
        match self.step {
            Step::Nothing | Step::Drop => 0,
            Step::Create | Step::Update | Step::Touch | Step::Delete => 1,
            Step::Rotate(_) | Step::Replace => 2,
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
