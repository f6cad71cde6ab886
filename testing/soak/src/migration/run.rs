//! One direction, from the empty servers to the verdict.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::dice::Dice;
use cloakroom_services::{DURABLE_REDIS, Instance, Service};
use tokio::task::JoinSet;

use crate::Result;
use crate::migration::client::Client;
use crate::migration::processes::{Playgrounds, migrate};
use crate::migration::report::Report;
use crate::migration::stores::{GRACE, engine, open};
use crate::migration::traffic::{Crowd, Traffic};
use crate::migration::{fill, verdict};

/// How to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The command `cloakroom`, with both stores.
    pub program: PathBuf,
    /// The server to empty.
    pub from: Service,
    /// The server to fill.
    pub to: Service,
    /// How many sessions there are at first.
    pub sessions: u32,
    /// How many of them are used while they move.
    pub used: usize,
    /// How many clients act at once.
    pub at_once: usize,
    /// How often the migration is killed.
    pub kills: u32,
    /// How often a playground is killed.
    pub playground_kills: u32,
    /// Where chance begins.
    pub seed: u64,
    /// Hears how far it is.
    pub say: fn(&str),
}

/// Moves all sessions under traffic and kills, then looks at them.
///
/// # Errors
/// A server or a process does not start, or the last migration fails.
pub async fn run(settings: Settings) -> Result<Report> {
    let (from, to) = (settings.from, settings.to);
    let servers = tokio::task::spawn_blocking(move || Result::<_>::Ok((start(from)?, start(to)?)));
    let (old, new) = servers.await??;
    Run { old: old.url(), new: new.url(), dice: Dice::new(settings.seed), settings }.whole().await
}

fn start(service: Service) -> Result<Instance> {
    let arguments: &[&str] = if service == Service::Redis { &DURABLE_REDIS } else { &[] };
    Instance::start_with(service, arguments)
}

struct Run {
    settings: Settings,
    old: String,
    new: String,
    dice: Dice,
}

/// How the migrations went.
#[derive(Default)]
struct Moves {
    moving: Duration,
    kills: u32,
    playground_kills: u32,
    said: String,
    /// Records in the new store, when that was last counted.
    there: u64,
}

impl Moves {
    /// How long it takes until so many records have moved, about, going by how it went so far.
    fn time_until(&self, point: u64) -> Duration {
        const FIRST_GUESS: f64 = 400.0;
        const START: Duration = Duration::from_millis(100);
        #[expect(clippy::cast_precision_loss, reason = "far fewer than a float can count")]
        let (there, missing) = (self.there as f64, point.saturating_sub(self.there) as f64);
        let rate = if self.there == 0 { FIRST_GUESS } else { there / self.moving.as_secs_f64() };
        START + Duration::from_secs_f64(missing / rate)
    }
}

impl Run {
    async fn whole(mut self) -> Result<Report> {
        let direction = format!("{} to {}", self.settings.from, self.settings.to);
        let began = Instant::now();
        let old = open(&self.old).await?;
        let mut clients = fill::fill(&engine(old)?, self.settings.sessions).await?;
        let filling = began.elapsed();
        self.say(&format!("{direction}: {} sessions began in {:.1} s", clients.len(), filling.as_secs_f64()));

        let mut playgrounds = Playgrounds::start(&self.settings.program, &self.old, &self.new).await?;
        let traffic = Arc::new(Traffic {
            addresses: playgrounds.addresses.clone(),
            over: AtomicBool::new(false),
            asked: AtomicU64::default(),
            unanswered: AtomicU64::default(),
            numbers: AtomicU32::new(self.settings.sessions),
        });
        let crowds = self.let_them_act(&traffic, &mut clients);
        let moved = self.migrate_under_kills(&mut playgrounds).await;
        traffic.over.store(true, Ordering::Relaxed);
        let (mut wrong, mut strays) = (Vec::new(), 0);
        for crowd in crowds.join_all().await {
            clients.extend(crowd.clients);
            wrong.extend(crowd.wrong);
            strays += crowd.strays;
        }
        playgrounds.stop().await?;
        let moves = moved?;
        tokio::time::sleep(2 * GRACE).await;
        let found = verdict::look(&self.old, &self.new, &mut clients, strays).await?;
        wrong.extend(found.wrong);
        Ok(Report {
            direction,
            sessions: self.settings.sessions,
            begun: (clients.len() as u64).saturating_sub(self.settings.sessions.into()),
            ended: found.ended,
            filling,
            moving: moves.moving,
            kills: moves.kills,
            playground_kills: moves.playground_kills,
            requests: traffic.asked.load(Ordering::Relaxed),
            unanswered: traffic.unanswered.load(Ordering::Relaxed),
            there: found.there,
            due: found.due,
            former: found.former,
            unknown: found.unknown,
            marks: found.marks,
            said: moves.said,
            wrong,
        })
    }

    /// Takes out clients at random and lets them use their sessions.
    fn let_them_act(&mut self, traffic: &Arc<Traffic>, clients: &mut Vec<Client>) -> JoinSet<Crowd> {
        let mut crowds = JoinSet::new();
        let each = self.settings.used / self.settings.at_once;
        for _ in 0..self.settings.at_once {
            let some = (0..each).map(|_| clients.swap_remove(self.dice.below(clients.len()))).collect();
            crowds.spawn(Crowd::new(traffic, some, self.dice.number()).act());
        }
        crowds
    }

    /// Starts the migration and kills it at random points of its way, and a playground now and then. When both playgrounds
    /// move what they meet, a last migration goes on to the end.
    async fn migrate_under_kills(&mut self, playgrounds: &mut Playgrounds) -> Result<Moves> {
        let mut moves = Moves::default();
        let new = open(&self.new).await?;
        for point in self.points() {
            let began = Instant::now();
            let mut command = migrate(&self.settings.program, &self.old, &self.new);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
            let some = Duration::from_millis(self.dice.below(500) as u64);
            tokio::time::sleep(moves.time_until(point) + some).await;
            moves.kills += u32::from(child.try_wait()?.is_none());
            child.kill().await?;
            let ran = began.elapsed();
            moves.moving += ran;
            moves.there = verdict::count(&*new).await?;
            self.say(&format!(
                "kill {} after {:.1} s: {} records are in the new store",
                moves.kills,
                ran.as_secs_f64(),
                moves.there
            ));
            if moves.playground_kills < self.settings.playground_kills {
                playgrounds.kill_and_restart(self.dice.below(2)).await?;
                moves.playground_kills += 1;
            }
        }
        playgrounds.let_both_move().await?;
        moves.playground_kills += 1;
        let began = Instant::now();
        moves.said = self.migrate_to_the_end().await?;
        moves.moving += began.elapsed();
        self.say(&format!("not killed, after {:.1} s: {}", began.elapsed().as_secs_f64(), moves.said));
        Ok(moves)
    }

    /// How many records are to have moved at each kill, in order.
    fn points(&mut self) -> Vec<u64> {
        let sessions = usize::try_from(self.settings.sessions).unwrap_or(usize::MAX);
        let mut points: Vec<_> = (0..self.settings.kills).map(|_| self.dice.below(sessions) as u64).collect();
        points.sort_unstable();
        points
    }

    async fn migrate_to_the_end(&self) -> Result<String> {
        let output = migrate(&self.settings.program, &self.old, &self.new).output().await?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    fn say(&self, what: &str) {
        (self.settings.say)(what);
    }
}
