//! What the server itself does and counts: it drops what expired, is asked as seldom as promised, and refuses.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use cloakroom_memcached::MemcachedStore;
use cloakroom_services::{Instance, Port, Service};
use cloakroom_store::{
    CreateOutcome, ErrorKind, ManualClock, Owner, OwnerKey, Record, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome,
};
use tempfile::TempDir;

fn key(number: u8) -> StoreKey {
    StoreKey::from_hash([number; 32])
}

fn lasting(span: Duration) -> Record {
    Record::new("coat", Timestamp::now() + span)
}

/// Asks the server without the store, and reads its answer up to a line that ends like this.
fn raw(url: &str, command: &str, end: &str) -> Vec<String> {
    let mut stream = TcpStream::connect(url.trim_start_matches("memcached://")).unwrap();
    stream.write_all(command.as_bytes()).unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(stream).lines() {
        lines.push(line.unwrap());
        if lines.last().unwrap().starts_with(end) {
            break;
        }
    }
    lines
}

/// A number among the server's statistics.
fn statistic(url: &str, name: &str) -> u64 {
    let name = format!("STAT {name} ");
    let lines = raw(url, "stats\r\n", "END");
    lines.iter().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_server_drops_what_has_expired_and_nothing_else() {
    let server = Instance::start(Service::Memcached).unwrap();
    let store =
        MemcachedStore::from_url(&server.url()).unwrap().expiry_margin(Duration::ZERO).build().await.unwrap();
    let hour = lasting(Duration::from_secs(3600));
    // Beyond thirty days memcached wants a date, and beyond 2038 it cannot count.
    let season = lasting(Duration::from_secs(60 * 24 * 3600));
    let age = lasting(Duration::from_secs(50 * 365 * 24 * 3600));
    let forever = Record::new("hat", Timestamp::NEVER);
    let short = lasting(Duration::from_millis(200));
    for (number, record) in (0..).zip([&hour, &season, &age, &forever, &short]) {
        assert!(matches!(store.create(&key(number), record).await.unwrap(), CreateOutcome::Created(_)));
    }
    let gone = format!("mg cloakroom:k{} t\r\n", data_encoding::BASE64URL_NOPAD.encode(&[4; 32]));
    let patience = Instant::now() + Duration::from_secs(30);
    while raw(&server.url(), &gone, "")[0] != "EN" {
        assert!(Instant::now() < patience, "the server keeps what has expired");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (number, record) in (0..).zip([hour, season, age, forever]) {
        assert_eq!(store.load(&key(number), None).await.unwrap().unwrap().record, record);
    }
}

#[tokio::test]
async fn a_clock_that_differs_from_the_servers_changes_nothing() {
    let wrong = ManualClock::at(Timestamp::from_millis(5_000));
    let url = Service::Memcached.shared();
    let store = MemcachedStore::from_url(&url).unwrap().prefix(place::prefix()).clock(wrong.clone());
    let store = store.build().await.unwrap();
    let span = Duration::from_secs(40 * 24 * 3600);
    let record = Record::new("coat", Timestamp::from_millis(5_000) + span);
    assert!(matches!(store.create(&key(1), &record).await.unwrap(), CreateOutcome::Created(_)));
    let last = Duration::from_micros(1);
    wrong.advance(span.saturating_sub(last));
    assert_eq!(store.load(&key(1), None).await.unwrap().unwrap().record, record);
    wrong.advance(last);
    assert!(store.load(&key(1), None).await.unwrap().is_none());
}

#[tokio::test]
async fn the_server_counts_as_many_trips_as_are_promised() {
    let server = Instance::start(Service::Memcached).unwrap();
    let url = server.url();
    let (store, other) =
        (MemcachedStore::open(&url).await.unwrap(), MemcachedStore::open(&url).await.unwrap());
    let counts = || {
        let misses = ["delete_misses", "cas_misses", "cas_badval"].map(|name| statistic(&url, name));
        assert_eq!(misses[0], 0);
        [statistic(&url, "cmd_get"), statistic(&url, "cmd_set"), statistic(&url, "delete_hits")]
    };
    let mut before = counts();
    let mut trips = |what: &str, due: [u64; 3]| {
        let after = counts();
        assert_eq!([0, 1, 2].map(|at| after[at] - before[at]), due, "get, set, delete: {what}");
        before = after;
    };
    let coat = lasting(Duration::from_secs(3600));
    let CreateOutcome::Created(version) = store.create(&key(1), &coat).await.unwrap() else { panic!() };
    trips("a create", [0, 1, 0]);
    let UpdateOutcome::Updated(version) = store.update(&key(1), version, &coat).await.unwrap() else {
        panic!()
    };
    trips("an update of what this process wrote", [0, 1, 0]);
    other.load(&key(1), None).await.unwrap();
    trips("a load", [1, 0, 0]);
    let touch = Touch::new(coat.expires_at, coat.expires_at + Duration::from_secs(9));
    other.load(&key(1), Some(touch)).await.unwrap();
    trips("a load whose touch is not due", [1, 0, 0]);
    other.load(&key(1), Some(Touch::new(Timestamp::NEVER, touch.expires_at))).await.unwrap();
    trips("a load whose touch is due", [1, 1, 0]);
    assert!(matches!(other.update(&key(1), version, &coat).await.unwrap(), UpdateOutcome::Updated(_)));
    trips("an update of what this process loaded", [0, 1, 0]);
    assert!(matches!(store.update(&key(1), version, &coat).await.unwrap(), UpdateOutcome::Conflict(_)));
    trips("an update that meets a conflict", [1, 1, 0]);
    store.touch(&key(1), Timestamp::NEVER).await.unwrap();
    trips("a touch", [1, 1, 0]);
    store.delete(&key(1)).await.unwrap();
    trips("a delete", [1, 0, 1]);
}

#[tokio::test]
async fn a_payload_over_what_the_server_keeps_is_too_large_and_the_old_record_stays() {
    let server = Instance::start_with(Service::Memcached, &["-I", "2m"]).unwrap();
    let store = MemcachedStore::open(&server.url()).await.unwrap();
    let longest = StoreKey::from_bytes(&[7; StoreKey::MAX_LEN]).unwrap();
    let owner = Owner::new(OwnerKey::new([9; OwnerKey::MAX_LEN]).unwrap(), Timestamp::NEVER);
    let of =
        |size: usize| lasting(Duration::from_secs(60)).with_payload(vec![7; size]).with_owner(owner.clone());
    let most = of((2 << 20) - 1024);
    let CreateOutcome::Created(version) = store.create(&longest, &most).await.unwrap() else { panic!() };
    let error = store.update(&longest, version, &of((2 << 20) - 1023)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(store.load(&longest, None).await.unwrap().unwrap().record, most);
}

#[tokio::test]
async fn an_item_of_another_format_is_corrupt_and_not_missing() {
    let url = Service::Memcached.shared();
    let prefix = place::prefix();
    let store = MemcachedStore::from_url(&url).unwrap().prefix(prefix.as_str()).build().await.unwrap();
    let name = data_encoding::BASE64URL_NOPAD.encode(&[1; 32]);
    let written = raw(&url, &format!("set {prefix}k{name} 0 60 4\r\ncoat\r\n"), "");
    assert_eq!(written, ["STORED"]);
    assert_eq!(store.load(&key(1), None).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

/// A server that answers only users that it knows, so that it cannot be one of the test services.
struct Guarded {
    process: Child,
    _folder: TempDir,
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[tokio::test]
async fn a_server_with_a_password_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, port) = (folder.path().join("passwords"), Port::free().unwrap());
    std::fs::write(&file, "alice:se@cret\n").unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new("memcached");
    command.args(["-u", "nobody", "-l", "127.0.0.1", "-U", "0", "-p", &port.number().to_string(), "-Y"]);
    let process = command.arg(&file).spawn().unwrap();
    let _server = Guarded { process, _folder: folder };
    let patience = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port.number())).is_err() {
        assert!(Instant::now() < patience, "the server does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let with = |credentials: &str| format!("memcached://{credentials}127.0.0.1:{}", port.number());
    let store = MemcachedStore::open(&with("alice:se%40cret@")).await.unwrap();
    assert!(store.load(&key(1), None).await.unwrap().is_none());
    for credentials in ["", "alice:wrong@", "bob:se%40cret@"] {
        let error = MemcachedStore::open(&with(credentials)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup, "{credentials}: {error}");
        assert!(!format!("{error} {error:?}").contains("cret"));
    }
}

#[tokio::test]
async fn a_wrong_url_says_what_to_do_and_shows_no_password() {
    let port = Port::free().unwrap();
    for (url, kind) in [
        ("redis://user:secret@host".to_owned(), ErrorKind::Invalid),
        ("memcached://user:secret@".to_owned(), ErrorKind::Invalid),
        (format!("memcached://user:secret@127.0.0.1:{}", port.number()), ErrorKind::Unavailable),
        ("memcached:/nowhere/secret.sock".to_owned(), ErrorKind::Unavailable),
    ] {
        let error = MemcachedStore::open(&url).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!format!("{error} {error:?} {:?}", MemcachedStore::from_url(&url)).contains("secret"));
    }
    let builder = MemcachedStore::from_url("memcached://host").unwrap().prefix("with a space");
    assert_eq!(builder.build().await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_server_of_another_kind_is_refused() {
    let other = Instance::start(Service::Redis).unwrap();
    let url = other.url().replace("redis://", "memcached://");
    assert_eq!(MemcachedStore::open(&url).await.unwrap_err().kind(), ErrorKind::Setup);
}
