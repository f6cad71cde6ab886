//! Compares the memory store with a plain `DashMap` behind the same contract, side by side in one process:
//! `cargo run --release -p cloakroom-memory --example memory_store_speed [SESSIONS] [calls|creates|sweeps]`.
//!
//! The `DashMap` keeps less (no owners, no bound, no order of expiry) and sweeps by looking at everything. The two take
//! turns of a few milliseconds, so that what else the machine does meets both alike. Printed is the median of the
//! turns' times for each, and the median of their ratios.

#![expect(clippy::print_stdout, reason = "that is what it is for")]
#![expect(clippy::cast_precision_loss, reason = "the figures are printed with two decimals")]

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use cloakroom_memory::MemoryStore;
use cloakroom_store::{
    Bytes, Capabilities, Clock, CreateOutcome, Error, ErrorKind, ManualClock, Record, Result, Store,
    StoreKey, Sweep, SweepStats, SystemClock, Timestamp, Touch, UpdateOutcome, Version, VersionedRecord,
    async_trait,
};
use dashmap::{DashMap, Entry};

/// How many calls one store answers before it is the other one's turn.
const TURN: usize = 10_000;
/// How many records a step of the engine's sweep removes.
const STEP: usize = 1_000;
const HOUR: Duration = Duration::from_secs(3_600);
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn main() -> Result<()> {
    let sessions = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let only = std::env::args().nth(2);
    let wanted = |part| only.as_deref().is_none_or(|only| only == part);
    let keys = random_keys(sessions);
    println!("{:>34} {:>9} {:>9} {:>6}", "", "ours", "DashMap", "ratio");
    if wanted("calls") {
        calls(&keys)?;
    }
    if wanted("creates") {
        creates("ns a create, one deadline", &keys, 1)?;
        creates("ns a create, random deadlines", &keys, 86_400_000_000)?;
    }
    if wanted("sweeps") {
        sweeps("1 % due", &keys, |number| START + HOUR * if number % 100 == 0 { 1 } else { 9 })?;
        sweeps("all due", &keys, |_| START + HOUR)?;
    }
    Ok(())
}

type Side = Arc<dyn Store>;

fn ours(clock: impl Clock) -> Side {
    Arc::new(MemoryStore::builder().max_bytes(u64::MAX).clock(clock).build())
}

fn theirs(clock: impl Clock) -> Side {
    Arc::new(Plain { records: DashMap::default(), clock: Box::new(clock) })
}

/// Two stores with all sessions.
fn filled(keys: &[StoreKey]) -> Result<[Side; 2]> {
    let pair = [ours(SystemClock), theirs(SystemClock)];
    let mut bytes = [0.0; 2];
    for (side, store) in pair.iter().enumerate() {
        let before = resident();
        fill(&**store, keys, |_| Timestamp::now() + HOUR)?;
        bytes[side] = (resident() - before) as f64 / keys.len() as f64;
    }
    show("bytes a session", &[bytes]);
    Ok(pair)
}

/// Reads and updates of records that are there, in random order.
fn calls(keys: &[StoreKey]) -> Result<()> {
    let pair = filled(keys)?;
    let mut random = random();
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_cached_key(|_| random());
    let mut times = Vec::new();
    for (number, turn) in order.chunks(TURN).chain(order.chunks(TURN)).enumerate() {
        times.push(both(number, turn.len(), |side| {
            turn.iter().try_for_each(|at| get(&*pair[side], &keys[*at]).map(|stored| drop(black_box(stored))))
        })?);
    }
    show("ns a get", &times);
    let mut times = Vec::new();
    let mut versions = [versions(&*pair[0], keys)?, versions(&*pair[1], keys)?];
    for (number, turn) in order.chunks(TURN).chain(order.chunks(TURN)).enumerate() {
        let records: Vec<_> = turn.iter().map(|_| record(Timestamp::now() + HOUR)).collect();
        times.push(both(number, turn.len(), |side| {
            turn.iter().zip(&records).try_for_each(|(at, record)| {
                match ready(pair[side].update(&keys[*at], versions[side][*at], record))? {
                    UpdateOutcome::Updated(version) => versions[side][*at] = version,
                    _ => return Err(lost()),
                }
                Ok(())
            })
        })?);
    }
    show("ns an update", &times);
    Ok(())
}

