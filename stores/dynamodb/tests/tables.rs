//! Tables that are missing, foreign, or written by others; wrong URLs; trips; notes of owners.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::time::Duration;

use cloakroom_conformance::{LongList, heads_of};
use cloakroom_dynamodb::DynamoStore;
use cloakroom_dynamodb::aws_sdk_dynamodb::primitives::Blob;
use cloakroom_dynamodb::aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use cloakroom_services::proxy::Proxy;
use cloakroom_services::{Instance, Port, Service};
use cloakroom_store::{
    Clock, CreateOutcome, ErrorKind, ManualClock, Owner, OwnerKey, Owners, Record, Scan, Store, StoreKey,
    Timestamp, Touch, UpdateOutcome, Version,
};

use place::{LARGEST, builder, open};

const A_DAY: Duration = Duration::from_hours(24);

fn clock() -> ManualClock {
    ManualClock::at(Timestamp::now())
}

fn key(number: u8) -> StoreKey {
    StoreKey::from_hash([number; 32])
}

fn alice() -> OwnerKey {
    OwnerKey::new("alice").unwrap()
}

fn of_alice(clock: &ManualClock, lives: Duration) -> Record {
    let owner = Some(Owner::new(alice(), clock.now()));
    Record::new("coat", clock.now() + lives).with_owner(owner)
}

async fn create(store: &DynamoStore, key: &StoreKey, record: &Record) -> Version {
    match store.create(key, record).await.unwrap() {
        CreateOutcome::Created(version) => version,
        other => panic!("{other:?}"),
    }
}

