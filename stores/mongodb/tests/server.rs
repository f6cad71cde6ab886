//! What the server itself does and counts: it collects what expired, and is asked as seldom as promised.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::time::{Duration, Instant};

use cloakroom_conformance::{LongList, heads_of};
use cloakroom_mongodb::mongodb::bson::{Document, doc};
use cloakroom_mongodb::mongodb::options::{ClientOptions, IndexOptions};
use cloakroom_mongodb::mongodb::{Client, IndexModel};
use cloakroom_mongodb::{Builder, MongoStore};
use cloakroom_services::proxy::Proxy;
use cloakroom_services::{Instance, Port, Service};
use cloakroom_store::{
    CreateOutcome, ErrorKind, Owner, OwnerKey, Owners, Record, Store, StoreKey, Timestamp, Touch,
    UpdateOutcome,
};
use futures_util::TryStreamExt;
use place::Place;

fn key(number: u8) -> StoreKey {
    StoreKey::from_hash([number; 32])
}

fn lasting(span: Duration) -> Record {
    Record::new("coat", Timestamp::now() + span)
}

async fn here() -> (Place, Builder) {
    let url = Service::Mongodb.shared();
    let place = Place::new(&url).await;
    let builder = MongoStore::from_url(&url).unwrap().collection(place.collection());
    (place, builder)
}