fn versions(store: &dyn Store, keys: &[StoreKey]) -> Result<Vec<Version>> {
    keys.iter().map(|key| get(store, key).map(|stored| stored.version)).collect()
}

fn get(store: &dyn Store, key: &StoreKey) -> Result<VersionedRecord> {
    ready(store.load(key, None))?.ok_or_else(lost)
}

/// New records, with deadlines spread over so many microseconds, in stores that grow from nothing.
///
/// Tables grow in few of the turns: the mean counts that, the median does not.
fn creates(what: &str, keys: &[StoreKey], spread: u64) -> Result<()> {
    let (mut times, mut random) = (Vec::new(), random());
    for _ in 0..3 {
        let pair = [ours(SystemClock), theirs(SystemClock)];
        for (number, turn) in keys.chunks(TURN).enumerate() {
            let deadlines: Vec<_> = turn
                .iter()
                .map(|_| Timestamp::now() + HOUR + Duration::from_micros(random() % spread))
                .collect();
            let records = [0, 1].map(|_| deadlines.iter().map(|at| record(*at)).collect::<Vec<_>>());
            times.push(both(number, turn.len(), |side| {
                turn.iter().zip(&records[side]).try_for_each(|(key, record)| {
                    match ready(pair[side].create(key, record))? {
                        CreateOutcome::Created(_) => Ok(()),
                        _ => Err(lost()),
                    }
                })
            })?);
        }
    }
    let mean = |side: usize| times.iter().map(|time| time[side]).sum::<f64>() / times.len() as f64;
    show(&format!("{what}, mean"), &[[mean(0), mean(1)]]);
    show(what, &times);
    Ok(())
}

/// How long a sweep takes, and how long it keeps a load of another thread waiting at most.
fn sweeps(what: &str, keys: &[StoreKey], deadline: impl Fn(usize) -> Timestamp) -> Result<()> {
    let (mut whole, mut step, mut pause) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        let sides: [fn(ManualClock) -> Side; 2] = [ours, theirs];
        let mut round = [[0.0; 3]; 2];
        for (side, open) in sides.into_iter().enumerate() {
            let clock = ManualClock::at(START);
            let store = open(clock.clone());
            fill(&*store, keys, &deadline)?;
            clock.advance(HOUR);
            round[side] = sweep_beside_loads(&store, keys)?;
        }
        let [a, b] = round;
        whole.push([a[0], b[0]]);
        step.push([a[1], b[1]]);
        pause.push([a[2], b[2]]);
    }
    show(&format!("ms a sweep, {what}"), &whole);
    show(&format!("ms a step of it, at most, {what}"), &step);
    show(&format!("ms a load waits, at most, {what}"), &pause);
    Ok(())
}

/// The milliseconds of the whole sweep, of its longest step, and of the longest load meanwhile.
fn sweep_beside_loads(store: &Side, keys: &[StoreKey]) -> Result<[f64; 3]> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let loading = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            for key in keys.iter().cycle() {
                let began = Instant::now();
                drop(black_box(ready(store.load(key, None))));
                longest = longest.max(began.elapsed());
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
            longest
        });
        let (began, mut longest, mut more) = (busy(), Duration::ZERO, true);
        while more {
            let step = busy();
            let capabilities = store.capabilities();
            more = ready(capabilities.sweep.ok_or_else(lost)?.sweep(STEP))?.more;
            longest = longest.max(busy().saturating_sub(step));
        }
        let whole = busy().saturating_sub(began);
        done.store(true, Ordering::Relaxed);
        let waited = loading.join().map_err(|_| lost())?;
        Ok([whole, longest, waited].map(|span| span.as_secs_f64() * 1_000.0))
    })
}

/// The time that the processor has spent on this thread.
fn busy() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().unwrap_or_default()
}

/// Lets both sides take their turn, and says the nanoseconds a call took each.
fn both(number: usize, calls: usize, mut turn: impl FnMut(usize) -> Result<()>) -> Result<[f64; 2]> {
    let mut times = [0.0; 2];
    let order = if number.is_multiple_of(2) { [0, 1] } else { [1, 0] };
    for side in order {
        let began = busy();
        turn(side)?;
        times[side] = busy().saturating_sub(began).as_nanos() as f64 / calls as f64;
    }
    Ok(times)
}

