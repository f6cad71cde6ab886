//! The input of a commit, and how the state makes it.

use std::time::Duration;

use cloakroom_store::Timestamp;

use super::{Cookie, Ending, HeaderChanges, Intent, IntentKind, State, Trash, WorkingCopy};
use crate::RequestInfo;
use crate::config::Config;
use crate::id::NewSecrets;
use crate::plan::{CookieStep, Plan};

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
        self.note_sent(nonce, stamp.sent);
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
            secrets: self.secrets.clone(),
            rare: self.rare.as_ref().map(|rare| {
                Box::new(super::state::Rare {
                    unsettled: rare.unsettled.clone(),
                    end_unsettled: rare.end_unsettled,
                    device_hint: None,
                    other_ids: rare.other_ids.clone(),
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
}
