//! A worker: an application without HTTP, which carries out orders from stdin.

use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::{
    Config, ErrorKind, PlainRequest, Random, Session, SessionManager, SystemRandom, store::Store,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, stdin, stdout},
    sync::mpsc,
};

use crate::{
    Fault, Result,
    actions::{self, Did, content},
    clock::Skewed,
    dice::Dice,
    faults::Faulty,
    history::{Action, Content, LIFETIMES, LIFETIMES_OF_SKEWED_CLOCKS},
    stores,
    wire::{Order, Outcome, READY, Reply, user},
};

/// Opens the store, says that it is ready, and carries out orders until stdin ends.
///
/// # Errors
/// The store does not open, or the drive that gives orders is gone.
pub async fn work(url: &str, fault: Option<Fault>, skew: Option<i64>) -> Result {
    let clock = Skewed(skew);
    let store = stores::open(url).await?;
    let store: Arc<dyn Store> = match fault {
        None => store,
        Some(fault) => Arc::new(Faulty::new(store, fault, clock)),
    };
    let (replies, mut said) = mpsc::unbounded_channel::<String>();
    replies.send(READY.to_owned())?;
    let worker =
        Worker { engine: SessionManager::from_arc(store, config(SystemRandom, clock))?, clock, fault };
    tokio::spawn(async move {
        let mut lines = BufReader::new(stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let (worker, replies) = (worker.clone(), replies.clone());
            tokio::spawn(async move {
                if let Some(reply) = worker.reply(&line).await {
                    // The drive is over if this fails.
                    let _ = replies.send(reply);
                }
            });
        }
    });
    let mut stdout = stdout();
    while let Some(line) = said.recv().await {
        stdout.write_all(format!("{line}\n").as_bytes()).await?;
        stdout.flush().await?;
    }
    Ok(())
}

/// A worker, as each of its requests sees it.
#[derive(Clone)]
struct Worker {
    engine: SessionManager,
    clock: Skewed,
    fault: Option<Fault>,
}

impl Worker {
    async fn reply(&self, line: &str) -> Option<String> {
        let order: Order = serde_json::from_str(line).ok()?;
        if self.fault == Some(Fault::RequestsTwice) && order.number.is_multiple_of(8) {
            // Its answer is not given to the drive.
            let _ = self.carry_out(&order).await;
        }
        let result = self.carry_out(&order).await.unwrap_or_else(|error| match error.kind() {
            ErrorKind::Gone => Outcome::Dropped,
            _ => Outcome::Failed(error.to_string()),
        });
        serde_json::to_string(&Reply { number: order.number, result }).ok()
    }

    /// One request.
    async fn carry_out(&self, order: &Order) -> cloakroom::Result<Outcome> {
        if order.action == Action::Revoke {
            self.engine.sessions().revoke_all(&user(order.session)).await?;
            return Ok(Outcome::Done(None));
        }
        let engine = match order.chance {
            None => self.engine.clone(),
            Some(chance) => self.engine_of_chance(chance),
        };
        let head = order.cookie.clone().map_or_else(PlainRequest::default, PlainRequest::with_cookie);
        let request = engine.begin(&head);
        let session = request.load().await?;
        if order.action == Action::Create {
            session.insert("session", order.session)?;
        } else if session.get("session")? != Some(order.session) {
            return Ok(stranger(&session)?.map_or(Outcome::Missing, Outcome::Seen));
        }
        let did = actions::act(&session, order, self.fault).await?;
        if order.saves && order.action.changes_values() {
            session.save().await?;
        }
        let outcome = request.commit().await?;
        Ok(match (did, order.action) {
            (Did::Saw(content), _) => Outcome::Seen(content),
            (Did::Got(items), _) => Outcome::Got(items),
            // Another request ended it meanwhile, or it has become another at a log-in.
            (Did::Changed, Action::LogOut) if !outcome.ended => Outcome::Missing,
            (Did::Changed, _) => {
                Outcome::Done(outcome.set_cookie.filter(|_| !outcome.ended).as_deref().map(pair))
            }
        })
    }

    /// The same engine, but its first new id comes from `chance`.
    fn engine_of_chance(&self, chance: u64) -> SessionManager {
        let config = config(Repeated(Mutex::new(Some(chance))), self.clock).sweep_interval(None);
        // The same configuration made the other engine, so this cannot fail.
        SessionManager::from_arc(self.engine.store().clone(), config).unwrap_or_else(|_| self.engine.clone())
    }
}

/// Where clocks differ, sessions live so long that none runs out by one clock while it lives by another.
fn config(random: impl Random, clock: Skewed) -> Config {
    let lifetimes = if clock.is_right() { LIFETIMES } else { LIFETIMES_OF_SKEWED_CLOCKS };
    Config::plain_http()
        .idle_timeout(lifetimes.idle)
        .absolute_timeout(lifetimes.absolute)
        .renewal_grace_period(lifetimes.grace)
        .fail_on_dropped_write(true)
        .sweep_interval(std::time::Duration::from_secs(2))
        .clock(clock)
        .random(random)
}

/// What is under this id instead of the session that was asked for, if it is another of ours.
fn stranger(session: &Session) -> cloakroom::Result<Option<Content>> {
    Ok(if session.contains("session") { Some(content(session)?) } else { None })
}

/// `name=value` of a `Set-Cookie` header.
fn pair(header: &str) -> String {
    header.split_once(';').map_or(header, |(pair, _)| pair).to_owned()
}

/// A generator that repeats what another has given: the first id comes from a number, all else from the system.
#[derive(Debug)]
struct Repeated(Mutex<Option<u64>>);

impl Random for Repeated {
    fn fill(&self, bytes: &mut [u8]) -> cloakroom::Result<()> {
        SystemRandom.fill(bytes)?;
        // An id, and only that, is drawn with so many bytes.
        let Some(id) = bytes.get_mut(..32) else { return Ok(()) };
        if let Some(chance) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let mut dice = Dice::new(chance);
            id.chunks_exact_mut(8).for_each(|part| part.copy_from_slice(&dice.number().to_le_bytes()));
        }
        Ok(())
    }
}