fn show(what: &str, times: &[[f64; 2]]) {
    let ratio = median(times.iter().map(|[ours, theirs]| ours / theirs));
    let [ours, theirs] = [0, 1].map(|side: usize| median(times.iter().map(|time| time[side])));
    println!("{what:>34} {ours:>9.2} {theirs:>9.2} {ratio:>6.2}");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn fill(store: &dyn Store, keys: &[StoreKey], deadline: impl Fn(usize) -> Timestamp) -> Result<()> {
    for (number, key) in keys.iter().enumerate() {
        let _created = ready(store.create(key, &record(deadline(number))))?;
    }
    Ok(())
}

fn record(expires_at: Timestamp) -> Record {
    Record::new(vec![7; 256], expires_at)
}

fn lost() -> Error {
    Error::new(ErrorKind::Other, "a store did something else than it should")
}

/// The value of a future that is ready at once, as all of these are.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("neither store waits"),
    }
}

fn random() -> impl FnMut() -> u64 {
    let mut state = 1_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ (state >> 32)
    }
}

/// Keys as the engine makes them: without any order.
fn random_keys(count: usize) -> Vec<StoreKey> {
    let mut random = random();
    let mut hash = || {
        let mut hash = [0; 32];
        hash.chunks_mut(8).for_each(|word| word.copy_from_slice(&random().to_be_bytes()));
        StoreKey::from_hash(hash)
    };
    (0..count).map(|_| hash()).collect()
}

/// The resident memory of this process in bytes, where the system tells.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4_096
}

/// The baseline: a hand-written map with expiry and versions, and nothing else.
#[derive(Debug)]
struct Plain {
    records: DashMap<StoreKey, Kept, foldhash::fast::RandomState>,
    clock: Box<dyn Clock>,
}

#[derive(Debug)]
struct Kept {
    payload: Bytes,
    expires_at: Timestamp,
    version: u64,
}

impl Kept {
    fn new(record: &Record, version: u64) -> Self {
        Self { payload: record.payload.clone(), expires_at: record.expires_at, version }
    }

    fn stored(&self) -> VersionedRecord {
        let record = Record::new(self.payload.clone(), self.expires_at);
        VersionedRecord::new(record, Version::new(self.version))
    }
}

#[async_trait]
impl Store for Plain {
    async fn load(&self, key: &StoreKey, _touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        let now = self.clock.now();
        Ok(self.records.get(key).filter(|kept| now < kept.expires_at).map(|kept| kept.stored()))
    }
    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let now = self.clock.now();
        match self.records.entry(key.clone()) {
            Entry::Occupied(kept) if now < kept.get().expires_at => return Ok(CreateOutcome::AlreadyExists),
            Entry::Occupied(mut kept) => drop(kept.insert(Kept::new(record, 1))),
            Entry::Vacant(place) => drop(place.insert(Kept::new(record, 1))),
        }
        Ok(CreateOutcome::Created(Version::new(1)))
    }
    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        let now = self.clock.now();
        match self.records.get_mut(key).filter(|kept| now < kept.expires_at) {
            None => Ok(UpdateOutcome::NotFound),
            Some(kept) if kept.version != expected.get() => Ok(UpdateOutcome::Conflict(kept.stored())),
            Some(mut kept) => {
                *kept = Kept::new(record, expected.get() + 1);
                Ok(UpdateOutcome::Updated(Version::new(kept.version)))
            }
        }
    }
    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let now = self.clock.now();
        let Some(mut kept) = self.records.get_mut(key).filter(|kept| now < kept.expires_at) else {
            return Ok(false);
        };
        kept.expires_at = kept.expires_at.max(expires_at);
        Ok(true)
    }
    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        Ok(self.records.remove(key).map(|(_, kept)| kept.stored()))
    }
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE.with_sweep(self)
    }
}

#[async_trait]
impl Sweep for Plain {
    async fn sweep(&self, _limit: usize) -> Result<SweepStats> {
        let (now, before) = (self.clock.now(), self.records.len());
        self.records.retain(|_, kept| now < kept.expires_at);
        Ok(SweepStats::new(before - self.records.len(), 0, false))
    }
}
