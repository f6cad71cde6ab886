//! Measures what a call of the store costs the Redis server, in microseconds of its CPU:
//!
//! ```console
//! $ cargo xtask services run --only redis -- cargo run --release -p cloakroom-redis --example server_cpu -- [builds] [calls] [turns]
//! ```
//!
//! `builds` are paths of this program built at other commits, separated by commas: each is measured in turn with this one,
//! and compared with the first of them. `-` means no other build. A turn is so many calls (200,000 unless given) by 64 tasks on one
//! connection, and the figure is the difference of `used_cpu_user` and `used_cpu_sys` before and after.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a person to read")]

use std::process::Command;
use std::time::Duration;

use cloakroom_redis::RedisStore;
use cloakroom_redis::redis::{Client, Connection, cmd};
use cloakroom_services::Service;
use cloakroom_store::{
    CreateOutcome, Owner, OwnerKey, Record, Store as _, StoreKey, Timestamp, Touch, UpdateOutcome, Version,
};

const TASKS: u64 = 64;
/// How many sessions a task has.
const SESSIONS: u64 = 16;
const LIFE: Duration = Duration::from_secs(1_800);

/// What is called.
const CALLS: [&str; 6] =
    ["read", "read, touch due", "write", "write, with a user", "create", "create, with a user"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // How this program is called by itself.
        ["once", call, calls] => println!("{}", measure(call, calls.parse().unwrap())),
        ref others => compare(
            others.first().copied().unwrap_or("-"),
            others.get(1).copied().unwrap_or("200000"),
            others.get(2).map_or(5, |turns| turns.parse().unwrap()),
        ),
    }
}

fn compare(builds: &str, calls: &str, turns: usize) {
    let own = std::env::current_exe().unwrap().display().to_string();
    let mut programs: Vec<_> = builds.split(',').filter(|build| *build != "-").collect();
    programs.push(&own);
    println!("microseconds of the server's CPU for a call; medians of {turns} turns of {calls} calls");
    for call in CALLS {
        let mut figures = vec![Vec::new(); programs.len()];
        for _ in 0..turns {
            for (program, figures) in programs.iter().zip(&mut figures) {
                figures.push(run(program, call, calls));
            }
        }
        let ratios =
            figures.iter().map(|of| median(of.iter().zip(&figures[0]).map(|(one, first)| one / first)));
        let ratios: Vec<_> = ratios.map(|ratio| format!("{ratio:.2}")).collect();
        let medians: Vec<_> = figures.iter().map(|of| format!("{:.2}", median(of.iter().copied()))).collect();
        println!("{call:20} {:16} of the first: {}", medians.join(" "), ratios.join(" "));
    }
}

fn run(program: &str, call: &str, calls: &str) -> f64 {
    let output = Command::new(program).args(["once", call, calls]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Microseconds of the server's CPU for each call.
#[tokio::main]
async fn measure(call: &str, calls: u64) -> f64 {
    // A database of its own, which can be emptied at once.
    let url = format!("{}/7", Service::Redis.shared());
    let mut raw = Client::open(url.as_str()).unwrap().get_connection().unwrap();
    cmd("FLUSHDB").exec(&mut raw).unwrap();
    let store = RedisStore::open(&url).await.unwrap();
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        tasks.push(Task::begin(store.clone(), call, task).await);
    }
    let before = cpu(&mut raw);
    let working = tasks.into_iter().map(|task| tokio::spawn(task.work(calls / TASKS)));
    for worked in working.collect::<Vec<_>>() {
        worked.await.unwrap();
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of thousands")]
    let each = (cpu(&mut raw) - before) * 1e6 / calls as f64;
    cmd("FLUSHDB").exec(&mut raw).unwrap();
    each
}

/// Seconds of CPU that the server has had.
fn cpu(server: &mut Connection) -> f64 {
    let info: String = cmd("INFO").arg("cpu").query(server).unwrap();
    let of = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok()).unwrap()
    };
    of("used_cpu_user:") + of("used_cpu_sys:")
}

/// A task that calls one after the other, for sessions of its own.
struct Task {
    store: RedisStore,
    call: String,
    number: u64,
    sessions: Vec<(StoreKey, Version)>,
}

impl Task {
    async fn begin(store: RedisStore, call: &str, number: u64) -> Self {
        let mut task = Self { store, call: call.into(), number, sessions: Vec::new() };
        for at in 0..SESSIONS {
            let key = task.key(at);
            let CreateOutcome::Created(version) = task.store.create(&key, &task.record()).await.unwrap()
            else {
                panic!()
            };
            task.sessions.push((key, version));
        }
        task
    }

    async fn work(mut self, calls: u64) {
        for done in 0..calls {
            match &*self.call {
                "read" => self.read(done, Timestamp::EPOCH).await,
                "read, touch due" => self.read(done, Timestamp::NEVER).await,
                "write" | "write, with a user" => self.write(done).await,
                _ => {
                    let made = self.store.create(&self.key(SESSIONS + done), &self.record()).await.unwrap();
                    assert!(matches!(made, CreateOutcome::Created(_)));
                }
            }
        }
    }

    async fn read(&self, turn: u64, due_before: Timestamp) {
        let (key, _) = &self.sessions[self.at(turn)];
        let touch = Touch::new(due_before, Timestamp::now() + LIFE);
        let stored = self.store.load(key, Some(touch)).await.unwrap().unwrap();
        assert_eq!(stored.record.payload.len(), 1_024);
    }

    async fn write(&mut self, turn: u64) {
        let (at, record) = (self.at(turn), self.record());
        let (key, version) = &mut self.sessions[at];
        let UpdateOutcome::Updated(new) = self.store.update(key, *version, &record).await.unwrap() else {
            panic!()
        };
        *version = new;
    }

    fn at(&self, turn: u64) -> usize {
        usize::try_from(turn).unwrap() % self.sessions.len()
    }

    fn record(&self) -> Record {
        let now = Timestamp::now();
        let user = || OwnerKey::new(format!("user {}", self.number)).unwrap();
        let owner = self.call.ends_with("with a user").then(|| Owner::new(user(), Timestamp::EPOCH + LIFE));
        Record::new(vec![b'x'; 1_024], now + LIFE).with_owner(owner)
    }

    /// Scatters, as a hash does.
    fn key(&self, at: u64) -> StoreKey {
        let mut key = [0; 32];
        let mut state = self.number << 32 | at;
        for part in key.chunks_mut(8) {
            state = (state ^ (state >> 29))
                .wrapping_mul(0xbf58_476d_1ce4_e5b9)
                .wrapping_add(0x9e37_79b9_7f4a_7c15);
            part.copy_from_slice(&(state ^ (state >> 32)).to_be_bytes());
        }
        StoreKey::from_hash(key)
    }
}
