//! A look at the session of a request that does not use it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::pending::{PEEKED, UNTOUCHED};
use super::{RequestState, ResponseUpdate, not_covered};
use crate::load::Arrival;
use crate::{Result, Session, SessionView};

impl RequestState {
    /// Looks at the stored session without a touch, and keeps nothing of it.
    pub(super) async fn peek(self: &Arc<Self>) -> Result<Option<SessionView>> {
        self.has_peeked.store(true, Ordering::Relaxed);
        if self.is_loaded() {
            let is_stored = self.with(|state| state.stored().is_some());
            return Ok(is_stored.then(|| SessionView(Session(self.clone()))));
        }
        if !self.is_covered {
            return Err(not_covered());
        }
        let now = self.engine.clock().now();
        let ids = self.ids.read(&self.engine);
        let arrival = Arrival { begun: self.begun, now, looks_only: true };
        let mut state = match self.engine.look_up_now(ids, arrival) {
            Some(state) => state,
            None => Box::pin(self.engine.look_up(ids, 0, arrival, &self.waited)).await?,
        };
        if self.engine.config().schema.is_some() {
            state = Box::pin(self.upgraded(state, ids, arrival)).await?;
        }
        if self.engine.config().hooks.validate.is_some() {
            state = Box::pin(self.validated(state, ids, arrival)).await?;
        }
        if state.stored().is_none() {
            return Ok(None);
        }
        Ok(Some(SessionView(Session(Self::to_look_at(self.engine.clone(), state)))))
    }

    /// Returns the outcome of a request that did not load its session.
    pub(super) fn untouched(&self) -> ResponseUpdate {
        if self.has_peeked.load(Ordering::Relaxed) { PEEKED } else { UNTOUCHED }
    }
}
