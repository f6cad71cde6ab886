//! What a request wants of its session, as the model sees it.

use cloakroom::Timestamp;
use cloakroom::store::{Owner, StoreKey};

use crate::spec::Sent;
use crate::values::{Change, Values};

/// Names a session of the model.
pub(crate) type Sid = usize;

/// What the store had for a request when it looked.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// Nothing.
    Absent,
    /// A log-in took the id's place; or an earlier write of this request was dropped.
    Closed,
    /// A session, as it was then.
    Session {
        sid: Sid,
        key: StoreKey,
        late: bool,
        values: Values,
        number: u64,
        owner: Option<Owner>,
        renewed_at: Timestamp,
        expires_at: Timestamp,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Keep,
    Renew,
    LogIn,
    End,
}

/// What the request's next commit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Nothing,
    Create,
    Update,
    Renew,
    LogIn,
    End,
    EndAndCreate,
    /// The session was to end, and a log-in has replaced it.
    IgnoreEnd,
    /// The expiry is to be moved, and nothing else.
    Touch,
    /// There is something to write, and no session that could take it.
    Drop,
}

/// What a request knows and has decided.
#[derive(Clone, Debug)]
pub(crate) struct Mind {
    pub(crate) place: Found,
    /// Stored values as last seen, and flash values to be shown to the end.
    pub(crate) base: Values,
    pub(crate) changes: Vec<Change>,
    pub(crate) fate: Fate,
    pub(crate) owner: Option<Owner>,
    /// When this request logged a user in.
    pub(crate) logged_in_at: Option<Timestamp>,
    pub(crate) must_exist: bool,
    /// Flash values born under this commit or an earlier one have their last request now.
    pub(crate) ages: Option<u64>,
    /// Whether the id's time has come.
    pub(crate) renewal_due: bool,
    /// Whether the handler asked for a touch.
    pub(crate) touch: bool,
    /// Whether so much of the idle time has passed that the expiry is moved, asked for or not.
    pub(crate) touch_due: bool,
    /// A log-out did nothing, because a log-in had replaced the session.
    pub(crate) end_was_ignored: bool,
    /// Counts what was decided about the session itself, so that a commit can tell whether it carried out the present
    /// decision.
    pub(crate) decisions: u32,
    /// Counts how often changes were taken back: a commit's number of changes then means nothing.
    pub(crate) taken_back: u32,
    /// Flash values whose request this is, and which are gone from the store.
    shown: Values,
    /// The values before the session was ended, in case that is discarded.
    shelved: Option<(Values, Values)>,
}

impl Mind {
    pub(crate) fn new(place: Found, renewal_due: bool) -> Self {
        let (base, owner, ages) = match &place {
            Found::Session { values, number, owner, .. } => {
                let flash = values.values().any(|held| held.flash.is_some());
                (values.clone(), owner.clone(), flash.then_some(*number))
            }
            Found::Absent | Found::Closed => (Values::new(), None, None),
        };
        let (changes, fate, logged_in_at) = (Vec::new(), Fate::Keep, None);
        let (must_exist, shown, shelved) = (false, Values::new(), None);
        Self {
            place,
            base,
            changes,
            fate,
            owner,
            logged_in_at,
            must_exist,
            ages,
            renewal_due,
            touch: false,
            touch_due: false,
            end_was_ignored: false,
            decisions: 0,
            taken_back: 0,
            shown,
            shelved,
        }
    }

    /// The stored session, unless this request ends it.
    pub(crate) fn stored(&self) -> Option<(Sid, bool)> {
        match self.place {
            Found::Session { sid, late, .. } if self.fate != Fate::End => Some((sid, late)),
            _ => None,
        }
    }

    /// The values as the handler sees them.
    pub(crate) fn view(&self) -> Values {
        let mut view = self.base.clone();
        self.changes.iter().for_each(|change| change.run(&mut view, 0));
        view
    }

