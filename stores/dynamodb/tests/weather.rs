//! Faults that were found once, each with the number that it had then.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use cloakroom_dynamodb::DynamoStore;
use cloakroom_dynamodb::aws_sdk_dynamodb::types::AttributeValue;
use cloakroom_services::Service;
use cloakroom_store::{
    CreateOutcome, ErrorKind, ManualClock, Owner, OwnerKey, Owners, Record, Scan, Store, StoreKey, Timestamp,
    Touch, UpdateOutcome, Version,
};

fn key(number: u8) -> StoreKey {
    StoreKey::from_hash([number; 32])
}

fn coat() -> Record {
    Record::new("coat", Timestamp::NEVER)
}

async fn create(store: &DynamoStore, number: u8, record: &Record) -> Version {
    match store.create(&key(number), record).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

/// The emulator throttles nothing, so this stands before it: it answers requests for many items as a table does that has
/// no capacity left, and writes of single items with an error. All else goes to the emulator.
struct Throttled {
    url: String,
    refused: Arc<AtomicUsize>,
}

impl Throttled {
    fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (refused, server) =
            (Arc::new(AtomicUsize::new(0)), server.trim_start_matches("dynamodb://").to_owned());
        let url = format!("dynamodb://{}", listener.local_addr().unwrap());
        let counted = Arc::clone(&refused);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (server, counted) = (server.clone(), Arc::clone(&counted));
                thread::spawn(move || answer(client.unwrap(), &server, &counted));
            }
        });
        Self { url, refused }
    }
}

fn answer(mut client: TcpStream, server: &str, refused: &AtomicUsize) {
    let (head, body) = request(&mut client);
    let of = |name: &str| head.contains(&format!("DynamoDB_20120810.{name}\r\n"));
    let all = String::from_utf8_lossy(&body);
    let all = all.strip_prefix("{\"RequestItems\":").and_then(|rest| rest.strip_suffix('}')).unwrap_or("{}");
    let (status, said) = if of("BatchGetItem") {
        ("200 OK", format!("{{\"Responses\":{{}},\"UnprocessedKeys\":{all}}}"))
    } else if of("BatchWriteItem") {
        ("200 OK", format!("{{\"UnprocessedItems\":{all}}}"))
    } else if of("UpdateItem") {
        let kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
        ("400 Bad Request", format!("{{\"__type\":\"{kind}\",\"message\":\"slow down\"}}"))
    } else {
        let mut server = TcpStream::connect(server).unwrap();
        let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        server.write_all(head.as_bytes()).unwrap();
        server.write_all(&body).unwrap();
        std::io::copy(&mut server, &mut client).unwrap();
        client.shutdown(Shutdown::Both).unwrap();
        return;
    };
    refused.fetch_add(1, Ordering::SeqCst);
    let length = said.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.0\r\nConnection: close\r\n");
    write!(client, "{head}Content-Length: {length}\r\n\r\n{said}").unwrap();
}

/// Reads the head and the body of a request.
fn request(client: &mut TcpStream) -> (String, Vec<u8>) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = client.read(&mut buffer).unwrap();
        bytes.extend(&buffer[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            assert!(read > 0);
            continue;
        };
        let head = String::from_utf8(bytes[..end + 4].to_vec()).unwrap();
        let named = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned);
        let length: usize = head.lines().find_map(named).map_or(0, |length| length.trim().parse().unwrap());
        while bytes.len() < end + 4 + length {
            let read = client.read(&mut buffer).unwrap();
            bytes.extend(&buffer[..read]);
        }
        return (head, bytes.split_off(end + 4));
    }
}

/// A store behind a table that has no capacity left, with a coat of alice's, and what the table refused so far.
async fn throttled(clock: &ManualClock, record: Record) -> (DynamoStore, Throttled) {
    let url = place::url();
    let store = place::open(&url, clock).await;
    let owner = Owner::new(OwnerKey::new("alice").unwrap(), Timestamp::EPOCH);
    create(&store, 1, &record.with_owner(owner)).await;
    let before = Throttled::before(&Service::Dynamodb.shared());
    let (_, table) = url.rsplit_once('/').unwrap();
    let behind = place::builder(&format!("{}/{table}", before.url), clock).build_lazy();
    (behind, before)
}

#[tokio::test]
async fn g06_a_due_touch_that_cannot_be_written_answers_the_record_unmoved_and_is_counted() {
    let clock = ManualClock::at(Timestamp::now());
    let now = Timestamp::now();
    let expires_at = now + Duration::from_mins(10);
    let (store, _throttled) = throttled(&clock, coat().with_expires_at(expires_at)).await;
    let touch = Touch::new(now + Duration::from_mins(15), now + Duration::from_mins(30));
    let found = store.load(&key(1), Some(touch)).await.unwrap().unwrap();
    assert_eq!((&found.record.payload[..], found.record.expires_at), (&b"coat"[..], expires_at));
    let missed = store.capabilities().missed_touches.unwrap();
    assert_eq!((missed.take(), missed.take()), (Some(ErrorKind::Unavailable), None));
}

#[tokio::test]
async fn g08_a_version_of_a_write_that_a_failover_undid_is_not_given_again() {
    let store = place::open(&place::url(), &ManualClock::at(Timestamp::now())).await;
    let first = create(&store, 1, &coat()).await;
    let scan = || store.client().scan().table_name(store.table()).send();
    let before = scan().await.unwrap().items.unwrap().remove(0);
    let UpdateOutcome::Updated(lost) = store.update(&key(1), first, &coat()).await.unwrap() else { panic!() };
    // A table that was restored from a backup.
    let put = store.client().put_item().table_name(store.table()).set_item(Some(before));
    put.send().await.unwrap();
    let UpdateOutcome::Updated(other) = store.update(&key(1), first, &coat()).await.unwrap() else {
        panic!()
    };
    assert_ne!(lost, other);
    assert!(matches!(store.update(&key(1), lost, &coat()).await.unwrap(), UpdateOutcome::Conflict(_)));
    let item = scan().await.unwrap().items.unwrap().remove(0);
    assert!(item.values().any(|value| *value == AttributeValue::N(other.get().to_string())));
}

#[tokio::test]
async fn g13_a_throttled_table_is_asked_less_and_less_and_then_unavailable() {
    let clock = ManualClock::at(Timestamp::now());
    let (store, throttled) = throttled(&clock, coat()).await;
    let alice = OwnerKey::new("alice").unwrap();
    let list = tokio::time::timeout(Duration::from_secs(30), store.list(&alice, None, 10));
    let revoke = tokio::time::timeout(Duration::from_secs(30), store.revoke(&alice, Timestamp::EPOCH));
    let clear = tokio::time::timeout(Duration::from_secs(30), store.clear());
    let (list, revoke, clear) = tokio::join!(list, revoke, clear);
    let errors = [list.unwrap().unwrap_err(), revoke.unwrap().unwrap_err(), clear.unwrap().unwrap_err()];
    for error in errors {
        assert!(
            error.kind() == ErrorKind::Unavailable && error.to_string().contains("throttled"),
            "{error:?}"
        );
    }
    let refused = throttled.refused.load(Ordering::SeqCst);
    assert!(refused < 40, "{refused} requests");
}
