//! The state of a request: what it knows about its session, and has decided about it.

use std::time::Duration;

use cloakroom_store::{Owner, OwnerKey, StoreKey, Timestamp};

use super::{Attempt, Ending, HeaderChanges, Intent, Located, Location, Login, Trash, WorkingCopy};
use crate::id::NewSecrets;
use crate::observe::EndReason;
use crate::record::Frames;
use crate::shared_clock::ClockOffset;
use crate::{GoneReason, SameSite, SessionId};

/// What one request knows about its session, and has decided about it.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) location: Location,
    pub(crate) intent: Intent,
    /// Changes whenever the intent does, so that a commit can tell whether it carried out the present one.
    pub(super) intent_revision: u32,
    pub(crate) values: WorkingCopy,
    /// Changes whenever changes to the values are taken back: a commit's count of changes then means nothing.
    pub(super) values_revision: u32,
    pub(crate) header_changes: HeaderChanges,
    /// Whether a new session is stored although it has no values.
    pub(crate) must_exist: bool,
    /// Whether the handler asked for a touch.
    pub(crate) touch: bool,
    /// What the handler wants of the end of the request.
    pub(crate) saving: Saving,
    /// Whether the stored record was written under another idle time than the configured one.
    pub(crate) idle_changed: bool,
    /// Whether the request must leave the session as it is: the browser fetches ahead.
    pub(crate) looks_only: bool,
    pub(crate) loaded_at: Timestamp,
    /// What the response must tell the client.
    pub(crate) cookie: Cookie,
    /// Whether this request ended its session, or found it ended when it wanted to.
    pub(crate) ended: bool,
    /// Whether a handler of this request logged a user in.
    pub(crate) logged_in: bool,
    /// Whether this request tried to end its session, but a log-in had replaced it.
    pub(crate) end_was_ignored: bool,
    /// The commit that the session was at when the request first saw it: flash values born later are for the next one.
    pub(super) first_seen: u64,
    /// Secrets of a session that is not stored yet, or of the next id.
    pub(super) secrets: Option<Box<NewSecrets>>,
    pub(super) rare: Option<Box<Rare>>,
    /// Changes that a plain write has stored, and the values that it left in the store; taken in by the next commit, which
    /// hardly ever comes.
    pub(crate) landed: Option<Landed>,
    /// Values whose `Drop` may run code of the application: dropped when the lock is free.
    pub(crate) trash: Trash,
}

/// Changes that a plain write has stored.
#[derive(Clone, Debug)]
pub(crate) struct Landed {
    pub(crate) frames: Frames,
    pub(crate) sent: usize,
}

/// Parts that few requests need, in a box.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// Writes of this request that may or may not be in the store.
    pub(super) unsettled: Vec<Attempt>,
    /// Whether an earlier commit may have ended the session, although its answer was lost.
    pub(super) end_unsettled: bool,
    /// The name of the user's device, used if a user logs in.
    pub(super) device_hint: Option<Box<str>>,
    /// Ids that the client sent beside the one of this session, and which may be live.
    pub(super) other_ids: Vec<SessionId>,
    /// The next id as it was before a commit tried it in vain: it is never tried again.
    pub(super) burnt_id: Option<SessionId>,
    /// What a new session of another package's format begins with.
    pub(super) first_members: Option<Frames>,
    /// Why the client's session is not there.
    pub(super) gone: Option<GoneReason>,
}

/// Whether the end of a request stores the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Saving {
    /// If it was changed, and otherwise as configured.
    #[default]
    WhenChanged,
    Always,
    /// Not even what was changed; an end is carried out all the same.
    Never,
}

impl Saving {
    /// Notes that a commit has stored the session.
    pub(crate) fn is_done(&mut self) {
        if *self == Self::Always {
            *self = Self::WhenChanged;
        }
    }
}

/// What the response must tell the client about its cookie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cookie {
    #[default]
    Unchanged,
    Set(SessionId, CookieLifetime),
    Removed,
}