    /// Forgets the value of `key` if it is only shown to the end of its request: then it is in no store, and nothing has
    /// to be written for its removal.
    pub(crate) fn forget_shown(&mut self, key: &str) -> bool {
        let is_own = self.changes.iter().any(|change| change.concerns(key));
        let is_only_shown = !is_own && self.shown.remove(key).is_some();
        if is_only_shown {
            self.base.remove(key);
        }
        is_only_shown
    }

    pub(crate) fn clear(&mut self) {
        if self.stored().is_some() || !self.changes.is_empty() {
            self.changes.push(Change::Clear);
        }
    }

    pub(crate) fn renew(&mut self) {
        if self.fate == Fate::Keep && self.stored().is_some() {
            self.fate = Fate::Renew;
            self.decisions += 1;
        }
    }

    pub(crate) fn log_in(&mut self, owner: Owner) {
        if self.owner.as_ref().is_some_and(|present| present.key != owner.key) {
            self.changes.push(Change::Clear);
        }
        self.decisions += 1;
        self.logged_in_at = Some(owner.logged_in_at);
        self.owner = Some(owner);
        self.must_exist = true;
        if self.fate != Fate::End || !matches!(self.place, Found::Session { .. }) {
            self.fate = Fate::LogIn;
        }
    }

    pub(crate) fn end(&mut self) {
        let (base, shown) = (std::mem::take(&mut self.base), std::mem::take(&mut self.shown));
        if self.fate != Fate::End {
            self.shelved = Some((base, shown));
        }
        (self.fate, self.owner, self.must_exist) = (Fate::End, None, false);
        self.logged_in_at = None;
        self.changes.clear();
        (self.decisions, self.taken_back) = (self.decisions + 1, self.taken_back + 1);
    }

    pub(crate) fn discard(&mut self) {
        if let Some(shelved) = self.shelved.take() {
            (self.base, self.shown) = shelved;
        }
        self.changes.clear();
        (self.fate, self.must_exist, self.logged_in_at, self.touch) = (Fate::Keep, false, None, false);
        (self.decisions, self.taken_back) = (self.decisions + 1, self.taken_back + 1);
        self.owner = self.stored_owner();
    }

    fn stored_owner(&self) -> Option<Owner> {
        match &self.place {
            Found::Session { owner, .. } => owner.clone(),
            Found::Absent | Found::Closed => None,
        }
    }

    /// Returns whether a handler has decided otherwise since `sent` was decided.
    pub(crate) fn has_decided_since(&self, sent: &Sent) -> bool {
        self.decisions != sent.decisions
    }

    /// Returns whether there is something for which a session must be stored that is not yet.
    fn is_wanted(&self) -> bool {
        self.must_exist || (self.stored().is_none() && !self.view().is_empty())
    }

    /// Returns whether the client has a session, or will have one.
    pub(crate) fn exists(&self) -> bool {
        match self.place {
            // The session that replaced this one goes on, whatever this request decides.
            Found::Closed => self.end_was_ignored || matches!(self.fate, Fate::LogIn | Fate::End),
            Found::Absent | Found::Session { .. } => self.stored().is_some() || self.is_wanted(),
        }
    }

    pub(crate) fn want(&self) -> Want {
        let wanted = self.is_wanted();
        match (&self.place, self.fate) {
            (Found::Absent, _) | (Found::Closed, Fate::LogIn) if wanted => Want::Create,
            (Found::Closed, Fate::End) => Want::IgnoreEnd,
            (Found::Closed, _) if wanted => Want::Drop,
            (Found::Absent | Found::Closed, _) => Want::Nothing,
            (Found::Session { .. }, Fate::End) if wanted => Want::EndAndCreate,
            (Found::Session { .. }, Fate::End) => Want::End,
            (Found::Session { .. }, Fate::LogIn) => Want::LogIn,
            (Found::Session { late: false, .. }, Fate::Renew) => Want::Renew,
            (Found::Session { late: false, .. }, Fate::Keep) if self.renewal_due => Want::Renew,
            _ if !self.changes.is_empty() || self.ages.is_some() => Want::Update,
            _ if self.touch || self.touch_due => Want::Touch,
            _ => Want::Nothing,
        }
    }

