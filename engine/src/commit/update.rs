//! Writes a session under the id that it has.

use std::time::Duration;

use cloakroom_store::{Result as StoreResult, StoreKey, UpdateOutcome, Version, VersionedRecord};

use super::conflict::{Reconciled, outcome_unknown};
use super::{Commit, LOST, Write};
use crate::record::Frames;
use crate::state::Verdict;
use crate::{Error, ErrorKind, Result};

/// How long a commit waits for its turn.
const TURN: Duration = Duration::from_millis(100);

impl Commit<'_> {
    /// Replaces the stored session, merged with what other requests store meanwhile.
    pub(super) async fn update(&mut self) -> Result<Verdict> {
        let updated = self.try_update().await;
        if updated.is_err() && self.is_uncertain {
            // The next commit finds out whether the write is in the store, whatever has failed after it.
            self.note_unsettled();
        }
        updated
    }

    async fn try_update(&mut self) -> Result<Verdict> {
        let Some(located) = self.view.stored() else { return Ok(LOST) };
        if self.engine.queue().is_busy(&located.key) {
            let key = located.key.clone();
            return Box::pin(self.update_in_turn(key, None)).await;
        }
        match self.update_once().await? {
            (_, Ok(UpdateOutcome::Updated(_))) => Ok(Verdict::Saved),
            (key, answer) => Box::pin(self.update_in_turn(key, Some(answer))).await,
        }
    }

    async fn update_once(&mut self) -> Result<(StoreKey, StoreResult<UpdateOutcome>)> {
        let write = self.write(false)?;
        let Some(located) = self.view.stored() else {
            return Err(Error::new(ErrorKind::Gone, "the session has ended"));
        };
        let (key, version) = (located.key.clone(), located.version);
        let answer = self.records.update(&key, version, &write.record).await;
        if let Ok(UpdateOutcome::Updated(version)) = &answer {
            self.updated(write, *version);
        }
        Ok((key, answer))
    }

    /// Waits in line with the other commits of this process to the record, and tries until the write is in the
    /// store or cannot be. `answer` is what a try before has met.
    async fn update_in_turn(
        &mut self,
        line: StoreKey,
        mut answer: Option<StoreResult<UpdateOutcome>>,
    ) -> Result<Verdict> {
        let place = self.engine.queue().enter(&line);
        // The queue is only for fairness; versions decide. So a commit that is stuck delays the others no longer than this.
        let mut turn = self.records.within_deadline(TURN, place.turn()).await;
        let seen = self.view.stored().map(|located| located.version);
        let latest = turn.as_mut().and_then(|turn| turn.take());
        if let Some(stored) = latest.filter(|stored| Some(stored.version) != seen) {
            self.conflicts += u32::from(answer.is_some());
            self.is_uncertain |= matches!(&answer, Some(Err(error)) if error.is_uncertain());
            answer = Some(Ok(UpdateOutcome::Conflict(stored)));
        }
        let (mut key, mut is_unanswered) = (line.clone(), false);
        loop {
            if let Some(answer) = answer {
                is_unanswered |= matches!(&answer, Err(error) if error.is_uncertain());
                match self.after_update(key, answer).await? {
                    Reconciled::Ours => return Ok(Verdict::Saved),
                    Reconciled::Rebased => {}
                    // Writes before the log-in are part of its session, which is not checked.
                    Reconciled::ReplacedByLogin if is_unanswered => return Err(outcome_unknown()),
                    Reconciled::Gone | Reconciled::ReplacedByLogin => return Ok(LOST),
                }
            }
            let (at, next) = self.update_once().await?;
            if let Ok(UpdateOutcome::Updated(_)) = next {
                if let Some(turn) = &mut turn {
                    **turn = self.written.take().filter(|_| at == line);
                }
                return Ok(Verdict::Saved);
            }
            (key, answer) = (at, Some(next));
        }
    }

    /// Finds out what is stored after a try that did not succeed.
    async fn after_update(
        &mut self,
        key: StoreKey,
        answer: StoreResult<UpdateOutcome>,
    ) -> Result<Reconciled> {
        match answer {
            Ok(UpdateOutcome::Updated(_)) => Ok(Reconciled::Ours),
            Ok(UpdateOutcome::NotFound) => Ok(Reconciled::Gone),
            Ok(UpdateOutcome::Conflict(stored)) => {
                self.wait_after_conflict().await?;
                self.reconcile(key, Some(stored)).await
            }
            // If the session is there still, `revoke_others` has exempted it and moved its date.
            Ok(UpdateOutcome::Revoked) => {
                self.wait_after_conflict().await?;
                self.load_and_reconcile(key).await
            }
            Err(error) => {
                self.wait_after(error).await?;
                self.load_and_reconcile(key).await
            }
        }
    }

    /// Notes that a write to the session's own record is in the store.
    #[inline]
    fn updated(&mut self, write: Write, version: Version) {
        let Write { record, header } = write;
        self.frames = Some(Frames::of(&record.payload, &header));
        if let Some(located) = self.view.location.stored_mut() {
            (located.version, located.header) = (version, header);
            located.expires_at = record.expires_at;
            located.owner.clone_from(&record.owner);
        }
        self.written = Some(VersionedRecord::new(record, version));
    }
}
