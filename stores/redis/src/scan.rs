//! Going through all records: master by master, page by page.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use cloakroom_store::{Cursor, Entry, Page, Result, Scan, StoreKey, async_trait};
use redis::{Pipeline, RedisError, ServerErrorKind, Value, pipe};

use crate::cursor::{At, outdated};
use crate::error::{error, unexpected};
use crate::layout::{EXPIRY_END, decode, expiry, moment, pattern_of};
use crate::nodes::Master;
use crate::owners::{array, bytes};
use crate::server::{Server, line, text};
use crate::store::{Inner, RedisStore};

/// How many keys Redis is asked to look at in a step: at least, as most may be others', and at most.
pub(crate) const STEP: (usize, usize) = (5, 500);
/// A page without a record ends after this many steps, so that no caller waits for ever among others' keys.
const STEPS: usize = 200;

/// How many keys Redis looks at in a step whose answer is nearly always empty.
const MANY: usize = 5_000;

#[async_trait]
impl Scan for RedisStore {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let mut next = Some(after.map(At::read).transpose()?.unwrap_or_default());
        let mut entries = Vec::new();
        for _ in 0..STEPS {
            let Some(at) = next.take().filter(|_| entries.is_empty()) else { break };
            let step = self.0.step(&at, limit.clamp(STEP.0, STEP.1)).await?;
            entries = self.0.entries(&step).await?;
            next = step.next;
            if !entries.is_empty() {
                break;
            }
        }
        Ok(Page::new(entries, next.map(|at| at.cursor())))
    }

    async fn count(&self) -> Result<u64> {
        let (mut seen, mut live) = (Seen::default(), 0);
        let mut next = Some(At::default());
        while let Some(at) = next {
            let step = self.0.step(&at, STEP.1).await?;
            let now = self.0.now();
            let mut heads = pipe();
            step.keys.iter().for_each(|key| {
                heads.cmd("GETRANGE").arg(self.0.layout.record(key)).arg(0).arg(EXPIRY_END - 1);
            });
            for (key, head) in step.keys.iter().zip(self.0.server.ask(&heads, &step.master).await?) {
                let head = bytes(head).unwrap_or_default();
                let lives = expiry(&head).is_some_and(|expires_at| now < expires_at);
                live += u64::from(lives && seen.is_new(key));
            }
            next = step.next;
        }
        Ok(live)
    }

    async fn clear(&self) -> Result<u64> {
        let mut live = 0;
        let mut next = Some(At::default());
        while let Some(at) = next {
            let step = self.0.step(&at, STEP.1).await?;
            let now = moment(self.0.now());
            for key in &step.keys {
                live += self.0.clear(key, now.as_bytes()).await?;
            }
            next = step.next;
        }
        Ok(live)
    }
}