    /// The session is in the store as `place` says now, with what was `sent` in it. What was decided since stands.
    pub(crate) fn landed(&mut self, place: Found, sent: &Sent) {
        let as_sent = !self.has_decided_since(sent);
        let ended_since = sent.fate != Fate::End || self.taken_back != sent.taken_back;
        if self.fate == Fate::End && ended_since {
            // It was ended while its changes were on their way: what was written since is for the next session.
            if let (Found::Session { values, .. }, Some((base, _))) = (&place, &mut self.shelved) {
                base.clone_from(values);
            }
            (self.place, self.ages) = (place, None);
            return;
        }
        if let Found::Session { values, .. } = &place {
            self.see(values);
        } else {
            self.base.clear();
        }
        self.place = place;
        self.forget(sent);
        (self.ages, self.renewal_due) = (None, false);
        if as_sent {
            (self.fate, self.must_exist, self.shelved) = (Fate::Keep, false, None);
            (self.logged_in_at, self.touch) = (None, false);
        } else if self.fate == Fate::End && self.logged_in_at.is_some() {
            // The log-in that was decided since is made from the session that was begun.
            (self.fate, self.shelved) = (Fate::LogIn, None);
        }
        if matches!(self.fate, Fate::Keep | Fate::Renew) {
            self.owner = self.stored_owner();
        }
    }

    /// Takes `values` for what is stored; flash values whose request this is are shown to its end.
    fn see(&mut self, values: &Values) {
        let changes = &self.changes;
        let is_own = |key: &str| changes.iter().any(|change| change.concerns(key));
        self.shown.retain(|key, _| !is_own(key));
        for (key, held) in std::mem::replace(&mut self.base, values.clone()) {
            let is_due = held.flash.is_some_and(|born| self.ages.is_some_and(|up_to| born <= up_to));
            if is_due && !is_own(key) {
                self.shown.entry(key).or_insert(held);
            }
        }
        for (key, held) in &self.shown {
            self.base.entry(key).or_insert_with(|| held.clone());
        }
    }

    /// These changes are in the store.
    pub(crate) fn forget(&mut self, sent: &Sent) {
        if self.taken_back == sent.taken_back {
            self.changes.drain(..sent.changes.len().min(self.changes.len()));
        }
    }

    /// Another request has just given the session a new id, and this one had nothing else to do.
    pub(crate) fn renewed_by_another(&mut self, found: Found) {
        match (&found, self.fate, &mut self.shelved) {
            (Found::Session { values, .. }, Fate::End, Some((base, _))) => base.clone_from(values),
            (Found::Session { values, .. }, _, _) => self.see(values),
            _ => {}
        }
        self.place = found;
        if let Found::Session { late, .. } = &mut self.place {
            *late = true;
        }
        self.renewal_due = false;
        if self.fate == Fate::Renew {
            self.fate = Fate::Keep;
        }
    }

    /// A log-in stands although the session that it was made from has ended; of values, only the request's own are left.
    pub(crate) fn log_in_without_a_past(&mut self) {
        self.place = Found::Closed;
        self.see(&Values::new());
        self.ages = None;
        if self.logged_in_at.is_some() {
            self.fate = Fate::LogIn;
        }
    }

    /// The session was ended by this request, with what was `sent`.
    pub(crate) fn ended(&mut self, sent: &Sent) {
        self.place = Found::Absent;
        self.ages = None;
        if self.has_decided_since(sent) {
            self.see(&Values::new());
            self.shelved = (self.fate == Fate::End).then(Default::default);
            if matches!(self.fate, Fate::Keep | Fate::Renew) {
                self.owner = None;
            }
            return;
        }
        self.base.clear();
        self.fate = if self.owner.is_some() { Fate::LogIn } else { Fate::Keep };
        self.shelved = None;
    }

    /// Another request ended the session.
    pub(crate) fn closed(&mut self) {
        *self = Self::new(Found::Closed, false);
    }
}

/// Since when, for a log-in that begins now.
pub(crate) fn owner(user: &str, since: Timestamp) -> Owner {
    Owner::new(cloakroom::store::OwnerKey::new(user).expect("a user of the test has a name"), since)
}
