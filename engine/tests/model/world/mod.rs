//! Runs a case: requests against the engine, and everything that happens against the model.

mod drive;
mod lines;
mod moves;
mod request;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloakroom::store::Store;
use cloakroom::stores::MemoryStore;
use cloakroom::{Clock, Config, Event, ManualClock, Random, SessionInfo, SessionManager, Timestamp};
use cloakroom_conformance::Reference;

use crate::client::Jar;
use crate::gate::{Actor, Gate};
use crate::script::{Case, Rules, Script, Step};
use crate::seeded::Seeded;
use crate::spec::{Heard, SharedModel, Skew};
use crate::store::Gated;

use request::{Request, Running};

/// Decides what happens next.
pub(crate) trait Choices {
    /// A number below `many`, which is at least 1.
    fn choose(&mut self, many: usize) -> usize;
}

/// Always the same ids, so that a run can be repeated.
#[derive(Debug)]
struct Repeated(AtomicU64);

impl Random for Repeated {
    fn fill(&self, bytes: &mut [u8]) -> cloakroom::Result<()> {
        for chunk in bytes.chunks_mut(8) {
            let mut mixed = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// A store, a browser, and the model beside them.
pub(crate) struct World {
    rules: Rules,
    clock: ManualClock,
    store: Arc<dyn Store>,
    gate: Gate,
    pub(crate) model: SharedModel,
    jar: Arc<Mutex<Jar>>,
    /// The id of the cookie of another path, and whether it comes first.
    beside: Option<(String, bool)>,
    actors: Actor,
}

/// The clock of a machine, which may be wrong.
#[derive(Debug)]
struct Skewed(ManualClock, Skew);

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        self.1.of(self.0.now())
    }
}

impl World {
    pub(crate) fn new(rules: Rules) -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(1_767_225_600_000));
        let store: Arc<dyn Store> = if rules.memory_store {
            Arc::new(MemoryStore::builder().clock(clock.clone()).build())
        } else {
            Arc::new(Reference::new(clock.clone()))
        };
        let store = match rules.wrong {
            Some(wrong) => Arc::new(Seeded { wrong, store }),
            None => store,
        };
        let (gate, jar) = (Gate::default(), Arc::default());
        let model = SharedModel::new(clock.clone(), rules);
        Self { rules, clock, store, gate, model, jar, beside: None, actors: 0 }
    }

    fn config(&self, actor: Actor, skew: Skew, heard: Arc<Mutex<Heard>>) -> Config {
        Config::plain_http()
            .idle_timeout(self.rules.idle())
            .absolute_timeout(self.rules.absolute())
            .renew_every(self.rules.renew_every.map(Duration::from_secs))
            .max_sessions_per_user(self.rules.cap)
            .sweep_interval(None)
            .clock(Skewed(self.clock.clone(), skew))
            .random(Repeated(AtomicU64::new((actor as u64).wrapping_mul(0x1234_5678_9abc_def1))))
            .observer(move |event: &Event| {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                match event {
                    Event::WriteDropped => heard.dropped = true,
                    Event::EndIgnored { .. } => heard.end_ignored = true,
                    _ => {}
                }
            })
    }

    fn request(&mut self, script: &Script, waits_to_be_sent: bool, skew: Skew) -> Request {
        self.actors += 1;
        let actor = self.actors;
        let (gate, model) = (self.gate.clone(), self.model.clone());
        let store = Gated { actor, store: self.store.clone(), gate: gate.clone(), model: model.clone() };
        let heard = Arc::<Mutex<Heard>>::default();
        let config = self.config(actor, skew, heard.clone());
        let engine = SessionManager::new(store, config).expect("the configuration works");
        let pauses = script.contains(&Step::SaveBehind);
        let script = Arc::new(script.clone());
        let (jar, pending) = (self.jar.clone(), Arc::default());
        let beside = self.beside.clone();
        Request {
            actor,
            script,
            model,
            gate,
            jar,
            beside,
            engine,
            skew,
            heard,
            waits_to_be_sent,
            pauses,
            pending,
        }
    }

    /// Runs requests one after the other, without any others.
    async fn run_alone(&mut self, scripts: &[Script]) {
        self.gate.open();
        for script in scripts {
            self.clock.advance(Duration::from_micros(1));
            let request = self.request(script, false, Skew::default());
            request.send();
            request.run().await;
        }
        self.gate.close();
    }

    /// Begins the session of another path of the browser.
    async fn run_beside(&mut self, case: &Case) -> Option<String> {
        self.run_alone(&case.beside).await;
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        if case.beside_is_the_same { jar.0.clone() } else { jar.0.take() }
    }

    /// Runs a whole case; the error says what went wrong, and how.
    pub(crate) async fn run(case: &Case, choices: &mut dyn Choices) -> Result<Self, String> {
        let mut world = Self::new(case.rules);
        let beside = world.run_beside(case).await;
        world.run_alone(&case.before).await;
        let mut running: Vec<Running> = Vec::new();
        let mut skews = case.skews.iter().copied().map(Skew);
        world.beside = beside.map(|id| (id, case.beside_is_first));
        for script in &case.requests {
            let skew = skews.next().unwrap_or_default();
            let request = world.request(script, case.sent_one_by_one, skew);
            if !case.sent_one_by_one {
                request.send();
            }
            running.push(Running::start(request));
        }
        for script in &case.strangers {
            let request = Request {
                jar: Arc::default(),
                ..world.request(script, false, skews.next().unwrap_or_default())
            };
            request.send();
            running.push(Running::start(request));
        }
        world.drive(case, &mut running, choices).await;
        world.look_around().await;
        world.verdict(case)
    }

    /// Sends a request with every id that a client ever received, now and after every grace period.
    async fn look_around(&mut self) {
        let before = self.jar.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.beside = None;
        for leap in [0, 11] {
            self.clock.advance(Duration::from_secs(leap));
            self.check_records().await;
            let ids = self.model.lock().all_ids();
            for id in ids {
                self.jar.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(id);
                self.run_alone(&[vec![Step::ReadAll]]).await;
            }
        }
        *self.jar.lock().unwrap_or_else(PoisonError::into_inner) = before;
    }

    async fn check_records(&self) {
        let keys = self.model.lock().all_keys();
        let mut live = std::collections::HashSet::new();
        for key in keys {
            if self.store.load(&key, None).await.expect("the store itself is well").is_some() {
                live.insert(key);
            }
        }
        let mut model = self.model.lock();
        model.compare(|key| live.contains(key));
        model.look_for_orphans(|key| live.contains(key));
    }

    fn verdict(self, case: &Case) -> Result<Self, String> {
        let violations = std::mem::take(&mut self.model.lock().violations);
        if violations.is_empty() {
            return Ok(self);
        }
        let story = self.gate.story();
        Err(format!("\n{}\n{case}\n{story}", violations.join("\n")))
    }

    /// The sessions of a user, through the engine.
    pub(crate) async fn sessions_of(&mut self, user: &str) -> Vec<SessionInfo> {
        let request = self.request(&vec![], false, Skew::default());
        request.send();
        self.gate.open();
        request.engine.sessions().list(user).await.expect("the store itself is well")
    }

    /// The course of events.
    pub(crate) fn story(&self) -> String {
        self.gate.story()
    }

    /// How many trips to the store the request took.
    pub(crate) fn trips(&self, actor: Actor) -> usize {
        self.model.lock().trips.get(&actor).copied().unwrap_or(0)
    }
}