impl RedisStore {
    /// Returns whether there is a key that begins with `prefix`, which may be another program's, on any master: goes through
    /// all keys if there is no such key.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](cloakroom_store::ErrorKind::Unavailable) if a server does not answer;
    /// [`ErrorKind::Setup`](cloakroom_store::ErrorKind::Setup) if the user may not do this.
    pub async fn has_keys_under(&self, prefix: &str) -> Result<bool> {
        let pattern = pattern_of(prefix);
        for master in self.0.server.masters().await? {
            let mut cursor = 0;
            loop {
                let mut question = pipe();
                question.cmd("SCAN").arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(MANY);
                let answer = self.0.server.ask(&question, &master).await?.pop().ok_or_else(unexpected)?;
                let (next, names) = cursor_and_names(answer)?;
                if !names.is_empty() {
                    return Ok(true);
                }
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
        }
        Ok(false)
    }

    /// Removes every key under the prefix, on every master: records, and what [`Scan::clear`] keeps, such as revocations.
    ///
    /// For tests and for a prefix that is given up: a log-in that is under way meanwhile may outlive its revocation.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if a server does not answer; [`ErrorKind::Setup`] if the user may not do this.
    ///
    /// [`ErrorKind::Unavailable`]: cloakroom_store::ErrorKind::Unavailable
    /// [`ErrorKind::Setup`]: cloakroom_store::ErrorKind::Setup
    pub async fn drop_all(&self) -> Result<()> {
        for master in self.0.server.masters().await? {
            let mut cursor = 0;
            loop {
                let mut question = pipe();
                let pattern = self.0.layout.everything();
                question.cmd("SCAN").arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(STEP.1);
                let answer = self.0.server.ask(&question, &master).await?.pop().ok_or_else(unexpected)?;
                let (next, names) = cursor_and_names(answer)?;
                let mut removals = pipe();
                for name in names {
                    // One by one: in a cluster, a command has the keys of one slot.
                    removals.cmd("UNLINK").arg(bytes(name)?);
                }
                self.0.server.ask(&removals, &master).await?;
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Returns what `SCAN` answers: the next cursor, and names.
fn cursor_and_names(answer: Value) -> Result<(u64, Vec<Value>)> {
    let mut parts = array(answer)?.into_iter();
    let (Some(cursor), Some(names)) = (parts.next(), parts.next()) else { return Err(unexpected()) };
    Ok((text(cursor)?.parse().map_err(|_| unexpected())?, array(names)?))
}

/// A step of a scan: some of the keys of a master.
struct Step {
    master: Master,
    keys: Vec<StoreKey>,
    next: Option<At>,
}

/// The same, before the names are read.
pub(crate) struct Batch {
    master: Master,
    pub(crate) names: Vec<Value>,
    pub(crate) next: Option<At>,
}

impl Server {
    /// Asks a master for some of the names that match a pattern; there may be none, although there are more.
    pub(crate) async fn names(&self, pattern: &str, at: &At, count: usize) -> Result<Batch> {
        let masters = self.masters().await?;
        let here = masters.iter().position(|master| master.id == at.node);
        let first = (*at == At::default()).then_some(0);
        let here = here.or(first).ok_or_else(outdated)?;
        let master = masters[here].clone();
        let answers = self.ask(&self.questions(pattern, at.cursor, count), &master).await?;
        let (epoch, run, (cursor, names)) = self.read_step(answers)?;
        let another_process = !at.run.is_empty() && at.run != run;
        if another_process || (first.is_none() && at.epoch != epoch) {
            return Err(outdated());
        }
        let next = match (cursor, masters.get(here + 1)) {
            (0, None) => None,
            (0, Some(next)) => Some(At { epoch, node: next.id.clone(), run: String::new(), cursor: 0 }),
            _ => Some(At { epoch, node: master.id.clone(), run, cursor }),
        };
        Ok(Batch { master, names, next })
    }

    /// Returns the server's id, and some of its names, in one trip.
    fn questions(&self, pattern: &str, cursor: u64, count: usize) -> Pipeline {
        let mut questions = pipe();
        if self.is_cluster() {
            questions.cmd("CLUSTER").arg("INFO");
        }
        questions.cmd("INFO").arg("server");
        questions.cmd("SCAN").arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(count);
        questions
    }

    fn read_step(&self, answers: Vec<Value>) -> Result<(u64, String, (u64, Vec<Value>))> {
        let mut answers = answers.into_iter();
        let mut answer = || answers.next().ok_or_else(unexpected);
        let mut epoch = 0;
        if self.is_cluster() {
            let told = text(answer()?)?;
            epoch = line(&told, "cluster_current_epoch")
                .and_then(|epoch| epoch.parse().ok())
                .ok_or_else(unexpected)?;
        }
        let run = line(&text(answer()?)?, "run_id").map(str::to_owned).ok_or_else(unexpected)?;
        Ok((epoch, run, cursor_and_names(answer()?)?))
    }

    /// Asks a master several things in one trip; what has moved to another one meanwhile makes the scan begin again.
    async fn ask(&self, pipeline: &Pipeline, master: &Master) -> Result<Vec<Value>> {
        if pipeline.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.send(pipeline, &master.aim()).await?;
        for answer in &answers {
            match answer {
                Value::ServerError(cause) if cause.kind() == Some(ServerErrorKind::Moved) => {
                    return Err(outdated());
                }
                Value::ServerError(cause) if cause.code() == "WRONGTYPE" => {}
                Value::ServerError(cause) => return Err(error(&RedisError::from(cause.clone()))),
                _ => {}
            }
        }
        Ok(answers)
    }
}

impl Inner {
    /// Asks a master for some of its keys.
    async fn step(&self, at: &At, count: usize) -> Result<Step> {
        let pattern = format!("{}*", self.layout.records());
        let Batch { master, names, next } = self.server.names(&pattern, at, count).await?;
        let mut keys = Vec::new();
        for name in names {
            // A key with another name is not a record of ours, and is skipped.
            keys.extend(self.layout.key_of(&bytes(name)?));
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(Step { master, keys, next })
    }

    /// Returns the live records of a step.
    async fn entries(&self, step: &Step) -> Result<Vec<Entry>> {
        let mut loads = pipe();
        step.keys.iter().for_each(|key| {
            loads.cmd("GET").arg(self.layout.record(key));
        });
        let now = self.now();
        let mut entries = Vec::new();
        for (key, answer) in step.keys.iter().zip(self.server.ask(&loads, &step.master).await?) {
            let Value::BulkString(bytes) = answer else { continue };
            let stored = decode(bytes)?;
            if stored.record.is_live(now) {
                entries.push(Entry::new(key.clone(), stored));
            }
        }
        Ok(entries)
    }

    async fn clear(&self, key: &StoreKey, now: &[u8]) -> Result<u64> {
        let name = self.layout.record(key);
        let clear = &self.server.scripts.clear;
        let answer = self.server.run(clear, &[&name], &[now], crate::server::Effect::Writes).await?;
        Ok(crate::records::code(&answer)?.unsigned_abs())
    }
}

/// Which keys were there already: Redis may name one twice. Hashes of them, as there may be many.
#[derive(Default)]
struct Seen(RandomState, HashSet<u64>);

impl Seen {
    fn is_new(&mut self, key: &StoreKey) -> bool {
        self.1.insert(self.0.hash_one(key))
    }
}
