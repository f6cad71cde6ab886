//! Replays the changes on what another request has stored.

use super::WorkingCopy;
use super::apply::Step;
use crate::Result;
use crate::record::{Frames, Tag};
use crate::state::change::Change;

impl WorkingCopy {
    /// Replays all changes on `base`, which another request has stored. Runs closures of the application: only
    /// on a clone that no lock guards.
    pub(crate) fn rebase(&mut self, base: Frames) -> Result<()> {
        self.exchange_base(base);
        self.replay(0)
    }

    /// Notes that the first `sent` changes are stored, in `base`, and replays the others. Runs closures of
    /// the application only if there are others: then only on a clone that no lock guards.
    pub(crate) fn committed(&mut self, base: Frames, sent: usize) -> Result<()> {
        self.exchange_base(base);
        let Self { log, rare, cleared, .. } = self;
        if let Some(rare) = rare {
            rare.spent.retain(|key| !*cleared && log.find(key.as_bytes()).is_none());
            rare.aging = None;
            rare.device = None;
        }
        self.replay(sent)
    }

    /// Takes `base` for what is stored. Flash values that are gone from it are still there for the rest of this request.
    fn exchange_base(&mut self, base: Frames) {
        let old = std::mem::replace(&mut self.base, base);
        let Self { log, rare: Some(rare), cleared, .. } = self else { return };
        rare.index = None;
        let Some(aging) = rare.aging.as_ref().filter(|_| !*cleared) else { return };
        for frame in old.iter().filter(|frame| matches!(frame.tag, Tag::Flash { born } if aging.is_due(born)))
        {
            if log.find(frame.key).is_none() {
                rare.spent.set(&String::from_utf8_lossy(frame.key), old.share(frame.value));
            }
        }
    }

    fn replay(&mut self, stored: usize) -> Result<()> {
        self.cleared = false;
        let mut changes = self.log.restart(stored).into_iter();
        for change in changes.by_ref().take(stored) {
            if change.has_closure() {
                self.rare_mut().trash.add(change);
            }
        }
        let Some(first) = changes.next() else { return Ok(()) };
        let now = self.rare.as_mut().map(|rare| std::mem::take(&mut rare.now));
        let mut failed = None;
        for change in std::iter::once(first).chain(changes) {
            if let Err(error) = self.carry_out_again(change) {
                failed = Some(error);
            }
        }
        if let (Some(rare), Some(now)) = (&mut self.rare, now) {
            rare.now = now;
        }
        failed.map_or(Ok(()), Err)
    }

    fn carry_out_again(&mut self, change: Change) -> Result<()> {
        let Change::At(target, op, places) = change else {
            self.clear_again();
            return Ok(());
        };
        self.carry_out(Step { target, op, places, made: None, is_replay: true }).map(drop)
    }
}
