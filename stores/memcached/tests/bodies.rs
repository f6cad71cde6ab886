//! Bodies as connect-memcached keeps them, on a real server.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use cloakroom_conformance::bodies::{self, Expiry, Harness, OtherPackage, Rounding};
use cloakroom_memcached::{MemcachedBodies, MemcachedStore};
use cloakroom_services::{Instance, Service};
use cloakroom_store::{
    BodyStore, Ended, Error, ErrorKind, ManualClock, Replaced, Result, Timestamp, async_trait,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// What a Node application with connect-memcached does.
#[derive(Debug)]
struct Node {
    url: String,
    prefix: String,
}

impl Node {
    /// Sends a command, and returns the lines of its answer up to one that begins like this.
    async fn send(&self, command: &str, end: &str) -> std::io::Result<Vec<String>> {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("memcached://")).await?;
        stream.write_all(command.as_bytes()).await?;
        let (mut lines, mut answers) = (Vec::new(), BufReader::new(stream).lines());
        while let Some(line) = answers.next_line().await? {
            let is_last = line.starts_with(end);
            lines.push(line);
            if is_last {
                break;
            }
        }
        Ok(lines)
    }

    /// Writes with these flags and this time to live.
    async fn set(&self, id: &str, body: &str, flags: u32, ttl: u64) -> std::io::Result<()> {
        let command = format!("set {}{id} {flags} {ttl} {}\r\n{body}\r\n", self.prefix, body.len());
        let answer = self.send(&command, "").await?;
        assert_eq!(answer, ["STORED"]);
        Ok(())
    }

    /// Returns the flags and the time to live of an item.
    async fn kept(&self, id: &str) -> String {
        self.send(&format!("mg {}{id} f t\r\n", self.prefix), "").await.unwrap().remove(0)
    }

    /// Returns a number among the server's statistics.
    async fn statistic(&self, name: &str) -> u64 {
        let name = format!("STAT {name} ");
        let lines = self.send("stats\r\n", "END").await.unwrap();
        lines.iter().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
    }
}

fn broken(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Other, "the server refuses it").with_source(error)
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let seconds = expires_at.since(Timestamp::now()).as_secs();
        self.set(id, body, 2, seconds).await.map_err(broken)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        let answer = self.send(&format!("get {}{id}\r\n", self.prefix), "END").await.map_err(broken)?;
        Ok(answer.len() > 1)
    }
}

async fn open(node: &Node) -> MemcachedBodies {
    MemcachedStore::from_url(&node.url).unwrap().prefix(&*node.prefix).build_bodies().await.unwrap()
}

fn shared() -> Node {
    Node { url: Service::Memcached.shared(), prefix: place::prefix() }
}

