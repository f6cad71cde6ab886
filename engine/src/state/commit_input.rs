//! The input and the result of a commit, and how the state makes the one and takes the other.

use std::time::Duration;

use cloakroom_store::Timestamp;

use super::{Cookie, Ending, HeaderChanges, Intent, IntentKind, Location, State, Trash, WorkingCopy};
use crate::config::Config;
use crate::id::NewSecrets;
use crate::plan::{CookieStep, Plan};
use crate::record::Frames;
use crate::{RequestInfo, Result, SessionId};

/// What a commit is given: the state as it was when the commit began. Handlers go on with the state itself meanwhile.
#[derive(Debug)]
pub(crate) struct CommitInput {
    pub(crate) view: Box<State>,
    pub(crate) nonce: u64,
    pub(crate) at: Timestamp,
    pub(crate) request: RequestFacts,
    /// For a function of the application that makes ids.
    pub(crate) info: Option<RequestInfo>,
    pub(crate) stamp: Stamp,
}

/// What a commit needs to know of its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestFacts {
    /// How much of the request's deadline is left.
    pub(crate) deadline: Duration,
    /// Whether the response was sent, so that no cookie can be.
    pub(crate) has_responded: bool,
    /// Whether the response may be a 304, whose cookie may reach no browser, or others.
    pub(crate) is_conditional: bool,
    /// Whether a handler called `save`, and needs to know whether the session is alive.
    pub(crate) is_save: bool,
    /// Whether the client is gone, so that only an end is carried out.
    pub(crate) is_aborted: bool,
}

/// What a state was when a commit began.
#[derive(Debug)]
pub(crate) struct Stamp {
    pub(super) intent: IntentKind,
    pub(super) intent_revision: u32,
    pub(super) values_revision: u32,
    /// How many changes the commit carries.
    pub(crate) sent: usize,
    pub(super) header_changes: HeaderChanges,
    pub(super) unsettled: Vec<Attempt>,
}

/// A write that may or may not be in the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) nonce: u64,
    /// How many changes it carried.
    pub(crate) sent: usize,
    /// The commit number that it was made on.
    pub(crate) base: u64,
}

/// The result of a commit.
#[derive(Debug)]
pub(crate) struct CommitResult {
    pub(crate) verdict: Option<Result<Verdict>>,
    pub(crate) view: Box<State>,
    pub(crate) stamp: Stamp,
    /// The values that the store holds now, if they differ from those of the state.
    pub(crate) frames: Option<Frames>,
    /// A write of this commit that may be in the store although the commit failed.
    pub(crate) unsettled: Option<Attempt>,
    replayed: Option<Replay>,
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The changes are stored.
    Saved,
    /// The changes are dropped.
    Discarded {
        /// Whether the session still exists.
        session_remains: bool,
    },
}

/// Changes that a handler made while a commit was under way, to be carried out again on what that stored.
#[derive(Debug)]
pub(crate) struct Replay {
    values: WorkingCopy,
    frames: Frames,
    sent: usize,
    seen: usize,
    values_revision: u32,
    outcome: Result<()>,
}

impl Replay {
    /// Runs it. It runs closures of the application: call it without a lock.
    pub(crate) fn run(mut self) -> Self {
        self.outcome = self.values.committed(self.frames.clone(), self.sent);
        self
    }
}

/// Says that a commit needs an id for a new record, which has to be drawn without the lock.
#[derive(Debug)]
pub(crate) struct NeedsSecrets;

impl CommitInput {
    /// Returns whether the commit must not be cancelled half-way.
    pub(crate) fn must_finish(&self, config: &Config) -> bool {
        let may_renew = || {
            let located = self.view.location.stored();
            located
                .is_some_and(|located| config.lifetime.renewal_is_due(&located.header, self.view.loaded_at))
        };
        self.view.intent.kind() != IntentKind::Keep || may_renew()
    }
}

impl CommitResult {
    pub(crate) fn new(verdict: Result<Verdict>, view: Box<State>, stamp: Stamp) -> Self {
        Self { verdict: Some(verdict), view, stamp, frames: None, unsettled: None, replayed: None }
    }

    pub(crate) fn set_replayed(&mut self, replay: Replay) {
        self.replayed = Some(replay);
    }
}

