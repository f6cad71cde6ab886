//! Bodies as connect-mongo keeps them, on real servers.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::time::Duration;

use cloakroom_conformance::bodies::{self, Harness, OtherPackage, Rounding};
use cloakroom_mongodb::mongodb::bson::{Bson, DateTime, Document, doc};
use cloakroom_mongodb::mongodb::options::Collation;
use cloakroom_mongodb::mongodb::{Client, Collection, Database};
use cloakroom_mongodb::{Builder, MongoBodies, MongoStore};
use cloakroom_services::Service;
use cloakroom_store::{
    BodyStore, Clock, Ended, Error, ErrorKind, ManualClock, Replaced, Result, Timestamp, async_trait,
};
use place::Place;

/// What a Node application with connect-mongo does, on a connection of its own.
#[derive(Debug)]
struct Node {
    sessions: Collection<Document>,
    clock: ManualClock,
    stringify: bool,
}

impl Node {
    /// What connect-mongo keeps a body as. Its cookie has no date here.
    fn session(&self, body: &str) -> Bson {
        if self.stringify { body.into() } else { serde_json::from_str(body).unwrap() }
    }
}

fn broken(error: cloakroom_mongodb::mongodb::error::Error) -> Error {
    Error::new(ErrorKind::Other, "the server refuses it").with_source(error)
}

fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(i64::try_from(at.as_millis()).unwrap())
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let set = doc! { "$set": { "_id": id, "session": self.session(body), "expires": date(expires_at) } };
        self.sessions.update_one(doc! { "_id": id }, set).upsert(true).await.map(drop).map_err(broken)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        let unexpired =
            [doc! { "expires": { "$exists": false } }, doc! { "expires": { "$gt": date(self.clock.now()) } }];
        let found = self.sessions.find_one(doc! { "_id": id, "$or": unexpired.to_vec() }).await;
        Ok(found.map_err(broken)?.is_some())
    }
}

/// A collection of a test's own, a store, and Node beside it.
struct Stage {
    place: Place,
    builder: Builder,
    clock: ManualClock,
    store: MongoBodies,
    node: Node,
}

impl Stage {
    async fn new(service: Service) -> Self {
        Self::with(service, true).await
    }

    async fn with(service: Service, stringify: bool) -> Self {
        let url = service.shared();
        let place = Place::new(&url).await;
        let clock = ManualClock::at(Timestamp::from_millis(Timestamp::now().as_millis()));
        let builder = MongoStore::from_database(database(&url).await)
            .collection(place.collection())
            .stringify(stringify)
            .clock(clock.clone());
        let store = builder.clone().build_bodies().await.unwrap();
        let node = Node { sessions: place.raw.clone(), clock: clock.clone(), stringify };
        Self { place, builder, clock, store, node }
    }

    /// The document under an id.
    async fn document(&self, id: &str) -> Option<Document> {
        self.place.raw.find_one(doc! { "_id": id }).await.unwrap()
    }
}

async fn database(url: &str) -> Database {
    Client::with_uri_str(url).await.unwrap().database("cloakroom")
}

async fn keeps_every_sentence(service: Service) {
    let Stage { clock, store, node, .. } = Stage::new(service).await;
    let harness = Harness::new(store, clock, node).rounding(Rounding::Exact);
    bodies::all(&harness).await.unwrap_or_else(|broken| panic!("{broken}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept_on_one_server() {
    keeps_every_sentence(Service::Mongodb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept_on_a_replica_set() {
    keeps_every_sentence(Service::MongodbReplicas).await;
}

/// A document has no order of digits and no spaces.
#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_but_the_one_about_bytes_is_kept_by_documents() {
    let Stage { clock, store, node, .. } = Stage::with(Service::Mongodb, false).await;
    let harness = Harness::new(store, clock, node).rounding(Rounding::Exact).keeps_spelling(false);
    bodies::all(&harness).await.unwrap_or_else(|broken| panic!("{broken}"));
}

#[tokio::test]
async fn a_document_keeps_names_that_mean_something_to_the_server() {
    let stage = Stage::with(Service::Mongodb, false).await;
    let text = r#"{"$set":{"a.b":"$expires","$literal":1},"":["$$NOW"],"expires":"$$REMOVE"}"#;
    let version = stage.store.insert("a", text.as_bytes(), Timestamp::NEVER).await.unwrap().unwrap();
    let read = stage.store.read("a").await.unwrap().unwrap();
    assert_eq!((&*read.bytes, read.version), (text.as_bytes(), version));
    let changed = text.replace('1', "2");
    let replaced = stage.store.replace("a", version, changed.as_bytes(), Timestamp::NEVER).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)));
    assert_eq!(stage.store.read("a").await.unwrap().unwrap().bytes, changed);
    assert!(matches!(stage.store.end("a", None).await.unwrap(), Ended::Ended(_)));
}

