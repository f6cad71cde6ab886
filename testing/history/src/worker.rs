//! A worker: an application without HTTP, which carries out orders from stdin.

use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::{Config, Engine, ErrorKind, Plain, Random, Session, SystemRandom, store::Store};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, stdin, stdout},
    sync::mpsc,
};

use crate::{
    Fault, Result,
    dice::Dice,
    faults::Faulty,
    history::{Action, Content, LIFETIMES},
    stores,
    wire::{Order, Outcome, READY, Reply, user},
};

/// Opens the store, says that it is ready, and carries out orders until stdin ends.
///
/// # Errors
/// The store does not open, or whoever gives orders is gone.
pub async fn work(url: &str, fault: Option<Fault>) -> Result {
    let store = stores::open(url).await?;
    let store: Arc<dyn Store> = match fault {
        None => store,
        Some(fault) => Arc::new(Faulty::new(store, fault)),
    };
    let (replies, mut said) = mpsc::unbounded_channel::<String>();
    replies.send(READY.to_owned())?;
    let engine = Engine::shared(store, config(SystemRandom))?;
    tokio::spawn(async move {
        let mut lines = BufReader::new(stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let (engine, replies) = (engine.clone(), replies.clone());
            tokio::spawn(async move {
                if let Some(reply) = reply(&engine, &line).await {
                    // Nobody listens any more only if the drive is over.
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

async fn reply(engine: &Engine, line: &str) -> Option<String> {
    let order: Order = serde_json::from_str(line).ok()?;
    let result = carry_out(engine, &order).await.unwrap_or_else(|error| match error.kind() {
        ErrorKind::Gone => Outcome::Dropped,
        _ => Outcome::Failed(error.to_string()),
    });
    serde_json::to_string(&Reply { number: order.number, result }).ok()
}

fn config(random: impl Random) -> Config {
    Config::plain_http()
        .idle(LIFETIMES.idle)
        .absolute(LIFETIMES.absolute)
        .grace(LIFETIMES.grace)
        .dropped_write_is_an_error(true)
        .sweep_every(std::time::Duration::from_secs(2))
        .random(random)
}

/// One request.
async fn carry_out(engine: &Engine, order: &Order) -> cloakroom::Result<Outcome> {
    if order.action == Action::Revoke {
        engine.sessions().revoke_all(&user(order.session)).await?;
        return Ok(Outcome::Done(None));
    }
    let engine = match order.chance {
        None => engine.clone(),
        Some(chance) => engine_of_chance(engine, chance),
    };
    let head = order.cookie.clone().map_or_else(Plain::default, Plain::with_cookie);
    let request = engine.begin(&head);
    let session = request.load().await?;
    if order.action == Action::Create {
        session.insert("session", order.session)?;
    } else if session.get("session")? != Some(order.session) {
        return Ok(stranger(&session)?.map_or(Outcome::Missing, Outcome::Seen));
    }
    let seen = act(&session, order)?;
    let outcome = request.commit().await?;
    Ok(match (seen, order.action) {
        (Some(content), _) => Outcome::Seen(content),
        // It was ended by somebody else meanwhile, or has become another at a log-in.
        (None, Action::LogOut) if !outcome.ended => Outcome::Missing,
        (None, _) => Outcome::Done(outcome.set_cookie.filter(|_| !outcome.ended).as_deref().map(pair)),
    })
}

/// Does what the order says; a read hands out what is there.
fn act(session: &Session, order: &Order) -> cloakroom::Result<Option<Content>> {
    match order.action {
        Action::Read => return content(session).map(Some),
        Action::Add(tag) => {
            session.push("tags", tag)?;
            session.increment("count", 1)?;
        }
        Action::Renew => session.renew_id(),
        Action::LogIn => session.log_in(user(order.session))?,
        Action::LogOut => session.log_out(),
        Action::Create | Action::Revoke => {}
    }
    Ok(None)
}

fn content(session: &Session) -> cloakroom::Result<Content> {
    Ok(Content {
        session: session.get_or("session", 0)?,
        tags: session.get_or("tags", Vec::new())?,
        count: session.get_or("count", 0)?,
    })
}

/// What is under this id instead of the session that was asked for, if it is another of ours.
fn stranger(session: &Session) -> cloakroom::Result<Option<Content>> {
    Ok(if session.contains("session") { Some(content(session)?) } else { None })
}

/// `name=value` of a `Set-Cookie` header.
fn pair(header: &str) -> String {
    header.split_once(';').map_or(header, |(pair, _)| pair).to_owned()
}

/// The same, but its first new id comes from `chance`.
fn engine_of_chance(engine: &Engine, chance: u64) -> Engine {
    let config = config(Repeated(Mutex::new(Some(chance)))).sweep_every(None);
    // The same configuration made the other engine, so this cannot fail.
    Engine::shared(engine.store().clone(), config).unwrap_or_else(|_| engine.clone())
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