impl State {
    /// Begins a commit: returns a copy of the state that it needs. The copy shares values and closures with this state.
    pub(crate) fn begin_commit(
        &mut self,
        config: &Config,
        nonce: u64,
        at: Timestamp,
        request: RequestFacts,
        drawn: Option<NewSecrets>,
    ) -> Result<CommitInput, NeedsSecrets> {
        if let Some(drawn) = drawn {
            self.give_secrets(drawn);
        }
        let plan = Plan::decide(self.observe(config, at));
        let may_need_id = plan.cookie == CookieStep::Set || self.is_unsettled();
        if may_need_id && self.secrets().is_none() {
            return Err(NeedsSecrets);
        }
        let stamp = Stamp {
            intent: self.intent.kind(),
            intent_revision: self.intent_revision,
            values_revision: self.values_revision,
            sent: self.values.send(),
            header_changes: self.header_changes.clone(),
            unsettled: self.rare.as_ref().map_or_else(Vec::new, |rare| rare.unsettled.clone()),
        };
        let mut view = Box::new(self.copy());
        if request.is_aborted {
            view.keep_only_the_end();
        }
        // Noted before it is sent: the future of a save may be dropped before the answer is there.
        let base = self.location.stored().map_or(0, |located| located.header.number());
        self.rare().unsettled.push(Attempt { nonce, sent: stamp.sent, base });
        Ok(CommitInput { view, nonce, at, request, info: None, stamp })
    }

    /// Copies all but what only the handlers of the request need.
    fn copy(&self) -> Self {
        Self {
            location: self.location.clone(),
            intent: match &self.intent {
                Intent::Keep => Intent::Keep,
                Intent::Renew => Intent::Renew,
                Intent::LogIn(login) => Intent::LogIn(login.clone()),
                Intent::End(Ending { reason, then, .. }) => {
                    Intent::End(Ending { reason: *reason, before: Box::default(), then: then.clone() })
                }
            },
            intent_revision: self.intent_revision,
            values: self.values.clone(),
            values_revision: self.values_revision,
            header_changes: self.header_changes.clone(),
            must_exist: self.must_exist,
            touch: self.touch,
            saving: self.saving,
            idle_changed: self.idle_changed,
            looks_only: self.looks_only,
            loaded_at: self.loaded_at,
            cookie: Cookie::Unchanged,
            ended: false,
            logged_in: false,
            end_was_ignored: false,
            first_seen: self.first_seen,
            rare: self.rare.as_ref().map(|rare| {
                Box::new(super::state::Rare {
                    unsettled: rare.unsettled.clone(),
                    end_unsettled: rare.end_unsettled,
                    device_hint: None,
                    other_ids: rare.other_ids.clone(),
                    secrets: rare.secrets.clone(),
                    burnt_id: None,
                    first_members: rare.first_members.clone(),
                    gone: rare.gone,
                })
            }),
            landed: self.landed.clone(),
            trash: Trash::default(),
        }
    }

    fn keep_only_the_end(&mut self) {
        self.values = WorkingCopy::default();
        self.must_exist = false;
        if let Intent::End(ending) = &mut self.intent {
            ending.then = None;
        }
    }

    /// Applies the result of a commit. If a handler made changes meanwhile that have to be replayed, returns them instead;
    /// the caller replays them and calls this again.
    pub(crate) fn finish_commit(&mut self, result: &mut CommitResult) -> Option<Replay> {
        let verdict = result.verdict.take()?;
        self.take_cookie(&mut result.view);
        if self.is_over(result, &verdict) {
            result.verdict = Some(verdict);
            return None;
        }
        let frames = match &verdict {
            // A log-in stands that was decided while the commit found the session gone.
            Ok(Verdict::Discarded { session_remains: false }) => {
                self.log_in_instead_of_ending();
                Some(Frames::default())
            }
            // Values of a session that has ended do not pass to the next one, even if a handler discarded the end.
            Ok(_) if result.view.ended && self.intent_revision != result.stamp.intent_revision => {
                Some(result.frames.clone().unwrap_or_default())
            }
            _ => result.frames.clone(),
        };
        let replayed = match frames {
            Some(frames) => match self.take_values(result, frames) {
                Ok(replayed) => replayed,
                Err(replay) => {
                    result.verdict = Some(verdict);
                    return Some(*replay);
                }
            },
            None => Ok(()),
        };
        self.take_decisions(result, &verdict);
        result.verdict = Some(verdict.and_then(|verdict| replayed.map(|()| verdict)));
        None
    }

