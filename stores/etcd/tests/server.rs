//! What the server itself does and counts: it removes what expired, is asked as seldom as promised, and refuses.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use cloakroom_conformance::{LongList, heads_of};
use cloakroom_etcd::EtcdStore;
use cloakroom_services::proxy::Proxy;
use cloakroom_services::{Instance, Port, Service};
use cloakroom_store::{
    CreateOutcome, ErrorKind, Owner, OwnerKey, Owners, Record, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome,
};

fn key(number: u8) -> StoreKey {
    StoreKey::from_hash([number; 32])
}

fn lasting(span: Duration) -> Record {
    Record::new("coat", Timestamp::now() + span)
}

fn of(owner: &OwnerKey, since: Timestamp) -> Record {
    lasting(Duration::from_secs(3600)).with_owner(Owner::new(owner.clone(), since))
}

/// Asks the server without the store, through its HTTP side.
fn http(url: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("etcd://")).unwrap();
    let length = body.len();
    write!(stream, "{head} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// How many calls of this kind the server has answered.
fn calls(url: &str, service: &str, method: &str) -> u64 {
    let labels =
        format!("grpc_method=\"{method}\",grpc_service=\"etcdserverpb.{service}\",grpc_type=\"unary\"}} ");
    let metrics = http(url, "GET /metrics", "");
    let counts = metrics.lines().filter(|line| line.starts_with("grpc_server_handled_total"));
    counts.filter_map(|line| line.split_once(&labels)?.1.parse::<u64>().ok()).sum()
}

#[tokio::test]
async fn the_server_removes_what_has_expired_and_nothing_else() {
    let server = Instance::start(Service::Etcd).unwrap();
    let store =
        EtcdStore::from_url(&server.url()).unwrap().expiry_margin(Duration::ZERO).build().await.unwrap();
    let alice = OwnerKey::new("alice").unwrap();
    let short = of(&alice, Timestamp::now()).with_expires_at(Timestamp::now() + Duration::from_millis(200));
    let hour = lasting(Duration::from_secs(3600));
    let forever = Record::new("hat", Timestamp::NEVER);
    for (number, record) in (0..).zip([&short, &hour, &forever]) {
        assert!(matches!(store.create(&key(number), record).await.unwrap(), CreateOutcome::Created(_)));
    }
    // All keys, in base64: from a zero byte to a zero byte.
    let all = r#"{"key":"AA==","range_end":"AA==","count_only":true}"#;
    let patience = Instant::now() + Duration::from_secs(60);
    // The two that live, and `life`.
    while !http(&server.url(), "POST /v3/kv/range", all).contains(r#""count":"3""#) {
        assert!(Instant::now() < patience, "the server keeps what has expired");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(store.load(&key(1), None).await.unwrap().unwrap().record, hour);
    assert_eq!(store.load(&key(2), None).await.unwrap().unwrap().record, forever);
}

#[tokio::test]
async fn the_server_counts_as_many_trips_as_are_promised() {
    let server = Instance::start(Service::Etcd).unwrap();
    let url = server.url();
    let (store, other) = (EtcdStore::open(&url).await.unwrap(), EtcdStore::open(&url).await.unwrap());
    let alice = OwnerKey::new("alice").unwrap();
    let counts = || [calls(&url, "KV", "Txn"), calls(&url, "Lease", "LeaseGrant")];
    let mut before = counts();
    let mut trips = |what: &str, due: [u64; 2]| {
        let after = counts();
        assert_eq!([after[0] - before[0], after[1] - before[1]], due, "transactions, leases: {what}");
        before = after;
    };
    let coat = lasting(Duration::from_secs(3600));
    let CreateOutcome::Created(version) = store.create(&key(1), &coat).await.unwrap() else { panic!() };
    trips("the first create", [1, 1]);
    let CreateOutcome::Created(_) = store.create(&key(2), &of(&alice, Timestamp::now())).await.unwrap()
    else {
        panic!()
    };
    trips("a create with an owner", [1, 0]);
    let UpdateOutcome::Updated(version) = store.update(&key(1), version, &coat).await.unwrap() else {
        panic!()
    };
    trips("an update of what this process wrote", [1, 0]);
    other.load(&key(1), None).await.unwrap();
    trips("a load", [1, 0]);
    let touch = Touch::new(coat.expires_at, coat.expires_at + Duration::from_secs(9));
    other.load(&key(1), Some(touch)).await.unwrap();
    trips("a load whose touch is not due", [1, 0]);
    other.load(&key(1), Some(Touch::new(Timestamp::NEVER, touch.expires_at))).await.unwrap();
    trips("a load whose touch is due, and the other's first lease", [2, 1]);
    let touched = coat.clone().with_expires_at(touch.expires_at);
    assert!(matches!(other.update(&key(1), version, &touched).await.unwrap(), UpdateOutcome::Updated(_)));
    trips("an update of what this process loaded", [1, 0]);
    assert!(matches!(store.update(&key(1), version, &coat).await.unwrap(), UpdateOutcome::Conflict(_)));
    trips("an update that meets a conflict", [1, 0]);
    store.touch(&key(1), Timestamp::NEVER).await.unwrap();
    trips("a touch", [2, 0]);
    store.delete(&key(1)).await.unwrap();
    trips("a delete", [2, 0]);
    assert_eq!(heads_of(&store, &alice).await.unwrap().len(), 1);
    trips("a list", [1, 0]);
    assert_eq!(store.revoke(&alice, Timestamp::now()).await.unwrap(), 1);
    trips("a revocation, whose mark has a lease", [2, 1]);
}

#[tokio::test]
async fn a_revocation_of_hundreds_of_records_ends_all() {
    let url = Service::Etcd.shared();
    let store = EtcdStore::from_url(&url).unwrap().prefix(place::prefix()).build().await.unwrap();
    let alice = OwnerKey::new("alice").unwrap();
    let since = Timestamp::now();
    for number in 0..230_u16 {
        let key = StoreKey::from_bytes(&number.to_be_bytes()).unwrap();
        assert!(matches!(store.create(&key, &of(&alice, since)).await.unwrap(), CreateOutcome::Created(_)));
    }
    assert_eq!(heads_of(&store, &alice).await.unwrap().len(), 230);
    assert_eq!(store.revoke(&alice, since).await.unwrap(), 230);
    assert_eq!(heads_of(&store, &alice).await.unwrap(), []);
    assert_eq!(store.create(&key(1), &of(&alice, since)).await.unwrap(), CreateOutcome::Revoked);
}

#[tokio::test]
async fn a_request_over_what_the_server_takes_is_too_large_and_the_old_record_stays() {
    let url = Service::Etcd.shared();
    let builder = EtcdStore::from_url(&url).unwrap().prefix(place::prefix()).max_payload_bytes(usize::MAX);
    let store = builder.build().await.unwrap();
    let large = |size: usize| lasting(Duration::from_secs(60)).with_payload(vec![7; size]);
    let most = large(1 << 20);
    let CreateOutcome::Created(version) = store.create(&key(1), &most).await.unwrap() else { panic!() };
    for size in [1_600_000, 3 << 20] {
        let error = store.update(&key(1), version, &large(size)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    }
    assert_eq!(store.load(&key(1), None).await.unwrap().unwrap().record, most);
}

#[tokio::test]
async fn a_value_of_another_format_is_corrupt_and_not_missing() {
    let server = Instance::start(Service::Etcd).unwrap();
    let store = EtcdStore::from_url(&server.url()).unwrap().prefix("p/").build().await.unwrap();
    // `p/ra` and `coat`, in base64.
    let answer = http(&server.url(), "POST /v3/kv/put", r#"{"key":"cC9yYQ==","value":"Y29hdA=="}"#);
    assert!(answer.contains("200 OK"), "{answer}");
    let key = StoreKey::from_bytes(b"a").unwrap();
    assert_eq!(store.load(&key, None).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_server_with_users_wants_a_password() {
    let server = Instance::start(Service::Etcd).unwrap();
    let url = server.url();
    for (path, body) in [
        ("auth/user/add", r#"{"name":"root","password":"top"}"#),
        ("auth/role/add", r#"{"name":"root"}"#),
        ("auth/user/grant", r#"{"user":"root","role":"root"}"#),
        ("auth/user/add", r#"{"name":"bob","password":"se cret"}"#),
        ("auth/enable", "{}"),
    ] {
        let answer = http(&url, &format!("POST /v3/{path}"), body);
        assert!(answer.contains("200 OK"), "{path}: {answer}");
    }
    let with = |credentials: &str| url.replace("etcd://", &format!("etcd://{credentials}"));
    let store = EtcdStore::open(&with("root:top@")).await.unwrap();
    assert!(store.load(&key(1), None).await.unwrap().is_none());
    for credentials in ["", "root:secret@", "nobody:secret@", "bob:se%20cret@"] {
        let error = EtcdStore::open(&with(credentials)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup, "{credentials}: {error}");
        assert!(!format!("{error} {error:?}").contains("cret"));
    }
}

#[tokio::test]
async fn a_wrong_url_says_what_to_do_and_shows_no_password() {
    let port = Port::free().unwrap();
    let shared = Service::Etcd.shared();
    for (url, kind) in [
        ("redis://user:secret@host".to_owned(), ErrorKind::Invalid),
        ("etcd://user:secret@".to_owned(), ErrorKind::Invalid),
        (format!("etcd://user:secret@127.0.0.1:{}", port.number()), ErrorKind::Unavailable),
        (shared.replace("etcd://", "etcd://user:secret@"), ErrorKind::Setup),
        (shared.replace("etcd://", "etcds://user:secret@"), ErrorKind::Unavailable),
    ] {
        let builder =
            EtcdStore::from_url(&url).map(|builder| builder.request_timeout(Duration::from_secs(2)));
        let shown = format!("{builder:?}");
        let built = async { builder?.build().await };
        let Err(error) = built.await else { panic!("{url} is a store") };
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!format!("{error} {error:?} {shown}").contains("secret"));
    }
    for builder in [
        EtcdStore::from_url("etcd://host").unwrap().prefix(""),
        EtcdStore::from_url("etcd://host").unwrap().root_certificates("no pem"),
        EtcdStore::from_url("etcds://host").unwrap().root_certificates("no pem"),
    ] {
        assert_eq!(builder.build_lazy().unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn a_server_of_another_kind_is_refused() {
    let other = Instance::start(Service::Memcached).unwrap();
    let url = other.url().replace("memcached://", "etcd://");
    let error =
        EtcdStore::from_url(&url).unwrap().request_timeout(Duration::from_secs(2)).build().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Setup), "{error}");
}

#[tokio::test]
async fn f15_a_list_of_1200_large_sessions_is_read_in_pages_without_their_payloads() {
    let url = Service::Etcd.shared();
    let (prefix, proxy) = (place::prefix(), Proxy::to(&url).unwrap());
    let writer = EtcdStore::from_url(&url).unwrap().prefix(&*prefix).build().await.unwrap();
    let reader = EtcdStore::from_url(proxy.url()).unwrap().prefix(&*prefix).build().await.unwrap();
    let cost = LongList::measure(&writer, &reader, 20_000, || proxy.received()).await.unwrap();
    cost.assert_bounded(100_000, 1_000_000);
}
