//! What the store costs, measured by hand:
//!
//! ```text
//! cargo test --release -p cloakroom --lib --no-run
//! COST=get COUNT=200000 valgrind --tool=callgrind <the test's program> --ignored --exact stores::memory::tests::cost::instructions
//! ```
//! Run it with `COUNT` and twice that: the difference of the instructions, divided by `COUNT`, is the cost of one. What
//! `nothing` (or for inserts `nothing-new`) costs is to be subtracted.

use std::env;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cloakroom_store::Store;

use super::*;

fn setting(name: &str, otherwise: &str) -> String {
    env::var(name).unwrap_or_else(|_| otherwise.to_owned())
}

/// The value of a future that is ready at once, as all of this store's are.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store never waits"),
    }
}

/// Keys as the engine makes them: without any order.
fn keys(count: u64) -> Vec<StoreKey> {
    let mut random = 1_u64;
    let mut word = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random ^ (random >> 32)).to_be_bytes()
    };
    (0..count).map(|_| StoreKey::from_bytes(&[word(), word(), word(), word()].concat()).unwrap()).collect()
}

fn record(number: u64) -> Record {
    Record::new(vec![7; 256], START + Duration::from_secs(3_600 + number % 3_600))
}

#[test]
#[ignore = "a measurement"]
fn instructions() {
    let what = setting("COST", "get");
    let count = setting("COUNT", "100000").parse().unwrap();
    let (store, _) = store();
    // Each expires in another second. An insert takes its payload over without a copy, as it does the engine's.
    let records: Vec<_> = (0..1_000).map(record).collect();
    let later = |turn| Timestamp::from_micros(START.as_micros() + 8_000_000_000 + u64::from(turn));
    match what.as_str() {
        "nothing" => existing(&store, count, |_, _| ()),
        "get" => existing(&store, count, |key, _| store.load_now(key, None)),
        "touch" => existing(&store, count, |key, turn| store.touch_now(key, later(turn))),
        "async-get" => existing(&store, count, |key, _| ready(store.load(key, None))),
        "async-touch" => existing(&store, count, |key, turn| ready(store.touch(key, later(turn)))),
        "nothing-new" => new(count, |_, _| ()),
        "insert" => new(count, |key, turn| store.create_now(key, &records[turn as usize / 1_000])),
        "insert-spread" => new(count, |key, turn| store.create_now(key, &records[turn as usize % 1_000])),
        "async-insert" => new(count, |key, turn| ready(store.create(key, &records[turn as usize / 1_000]))),
        other => panic!("{other}"),
    }
    std::mem::forget(store);
}

/// Does something with each of a few records again and again.
fn existing<T>(store: &MemoryStore, count: u32, step: impl Fn(&StoreKey, u32) -> T) {
    let keys = keys(10_000);
    for (key, number) in keys.iter().zip(0..) {
        let _ = store.create_now(key, &record(number)).unwrap();
    }
    for (key, turn) in keys.iter().cycle().zip(0..count) {
        drop(black_box(step(black_box(key), turn)));
    }
}

/// Does something with many keys.
fn new<T>(count: u32, step: impl Fn(&StoreKey, u32) -> T) {
    for (key, turn) in keys(count.into()).iter().zip(0..) {
        drop(black_box(step(black_box(key), turn)));
    }
}

/// Prints what a record adds to the memory of the process, and how long sweeps take.
#[test]
#[ignore = "a measurement"]
fn bytes_and_sweeps() {
    let count = setting("COUNT", "1000000").parse::<u64>().unwrap();
    let (store, clock) = built(MemoryStore::builder().max_bytes(u64::MAX));
    let keys = keys(count);
    let with_owner = env::var_os("OWNED").is_some();
    let before = resident();
    for (key, number) in keys.iter().zip(0..) {
        let owner = with_owner.then(|| Owner::new(owner(&number.to_string()), START));
        let _ = store.create_now(key, &record(number).with_owner(owner)).unwrap();
    }
    let usage = store.usage();
    println!("{} bytes a record, {} by its own count", (resident() - before) / count, usage.bytes / count);
    for (percent, seconds) in [(1, 3_600 + 35), (99, 3_600)] {
        clock.advance(Duration::from_secs(seconds));
        let began = std::time::Instant::now();
        let sweeping = store.sweep_now(usize::MAX).unwrap();
        println!("{percent} %: {:?} in {:?}", sweeping, began.elapsed());
    }
}

/// The resident memory of this process in bytes, where the system tells.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4_096
}
