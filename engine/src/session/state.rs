//! What one request knows about its session, and has decided about it.

use cloakroom_store::{Owner, StoreKey, Stored, Timestamp, Version};

use super::{Decided, Own, Place, StoredSession};
use crate::config::Config;
use crate::engine::Engine;
use crate::id::Minted;
use crate::observe::End;
use crate::plan::{Fate, Observed, Origin};
use crate::record::{Frames, Header};
use crate::state::{Trash, WorkingCopy};
use crate::{Result, SessionId};

/// What one request knows about its session, and has decided about it.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) place: Place,
    pub(crate) fate: Fate,
    /// Why it ends, if its fate is to end.
    pub(crate) end: End,
    pub(crate) draft: WorkingCopy,
    /// What this request changes about the session besides its values.
    pub(crate) own: Own,
    /// Whose session it will be.
    pub(crate) owner: Option<Owner>,
    /// Whether a new session is stored although it has no values.
    pub(crate) must_exist: bool,
    /// Whether nobody will get the response.
    abandoned: bool,
    /// Whether the handler asked for a touch.
    pub(crate) touch: bool,
    pub(crate) loaded_at: Timestamp,
    /// What the response must tell the client.
    pub(crate) cookie: Cookie,
    /// The commit that the session was at when the request first saw it: flash values born later are for the next one.
    pub(crate) first_seen: u64,
    /// Commits that may or may not be in the store, and how many changes each carried.
    pub(crate) uncertain: Vec<Attempt>,
    /// The write whose answer is awaited now, or was when the one who waited was dropped.
    pub(crate) in_flight: Option<Attempt>,
    /// Whether an earlier commit may have ended the session, although its answer was lost.
    pub(crate) end_may_be_in: bool,
    /// What to name the user's device if somebody logs in.
    pub(super) device_hint: Option<Box<str>>,
    /// Secrets of a session that is not stored yet.
    minted: Option<Minted>,
    /// The values of the stored session after it was ended, in case that is discarded.
    shelved: Option<Box<WorkingCopy>>,
}

/// What the response must tell the client about its cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    Unchanged,
    /// A new id, and the cookie's lifetime in seconds.
    Set(SessionId, Option<u64>),
    Removed,
}

/// A commit whose answer was lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) nonce: u64,
    pub(crate) sent: usize,
    /// The commit number that it was made on.
    pub(crate) base: u64,
    /// When it was made.
    pub(crate) at: Timestamp,
}

impl State {
    #[inline]
    pub(crate) fn new(place: Place, frames: Frames, loaded_at: Timestamp) -> Self {
        let (owner, number) = match &place {
            Place::Stored(stored) => (stored.owner.clone(), stored.header.number),
            Place::Absent | Place::Closed | Place::Unseen => (None, 0),
        };
        Self {
            place,
            fate: Fate::Keep,
            end: End::Destroyed,
            draft: WorkingCopy::loaded(frames, number),
            first_seen: number,
            own: Own::default(),
            owner,
            must_exist: false,
            abandoned: false,
            touch: false,
            loaded_at,
            cookie: Cookie::Unchanged,
            uncertain: Vec::new(),
            in_flight: None,
            end_may_be_in: false,
            device_hint: None,
            minted: None,
            shelved: None,
        }
    }

    /// The session was loaded again; the client is told what it would have been told.
    pub(crate) fn reloaded(&mut self, again: Self) {
        let (cookie, first_seen) = (self.cookie.clone(), self.first_seen);
        *self = Self { cookie, first_seen, ..again };
        self.draft.age_up_to(first_seen);
    }

    /// The stored session, unless this request has ended it.
    pub(crate) fn stored(&self) -> Option<&StoredSession> {
        match &self.place {
            Place::Stored(stored) if self.fate != Fate::End => Some(stored),
            _ => None,
        }
    }

