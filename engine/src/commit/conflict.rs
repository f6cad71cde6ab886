//! Conflict resolution: reconciles a commit with the record found under its key.

use cloakroom_store::{StoreKey, VersionedRecord};

use super::{Commit, Settled};
use crate::record::Frames;
use crate::records::{Follow, Live, Resolved};
use crate::state::{Attempt, Cookie, IntentKind, Location};
use crate::{Error, ErrorKind, Result};

/// What a commit found in the place of the record that it expected.
#[derive(Debug)]
pub(super) enum Reconciled {
    /// The record remembers this commit: it is in the store.
    Ours,
    /// The changes were replayed on the record that is there; write again.
    Rebased,
    /// The session has ended.
    Gone,
    /// A log-in replaced it by another session, which the old id must not reach.
    ReplacedByLogin,
}

impl Commit<'_> {
    /// Loads what is under `key` now, and reconciles this commit with it.
    pub(super) async fn load_and_reconcile(&mut self, key: StoreKey) -> Result<Reconciled> {
        let stored = self.records.load(&key, None).await?;
        self.reconcile(key, stored).await
    }

    /// Reconciles this commit with `stored`, found under `key`, or with the session that it leads to.
    pub(super) async fn reconcile(
        &mut self,
        key: StoreKey,
        stored: Option<VersionedRecord>,
    ) -> Result<Reconciled> {
        match self.records.resolve_from(key, stored, Follow::HELD).await? {
            Resolved::Live(live) => self.rebase_on(live),
            Resolved::Missing => Ok(Reconciled::Gone),
            Resolved::ReplacedByLogin | Resolved::GraceOver => Ok(Reconciled::ReplacedByLogin),
            Resolved::Unreadable => Err(unreadable()),
        }
    }

    /// Replays the changes on the record that is there.
    fn rebase_on(&mut self, live: Live) -> Result<Reconciled> {
        let Some(located) = self.view.location.stored() else { return Ok(Reconciled::Gone) };
        let is_ours = live.header.remembers(self.nonce);
        if !is_ours {
            self.engine.refuse_newer(&live.header)?;
        }
        let base = located.header.number();
        if !is_ours && self.is_uncertain && live.header.may_have_forgotten(base) {
            return Err(outcome_unknown());
        }
        // The write of an earlier save, whose future was dropped, may arrive as late as this.
        let earlier = self.view.unsettled().iter().filter(|tried| live.header.remembers(tried.nonce));
        let earlier = earlier.map(|tried| tried.sent).max();
        let frames = live.frames.clone();
        self.relocate(live);
        if is_ours {
            self.frames = Some(frames);
            return Ok(Reconciled::Ours);
        }
        self.rebase_values(frames, earlier)?;
        if earlier.is_some() {
            self.view.clear_unsettled();
        }
        Ok(Reconciled::Rebased)
    }

    /// Replays the changes on `frames`, except the first `landed`, which `frames` contains already.
    pub(super) fn rebase_values(&mut self, frames: Frames, landed: Option<usize>) -> Result<()> {
        self.frames = Some(frames.clone());
        match landed {
            Some(sent) => self.view.values.committed(frames, sent),
            None => self.view.values.rebase(frames),
        }
    }

    /// Notes where the session was found again, perhaps under another key.
    pub(super) fn relocate(&mut self, live: Live) {
        let Some(located) = self.view.location.stored_mut() else { return };
        if live.key != located.key {
            (located.key, located.redirected) = (live.key, true);
        }
        (located.version, located.header) = (live.version, live.header);
        (located.expires_at, located.owner) = (live.expires_at, live.owner);
    }

    /// Finds out which earlier writes of this request, whose answers were lost, are in the store.
    pub(super) async fn settle_earlier_writes(&mut self) -> Result<Settled> {
        // A session that is not stored yet is settled by its create.
        let Some(located) = self.view.location.stored() else { return Ok(Settled::Known) };
        let key = located.key.clone();
        let live = match self.records.resolve(key, Follow::HELD).await? {
            Resolved::Live(live) => live,
            Resolved::Missing | Resolved::ReplacedByLogin | Resolved::GraceOver => return Ok(Settled::Gone),
            Resolved::Unreadable => return Err(unreadable()),
        };
        let attempts: Vec<Attempt> = self.view.unsettled().to_vec();
        let landed = attempts.iter().filter(|tried| live.header.remembers(tried.nonce));
        let landed = landed.map(|tried| tried.sent).max();
        let forgot = |tried: &Attempt| live.header.may_have_forgotten(tried.base);
        if landed.is_none() && attempts.iter().any(forgot) {
            return Err(outcome_unknown());
        }
        let frames = live.frames.clone();
        self.relocate(live);
        self.adopt_lost_id();
        if self.view.intent.kind() != IntentKind::End {
            self.rebase_values(frames, landed)?;
        }
        // A write that is not there may still arrive: only after another commit succeeds it cannot.
        if landed.is_some() {
            self.view.clear_unsettled();
        }
        Ok(Settled::Known)
    }

    /// If an earlier commit gave the session its new id after all, and only the answer was lost, the client gets the id.
    fn adopt_lost_id(&mut self) {
        let Some(id) = self.view.next_id().cloned() else { return };
        let lifetime = &self.engine.config().lifetime;
        let Location::Stored(located) = &mut self.view.location else { return };
        if id.key() != located.key {
            return;
        }
        (located.id, located.redirected) = (id.clone(), false);
        self.view.cookie = Cookie::Set(id, lifetime.cookie(&located.header, self.at));
        self.view.keep_id();
    }

    /// Continues a log-in without the old session's values, because that session has ended.
    pub(super) fn log_in_without_a_past(&mut self) -> Result<()> {
        self.view.location = Location::Closed;
        self.view.clear_unsettled();
        self.rebase_values(Frames::default(), None)
    }
}

pub(super) fn unreadable() -> Error {
    Error::new(ErrorKind::Store, "the session's record cannot be read any more")
}

pub(super) fn outcome_unknown() -> Error {
    let message =
        "an answer of the store was lost, and whether the write took effect cannot be found out any more";
    Error::new(ErrorKind::Unavailable, message)
}