/// How long a cookie is kept by the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CookieLifetime {
    /// When it was decided.
    pub(crate) from: Timestamp,
    /// `None`: it ends with the browser.
    pub(crate) max_age: Option<Duration>,
    /// `None`: as configured.
    pub(crate) same_site: Option<SameSite>,
}

impl State {
    #[expect(clippy::inline_always, reason = "every request would move what it makes once more")]
    #[inline(always)]
    pub(crate) fn new(location: Location, frames: Frames, loaded_at: Timestamp) -> Self {
        let number = location.stored().map_or(0, |located| located.header.number());
        // Every field by name: to make a default first, and to take it apart again, costs every request some hundred instructions.
        Self {
            location,
            intent: Intent::Keep,
            intent_revision: 0,
            values: WorkingCopy::loaded(frames, number),
            values_revision: 0,
            header_changes: HeaderChanges::default(),
            must_exist: false,
            touch: false,
            saving: Saving::WhenChanged,
            idle_changed: false,
            looks_only: false,
            loaded_at,
            cookie: Cookie::Unchanged,
            ended: false,
            logged_in: false,
            end_was_ignored: false,
            first_seen: number,
            secrets: None,
            rare: None,
            landed: None,
            trash: Trash::default(),
        }
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(crate) fn set_other_ids(&mut self, ids: Vec<SessionId>) {
        if !ids.is_empty() {
            self.rare().other_ids = ids;
        }
    }

    pub(crate) fn add_other_ids(&mut self, ids: Vec<SessionId>) {
        if !ids.is_empty() {
            self.rare().other_ids.extend(ids);
        }
    }

    pub(crate) fn other_ids(&self) -> Vec<SessionId> {
        self.rare.as_ref().map_or_else(Vec::new, |rare| rare.other_ids.clone())
    }

    /// Notes why the session that the client named is not there.
    pub(crate) fn set_gone(&mut self, reason: GoneReason) {
        self.rare().gone = Some(reason);
    }

    /// Returns why the session that the client named is not there, if it named one.
    pub(crate) fn gone_because(&self) -> Option<GoneReason> {
        self.rare.as_ref()?.gone
    }

    /// Sets what a new session of this request begins with, besides its values.
    pub(crate) fn set_first_members(&mut self, members: Frames) {
        self.rare().first_members = Some(members);
        if self.location.stored().is_none() {
            self.values = self.new_values();
        }
    }

    /// Returns the values of a new session.
    fn new_values(&self) -> WorkingCopy {
        let members = self.rare.as_ref().and_then(|rare| rare.first_members.clone());
        members.map_or_else(WorkingCopy::default, |members| WorkingCopy::loaded(members, 0))
    }

    /// Replaces what was loaded before, and keeps the cookie that the client was to receive.
    pub(crate) fn reloaded(&mut self, again: Self) {
        let mut old = std::mem::replace(self, again);
        self.take_what_the_client_sent(&mut old);
        self.cookie = std::mem::take(&mut old.cookie);
        self.logged_in = old.logged_in;
        self.first_seen = old.first_seen;
        self.saving = old.saving;
        self.values.age_up_to(self.first_seen);
        self.intent_revision = old.intent_revision.wrapping_add(1);
        self.values_revision = old.values_revision.wrapping_add(1);
        self.trash = std::mem::take(&mut old.trash);
        self.throw_away(old);
    }

    /// Begins no session for a browser that may have one and holds its cookie back: only a log-in does.
    pub(crate) fn withhold(&mut self) {
        if matches!(self.location, Location::Absent) {
            self.location = Location::Closed;
        }
    }

    /// Takes over what does not depend on the session that was found.
    fn take_what_the_client_sent(&mut self, old: &mut Self) {
        self.looks_only = old.looks_only;
        let Some(old) = &mut old.rare else { return };
        if !old.other_ids.is_empty() || old.device_hint.is_some() || old.first_members.is_some() {
            let rare = self.rare();
            rare.other_ids = std::mem::take(&mut old.other_ids);
            rare.device_hint = old.device_hint.take();
            rare.first_members = old.first_members.take();
        }
    }

    /// Puts another state's changes to where they can be dropped.
    fn throw_away(&mut self, mut old: Self) {
        self.trash.extend(old.values.discard());
        if let Intent::End(mut ending) = old.intent {
            self.trash.extend(ending.before.discard());
        }
    }

    /// Returns the stored session, unless this request has ended it.
    pub(crate) fn stored(&self) -> Option<&Located> {
        if self.intent.is_end() { None } else { self.location.stored() }
    }

    /// Returns the user that the session will belong to.
    pub(crate) fn owner(&self) -> Option<&Owner> {
        match self.intent.login() {
            Some(login) => Some(&login.owner),
            None => self.stored().and_then(|located| located.owner.as_ref()),
        }
    }

    pub(super) fn set_intent(&mut self, intent: Intent) -> Intent {
        self.intent_revision = self.intent_revision.wrapping_add(1);
        std::mem::replace(&mut self.intent, intent)
    }

    pub(crate) fn log_in(&mut self, login: Login) {
        self.logged_in = true;
        self.header_changes.csrf = None;
        self.forget_secrets();
        self.must_exist = false;
        if let Some(device) = self.rare.as_mut().and_then(|rare| rare.device_hint.take()) {
            self.set_device(&device);
        }
        let is_stored = self.location.stored().is_some();
        match self.set_intent(Intent::Keep) {
            // The stored session ends first, and the log-in begins another one.
            Intent::End(ending) if is_stored => {
                self.intent = Intent::End(Ending { then: Some(login), ..ending });
            }
            _ => self.intent = Intent::LogIn(login),
        }
    }

    pub(crate) fn suggest_device(&mut self, name: Box<str>) {
        self.rare().device_hint = Some(name);
    }

    pub(crate) fn set_device(&mut self, name: &str) {
        let end = (0..=name.len().min(256)).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        self.values.set_device(&name[..end]);
    }

    pub(crate) fn renew(&mut self) {
        if matches!(self.intent, Intent::Keep) && self.stored().is_some() {
            self.set_intent(Intent::Renew);
        }
    }

    /// Applies a plain write that is in the store, without the changes made since.
    fn take_landed(&mut self) {
        let Some(landed) = self.landed.take() else { return };
        let number = self.location.stored().map_or(0, |located| located.header.number());
        let mut old = std::mem::replace(&mut self.values, WorkingCopy::loaded(landed.frames, number));
        self.trash.extend(old.discard());
    }

    pub(crate) fn end(&mut self, reason: EndReason) {
        self.take_landed();
        let new = self.new_values();
        let mut values = std::mem::replace(&mut self.values, new);
        self.values_revision = self.values_revision.wrapping_add(1);
        let before = match self.set_intent(Intent::Keep) {
            Intent::End(ending) => {
                self.trash.extend(values.discard());
                ending.before
            }
            Intent::Keep | Intent::Renew | Intent::LogIn(_) => Box::new(values),
        };
        self.intent = Intent::End(Ending { reason, before, then: None });
        self.header_changes = HeaderChanges::default();
        self.forget_secrets();
        self.must_exist = false;
    }

    pub(crate) fn discard(&mut self) {
        self.take_landed();
        if let Intent::End(ending) = self.set_intent(Intent::Keep) {
            let mut values = std::mem::replace(&mut self.values, *ending.before);
            self.trash.extend(values.discard());
        }
        self.trash.extend(self.values.discard());
        self.values_revision = self.values_revision.wrapping_add(1);
        self.header_changes = HeaderChanges::default();
        self.must_exist = false;
        self.touch = false;
        self.saving = Saving::WhenChanged;
        self.forget_secrets();
    }

    /// Forgets, at the end of the request, what the handler does not want to be saved: all but an end.
    pub(crate) fn forget_what_is_not_saved(&mut self) {
        if self.saving != Saving::Never {
            return;
        }
        self.take_landed();
        self.trash.extend(self.values.discard());
        self.values_revision = self.values_revision.wrapping_add(1);
        self.header_changes = HeaderChanges::default();
        self.must_exist = false;
        self.forget_secrets();
        match &mut self.intent {
            Intent::End(ending) => ending.then = None,
            Intent::Keep => {}
            Intent::Renew | Intent::LogIn(_) => drop(self.set_intent(Intent::Keep)),
        }
    }

    /// Returns where the session is, if it is stored and belongs to the user that this request knows.
    pub(crate) fn key_if_the_users(&self) -> Option<StoreKey> {
        let user = &self.owner()?.key;
        let located = self.stored().filter(|it| it.owner.as_ref().is_some_and(|owner| owner.key == *user));
        located.map(|located| located.key.clone())
    }

    /// Dates this user's log-in of this session, stored or not, to `since` at least: a moment of the shared clock. A log-in
    /// of another user, stored before or decided since, keeps its date.
    pub(crate) fn redate(&mut self, user: &OwnerKey, since: Timestamp, offset: ClockOffset) {
        let stored = self.location.stored_mut().and_then(|located| located.owner.as_mut());
        if let Some(owner) = stored.filter(|owner| owner.key == *user) {
            owner.logged_in_at = owner.logged_in_at.max(since);
        }
        if let Some(login) = self.intent.login_mut().filter(|login| login.owner.key == *user) {
            login.owner.logged_in_at = login.owner.logged_in_at.max(offset.own(since));
            login.began_at = login.began_at.max(login.owner.logged_in_at);
        }
    }

    /// Notes that another request ended the session: nothing that this one changes can be stored, and the client must not get an
    /// id that is dead already, because it may have a newer one.
    pub(crate) fn close(&mut self) {
        let cookie = match std::mem::take(&mut self.cookie) {
            Cookie::Removed => Cookie::Removed,
            Cookie::Unchanged | Cookie::Set(..) => Cookie::Unchanged,
        };
        let location = self.closed_location();
        let mut closed = Self::new(location, Frames::default(), self.loaded_at);
        closed.intent_revision = self.intent_revision.wrapping_add(1);
        closed.values_revision = self.values_revision.wrapping_add(1);
        (closed.cookie, closed.ended, closed.end_was_ignored) = (cookie, self.ended, self.end_was_ignored);
        closed.trash = std::mem::take(&mut self.trash);
        closed.take_what_the_client_sent(self);
        let old = std::mem::replace(self, closed);
        self.throw_away(old);
    }

    /// Returns whether this request logged a user in.
    pub(crate) fn owner_is_new(&self) -> bool {
        self.intent.login().is_some()
    }

    /// Drops the decision to renew the id, because another request has renewed it.
    pub(crate) fn keep_id(&mut self) {
        if matches!(self.intent, Intent::Renew) {
            self.intent = Intent::Keep;
        }
        if self.intent.login().is_none() {
            self.forget_secrets();
        }
    }

    /// Notes that the session that was to end has ended already: only the log-in that came after it is left to do.
    pub(crate) fn log_in_instead_of_ending(&mut self) {
        match std::mem::take(&mut self.intent) {
            Intent::End(ending) => {
                self.throw_before(ending.before);
                self.intent = ending.then.map_or(Intent::Keep, Intent::LogIn);
            }
            other => self.intent = other,
        }
    }

    pub(super) const fn closed_location(&self) -> Location {
        match self.location {
            Location::Unknown => Location::Unknown,
            Location::Absent | Location::Closed | Location::Stored(_) => Location::Closed,
        }
    }

    /// Notes that the stored session has ended; values written afterwards belong to a new one.
    pub(crate) fn mark_ended(&mut self) {
        self.location = Location::Absent;
        self.ended = true;
        self.cookie = Cookie::Removed;
        self.clear_unsettled();
        if let Some(rare) = &mut self.rare {
            rare.end_unsettled = false;
        }
    }
}