fn bytes(bytes: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

#[tokio::test]
async fn a_missing_table_is_a_matter_of_setup_and_says_what_to_do() {
    let url = place::url();
    let error = builder(&url, &clock()).build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(error.to_string().contains("create_table"), "{error}");
    let store = builder(&url, &clock()).build_lazy();
    assert_eq!(store.load(&key(1), None).await.unwrap_err().kind(), ErrorKind::Setup);
}

#[tokio::test]
async fn a_table_of_another_application_is_a_setup_error() {
    let (client, table) = place::raw();
    let part = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap();
    let text = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let request = client.create_table().table_name(&table).billing_mode(BillingMode::PayPerRequest);
    request.key_schema(part).attribute_definitions(text.build().unwrap()).send().await.unwrap();
    let builder = DynamoStore::from_client(client).table(table);
    assert_eq!(builder.create_tables().await.unwrap_err().kind(), ErrorKind::Setup);
    assert_eq!(builder.build().await.unwrap_err().kind(), ErrorKind::Setup);
}

#[tokio::test]
async fn making_a_table_twice_is_fine_and_it_collects_what_expired() {
    let url = place::url();
    open(&url, &clock()).await;
    let store = open(&url, &clock()).await;
    let told = store.client().describe_time_to_live().table_name(store.table()).send().await.unwrap();
    let told = told.time_to_live_description.unwrap();
    assert_eq!(told.attribute_name.as_deref(), Some("t"));
    assert_eq!(told.time_to_live_status.unwrap().as_str(), "ENABLED");
    store.drop_all().await.unwrap();
    assert_eq!(builder(&url, &clock()).build().await.unwrap_err().kind(), ErrorKind::Setup);
}

#[tokio::test]
async fn an_item_that_we_never_wrote_is_corrupt_and_not_missing() {
    let store = open(&place::url(), &clock()).await;
    let request = store.client().put_item().table_name(store.table());
    let request = request.item("pk", bytes([&b"r"[..], key(1).as_bytes()].concat()));
    request.item("sk", bytes(*b"r")).send().await.unwrap();
    assert_eq!(store.load(&key(1), None).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

/// The items of the owner's partition.
async fn notes(store: &DynamoStore) -> Vec<std::collections::HashMap<String, AttributeValue>> {
    let request = store.client().query().table_name(store.table());
    let request = request.key_condition_expression("pk = :owner");
    let request = request.expression_attribute_values(":owner", bytes(*b"oalice"));
    request.send().await.unwrap().items.unwrap()
}

#[tokio::test]
async fn a_session_that_outlives_its_note_gets_a_new_one() {
    let clock = clock();
    let store = open(&place::url(), &clock).await;
    let version = create(&store, &key(1), &of_alice(&clock, A_DAY)).await;
    for days in [2, 9, 30] {
        assert!(store.touch(&key(1), clock.now() + days * A_DAY).await.unwrap());
        let stored = store.load(&key(1), None).await.unwrap().unwrap();
        assert_eq!((stored.version, stored.record.expires_at), (version, clock.now() + days * A_DAY));
    }
    let record = of_alice(&clock, A_DAY).with_expires_at(clock.now() + 90 * A_DAY);
    assert!(matches!(store.update(&key(1), version, &record).await.unwrap(), UpdateOutcome::Updated(_)));
    assert_eq!(heads_of(&store, &alice()).await.unwrap().len(), 1);
    let collected: u64 = notes(&store).await[0]["t"].as_n().unwrap().parse().unwrap();
    assert!(collected > (Timestamp::now() + 96 * A_DAY).as_millis() / 1000, "the note outlives the record");
}

#[tokio::test]
async fn notes_that_lead_nowhere_are_removed_by_a_list() {
    let clock = clock();
    let store = open(&place::url(), &clock).await;
    for number in 0..3 {
        create(&store, &key(number), &of_alice(&clock, A_DAY)).await;
    }
    store.delete(&key(0)).await.unwrap().unwrap();
    assert_eq!(notes(&store).await.len(), 3);
    assert_eq!(heads_of(&store, &alice()).await.unwrap().len(), 2);
    assert_eq!(notes(&store).await.len(), 2);
}

#[tokio::test]
async fn a_revocation_ends_more_sessions_than_a_transaction_has_room_for() {
    let clock = clock();
    let store = open(&place::url(), &clock).await;
    for number in 0..60 {
        create(&store, &key(number), &of_alice(&clock, A_DAY)).await;
    }
    assert_eq!(store.revoke(&alice(), clock.now()).await.unwrap(), 60);
    assert_eq!(store.count().await.unwrap(), 0);
    assert_eq!(store.create(&key(1), &of_alice(&clock, A_DAY)).await.unwrap(), CreateOutcome::Revoked);
}

#[tokio::test]
async fn as_many_requests_are_made_as_are_promised() {
    let proxy = Proxy::to(&Service::Dynamodb.shared()).unwrap();
    let clock = clock();
    let store = open(&place::url_at(proxy.url()), &clock).await;
    let mut before = proxy.turns();
    let mut trips = |what: &str, due: usize| {
        assert_eq!(proxy.turns() - before, due, "{what}");
        before = proxy.turns();
    };
    let coat = Record::new("coat", clock.now() + A_DAY);
    let owned = of_alice(&clock, A_DAY);
    let version = create(&store, &key(1), &coat).await;
    trips("a create", 1);
    let other = create(&store, &key(2), &owned).await;
    trips("a create with an owner", 1);
    store.load(&key(1), None).await.unwrap();
    trips("a load", 1);
    let touch = Touch::new(clock.now(), clock.now() + 2 * A_DAY);
    store.load(&key(1), Some(touch)).await.unwrap();
    trips("a load whose touch is not due", 1);
    store.load(&key(1), Some(Touch::new(Timestamp::NEVER, touch.expires_at))).await.unwrap();
    trips("a load whose touch is due", 2);
    assert!(matches!(store.update(&key(1), version, &coat).await.unwrap(), UpdateOutcome::Updated(_)));
    trips("an update", 1);
    assert!(matches!(store.update(&key(2), other, &owned).await.unwrap(), UpdateOutcome::Updated(_)));
    trips("an update that keeps the owner", 1);
    let UpdateOutcome::Conflict(there) = store.update(&key(1), version, &coat).await.unwrap() else {
        panic!()
    };
    trips("an update that meets a conflict", 1);
    assert!(matches!(store.update(&key(1), there.version, &owned).await.unwrap(), UpdateOutcome::Updated(_)));
    trips("an update that brings an owner", 2);
    assert!(store.touch(&key(1), clock.now() + 2 * A_DAY).await.unwrap());
    trips("a touch", 1);
    store.delete(&key(1)).await.unwrap().unwrap();
    trips("a delete", 1);
    assert_eq!(heads_of(&store, &alice()).await.unwrap().len(), 1);
    trips("a list that finds and removes a note that leads nowhere", 5);
    assert_eq!(heads_of(&store, &alice()).await.unwrap().len(), 1);
    trips("a list", 2);
    assert_eq!(store.revoke(&alice(), clock.now()).await.unwrap(), 1);
    trips("a revocation", 4);
}

#[tokio::test]
async fn a_payload_over_the_limit_is_too_large_and_the_old_record_stays() {
    let clock = clock();
    let url = place::url();
    let store = open(&url, &clock).await;
    let large = |size: usize| Record::new(vec![7; size], clock.now() + A_DAY);
    let most = large(LARGEST);
    let version = create(&store, &key(1), &most).await;
    let error = store.update(&key(1), version, &large(LARGEST + 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    // More than the server takes, of a store that is configured to take all.
    let other = DynamoStore::from_url(&url).unwrap().build_lazy();
    let larger = large(DynamoStore::MAX_PAYLOAD_BYTES);
    assert_eq!(other.update(&key(1), version, &larger).await.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(other.create(&key(2), &larger).await.unwrap_err().kind(), ErrorKind::TooLarge);
    let owned = larger.with_owner(of_alice(&clock, A_DAY).owner);
    assert_eq!(other.create(&key(2), &owned).await.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(store.load(&key(1), None).await.unwrap().unwrap().record, most);
}

#[tokio::test]
async fn a_wrong_url_says_what_to_do_and_shows_no_secret() {
    for url in [
        "http://user:secret@host",
        "dynamodb://user:secret@host",
        "dynamodb://host/a/secret",
        "dynamodb://h?secret=1",
    ] {
        let error = DynamoStore::from_url(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    let port = Port::free().unwrap();
    let no_server = DynamoStore::from_url(&format!("dynamodb://127.0.0.1:{}", port.number())).unwrap();
    assert_eq!(no_server.create_tables().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(no_server.build().await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_server_of_another_kind_is_refused() {
    let other = Instance::start(Service::Etcd).unwrap();
    let url = other.url().replace("etcd://", "dynamodb://");
    let error = DynamoStore::from_url(&url).unwrap().build().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Setup | ErrorKind::Other), "{error:?}");
}

#[tokio::test]
async fn f15_a_list_of_1200_large_sessions_is_read_in_pages_without_their_payloads() {
    let server = Service::Dynamodb.shared();
    let (url, proxy) = (place::url_at(&server), Proxy::to(&server).unwrap());
    let writer = open(&url, &clock()).await;
    let reader = builder(&url.replace(&server, proxy.url()), &clock()).build().await.unwrap();
    let cost = LongList::measure(&writer, &reader, 20_000, || proxy.received()).await.unwrap();
    cost.assert_bounded(150_000, 3_000_000);
}
