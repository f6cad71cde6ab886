//! The usual commit to a store that answers without waiting: one plain write, without a future.

use cloakroom_store::{CreateOutcome, Immediate, Timestamp, UpdateOutcome};

use super::{RequestState, ResponseUpdate};
use crate::PublicId;
use crate::audit;
use crate::observe::{Event, Measurement, Operation};
use crate::plan::{CookieStep, Plan, Step};
use crate::state::{Intent, PlainWrite, State};

/// What a request needs at its end.
enum Need {
    /// Nothing: this is its outcome.
    Nothing(ResponseUpdate),
    /// One write under the id that it has, or under a new one, whose secrets may have to be drawn first.
    PlainWrite { lacks_secrets: bool },
    /// A commit.
    Commit,
}

impl RequestState {
    /// Ends a request whose outcome takes no waiting; `None` if it needs a commit.
    pub(super) fn finish_in_place(&self) -> Option<ResponseUpdate> {
        let _turn = self.turns.try_take()?;
        let outcome = match self.with(|state| {
            state.forget_what_is_not_saved();
            self.need(state)
        }) {
            Need::Nothing(outcome) => outcome,
            Need::Commit => return None,
            Need::PlainWrite { lacks_secrets } => {
                self.write_in_place(self.engine.immediate()?, lacks_secrets)?
            }
        };
        self.respond();
        Some(outcome)
    }

    fn need(&self, state: &State) -> Need {
        let config = self.engine.config();
        let takes_a_commit = config.rolling || config.transport.is_some();
        let may_write = !state.looks_only && !config.hooks.change_writes();
        if !matches!(state.intent, Intent::Keep) || state.is_unsettled() || takes_a_commit {
            return Need::Commit;
        }
        let plan = Plan::decide(state.observe(config, state.loaded_at));
        match plan.step {
            _ if plan.cookie == CookieStep::Resend => Need::Commit,
            Step::Nothing => Need::Nothing(self.outcome_of(state)),
            Step::Update | Step::Create if state.is_plain() && may_write => {
                Need::PlainWrite { lacks_secrets: state.lacks_secrets() }
            }
            _ => Need::Commit,
        }
    }

    /// Writes once. `None` leaves the request unchanged; a commit then handles it.
    fn write_in_place(&self, immediate: &dyn Immediate, lacks_secrets: bool) -> Option<ResponseUpdate> {
        let (now, since) = (self.engine.clock().now(), self.engine.begin_measurement());
        let drawn = if lacks_secrets { Some(self.engine.draw_secrets().ok()?) } else { None };
        let nonce = self.engine.next_nonce();
        let config = self.engine.config();
        let write = self.with(|state| {
            if let Some(secrets) = drawn {
                state.give_secrets(secrets);
            }
            state.plain_write(config, nonce, now)
        });
        let outcome = self.carry_out(immediate, write.as_ref()?, now)?;
        if let Some(since) = since {
            self.engine.measured(&Measurement::of_one_trip(Operation::Commit, since));
        }
        Some(outcome)
    }

    fn carry_out(
        &self,
        immediate: &dyn Immediate,
        write: &PlainWrite,
        now: Timestamp,
    ) -> Option<ResponseUpdate> {
        let version = match write.version {
            Some(expected) => {
                immediate.update(&write.key, expected, &write.record, now).map(|done| match done {
                    UpdateOutcome::Updated(version) => Some(version),
                    UpdateOutcome::Conflict(_) | UpdateOutcome::NotFound | UpdateOutcome::Revoked => None,
                })
            }
            None => immediate.create(&write.key, &write.record, now).map(|done| match done {
                CreateOutcome::Created(version) => Some(version),
                CreateOutcome::AlreadyExists | CreateOutcome::Revoked => None,
            }),
        };
        let version = match version {
            Ok(version) => version?,
            Err(error) => {
                if error.is_uncertain() {
                    self.with(|state| state.note_attempt(write));
                }
                return None;
            }
        };
        let created = write.version.is_none().then(|| PublicId::new(write.header.public_id()));
        let lifetime = &self.engine.config().lifetime;
        let outcome = self.with(|state| {
            state.plainly_written(write, version, lifetime, now).then(|| self.outcome_of(state))
        });
        if let Some(session) = created {
            self.engine.emit(&Event::Created { session });
            audit::began(session);
        }
        outcome
    }
}