    /// Where the stored session is, also if this request has decided that it ends.
    pub(crate) fn placed(&self) -> Option<(StoreKey, Version)> {
        match &self.place {
            Place::Stored(stored) => Some((stored.key.clone(), stored.version)),
            Place::Absent | Place::Closed | Place::Unseen => None,
        }
    }

    pub(super) fn id(&self) -> Option<&SessionId> {
        self.stored().map(|stored| &stored.id)
    }

    /// What the session knows about itself; draws its secrets if it is new.
    pub(crate) fn header(&mut self, engine: &Engine) -> Result<Header> {
        if let Some(stored) = self.stored() {
            return Ok(self.own.on(stored.header.clone()));
        }
        let minted = self.mint(engine)?;
        let (handle, csrf) = (minted.handle, minted.csrf);
        Ok(self.own.on(Header::new(self.loaded_at, handle, csrf)))
    }

    /// The secrets of a session that is not stored yet, drawn when they are first needed.
    fn mint(&mut self, engine: &Engine) -> Result<&Minted> {
        let minted = match self.minted.take() {
            Some(minted) => minted,
            None => engine.mint()?,
        };
        Ok(self.minted.insert(minted))
    }

    /// What the session knows about itself, if it is not new.
    pub(crate) fn known_header(&self) -> Option<Header> {
        let header = match (self.stored(), &self.minted) {
            (Some(stored), _) => stored.header.clone(),
            (None, Some(minted)) => Header::new(self.loaded_at, minted.handle, minted.csrf),
            (None, None) => return None,
        };
        Some(self.own.on(header))
    }

    /// The id that a new session, or a new ticket to this one, will have.
    pub(crate) fn next_id(&mut self, engine: &Engine) -> Result<SessionId> {
        Ok(self.mint(engine)?.id.clone())
    }

    /// The next id turned out to be taken, or was given to a record that had to go; the other secrets stay.
    pub(crate) fn change_next_id(&mut self, engine: &Engine) -> Result<()> {
        if let Some(minted) = &mut self.minted {
            minted.id = engine.mint()?.id;
        }
        Ok(())
    }

    pub(crate) fn wanted(&self, save_empty: bool) -> bool {
        self.must_exist || (save_empty && !self.abandoned) || self.draft.holds_new_values()
    }

    /// Whether it neither ends nor gets an owner or, by this request's own wish, another id.
    pub(crate) fn is_plain(&self) -> bool {
        let is_stored = matches!(self.place, Place::Stored(_));
        self.fate == Fate::Keep && (is_stored || self.owner.is_none())
    }

    pub(super) fn exists(&self, save_empty: bool) -> bool {
        match self.place {
            Place::Closed => self.fate == Fate::LogIn,
            Place::Unseen => false,
            _ => self.stored().is_some() || self.wanted(save_empty),
        }
    }

    /// Whether the commit will begin the idle time anew.
    pub(super) fn will_move_expiry(&self) -> bool {
        self.touch || self.is_changed() || self.fate != Fate::Keep
    }

    /// Whether this request changes the session.
    pub(crate) fn is_changed(&self) -> bool {
        self.draft.is_changed() || self.draft.has_new_device() || self.own != Own::default()
    }

    pub(super) fn log_in(&mut self, owner: Owner, minted: Minted) {
        self.own.log_in = Some((owner.since, minted.handle));
        self.own.csrf = Some(minted.csrf);
        self.owner = Some(owner);
        self.minted = Some(minted);
        self.must_exist = true;
        if let Some(device) = self.device_hint.take() {
            self.set_device(&device);
        }
        // Without a stored session there is nothing to end first.
        if self.fate != Fate::End || !matches!(self.place, Place::Stored(_)) {
            self.fate = Fate::LogIn;
        }
    }

    pub(super) fn set_device(&mut self, name: &str) {
        let end = (0..=name.len().min(256)).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        self.draft.set_device(&name[..end]);
    }

    pub(super) fn renew(&mut self) {
        if self.fate == Fate::Keep && self.stored().is_some() {
            self.fate = Fate::Renew;
        }
    }