#[tokio::test]
async fn a_date_of_nodes_stays_one_and_a_change_of_it_is_a_conflict() {
    let stage = Stage::with(Service::Mongodb, false).await;
    let session = |at: i64| doc! { "at": DateTime::from_millis(at), "views": 1 };
    stage.place.raw.insert_one(doc! { "_id": "a", "session": session(5) }).await.unwrap();
    let read = stage.store.read("a").await.unwrap().unwrap();
    assert_eq!(read.bytes, r#"{"at":"1970-01-01T00:00:00.005Z","views":1}"#);
    let changed = String::from_utf8(read.bytes.to_vec()).unwrap().replace("s\":1", "s\":2");
    let replaced =
        stage.store.replace("a", read.version, changed.as_bytes(), Timestamp::NEVER).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)));
    let due = doc! { "at": DateTime::from_millis(5), "views": 2 };
    assert_eq!(stage.document("a").await.unwrap().get_document("session").unwrap(), &due);
    stage
        .place
        .raw
        .update_one(doc! { "_id": "a" }, doc! { "$set": { "session": session(6) } })
        .await
        .unwrap();
    let replaced = stage.store.replace("a", read.version, b"{}", Timestamp::NEVER).await.unwrap();
    assert!(matches!(replaced, Replaced::Changed(_)));
}

#[tokio::test]
async fn a_document_is_as_connect_mongo_makes_it() {
    let stage = Stage::new(Service::Mongodb).await;
    let later = stage.clock.now() + Duration::from_millis(1_500);
    let version = stage.store.insert("a", b"{}", later).await.unwrap().unwrap();
    assert_eq!(stage.document("a").await, Some(doc! { "_id": "a", "session": "{}", "expires": date(later) }));
    let replaced = stage.store.replace("a", version, b"[1]", Timestamp::NEVER).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)));
    assert_eq!(stage.document("a").await, Some(doc! { "_id": "a", "session": "[1]" }));
}

/// `touchAfter` and `timestamps` are options of connect-mongo's.
#[tokio::test]
async fn dates_of_the_last_use_are_moved_where_there_are_any_and_other_fields_stay() {
    let stage = Stage::new(Service::Mongodb).await;
    let (now, hour) = (stage.clock.now(), Duration::from_secs(3_600));
    let old = date(now - hour);
    let document = doc! {
        "_id": "a", "session": "{}", "expires": date(now + hour), "lastModified": old, "createdAt": old, "updatedAt": old,
        "tenant": 7,
    };
    stage.place.raw.insert_one(&document).await.unwrap();
    let due = |session: &str, expires: Timestamp, used: Timestamp| {
        let mut due = document.clone();
        for (field, value) in [("expires", expires), ("lastModified", used), ("updatedAt", used)] {
            due.insert(field, date(value));
        }
        due.insert("session", session);
        due
    };
    assert!(stage.store.touch("a", now + hour * 2).await.unwrap());
    assert_eq!(stage.document("a").await, Some(due("{}", now + hour * 2, now)));
    stage.clock.advance(hour);
    let read = stage.store.read("a").await.unwrap().unwrap();
    let _replaced = stage.store.replace("a", read.version, b"[$now]", now + hour * 3).await.unwrap();
    assert_eq!(stage.document("a").await, Some(due("[$now]", now + hour * 3, now + hour)));
}

#[tokio::test]
async fn old_marks_are_not_looked_at_and_needed_ones_stay() {
    let stage = Stage::new(Service::Mongodb).await;
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    for id in ["a", "b"] {
        stage.store.insert(id, b"{}", Timestamp::NEVER).await.unwrap().unwrap();
        assert!(matches!(stage.store.end(id, None).await.unwrap(), Ended::Ended(_)));
    }
    stage.clock.advance(hours(23));
    stage.node.write("b", "{}", Timestamp::NEVER).await.unwrap();
    assert_eq!(stage.store.read("b").await.unwrap(), None);
    stage.clock.advance(hours(2));
    for id in ["a", "b"] {
        stage.node.write(id, "{}", Timestamp::NEVER).await.unwrap();
    }
    assert!(stage.store.read("a").await.unwrap().is_some(), "its mark is older than a day");
    assert_eq!(stage.store.read("b").await.unwrap(), None, "its mark was needed");
}