    /// Applies the result of a commit after which no values are stored; returns `false` for other results.
    fn is_over(&mut self, result: &mut CommitResult, verdict: &Result<Verdict>) -> bool {
        match verdict {
            Ok(Verdict::Discarded { session_remains: false }) if self.keeps_new_log_in(&result.stamp) => {
                false
            }
            Ok(Verdict::Discarded { session_remains: false }) => {
                self.settle(result, false);
                if !(self.intent.is_end() && result.stamp.intent != IntentKind::End) {
                    self.close();
                }
                true
            }
            Ok(Verdict::Discarded { session_remains: true }) => {
                self.settle(result, false);
                if !self.is_decided_since(&result.stamp) {
                    self.discard();
                }
                true
            }
            Err(_) if !result.view.ended => {
                self.settle(result, true);
                true
            }
            _ => false,
        }
    }

    fn take_cookie(&mut self, view: &mut Self) {
        if view.cookie != Cookie::Unchanged {
            self.cookie = std::mem::take(&mut view.cookie);
        }
        self.ended |= view.ended;
        self.end_was_ignored |= view.end_was_ignored;
    }

    /// Returns whether a log-in was decided while a commit found the session gone: it stands, in a session without older values.
    fn keeps_new_log_in(&self, stamp: &Stamp) -> bool {
        let is_since = self.intent_revision != stamp.intent_revision;
        let ends_first = self.intent.is_end() && stamp.intent != IntentKind::End;
        is_since && self.intent.login().is_some() && !ends_first
    }

    /// Returns whether a log-out or another log-in was decided while a log-in was refused: it stands.
    fn is_decided_since(&self, stamp: &Stamp) -> bool {
        self.intent_revision != stamp.intent_revision
            && matches!(self.intent, Intent::End(_) | Intent::LogIn(_))
    }

    /// Makes `frames` the stored values that changes apply to.
    fn take_values(&mut self, result: &mut CommitResult, frames: Frames) -> Result<Result<()>, Box<Replay>> {
        let stamp = &result.stamp;
        if let Intent::End(ending) = &mut self.intent {
            if stamp.intent != IntentKind::End {
                let all = ending.before.len();
                let outcome = ending.before.committed(frames, all);
                self.trash.extend(ending.before.take_trash());
                return Ok(outcome);
            }
            if self.intent_revision != stamp.intent_revision {
                // The session that ended is not there any more, should this end be discarded, too.
                let mut before = std::mem::take(&mut *ending.before);
                self.trash.extend(before.discard());
                let begun = result.view.location.stored().map(|located| located.header.number());
                if let Some(number) = begun.filter(|_| self.values_revision != stamp.values_revision) {
                    // It was ended again: the session that ends now is the one that this commit has begun.
                    *ending.before = WorkingCopy::loaded(frames, number);
                    return Ok(Ok(()));
                }
            }
        }
        let sent = if self.values_revision == stamp.values_revision { stamp.sent } else { 0 };
        if self.values.len() == sent {
            let outcome = self.values.committed(frames, sent);
            self.trash.extend(self.values.take_trash());
            return Ok(outcome);
        }
        match result.replayed.take() {
            Some(done) if done.seen == self.values.len() && done.values_revision == self.values_revision => {
                let mut old = std::mem::replace(&mut self.values, done.values);
                self.trash.extend(old.discard());
                Ok(done.outcome)
            }
            _ => Err(Box::new(Replay {
                values: self.values.clone(),
                frames,
                sent,
                seen: self.values.len(),
                values_revision: self.values_revision,
                outcome: Ok(()),
            })),
        }
    }

    /// Notes where the session is now, and removes the decisions that were carried out.
    fn take_decisions(&mut self, result: &mut CommitResult, verdict: &Result<Verdict>) {
        self.settle(result, verdict.is_err());
        let view = &mut result.view;
        let lost = matches!(verdict, Ok(Verdict::Discarded { .. }));
        self.location = if lost { self.closed_location() } else { std::mem::take(&mut view.location) };
        if matches!(self.location, Location::Closed) && matches!(self.cookie, Cookie::Set(..)) {
            // An id that an earlier save has made is dead by now, and the client may have a newer one.
            self.cookie = Cookie::Unchanged;
        }
        self.landed = None;
        if self.header_changes == result.stamp.header_changes {
            self.header_changes = HeaderChanges::default();
        }
        if lost {
            return;
        }
        if self.intent_revision != result.stamp.intent_revision {
            return self.log_in_to_what_was_begun(&result.stamp);
        }
        let intent = self.set_intent(Intent::Keep);
        match (intent, verdict) {
            // Only the end was carried out; what came after it is for the next commit.
            (Intent::End(ending), Err(_)) => {
                self.throw_before(ending.before);
                self.intent = ending.then.map_or(Intent::Keep, Intent::LogIn);
            }
            (intent, _) => {
                if let Intent::End(ending) = intent {
                    self.throw_before(ending.before);
                }
                self.must_exist = false;
                self.touch = false;
                self.saving.is_done();
                self.idle_changed = false;
                self.forget_secrets();
            }
        }
    }

