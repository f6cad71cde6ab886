//! A worker process, as the drive sees it.

use std::{
    collections::HashMap,
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use clap::ValueEnum;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    sync::{mpsc, oneshot},
};

use super::Settings;
use crate::{
    Result,
    dice::Dice,
    wire::{Order, Outcome, READY, Reply},
};

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Outcome>>>>;

/// A process that carries out orders until it is killed.
#[derive(Debug)]
pub(super) struct Worker {
    child: Child,
    orders: mpsc::UnboundedSender<String>,
    waiting: Waiting,
    skew: i64,
}

impl Worker {
    pub(super) async fn start(settings: &Settings, url: &str, number: usize) -> Result<Self> {
        let skew = skew_of(number, settings);
        let mut command = Command::new(&settings.program);
        command.args(["worker", "--store", url]);
        if settings.skew > 0 {
            command.args(["--skew", &skew.to_string()]);
        }
        if let Some(fault) = settings.fault.and_then(|fault| fault.to_possible_value()) {
            command.args(["--fault", fault.get_name()]);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut stdin = child.stdin.take().ok_or("stdin was not piped")?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("stdout was not piped")?).lines();
        if lines.next_line().await?.as_deref() != Some(READY) {
            return Err("a worker did not become ready".into());
        }
        let (orders, mut ordered) = mpsc::unbounded_channel::<String>();
        tokio::spawn(async move {
            while let Some(line) = ordered.recv().await {
                if stdin.write_all(line.as_bytes()).await.is_err() {
                    break;
                }
            }
        });
        let waiting = Waiting::default();
        tokio::spawn(hear(lines, Arc::clone(&waiting)));
        Ok(Self { child, orders, waiting, skew })
    }

    /// By how many seconds its clock is ahead.
    pub(super) const fn skew(&self) -> i64 {
        self.skew
    }

    /// Gives an order; the answer never comes if the worker is killed first.
    pub(super) fn order(&self, mut order: Order) -> Result<oneshot::Receiver<Outcome>> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        order.number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        lock(&self.waiting).insert(order.number, answer);
        // A worker that is gone answers nothing, and its orders are forgotten when it is buried.
        let _ = self.orders.send(serde_json::to_string(&order)? + "\n");
        Ok(answered)
    }

    /// Kills the process as a crash does. What waits for an answer learns that none will come.
    pub(super) async fn kill(&mut self) -> Result {
        self.child.kill().await?;
        lock(&self.waiting).clear();
        Ok(())
    }
}

/// The first clock is as far ahead as may be, the second as far behind, the others anywhere between. The process that takes
/// another's place has its clock: it is the machine's.
fn skew_of(number: usize, settings: &Settings) -> i64 {
    let most = i64::from(settings.skew);
    match number {
        0 => most,
        1 => -most,
        _ => {
            let range = usize::try_from(2 * most + 1).unwrap_or(1);
            let mut dice = Dice::new(settings.seed.wrapping_add(number as u64));
            i64::try_from(dice.below(range)).unwrap_or_default() - most
        }
    }
}

async fn hear(mut lines: Lines<BufReader<ChildStdout>>, waiting: Waiting) {
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(reply) = serde_json::from_str::<Reply>(&line) else { continue };
        if let Some(answer) = lock(&waiting).remove(&reply.number) {
            // The drive may have given up.
            let _ = answer.send(reply.result);
        }
    }
}

fn lock(waiting: &Waiting) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Outcome>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
