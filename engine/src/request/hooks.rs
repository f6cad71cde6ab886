//! The functions of the application that a request calls: before a handler sees its session, and before that is written.

use std::sync::Arc;

use super::{Candidates, Occasion, RequestIds, RequestSession, RequestState};
use crate::hooks::carry_out;
use crate::load::Arrival;
use crate::observe::{Event, Operation, RejectReason};
use crate::plan::{Plan, Step};
use crate::record::Frames;
use crate::state::{Location, State};
use crate::{
    Error, ErrorKind, GoneReason, RequestInfo, Result, Session, SessionId, SessionManager, SessionView,
};

/// How many sessions of a request are looked at before it is anonymous, whatever the client sends.
const MOST_VALIDATED: usize = 3;

tokio::task_local! {
    /// The request whose session is just being prepared for a write: a save in there needs no preparation of its own.
    static PREPARED: usize;
}

impl RequestState {
    fn info(&self) -> RequestInfo {
        self.info.clone().unwrap_or_default()
    }

    /// Returns the session that the application lets this request use: `state`, or that of a later one of `ids`, or none.
    pub(super) async fn validated(
        &self,
        mut state: Box<State>,
        ids: &Candidates,
        arrival: Arrival,
    ) -> Result<Box<State>> {
        let mut refused: Vec<SessionId> = Vec::new();
        while let Some(id) = state.stored().map(|located| located.id.clone()) {
            let (seen, may_use) = self.validate(state).await?;
            if may_use {
                state = seen;
                break;
            }
            self.engine.emit(&Event::Rejected { reason: RejectReason::Refused });
            let next = ids.iter().position(|known| *known == id).map_or(usize::MAX, |place| place + 1);
            refused.push(id);
            state = if refused.len() < MOST_VALIDATED {
                let next = Box::pin(self.engine.look_up(ids, next, arrival, &self.waited)).await?;
                Box::pin(self.upgraded(next, ids, arrival)).await?
            } else {
                let mut none = Box::new(State::new(Location::Absent, Frames::default(), arrival.now));
                none.set_other_ids(ids.behind(next));
                none
            };
        }
        if !refused.is_empty() && state.stored().is_none() {
            state.set_gone(GoneReason::Refused.or(state.gone_because()));
        }
        // A log-in or log-out of this request ends them, too, as all that the client brought.
        state.add_other_ids(refused);
        Ok(state)
    }

    /// Asks the application whether the request may use the session.
    async fn validate(&self, state: Box<State>) -> Result<(Box<State>, bool)> {
        let config = self.engine.config();
        let Some(validate) = &config.hooks.validate else { return Ok((state, true)) };
        let look = RequestState::to_look_at(self.engine.clone(), state);
        let work = validate((self.info(), SessionView(Session(look.clone()))));
        let answer = carry_out("validate", config.deadline, work).await;
        match answer {
            Ok(may_use) => Ok((look.take_state(), may_use)),
            Err(error) => {
                self.engine.failed(Operation::Load, &error);
                Err(error)
            }
        }
    }

    /// Makes a request that only holds a state, to look at.
    pub(crate) fn to_look_at(engine: SessionManager, state: Box<State>) -> Arc<Self> {
        let ids = RequestIds::from(Candidates::default());
        let RequestSession(look) = Self::begin(engine, ids, false, true, None);
        look.set_state(state);
        look
    }

    pub(crate) fn take_state(&self) -> Box<State> {
        self.state().take().unwrap_or_default()
    }

    /// Has the application prepare the session for a write, if there will be one.
    pub(super) async fn before_save(self: &Arc<Self>) -> Result<()> {
        let hooks = &self.engine.config().hooks;
        if hooks.before_save.is_none() && hooks.record_lifetime.is_none() {
            return Ok(());
        }
        let this = Arc::as_ptr(self).addr();
        let is_prepared = PREPARED.try_with(|request| *request == this).unwrap_or(false);
        if is_prepared || !self.will_write() {
            return Ok(());
        }
        let work = PREPARED.scope(this, self.prepare());
        Box::pin(work).await.inspect_err(|error| self.engine.failed(Operation::Commit, error))
    }

    async fn prepare(self: &Arc<Self>) -> Result<()> {
        let config = self.engine.config();
        if let Some(before_save) = &config.hooks.before_save {
            let work = before_save((self.info(), Session(self.clone())));
            carry_out("before_save", config.deadline, work).await?;
        }
        if let Some(record_lifetime) = &config.hooks.record_lifetime {
            let work = record_lifetime(SessionView(Session(self.clone())));
            let idle = carry_out("record_lifetime", config.deadline, work).await?;
            if idle.is_some_and(|idle| idle.is_zero()) {
                let message = "the application's function record_lifetime returned zero";
                return Err(Error::new(ErrorKind::Hook, message));
            }
            self.with(|state| {
                if state.header_without_secrets().own_idle() != idle {
                    state.header_changes.idle = Some(idle);
                }
            });
        }
        Ok(())
    }

    /// Returns whether a commit would write the session's values, as things stand.
    fn will_write(&self) -> bool {
        let (config, now) = (self.engine.config(), self.engine.clock().now());
        let plan = self.with(|state| Plan::decide(state.observe(config, now)));
        matches!(plan.step, Step::Create | Step::Update | Step::Renew(_) | Step::Replace)
    }

    /// Carries out the end of a session although what follows it cannot be written: a log-out must not be lost. Returns
    /// the error that kept it from being written.
    pub(super) async fn end_without_saving(self: &Arc<Self>, error: Error) -> Error {
        if self.with(|state| state.intent.is_end() && state.location.stored().is_some()) {
            // A failure of this one is reported as an event of its own.
            let _ = self.commit(Occasion::Aborted).await;
        }
        error
    }
}

#[cfg(test)]
#[path = "hooks_tests.rs"]
mod tests;