/// A process that died after the session had ended, and before the mark was kept.
#[tokio::test]
async fn an_end_whose_process_died_is_finished_by_the_next_look() {
    let stage = Stage::new(Service::Mongodb).await;
    for looks_by_read in [true, false] {
        let id = if looks_by_read { "a" } else { "b" };
        let ending = doc! { "_id": id, "session": "{}", "expires": DateTime::from_millis(0), "cloakroom_ending": true };
        stage.place.raw.insert_one(ending).await.unwrap();
        assert!(!stage.node.finds(id).await.unwrap(), "it has ended for Node");
        if looks_by_read {
            assert_eq!(stage.store.read(id).await.unwrap(), None);
        } else {
            assert_eq!(stage.store.insert(id, b"{}", Timestamp::NEVER).await.unwrap(), None);
        }
        assert_eq!(stage.document(id).await, None);
        stage.node.write(id, "{}", Timestamp::NEVER).await.unwrap();
        assert_eq!(stage.store.read(id).await.unwrap(), None, "the mark is there");
    }
}

#[tokio::test]
async fn an_end_goes_on_when_nothing_waits_for_it_any_more() {
    let stage = Stage::new(Service::Mongodb).await;
    stage.store.insert("a", b"{}", Timestamp::NEVER).await.unwrap().unwrap();
    let (store, wait) = (stage.store.clone(), Duration::from_secs(20));
    // Polled once, so that it has begun.
    let ended = tokio::time::timeout(Duration::ZERO, store.end("a", None)).await;
    assert!(ended.is_err(), "it was dropped before it was ready");
    let gone = async {
        while stage.document("a").await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(wait, gone).await.unwrap();
}

#[tokio::test]
async fn what_connect_mongo_takes_for_no_session_does_not_exist_here() {
    let stage = Stage::new(Service::Mongodb).await;
    for (number, expires) in
        [Bson::Null, 1.into(), "soon".into(), date(stage.clock.now()).into()].into_iter().enumerate()
    {
        let id = number.to_string();
        stage.place.raw.insert_one(doc! { "_id": &id, "session": "{}", "expires": expires }).await.unwrap();
        assert!(!stage.node.finds(&id).await.unwrap());
        assert_eq!(stage.store.read(&id).await.unwrap(), None);
        assert!(stage.store.insert(&id, b"[]", Timestamp::NEVER).await.unwrap().is_some(), "it makes room");
        assert_eq!(stage.store.read(&id).await.unwrap().unwrap().bytes, "[]");
    }
}

#[tokio::test]
async fn a_session_of_the_other_form_is_an_error_that_names_the_option() {
    for stringify in [true, false] {
        let stage = Stage::with(Service::Mongodb, stringify).await;
        let other = Node { stringify: !stringify, ..stage.node };
        other.write("a", "{}", Timestamp::NEVER).await.unwrap();
        let error = stage.store.read("a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup);
        assert!(error.to_string().contains("stringify"), "{error}");
    }
}

#[tokio::test]
async fn a_collection_that_takes_different_ids_for_the_same_is_refused() {
    let stage = Stage::new(Service::Mongodb).await;
    let name = format!("{}_collated", stage.place.collection());
    let database = database(&Service::Mongodb.shared()).await;
    database.create_collection(&name).collation(Collation::builder().locale("en").build()).await.unwrap();
    let error = stage.builder.collection(name).build_bodies().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup, "{error:?}");
    assert!(error.to_string().contains("has the collation en"), "{error}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large_and_the_old_one_stays() {
    let stage = Stage::new(Service::Mongodb).await;
    let largest = vec![b'1'; 7 << 20];
    let version = stage.store.insert("a", &largest, Timestamp::NEVER).await.unwrap().unwrap();
    assert!(matches!(
        stage.store.replace("a", version, &largest, Timestamp::NEVER).await.unwrap(),
        Replaced::Replaced(_)
    ));
    let larger = [&*largest, b"1"].concat();
    let error = stage.store.replace("a", version, &larger, Timestamp::NEVER).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    // One of Node's is read, and left as it is if both would not fit into a command.
    let huge = "1".repeat(15 << 20);
    stage.node.write("a", &huge, Timestamp::NEVER).await.unwrap();
    let read = stage.store.read("a").await.unwrap().unwrap();
    assert_eq!(read.bytes, huge);
    let error = stage.store.replace("a", read.version, &largest, Timestamp::NEVER).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(matches!(stage.store.end("a", Some(read.version)).await.unwrap(), Ended::Ended(_)));
}

#[tokio::test]
async fn the_index_of_marks_is_made_or_has_to_be_there() {
    let stage = Stage::new(Service::Mongodb).await;
    let database = database(&Service::Mongodb.shared()).await;
    let names = database.collection::<Document>("cloakroom_ended").list_index_names().await.unwrap();
    assert!(names.contains(&"cloakroom_collect".to_owned()), "{names:?}");
    stage.builder.clone().create_indexes(false).build_bodies().await.unwrap();
    let empty = Client::with_uri_str(&Service::Mongodb.shared()).await.unwrap().database("cloakroom_empty");
    let error = MongoStore::from_database(empty).create_indexes(false).build_bodies().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup);
    assert_eq!(stage.place.raw.list_index_names().await.unwrap_or_default().len(), 0, "Node makes its own");
}