fn later(seconds: u64) -> Timestamp {
    Timestamp::now() + Duration::from_secs(seconds)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept() {
    let (node, clock) = (shared(), ManualClock::at(Timestamp::now()));
    let builder = MemcachedStore::from_url(&node.url).unwrap().prefix(&*node.prefix).clock(clock.clone());
    let store = builder.build_bodies().await.unwrap();
    let harness = Harness::new(store, clock, node).rounding(Rounding::Exact).expiry(Expiry::ServersClock);
    bodies::all(&harness).await.unwrap_or_else(|broken| panic!("{broken}"));
}

#[tokio::test]
async fn an_item_has_the_flags_that_node_reads_as_json_and_whole_seconds() {
    let (node, clock) = (shared(), ManualClock::at(Timestamp::now()));
    let builder = MemcachedStore::from_url(&node.url).unwrap().prefix(&*node.prefix).clock(clock.clone());
    let store = builder.build_bodies().await.unwrap();
    let from_now = |millis| clock_now(&clock) + Duration::from_millis(millis);
    // A season is more than the thirty days that memcached takes for a length, and an age more than it can count.
    let (season, age) = (90 * 86_400_u64, 50 * 365 * 86_400_u64);
    for (millis, kept) in [
        (3_600_999, Some(3_600)),
        (2_592_000_000, Some(2_592_000)),
        (season * 1_000, Some(season)),
        (age * 1_000, None),
    ] {
        let id = format!("kept-{millis}");
        store.insert(&id, b"{}", from_now(millis)).await.unwrap().unwrap();
        let answer = node.kept(&id).await;
        let left = answer.strip_prefix("HD f2 t").unwrap_or_else(|| panic!("{answer}"));
        let due = kept.map_or(-1, u64::cast_signed);
        let left: i64 = left.parse().unwrap();
        assert!((due - 5..=due).contains(&left), "{millis}: {left}");
        let read = store.read(&id).await.unwrap().unwrap();
        assert_eq!(read.expires_at == Timestamp::NEVER, kept.is_none(), "{millis}");
    }
    // No second at all would be for ever. An item of one second may be gone by now.
    store.insert("moment", b"{}", from_now(1)).await.unwrap().unwrap();
    let moment = node.kept("moment").await;
    assert!(["HD f2 t1", "HD f2 t0", "EN"].contains(&&*moment), "{moment}");
}

fn clock_now(clock: &ManualClock) -> Timestamp {
    cloakroom_store::Clock::now(clock)
}

#[tokio::test]
async fn what_has_expired_is_gone_as_soon_as_it_is_written() {
    let node = shared();
    let store = open(&node).await;
    let past = Timestamp::now() - Duration::from_secs(1);
    let version = store.insert("a", b"1", later(60)).await.unwrap().unwrap();
    let replaced = store.replace("a", version, b"2", past).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)), "{replaced:?}");
    assert!(!node.finds("a").await.unwrap());
    assert!(store.insert("a", b"3", past).await.unwrap().is_some());
    assert!(!node.finds("a").await.unwrap());
}

/// A process that was killed between the two trips of an end has left `null` there.
#[tokio::test]
async fn an_end_that_was_half_way_is_done_by_the_next_one_who_meets_it() {
    let node = shared();
    let store = open(&node).await;
    for (id, step) in [("read", 0), ("touch", 1), ("end", 2), ("replace", 3)] {
        let version = store.insert(id, b"{}", later(60)).await.unwrap().unwrap();
        node.set(id, "null", 2, 60).await.unwrap();
        match step {
            0 => assert_eq!(store.read(id).await.unwrap(), None),
            1 => assert!(!store.touch(id, later(90)).await.unwrap()),
            2 => assert_eq!(store.end(id, Some(version)).await.unwrap(), Ended::Missing),
            _ => assert_eq!(store.replace(id, version, b"1", later(60)).await.unwrap(), Replaced::Missing),
        }
        assert!(!node.finds(id).await.unwrap(), "{id}: the null is removed");
        node.set(id, "{}", 2, 60).await.unwrap();
        assert_eq!(store.read(id).await.unwrap(), None, "{id}: there is a mark");
    }
}

