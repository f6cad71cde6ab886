//! Several processes, real kills: this test binary starts itself again, and again.
//!
//! A child does one of the [`roles`] until it is done or killed, and says on its standard output what was answered.
#![expect(clippy::unwrap_used, reason = "what helps a test may fail it")]

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use cloakroom_conformance::heads_of;
use cloakroom_file::{Durability, FileStore};
use cloakroom_store::{
    CreateOutcome, Owner, OwnerKey, Owners, Record, Scan, Store, StoreKey, Timestamp, Touch, UpdateOutcome,
    Version, VersionedRecord,
};

const ROLE: &str = "CLOAKROOM_TEST_ROLE";
const FOLDER: &str = "CLOAKROOM_TEST_FOLDER";

/// What survives a kill does so without syncing too, and many more kills fit into a second.
async fn open(folder: &Path) -> FileStore {
    FileStore::builder(folder).durability(Durability::Process).build().await.unwrap()
}

fn key(text: &str) -> StoreKey {
    StoreKey::from_bytes(text.as_bytes()).unwrap()
}

fn owner(text: &str) -> OwnerKey {
    OwnerKey::new(text).unwrap()
}

fn numbered(number: u64) -> Record {
    Record::new(number.to_string(), Timestamp::NEVER)
}

fn number(stored: &VersionedRecord) -> u64 {
    std::str::from_utf8(&stored.record.payload).unwrap().parse().unwrap()
}

