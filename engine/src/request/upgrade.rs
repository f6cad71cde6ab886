//! Brings the session of a request to the version of this program, before a handler sees it.

use std::cmp::Ordering;

use cloakroom_store::UpdateOutcome;

use super::{Candidates, RequestState};
use crate::config::{NewerSchema, Schema};
use crate::hooks::carry_out;
use crate::load::Arrival;
use crate::observe::Operation;
use crate::record::Header;
use crate::records::Records;
use crate::state::State;
use crate::{Error, ErrorKind, Result, Session, SessionManager};

/// How often an upgrade begins again because another request has changed the session.
const TRIES: usize = 16;

impl RequestState {
    /// Returns the session as this program keeps it: `state`, if it is that already.
    pub(crate) async fn upgraded(
        &self,
        mut state: Box<State>,
        ids: &Candidates,
        arrival: Arrival,
    ) -> Result<Box<State>> {
        let engine = &self.engine;
        let Some(schema) = &engine.config().schema else { return Ok(state) };
        for _ in 0..TRIES {
            let Some(located) = state.stored() else { return Ok(state) };
            let from = located.header.schema();
            match from.cmp(&schema.version) {
                Ordering::Equal => return Ok(state),
                Ordering::Greater => return engine.refuse_newer(&located.header).map(|()| state),
                Ordering::Less => {}
            }
            let (id, key) = (located.id.clone(), located.key.clone());
            state = self.run_upgrade(schema, from, state).await?;
            if arrival.looks_only || engine.store_upgrade(&mut state).await? {
                return Ok(state);
            }
            // Another request was quicker; perhaps it has upgraded the session. No cache may answer.
            let place = ids.iter().position(|known| *known == id).unwrap_or(0);
            state = match engine.look_again(&id, key).await? {
                Some(mut again) => {
                    again.set_other_ids(ids.behind(place + 1));
                    again
                }
                None => Box::pin(engine.look_up(ids, place, arrival, &self.waited)).await?,
            };
        }
        Err(Error::new(ErrorKind::Contended, "the session changes every time while it is upgraded"))
    }

    /// Runs the application's function on a request of its own, which nothing else sees.
    async fn run_upgrade(&self, schema: &Schema, from: u32, state: Box<State>) -> Result<Box<State>> {
        let engine = &self.engine;
        let copy = Self::to_look_at(engine.clone(), state);
        let work = (schema.upgrade)((from, Session(copy.clone())));
        let done = carry_out("schema", engine.config().deadline, work).await;
        let state = copy.take_state();
        let done = done.and_then(|()| {
            let message = "the application's function schema changed more than values";
            if state.is_more_than_values() { Err(Error::new(ErrorKind::Hook, message)) } else { Ok(state) }
        });
        done.inspect_err(|error| engine.failed(Operation::Load, error))
    }
}

impl SessionManager {
    /// Refuses a session that a newer version of the program has upgraded, if that is configured.
    pub(crate) fn refuse_newer(&self, header: &Header) -> Result<()> {
        match &self.config().schema {
            Some(schema) if schema.newer == NewerSchema::Refuse && header.schema() > schema.version => {
                let message = format!(
                    "the session has version {}, and this program knows {}",
                    header.schema(),
                    schema.version
                );
                Err(Error::new(ErrorKind::NewerSchema, message))
            }
            _ => Ok(()),
        }
    }

    /// Stores the upgraded session. `false` if that is not known to be done: another request may have changed it.
    async fn store_upgrade(&self, state: &mut State) -> Result<bool> {
        let (config, now) = (self.config(), self.clock().now());
        let Some(write) = state.upgrade_write(config, self.next_nonce(), now) else { return Ok(false) };
        let size = write.record.payload.len();
        if size > config.max_size {
            let message =
                format!("the upgraded session has {size} bytes, and {} are allowed", config.max_size);
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let mut records = Records::for_commit(self, Operation::Load, config.deadline)?;
        match records.update(&write.key, write.version, &write.record).await {
            Ok(UpdateOutcome::Updated(version)) => {
                state.upgraded(write, version);
                Ok(true)
            }
            Ok(UpdateOutcome::Conflict(_) | UpdateOutcome::NotFound | UpdateOutcome::Revoked) => Ok(false),
            Err(error) => records.wait_after(error).await.map(|()| false),
        }
    }
}