#[tokio::test]
async fn an_end_whose_request_is_dropped_leaves_its_mark() {
    let node = shared();
    let store = open(&node).await;
    store.insert("a", b"{}", later(60)).await.unwrap().unwrap();
    {
        let mut end = pin!(store.end("a", None));
        assert!(end.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let patience = Instant::now() + Duration::from_secs(30);
    while node.finds("a").await.unwrap() {
        assert!(Instant::now() < patience, "the body is still there");
        tokio::task::yield_now().await;
    }
    node.set("a", "{}", 2, 60).await.unwrap();
    assert_eq!(store.read("a").await.unwrap(), None);
}

#[tokio::test]
async fn an_id_that_has_ended_is_not_begun_again() {
    let node = shared();
    let store = open(&node).await;
    store.insert("a", b"{}", later(60)).await.unwrap().unwrap();
    let _ended = store.end("a", None).await.unwrap();
    assert_eq!(store.insert("a", b"{}", later(60)).await.unwrap(), None);
    assert!(!node.finds("a").await.unwrap(), "nothing is left of the attempt");
}

/// A mark that was met again counts its day from then.
#[tokio::test]
async fn a_mark_stays_for_a_day_after_it_was_last_needed() {
    let node = shared();
    let store = open(&node).await;
    store.insert("a", b"{}", later(60)).await.unwrap().unwrap();
    let _ended = store.end("a", None).await.unwrap();
    let hash = blake3::hash(format!("{}a", node.prefix).as_bytes());
    let mark = format!("cloakroom-ended:{}", data_encoding::BASE64URL_NOPAD.encode(hash.as_bytes()));
    let left = async || -> u64 {
        let answer = node.send(&format!("mg {mark} t\r\n"), "").await.unwrap().remove(0);
        answer.strip_prefix("HD t").unwrap().parse().unwrap()
    };
    assert!(left().await > 86_000);
    assert_eq!(node.send(&format!("mg {mark} T9\r\n"), "").await.unwrap(), ["HD"]);
    assert!(left().await < 10);
    node.set("a", "{}", 2, 60).await.unwrap();
    assert_eq!(store.read("a").await.unwrap(), None);
    assert!(left().await > 86_000);
}

#[tokio::test]
async fn the_server_counts_as_many_trips_as_are_promised() {
    let server = Instance::start(Service::Memcached).unwrap();
    let node = Node { url: server.url(), prefix: String::new() };
    let (store, other) = (open(&node).await, open(&node).await);
    let counts = async || {
        let counts = ["cmd_get", "cmd_set", "delete_hits"].map(|name| node.statistic(name));
        let [get, set, delete] = counts;
        [get.await, set.await, delete.await]
    };
    let mut before = counts().await;
    let mut trips = async |what: &str, due: [u64; 3]| {
        let after = counts().await;
        assert_eq!([0, 1, 2].map(|at| after[at] - before[at]), due, "get, set, delete: {what}");
        before = after;
    };
    let version = store.insert("a", b"1", later(60)).await.unwrap().unwrap();
    trips("a first write looks at the mark in the same trip", [1, 1, 0]).await;
    let Replaced::Replaced(version) = store.replace("a", version, b"2", later(60)).await.unwrap() else {
        panic!()
    };
    trips("a write of what this process wrote", [0, 1, 0]).await;
    other.read("a").await.unwrap().unwrap();
    trips("a read: body and mark", [2, 0, 0]).await;
    assert!(matches!(other.replace("a", version, b"3", later(60)).await.unwrap(), Replaced::Replaced(_)));
    trips("a write of what this process read", [0, 1, 0]).await;
    assert!(matches!(store.replace("a", version, b"4", later(60)).await.unwrap(), Replaced::Changed(_)));
    trips("a write that meets another one", [2, 1, 0]).await;
    assert!(store.touch("a", later(90)).await.unwrap());
    trips("a touch", [2, 1, 0]).await;
    assert!(matches!(store.end("a", None).await.unwrap(), Ended::Ended(_)));
    trips("an end: a look, the null, the mark", [2, 2, 1]).await;
}

#[tokio::test]
async fn a_name_that_node_would_shorten_is_refused() {
    let node = shared();
    let store = open(&node).await;
    let longest = "x".repeat(250 - node.prefix.len());
    store.insert(&longest, b"{}", later(60)).await.unwrap().unwrap();
    assert!(node.finds(&longest).await.unwrap());
    let error = store.insert(&format!("{longest}x"), b"{}", later(60)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_body_over_what_the_server_keeps_is_too_large_and_the_old_one_stays() {
    let node = shared();
    let store = open(&node).await;
    let version = store.insert("a", b"{}", later(60)).await.unwrap().unwrap();
    let large = vec![b'1'; 1 << 20];
    let error = store.replace("a", version, &large, later(60)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    assert_eq!(store.insert("b", &large, later(60)).await.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(store.read("a").await.unwrap().unwrap().version, version);
}