/// A process that plays a role on a folder; killed when dropped.
struct Other {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Other {
    fn start(role: &str, folder: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "roles", "--ignored", "--nocapture"])
            .env(ROLE, role)
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// The next thing that it said, or `None` if it is dead and all was heard.
    fn hear(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.said.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // A killed process may have said half a line.
            if let Some(said) = line.strip_suffix('\n').and_then(|line| line.split_once('@')) {
                return Some(said.1.to_owned());
            }
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn finish(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn say(what: &str) {
    // Not by a macro, whose words the test runner may keep to itself.
    let mut out = io::stdout().lock();
    writeln!(out, "@{what}").unwrap();
    out.flush().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other tests run it in processes of its own"]
async fn roles() {
    let folder = env::var_os(FOLDER).expect("started by another test");
    let store = open(Path::new(&folder)).await;
    let role = env::var(ROLE).unwrap();
    match role.split_once(' ').unwrap() {
        ("count", _) => count(&store).await,
        ("live", name) => live(&store, name).await,
        ("log-in", name) => log_in(&store, name).await,
        _ => panic!("no such role"),
    }
}

/// Adds one to each of three records 40 times, two tasks at once.
async fn count(store: &FileStore) {
    let task = async |name: &str| {
        for _ in 0..20 {
            increment(store, &key(name)).await;
        }
    };
    tokio::join!(task("a"), task("b"), task("c"), task("a"), task("b"), task("c"));
}

async fn increment(store: &FileStore, key: &StoreKey) {
    let mut seen = store.load(key, None).await.unwrap();
    loop {
        let Some(stored) = seen else {
            match store.create(key, &numbered(1)).await.unwrap() {
                CreateOutcome::Created(_) => return,
                CreateOutcome::AlreadyExists => seen = store.load(key, None).await.unwrap(),
                CreateOutcome::Revoked => unreachable!(),
            }
            continue;
        };
        match store.update(key, stored.version, &numbered(number(&stored) + 1)).await.unwrap() {
            UpdateOutcome::Updated(_) => return,
            UpdateOutcome::Conflict(other) => seen = Some(other),
            UpdateOutcome::NotFound | UpdateOutcome::Revoked => unreachable!(),
        }
    }
}

#[tokio::test]
async fn c6_every_increment_of_several_processes_counts_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let others: Vec<Other> = (0..4).map(|_| Other::start("count x", folder.path())).collect();
    others.into_iter().for_each(Other::finish);
    let store = open(folder.path()).await;
    for name in ["a", "b", "c"] {
        assert_eq!(number(&store.load(&key(name), None).await.unwrap().unwrap()), 4 * 40);
    }
    assert_eq!(store.count().await.unwrap(), 3);
}

/// Replaces, touches, deletes and creates its own record, each time with the next number, by turns its owner's.
///
/// Says the number when the record has it, and `gone` when the record is deleted.
async fn live(store: &FileStore, name: &str) {
    let (key, owner) = (key(name), owner(name));
    let mut next = store.load(&key, None).await.unwrap().map_or(0, |stored| number(&stored) + 1);
    loop {
        let seen = store.load(&key, None).await.unwrap();
        let owner = (next % 3 > 0).then(|| Owner::new(owner.clone(), Timestamp::EPOCH));
        let record = numbered(next).with_owner(owner).with_expires_at(soon(next));
        match seen {
            None => assert!(matches!(store.create(&key, &record).await.unwrap(), CreateOutcome::Created(_))),
            Some(_) if next % 7 == 0 => {
                assert!(store.delete(&key).await.unwrap().is_some());
                say("gone");
                assert!(matches!(store.create(&key, &record).await.unwrap(), CreateOutcome::Created(_)));
            }
            Some(seen) => {
                let updated = store.update(&key, seen.version, &record).await.unwrap();
                assert!(matches!(updated, UpdateOutcome::Updated(_)));
            }
        }
        say(&next.to_string());
        let touch = Touch::new(Timestamp::NEVER, Timestamp::NEVER);
        assert!(store.load(&key, Some(touch)).await.unwrap().is_some());
        next += 1;
    }
}

fn soon(number: u64) -> Timestamp {
    Timestamp::from_millis(4_000_000_000_000 + number)
}

#[tokio::test]
async fn a_kill_loses_no_answered_write_and_brings_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let names = ["one", "two", "three"];
    for round in 0..12 {
        let mut others = names.map(|name| Other::start(&format!("live {name}"), folder.path()));
        let mut last: [Option<String>; 3] = [const { None }; 3];
        for (n, other) in others.iter_mut().enumerate() {
            for _ in 0..=((round * 37 + n * 11) % 60) {
                last[n] = other.hear();
            }
        }
        for (n, other) in others.iter_mut().enumerate() {
            other.kill();
            while let Some(said) = other.hear() {
                last[n] = Some(said);
            }
            check_after_kill(&store, names[n], last[n].as_deref().unwrap()).await;
        }
    }
    store.capabilities().sweep.unwrap().sweep(100).await.unwrap();
    assert!(store.count().await.unwrap() <= 3);
}

/// The record is what was answered last, or what was under way.
async fn check_after_kill(store: &FileStore, name: &str, last: &str) {
    let there = store.load(&key(name), None).await.unwrap();
    match (&there, last.parse::<u64>()) {
        (Some(stored), Ok(last)) => {
            assert!([last, last + 1].contains(&number(stored)), "{name}: {last} then {stored:?}");
        }
        (None, Ok(last)) => assert!((last + 1).is_multiple_of(7), "{name}: {last} was lost"),
        (Some(stored), Err(_)) => {
            assert!(number(stored).is_multiple_of(7), "{name}: deleted, yet {stored:?}");
        }
        (None, Err(_)) => {}
    }
    let listed = heads_of(store, &owner(name)).await.unwrap();
    let owned = there.is_some_and(|stored| stored.record.owner.is_some());
    assert_eq!(listed.len(), usize::from(owned), "{name}");
}

/// Logs in again and again, and says how often.
async fn log_in(store: &FileStore, name: &str) {
    for n in 0.. {
        let since = Timestamp::now();
        let record = numbered(n).with_owner(Owner::new(owner("alice"), since));
        let (there, new) = (key(&format!("{name} {}", n % 5)), numbered(n));
        let _any: CreateOutcome = store.create(&key(&format!("{name} new {n}")), &record).await.unwrap();
        let seen = store.load(&there, None).await.unwrap();
        match seen {
            Some(seen) => drop(store.update(&there, seen.version, &record).await.unwrap()),
            None => drop(store.create(&there, &new).await.unwrap()),
        }
        say(&n.to_string());
    }
}

#[tokio::test]
async fn what_began_before_a_revocation_is_dead_although_others_go_on_and_die() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut others = ["x", "y"].map(|name| Other::start(&format!("log-in {name}"), folder.path()));
    for _ in 0..6 {
        for other in &mut others {
            for _ in 0..10 {
                other.hear().unwrap();
            }
        }
        let at = Timestamp::now();
        store.revoke(&owner("alice"), at).await.unwrap();
        assert_none_before(&store, at).await;
        others[0].kill();
        others[0] = Other::start("log-in x", folder.path());
        assert_none_before(&store, at).await;
    }
    drop(others);
    let at = Timestamp::now();
    let alive = heads_of(&store, &owner("alice")).await.unwrap().len() as u64;
    assert_eq!(store.revoke(&owner("alice"), at).await.unwrap(), alive);
    assert_none_before(&store, at).await;
}

async fn assert_none_before(store: &FileStore, at: Timestamp) {
    let page = store.scan(None, usize::MAX).await.unwrap();
    let mut owned = page.entries.into_iter().filter_map(|entry| entry.stored.record.owner);
    assert!(owned.all(|owner| owner.logged_in_at > at), "a revoked record is alive");
    for head in heads_of(store, &owner("alice")).await.unwrap() {
        assert!(head.logged_in_at > at, "a revoked record is listed");
    }
}

#[tokio::test]
async fn two_processes_can_make_the_same_folder_ready_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    let others: Vec<Other> = (0..4).map(|_| Other::start("count x", &new)).collect();
    others.into_iter().for_each(Other::finish);
    let _unused: Version = open(&new).await.load(&key("a"), None).await.unwrap().unwrap().version;
}