#[tokio::test]
async fn the_server_collects_what_has_expired_and_nothing_else() {
    let (place, builder) = here().await;
    let store = builder.expiry_margin(Duration::ZERO).build().await.unwrap();
    let hour = lasting(Duration::from_secs(3600));
    let forever = Record::new("hat", Timestamp::NEVER);
    for (number, record) in
        [lasting(Duration::from_millis(500)), hour.clone(), forever.clone()].iter().enumerate()
    {
        let created = store.create(&key(u8::try_from(number).unwrap()), record).await.unwrap();
        assert!(matches!(created, CreateOutcome::Created(_)));
    }
    let patience = Instant::now() + Duration::from_secs(60);
    while place.raw.count_documents(doc! {}).await.unwrap() > 2 {
        assert!(Instant::now() < patience, "the server does not collect");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(store.load(&key(1), None).await.unwrap().unwrap().record, hour);
    assert_eq!(store.load(&key(2), None).await.unwrap().unwrap().record, forever);
}

/// How many commands the server has carried out, by name.
async fn commands(client: &Client) -> [i64; 4] {
    let status = client.database("admin").run_command(doc! { "serverStatus": 1 }).await.unwrap();
    let commands = status.get_document("metrics").unwrap().get_document("commands").unwrap();
    ["find", "update", "findAndModify", "delete"].map(|name| {
        let command = commands.get_document(name).unwrap();
        command.get_i64("total").or_else(|_| command.get_i32("total").map(i64::from)).unwrap()
    })
}

#[tokio::test]
async fn the_server_counts_as_many_trips_as_are_promised() {
    let server = Instance::start(Service::Mongodb).unwrap();
    let client = Client::with_uri_str(server.url()).await.unwrap();
    let store = MongoStore::open(&server.url()).await.unwrap();
    let alice = Owner::new(OwnerKey::new("alice").unwrap(), Timestamp::now());
    let coat = lasting(Duration::from_secs(3600));
    let owned = coat.clone().with_owner(alice.clone());
    let mut before = commands(&client).await;
    let mut trips = async |what: &str, due: [i64; 4]| {
        let after = commands(&client).await;
        let counted = [0, 1, 2, 3].map(|at| after[at] - before[at]);
        assert_eq!(counted, due, "find, update, findAndModify, delete: {what}");
        before = after;
    };

    let CreateOutcome::Created(version) = store.create(&key(1), &coat).await.unwrap() else { panic!() };
    trips("a create", [0, 1, 0, 0]).await;
    let CreateOutcome::Created(other) = store.create(&key(2), &owned).await.unwrap() else { panic!() };
    trips("a create with an owner", [0, 1, 0, 0]).await;
    store.load(&key(1), None).await.unwrap();
    trips("a load", [1, 0, 0, 0]).await;
    let touch = Touch::new(coat.expires_at, coat.expires_at + Duration::from_secs(9));
    store.load(&key(1), Some(touch)).await.unwrap();
    trips("a load whose touch is not due", [1, 0, 0, 0]).await;
    store.load(&key(1), Some(Touch::new(Timestamp::NEVER, touch.expires_at))).await.unwrap();
    trips("a load whose touch is due", [1, 0, 1, 0]).await;
    assert!(matches!(store.update(&key(1), version, &coat).await.unwrap(), UpdateOutcome::Updated(_)));
    trips("an update", [0, 1, 0, 0]).await;
    assert!(matches!(store.update(&key(2), other, &owned).await.unwrap(), UpdateOutcome::Updated(_)));
    trips("an update that keeps the owner", [0, 1, 0, 0]).await;
    assert!(matches!(store.update(&key(1), version, &coat).await.unwrap(), UpdateOutcome::Conflict(_)));
    trips("an update that meets a conflict", [1, 1, 0, 0]).await;
    store.touch(&key(1), Timestamp::NEVER).await.unwrap();
    trips("a touch", [0, 1, 0, 0]).await;
    store.delete(&key(1)).await.unwrap();
    trips("a delete", [0, 0, 1, 0]).await;
    heads_of(&store, &alice.key).await.unwrap();
    trips("a list", [1, 0, 0, 0]).await;
    store.revoke(&alice.key, Timestamp::now()).await.unwrap();
    trips("a revocation", [0, 1, 0, 2]).await;
}

/// A process that died between the mark of its revocation and the removal of the records.
#[tokio::test]
async fn a_list_finishes_a_revocation_whose_process_died() {
    let (place, builder) = here().await;
    let store = builder.build().await.unwrap();
    let alice = OwnerKey::new("alice").unwrap();
    let begun = Timestamp::from_micros(100);
    for (number, since) in [begun, begun + Duration::from_secs(1)].into_iter().enumerate() {
        let owner = Some(Owner::new(alice.clone(), since));
        let record = lasting(Duration::from_secs(3600)).with_owner(owner);
        let _created = store.create(&key(u8::try_from(number).unwrap()), &record).await.unwrap();
    }
    let owner = place.raw.find_one(doc! { "since": 100_i64 }).await.unwrap().unwrap();
    let mark: Document = doc! { "_id": { "owner": owner.get("owner").unwrap() }, "revoked_at": 100_i64 };
    place.raw.insert_one(mark).await.unwrap();
    let listed = heads_of(&store, &alice).await.unwrap();
    assert_eq!(listed.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>(), [key(1)]);
    assert!(store.load(&key(0), None).await.unwrap().is_none());
}

#[tokio::test]
async fn a_missing_index_is_named_and_opening_makes_it() {
    let (place, builder) = here().await;
    let error = builder.clone().create_indexes(false).build().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert!(error.to_string().contains("create_indexes(true)"), "{error}");
    builder.clone().build().await.unwrap();
    builder.create_indexes(false).build().await.unwrap();
    assert_eq!(place.raw.list_index_names().await.unwrap().len(), 4, "the one of MongoDB itself, and three");
}

#[tokio::test]
async fn an_index_of_another_kind_in_the_place_of_ours_is_an_error() {
    let (place, builder) = here().await;
    let options = IndexOptions::builder().name("cloakroom_owner".to_owned()).build();
    let foreign = IndexModel::builder().keys(doc! { "customer": 1 }).options(options).build();
    place.raw.create_index(foreign).await.unwrap();
    assert_eq!(builder.build().await.unwrap_err().kind(), ErrorKind::Setup);
}

#[tokio::test]
async fn a_document_of_another_format_is_corrupt_and_not_missing() {
    let (place, builder) = here().await;
    let store = builder.build().await.unwrap();
    let _created = store.create(&key(1), &lasting(Duration::from_secs(3600))).await.unwrap();
    place.raw.update_one(doc! {}, doc! { "$set": { "payload": "text" } }).await.unwrap();
    assert_eq!(store.load(&key(1), None).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_wrong_url_says_what_to_do_and_shows_no_password() {
    let port = Port::free().unwrap();
    let nobody = format!("mongodb://user:secret@127.0.0.1:{}/?serverSelectionTimeoutMS=50", port.number());
    let shared = Service::Mongodb.shared().replace("mongodb://", "mongodb://user:secret@");
    for (url, kind) in [
        ("http://user:secret@host", ErrorKind::Invalid),
        ("mongodb://user:secret@", ErrorKind::Invalid),
        ("mongodb://user:secret@host/?readPreference=secondary", ErrorKind::Invalid),
        ("mongodb://user:secret@host/?w=0", ErrorKind::Invalid),
        ("mongodb://user:secret@host/?wtimeoutMS=often", ErrorKind::Invalid),
        (&nobody, ErrorKind::Unavailable),
        (&shared, ErrorKind::Setup),
    ] {
        let error = MongoStore::open(url).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
        assert!(!format!("{:?}", MongoStore::from_url(url).unwrap()).contains("secret"));
    }
}

#[tokio::test]
async fn a_server_of_another_kind_is_refused() {
    let other = Instance::start(Service::Memcached).unwrap();
    let url = other.url().replace("memcached://", "mongodb://");
    let error = MongoStore::from_url(&url)
        .unwrap()
        .request_timeout(Duration::from_secs(2))
        .build()
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Setup), "{error}");
}

#[tokio::test]
async fn a_store_in_the_applications_own_database_reads_its_write_concern() {
    let url = Service::Mongodb.shared();
    let place = Place::new(&url).await;
    let options = ClientOptions::parse(&url).await.unwrap();
    let database = Client::with_options(options).unwrap().database("cloakroom");
    let store = MongoStore::from_database(database).collection(place.collection()).build().await.unwrap();
    let coat = lasting(Duration::from_secs(60));
    assert!(matches!(store.create(&key(1), &coat).await.unwrap(), CreateOutcome::Created(_)));
    assert_eq!(place.raw.count_documents(doc! {}).await.unwrap(), 1);
}

#[tokio::test]
async fn a_payload_over_the_limit_is_too_large_and_the_old_record_stays() {
    let (_place, builder) = here().await;
    let store = builder.build().await.unwrap();
    let large = |size: usize| lasting(Duration::from_secs(60)).with_payload(vec![7; size]);
    let most = large(15 << 20);
    let CreateOutcome::Created(version) = store.create(&key(1), &most).await.unwrap() else { panic!() };
    let error = store.update(&key(1), version, &large((15 << 20) + 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(store.load(&key(1), None).await.unwrap().unwrap().record, most);
}

#[tokio::test]
async fn f15_a_list_of_1200_large_sessions_is_read_in_pages_without_their_payloads() {
    let (place, builder) = here().await;
    let writer = builder.build().await.unwrap();
    let proxy = Proxy::to(&Service::Mongodb.shared()).unwrap();
    let reader =
        MongoStore::from_url(proxy.url()).unwrap().collection(place.collection()).build().await.unwrap();
    let cost = LongList::measure(&writer, &reader, 20_000, || proxy.received()).await.unwrap();
    cost.assert_bounded(120_000, 20_000);
}

/// By the server's own account of what it would do, and did.
#[tokio::test]
async fn f15_a_page_of_a_list_goes_through_an_index_and_looks_at_no_more_records_than_it_has() {
    let (place, builder) = here().await;
    let store = builder.build().await.unwrap();
    let (alice, bob) = (OwnerKey::new("alice").unwrap(), OwnerKey::new("bob").unwrap());
    for number in 0..=255 {
        let owner = if number % 2 == 0 { &alice } else { &bob };
        let owner = Some(Owner::new(owner.clone(), Timestamp::EPOCH));
        let record = lasting(Duration::from_secs(3600)).with_owner(owner);
        assert!(matches!(store.create(&key(number), &record).await.unwrap(), CreateOutcome::Created(_)));
    }
    let database = Client::with_uri_str(&Service::Mongodb.shared()).await.unwrap().database("cloakroom");
    let here = place.raw.namespace().to_string();
    database.run_command(doc! { "profile": 2, "filter": { "ns": &here } }).await.unwrap();
    let page = store.list(&alice, None, 10).await.unwrap();
    assert_eq!(store.list(&alice, page.next.as_ref(), 10).await.unwrap().heads.len(), 10);
    database.run_command(doc! { "profile": 0 }).await.unwrap();
    let profile = database.collection::<Document>("system.profile");
    let found = profile.find(doc! { "ns": here, "op": "query" }).await.unwrap();
    let found: Vec<Document> = found.try_collect().await.unwrap();
    assert_eq!(found.len(), 2);
    for query in found {
        assert!(query.get_i32("docsExamined").unwrap() <= 12, "{query}");
        assert!(query.get_i32("keysExamined").unwrap() <= 14, "{query}");
        assert!(!query.contains_key("hasSortStage"), "{query}");
    }
}
