//! Lets one thing happen after the other, until every request has its response.

use std::time::Duration;

use super::moves::{Move, moves};
use super::{Choices, Running, World};
use crate::gate::Verdict;
use crate::script::Case;

/// What may still go wrong.
struct Luck {
    faults: usize,
    drops: usize,
    leaps: Vec<u64>,
}

impl World {
    pub(super) async fn drive(&mut self, case: &Case, running: &mut [Running], choices: &mut dyn Choices) {
        let mut luck = Luck { faults: case.faults, drops: case.drops, leaps: case.leaps.clone() };
        let mut patience = 0;
        loop {
            settle().await;
            self.clock.advance(Duration::from_micros(1));
            let waiting = self.gate.waiting();
            let busy = running.iter().filter(|one| !one.task.is_finished()).count();
            if waiting.is_empty() {
                if busy == 0 && patience > 2 {
                    break;
                }
                // An actor waits for time to pass, or a commit whose client is gone goes on.
                tokio::time::sleep(Duration::from_millis(if busy == 0 { 600 } else { 100 })).await;
                patience += 1;
                if patience > 1_000 {
                    self.model.lock().violations.push("a request never ends".into());
                    return;
                }
                continue;
            }
            patience = 0;
            // No commit lasts for minutes, but a request may.
            let committing = self.model.lock().is_committing();
            let possible: Vec<u64> =
                luck.leaps.iter().copied().filter(|leap| !committing || *leap < 60).collect();
            let moves = moves(&waiting, running, luck.faults, luck.drops, &possible, busy);
            match moves[choices.choose(moves.len())] {
                Move::Leap(place) => self.leap(&mut luck, possible[place]),
                other => self.make(other, running, &mut luck).await,
            }
        }
        for one in running {
            self.hear_out(one).await;
        }
    }

    fn leap(&mut self, luck: &mut Luck, leap: u64) {
        self.gate.note(0, "the clock leaps", "");
        let at = luck.leaps.iter().position(|other| *other == leap).unwrap_or_default();
        self.clock.advance(Duration::from_secs(luck.leaps.remove(at)));
    }

    async fn make(&mut self, one: Move, running: &mut [Running], luck: &mut Luck) {
        match one {
            Move::Let(place, verdict) => {
                luck.faults -= usize::from(verdict != Verdict::Go);
                self.gate.release(place, verdict);
            }
            Move::LoseStore(place, verdict) => {
                luck.faults = 0;
                let actor = self.gate.waiting()[place].0;
                self.gate.release(place, verdict);
                self.gate.take_down(actor);
                self.model.lock().fail(actor);
            }
            Move::Leave(one) => {
                luck.drops -= 1;
                running[one].leave();
            }
            Move::Leap(_) | Move::Sleep => tokio::time::sleep(Duration::from_millis(600)).await,
        }
    }

    /// Waits for a request that has ended; a panic is a violation.
    async fn hear_out(&self, one: &mut Running) {
        let Err(error) = (&mut one.task).await else { return };
        if !error.is_panic() {
            return;
        }
        let panic = error.into_panic();
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
        self.model.lock().violation(one.actor, format!("panicked: {}", words.unwrap_or_default()));
    }
}

/// Lets every task run until it waits for something.
async fn settle() {
    for _ in 0..12 {
        tokio::task::yield_now().await;
    }
}