    /// Directs a log-in at the session that a commit has begun, if it was decided while that commit ended another one.
    fn log_in_to_what_was_begun(&mut self, stamp: &Stamp) {
        let is_since = stamp.intent == IntentKind::End && self.values_revision == stamp.values_revision;
        let is_begun = matches!(self.location, Location::Stored(_));
        if let Intent::End(ending) = &mut self.intent
            && is_since
            && is_begun
            && let Some(login) = ending.then.take()
        {
            let before = std::mem::take(&mut ending.before);
            self.throw_before(before);
            self.intent = Intent::LogIn(login);
        }
    }

    pub(super) fn throw_before(&mut self, mut before: Box<WorkingCopy>) {
        self.trash.extend(before.discard());
    }

    /// Notes which writes may still be in the store.
    fn settle(&mut self, result: &CommitResult, failed: bool) {
        let id = result.view.secrets().map(|secrets| (secrets.id.clone(), secrets.is_chosen));
        let burnt = result.view.rare.as_ref().and_then(|rare| rare.burnt_id.as_ref());
        // What was decided meanwhile may use the same id; a removal of the record that it had may still arrive.
        let is_burnt = burnt.is_some() && self.next_id() == burnt;
        if (self.intent_revision == result.stamp.intent_revision || is_burnt)
            && let Some((id, is_chosen)) = id
        {
            self.set_next_id(id, is_chosen);
        }
        if self.rare.is_none() {
            return;
        }
        let end_unsettled = failed && result.view.rare.as_ref().is_some_and(|rare| rare.end_unsettled);
        let rare = self.rare();
        rare.unsettled.clear();
        rare.end_unsettled = end_unsettled && !result.view.ended;
        if failed && !result.view.ended {
            rare.unsettled.extend_from_slice(&result.stamp.unsettled);
        }
        if failed {
            rare.unsettled.extend(result.unsettled);
        }
        // A save in between leaves them: a log-out that follows has to end them, too.
        if matches!(result.stamp.intent, IntentKind::End | IntentKind::LogIn)
            && (result.view.ended || !failed)
        {
            rare.other_ids.clear();
        }
    }

    /// Discards the new id, which was taken already or belonged to a record that was removed; the other secrets stay.
    pub(crate) fn set_next_id(&mut self, id: SessionId, is_chosen: bool) {
        if let Some(login) = self.intent.login_mut() {
            (login.secrets.id, login.secrets.is_chosen) = (id, is_chosen);
        } else if let Some(secrets) = self.rare.as_mut().and_then(|rare| rare.secrets.as_mut()) {
            (secrets.id, secrets.is_chosen) = (id, is_chosen);
        }
    }

    /// Notes that the next id is never tried again.
    pub(crate) fn burn_next_id(&mut self) {
        let id = self.next_id().cloned();
        let rare = self.rare();
        rare.burnt_id = rare.burnt_id.take().or(id);
    }

    /// Returns whether the application made the id that comes next.
    pub(crate) fn next_id_is_chosen(&self) -> bool {
        self.secrets().is_some_and(|secrets| secrets.is_chosen)
    }

    /// Returns the id that a new session, or a new id of this one, will have.
    pub(crate) fn next_id(&self) -> Option<&SessionId> {
        self.secrets().map(|secrets| &secrets.id)
    }

    pub(crate) fn unsettled(&self) -> &[Attempt] {
        self.rare.as_ref().map_or(&[], |rare| &rare.unsettled)
    }

    pub(crate) fn clear_unsettled(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.unsettled.clear();
        }
    }

    pub(crate) fn end_is_unsettled(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.end_unsettled)
    }

    pub(crate) fn note_unsettled_end(&mut self) {
        self.rare().end_unsettled = true;
    }

    pub(crate) fn other_ids(&self) -> Vec<SessionId> {
        self.rare.as_ref().map_or_else(Vec::new, |rare| rare.other_ids.clone())
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
