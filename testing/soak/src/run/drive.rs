//! Everything that the sessions' lives share: the workers, the clock, the notes, and the kills.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::RwLock, task::JoinSet, time::timeout};

use super::{Settings, life, server::Server, worker::Worker};
use crate::{
    Fault, Result,
    dice::Dice,
    history::{Action, Answer, Op},
    wire::{Order, Outcome},
};

/// How long a worker may take to start or to answer, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Drive {
    settings: Settings,
    server: Server,
    /// Locked for writing while one is killed and replaced.
    workers: Vec<RwLock<Worker>>,
    begin: Instant,
    notes: Mutex<Vec<Op>>,
    /// The ids by their cookies, numbered in the order in which they came.
    ids: Mutex<HashMap<String, u32>>,
    asked: AtomicUsize,
    numbers: AtomicU32,
}

/// An id that a client holds.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) id: u32,
    pub(super) cookie: String,
}

/// A request to make.
pub(super) struct Request {
    pub(super) worker: usize,
    pub(super) session: u32,
    pub(super) action: Action,
    pub(super) held: Option<Held>,
    pub(super) chance: Option<u64>,
    /// Whether the changes are saved before the request commits.
    pub(super) saves: bool,
}

impl Drive {
    pub(super) async fn start(settings: Settings) -> Result<Arc<Self>> {
        let place = settings.store.clone();
        let server = tokio::task::spawn_blocking(move || Server::start(&place)).await??;
        let mut workers = Vec::new();
        for number in 0..settings.workers {
            workers.push(RwLock::new(Worker::start(&settings, server.url(), number).await?));
        }
        Ok(Arc::new(Self {
            settings,
            server,
            workers,
            begin: Instant::now(),
            notes: Mutex::default(),
            ids: Mutex::default(),
            asked: AtomicUsize::default(),
            numbers: AtomicU32::new(1),
        }))
    }

    /// Lets the sessions live until all operations are asked for; says how many workers and servers were killed.
    pub(super) async fn run(self: &Arc<Self>) -> Result<(usize, usize)> {
        let mut lives = JoinSet::new();
        for slot in 0..self.settings.sessions {
            let seed = Dice::new(self.settings.seed.wrapping_add(slot as u64)).number();
            lives.spawn(life::one_after_another(Arc::clone(self), Dice::new(seed)));
        }
        let clients = tokio::spawn(Arc::clone(self).kill_clients());
        let servers = tokio::spawn(Arc::clone(self).kill_servers());
        while let Some(life) = lives.join_next().await {
            life??;
        }
        Ok((clients.await??, servers.await??))
    }

    pub(super) fn history(&self) -> Vec<Op> {
        lock(&self.notes).clone()
    }

    /// Returns whether no more lives are to begin.
    pub(super) fn is_over(&self) -> bool {
        self.asked.load(Ordering::Relaxed) >= self.settings.operations
    }

    /// A number that is used once: for a session, a tag, an item.
    pub(super) fn number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns whether sessions may be begun twice out of one chance. Not where answers are lost: a client that does
    /// not know whether its own record is there takes it back, and cannot know that one under the same id is another's.
    pub(super) fn repeats_chance(&self) -> bool {
        self.settings.server_kills == 0 && self.settings.fault != Some(Fault::AnswersLost)
    }

    /// Returns whether users can be logged out everywhere.
    pub(super) fn has_owners(&self) -> bool {
        self.settings.store.has_owners()
    }

    pub(super) fn waits(&self) -> bool {
        self.settings.waits && self.settings.skew == 0
    }

    pub(super) fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Makes a request, notes it, and hands out the id that the client got.
    pub(super) async fn ask(&self, request: Request) -> Result<(Option<Answer>, Option<Held>)> {
        let Request { worker, session, action, held, chance, saves } = request;
        let cookie = held.as_ref().map(|held| held.cookie.clone());
        let worker = self.workers.get(worker).ok_or("there is no such worker")?;
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (asked, skew, answer) = {
            let worker = worker.read().await;
            let asked = self.now();
            let order = Order { number: 0, session, action, cookie, chance, saves };
            (asked, worker.skew(), worker.order(order)?)
        };
        let outcome = timeout(PATIENCE, answer).await.map_err(|_| "a worker does not answer")?.ok();
        let done = self.now();
        let (answer, given) = outcome.map_or((None, None), |outcome| self.understand(outcome));
        let id = held.map(|held| held.id);
        lock(&self.notes).push(Op { session, action, id, asked, done, answer: answer.clone(), skew });
        Ok((answer, given))
    }

    fn understand(&self, outcome: Outcome) -> (Option<Answer>, Option<Held>) {
        let answer = match outcome {
            Outcome::Done(None) => Answer::Done { id: None },
            Outcome::Done(Some(cookie)) => {
                let mut ids = lock(&self.ids);
                let next = u32::try_from(ids.len()).unwrap_or(u32::MAX);
                let id = *ids.entry(cookie.clone()).or_insert(next);
                return (Some(Answer::Done { id: Some(id) }), Some(Held { id, cookie }));
            }
            Outcome::Seen(content) => Answer::Seen(content),
            Outcome::Got(items) => Answer::Got(items),
            Outcome::Missing => Answer::Missing,
            Outcome::Dropped => Answer::Dropped,
            Outcome::Failed(error) => Answer::Failed(error),
        };
        (Some(answer), None)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Kills one worker after the other, spread over the operations.
    async fn kill_clients(self: Arc<Self>) -> Result<usize> {
        let mut killed = 0;
        while self.wait_for_kill(killed, self.settings.client_kills).await {
            let number = killed % self.workers.len();
            if let Some(worker) = self.workers.get(number) {
                let mut worker = worker.write().await;
                worker.kill().await?;
                *worker = self.another_worker(number).await?;
            }
            killed += 1;
        }
        Ok(killed)
    }

    /// Starts a worker, again and again if the server is down just now, as a supervisor would.
    async fn another_worker(&self, number: usize) -> Result<Worker> {
        let begin = Instant::now();
        loop {
            match Worker::start(&self.settings, self.server.url(), number).await {
                Err(_) if begin.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(50)).await,
                started => return started,
            }
        }
    }

    async fn kill_servers(self: Arc<Self>) -> Result<usize> {
        let mut killed = 0;
        while self.wait_for_kill(killed, self.settings.server_kills).await {
            self.server.kill_and_restart().await?;
            killed += 1;
        }
        Ok(killed)
    }

    /// Waits until so many operations were asked for that the next kill is due; `false` when all kills are done.
    async fn wait_for_kill(&self, killed: usize, kills: usize) -> bool {
        if killed >= kills {
            return false;
        }
        let due = (killed + 1) * self.settings.operations / (kills + 1);
        while self.asked.load(Ordering::Relaxed) < due {
            if self.is_over() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        true
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