    /// Leaves the id as it is after all.
    pub(crate) fn keep_id(&mut self) {
        if self.fate == Fate::Renew {
            self.fate = Fate::Keep;
            self.minted = None;
        }
    }

    pub(super) fn end(&mut self, reason: End) {
        let draft = std::mem::take(&mut self.draft);
        if self.fate != Fate::End {
            self.shelved = Some(Box::new(draft));
        }
        self.fate = Fate::End;
        self.end = reason;
        self.own = Own::default();
        self.owner = None;
        self.minted = None;
        self.must_exist = false;
    }

    /// Of what the handler decided, leaves only that the session ends: nobody will get the cookie of a new one. Says
    /// whether it did decide that.
    pub(crate) fn only_end(&mut self) -> bool {
        let ends = self.fate == Fate::End;
        if ends {
            self.end(self.end);
            self.abandoned = true;
        }
        ends
    }

    /// Forgets what this request changed. What is returned is dropped without a lock.
    pub(crate) fn discard(&mut self) -> Trash {
        let mut trash = self.draft.discard();
        if let Some(draft) = self.shelved.take() {
            self.draft = *draft;
            trash.extend(self.draft.discard());
        }
        self.fate = Fate::Keep;
        self.own = Own::default();
        self.owner = self.stored().and_then(|stored| stored.owner.clone());
        self.must_exist = false;
        self.touch = false;
        self.minted = None;
        trash
    }

    /// Where the session is, if it is stored and belongs to the user that this request knows.
    pub(crate) fn key_if_the_user_s(&self) -> Option<StoreKey> {
        let user = &self.owner.as_ref()?.key;
        let stored =
            self.stored().filter(|stored| stored.owner.as_ref().is_some_and(|owner| owner.key == *user));
        stored.map(|stored| stored.key.clone())
    }

    /// The stored record belongs to its owner since another moment now, under a version not yet seen.
    pub(crate) fn redate_stored(&mut self, since: Timestamp) {
        let Place::Stored(stored) = &mut self.place else { return };
        let is_same = self.owner == stored.owner && self.own.log_in.is_none();
        if let Some(owner) = &mut stored.owner {
            owner.since = owner.since.max(since);
        }
        if is_same {
            self.owner.clone_from(&stored.owner);
        }
    }

    /// What [`Plan::decide`](crate::plan::Plan::decide) needs to know.
    pub(crate) fn observe(&self, config: &Config) -> Observed {
        let lifetime = &config.lifetime;
        let (origin, touch_due, renewal_due) = match &self.place {
            Place::Absent => (Origin::Absent, false, false),
            Place::Closed => (Origin::Closed, false, false),
            Place::Unseen => (Origin::Unseen, false, false),
            Place::Stored(stored) => (
                if stored.late { Origin::Late } else { Origin::Current },
                self.touch || lifetime.touch_is_due(&stored.header, stored.expires_at, self.loaded_at),
                lifetime.renewal_is_due(&stored.header, self.loaded_at),
            ),
        };
        Observed {
            origin,
            fate: self.fate,
            wanted: self.wanted(config.save_empty),
            changed: self.is_changed() || self.draft.ages() || config.save_unchanged,
            touch_due,
            renewal_due,
            rolling: config.rolling,
        }
    }

    /// A commit put the session into the store where `place` says, with the first `sent` changes and what was `decided`
    /// then. What was decided since is for the next commit.
    pub(crate) fn landed(&mut self, frames: Frames, sent: usize, decided: &Decided) -> Result<()> {
        self.uncertain.clear();
        let is_as_sent = self.fate == decided.fate && self.own.log_in == decided.own.log_in;
        if self.own == decided.own {
            self.own = Own::default();
        }
        if is_as_sent {
            self.fate = Fate::Keep;
            self.must_exist = false;
            self.touch = false;
            self.minted = None;
            self.shelved = None;
        }
        self.in_flight = None;
        self.old_draft().committed(frames, sent)
    }

