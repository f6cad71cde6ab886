//! The life of a session, by chance: born, used by several clients at once, ended, and looked for afterwards.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::task::JoinSet;

use super::drive::{Drive, Held, Request, lock};
use crate::{
    Result,
    dice::Dice,
    history::{Action, Answer, LIFETIMES},
};

/// How many operations on one session are under way at once.
const OVERLAP: usize = 4;

/// How many operations a session sees before its end.
const SHORTEST: usize = 10;
const LONGEST: usize = 60;

/// Lives one session after the other until enough operations were asked for.
pub(super) async fn one_after_another(drive: Arc<Drive>, mut dice: Dice) -> Result {
    let mut overdue = JoinSet::new();
    while !drive.is_over() {
        let Some(life) = Life::begin(&drive, &mut dice).await? else { continue };
        let life = Arc::new(life);
        life.go_on(&mut dice).await?;
        if drive.waits() && dice.percent(20) {
            overdue.spawn(life.wait_for_its_time(dice.below(drive.workers())));
        } else {
            life.end(&mut dice).await?;
        }
    }
    while let Some(looked) = overdue.join_next().await {
        looked??;
    }
    Ok(())
}

struct Life {
    drive: Arc<Drive>,
    session: u32,
    /// The ids that its client was given, the latest last.
    held: Mutex<Vec<Held>>,
    /// The tickets that were issued, the latest last.
    tickets: Mutex<Vec<u32>>,
}

impl Life {
    /// Begins a session; one in five is begun twice at once, out of the same chance. `None` if no id was given.
    async fn begin(drive: &Arc<Drive>, dice: &mut Dice) -> Result<Option<Self>> {
        let worker = dice.below(drive.workers());
        if !(drive.repeats_chance() && dice.percent(20)) {
            return Self::create(drive, worker, None).await;
        }
        let chance = Some(dice.number());
        let other = (worker + 1) % drive.workers();
        let (one, other) =
            tokio::try_join!(Self::create(drive, worker, chance), Self::create(drive, other, chance))?;
        if let Some(other) = other {
            other.ask(worker, Action::Read, other.latest()).await?;
        }
        Ok(one)
    }

    async fn create(drive: &Arc<Drive>, worker: usize, chance: Option<u64>) -> Result<Option<Self>> {
        let session = drive.number();
        let request = Request { worker, session, action: Action::Create, held: None, chance, saves: false };
        let (_, given) = drive.ask(request).await?;
        Ok(given.map(|held| Self {
            drive: Arc::clone(drive),
            session,
            held: Mutex::new(vec![held]),
            tickets: Mutex::default(),
        }))
    }

    /// Lets several clients use it at once, until it is gone or has seen enough.
    async fn go_on(self: &Arc<Self>, dice: &mut Dice) -> Result {
        let mut under_way = JoinSet::new();
        for _ in 0..SHORTEST + dice.below(LONGEST - SHORTEST) {
            if under_way.len() >= OVERLAP
                && let Some(answer) = under_way.join_next().await
                && matches!(answer??, Some(Answer::Missing | Answer::Dropped) | None)
                && dice.percent(30)
            {
                break;
            }
            let held = if dice.percent(10) { self.any(dice) } else { self.latest() };
            let (action, worker, saves) =
                (self.any_action(dice), dice.below(self.drive.workers()), dice.percent(25));
            // What one request takes, another may want at the same moment.
            let wanted = 1 + usize::from(is_take(action) && dice.percent(50));
            for other in 0..wanted {
                let (life, held) = (Arc::clone(self), held.clone());
                let worker = (worker + other) % self.drive.workers();
                under_way.spawn(async move { life.ask_and(worker, action, held, saves).await });
            }
        }
        while let Some(answer) = under_way.join_next().await {
            answer??;
        }
        Ok(())
    }

    fn any_action(&self, dice: &mut Dice) -> Action {
        match dice.below(100) {
            0..=24 => Action::Read,
            25..=44 => Action::Add(self.drive.number()),
            45..=86 => self.any_edit(dice),
            87..=92 => Action::Renew,
            93..=96 => Action::LogIn,
            99 if self.drive.has_owners() => Action::Revoke,
            _ => Action::LogOut,
        }
    }

    /// Something that writes items, or takes them.
    fn any_edit(&self, dice: &mut Dice) -> Action {
        let number = || self.drive.number();
        match dice.below(100) {
            0..=19 => Action::Put(number()),
            20..=29 => Action::TakeQueue,
            30..=39 => Action::Fill(number()),
            40..=44 => Action::TakeSlot,
            45..=59 => {
                let ticket = number();
                lock(&self.tickets).push(ticket);
                Action::Issue(ticket)
            }
            60..=71 => self.any_ticket(dice).map_or(Action::Read, Action::Claim),
            72..=86 => Action::Append(number()),
            87..=92 => Action::Replace(number()),
            _ => Action::Remove,
        }
    }

    /// One of the latest tickets: it may be on its way, claimed, or being claimed.
    fn any_ticket(&self, dice: &mut Dice) -> Option<u32> {
        let tickets = lock(&self.tickets);
        tickets.iter().rev().nth(dice.below(4)).or(tickets.last()).copied()
    }

    /// Ends it while others use it, and looks whether it comes back.
    async fn end(self: &Arc<Self>, dice: &mut Dice) -> Result {
        let worker = |dice: &mut Dice| dice.below(self.drive.workers());
        let logs_out = dice.percent(70) || !self.drive.has_owners();
        let action = if logs_out { Action::LogOut } else { Action::Revoke };
        let end = self.ask(worker(dice), action, self.latest());
        let write = self.ask(worker(dice), Action::Add(self.drive.number()), self.latest());
        let look = self.ask(worker(dice), Action::Read, self.any(dice));
        tokio::try_join!(end, write, look)?;
        for _ in 0..3 {
            let action = if dice.percent(70) { Action::Read } else { Action::Add(self.drive.number()) };
            let held = if dice.percent(70) { self.latest() } else { self.any(dice) };
            self.ask(worker(dice), action, held).await?;
        }
        Ok(())
    }

    /// Leaves it alone until its time is over, and looks whether it is.
    async fn wait_for_its_time(self: Arc<Self>, worker: usize) -> Result {
        tokio::time::sleep(LIFETIMES.idle + Duration::from_secs(1)).await;
        for _ in 0..2 {
            self.ask(worker, Action::Read, self.latest()).await?;
        }
        Ok(())
    }

    async fn ask(&self, worker: usize, action: Action, held: Option<Held>) -> Result<Option<Answer>> {
        self.ask_and(worker, action, held, false).await
    }

    /// Asks, and saves before the request commits or does not.
    async fn ask_and(
        &self,
        worker: usize,
        action: Action,
        held: Option<Held>,
        saves: bool,
    ) -> Result<Option<Answer>> {
        let request = Request { worker, session: self.session, action, held, chance: None, saves };
        let (answer, given) = self.drive.ask(request).await?;
        lock(&self.held).extend(given);
        Ok(answer)
    }

    fn latest(&self) -> Option<Held> {
        lock(&self.held).last().cloned()
    }

    fn any(&self, dice: &mut Dice) -> Option<Held> {
        let held = lock(&self.held);
        held.get(dice.below(held.len())).cloned()
    }
}

const fn is_take(action: Action) -> bool {
    matches!(action, Action::TakeQueue | Action::TakeSlot | Action::Claim(_) | Action::Remove)
}