    /// Whether a write of this request may be in the store of which no answer came.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.in_flight.is_some() || !self.uncertain.is_empty()
    }

    /// What the handler has decided so far, besides changing values.
    pub(crate) fn decided(&self) -> Decided {
        Decided { fate: self.fate, own: self.own.clone() }
    }

    /// The values of the stored session; what was written after its end is another draft.
    fn old_draft(&mut self) -> &mut WorkingCopy {
        match &mut self.shelved {
            Some(shelved) if self.fate == Fate::End => shelved,
            _ => &mut self.draft,
        }
    }

    /// Another request has stored `frames`: this one's changes stand on them now.
    pub(crate) fn rebase(&mut self, frames: Frames) -> Result<()> {
        self.old_draft().rebase(frames)
    }

    /// The first `sent` changes are in the store, where `frames` are now.
    pub(crate) fn committed(&mut self, frames: Frames, sent: usize) -> Result<()> {
        self.old_draft().committed(frames, sent)
    }

    /// The id that an earlier commit made and may have given to the session, if nobody has heard of it yet.
    pub(crate) fn lost_id(&self) -> Option<SessionId> {
        Some(self.minted.as_ref()?.id.clone())
    }

    /// The session was found again, perhaps under another key.
    pub(crate) fn found_again(&mut self, key: Option<StoreKey>, found: &Stored, header: Header) {
        let Place::Stored(place) = &mut self.place else { return };
        if let Some(key) = key.filter(|key| *key != place.key) {
            (place.key, place.late) = (key, true);
        }
        place.version = found.version;
        place.header = header;
        place.expires_at = found.record.expires_at;
        // A log-in of this request keeps its own date.
        if self.own.log_in.is_none() && self.owner == place.owner {
            self.owner.clone_from(&found.record.owner);
        }
        place.owner.clone_from(&found.record.owner);
    }

    /// The stored session has ended; what was written afterwards is a new one.
    pub(crate) fn ended(&mut self) {
        self.place = Place::Absent;
        self.fate = if self.owner.is_some() { Fate::LogIn } else { Fate::Keep };
        self.shelved = None;
        self.uncertain.clear();
        self.end_may_be_in = false;
    }

    /// The session is gone, through no doing of this request: nothing that it changes can be stored, and the client
    /// must not hear of an id that is dead already, because it may have a better one by now.
    pub(crate) fn closed(&mut self) {
        let cookie = match std::mem::replace(&mut self.cookie, Cookie::Unchanged) {
            Cookie::Removed => Cookie::Removed,
            Cookie::Unchanged | Cookie::Set(..) => Cookie::Unchanged,
        };
        let place = self.closed_place();
        *self = Self { cookie, ..Self::new(place, Frames::default(), self.loaded_at) };
    }

    const fn closed_place(&self) -> Place {
        match self.place {
            Place::Unseen => Place::Unseen,
            Place::Absent | Place::Closed | Place::Stored(_) => Place::Closed,
        }
    }

    /// A commit that was to carry out `planned` found the session gone. What the handler has decided since then stands.
    pub(crate) fn lost(&mut self, planned: Fate) -> Result<()> {
        match self.fate {
            Fate::End if planned != Fate::End => Ok(()),
            Fate::LogIn if planned != Fate::LogIn => self.log_in_without_a_past(),
            _ => {
                self.closed();
                Ok(())
            }
        }
    }

    /// The session that the user logged in from has ended: the log-in stands, without its values.
    pub(crate) fn log_in_without_a_past(&mut self) -> Result<()> {
        self.place = self.closed_place();
        self.uncertain.clear();
        self.draft.rebase(Frames::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_state_fits_the_blocks_that_allocators_hand_out_quickly() {
        // glibc keeps freed blocks at hand up to this size; one byte more cost a request some 300 instructions.
        assert!(size_of::<State>() <= 1_032, "{} bytes", size_of::<State>());
    }
}
