//! Bodies as node-session's database driver keeps them with sails-mongo 0.12, on a real server. sails-mongo itself cannot speak to
//! this server, so its documents are written as they were recorded.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::time::Duration;

use cloakroom_conformance::bodies::{self, Harness, OtherPackage, Rounding};
use cloakroom_mongodb::mongodb::bson::{Document, doc};
use cloakroom_mongodb::mongodb::{Client, Collection};
use cloakroom_mongodb::{MongoBodies, MongoStore};
use cloakroom_services::Service;
use cloakroom_store::{
    BodyStore, Clock as _, Ended, Error, ErrorKind, ManualClock, Result, Timestamp, async_trait,
};
use place::Place;

const LIFETIME: Duration = Duration::from_secs(300);

/// What node-session does, on a connection of its own.
#[derive(Debug)]
struct Node(Collection<Document>);

fn broken(error: cloakroom_mongodb::mongodb::error::Error) -> Error {
    Error::new(ErrorKind::Other, "the server refuses it").with_source(error)
}

/// A number as JavaScript has it.
#[expect(clippy::cast_precision_loss, reason = "these are exact")]
fn last_activity(expires_at: Timestamp) -> f64 {
    (i64::try_from(expires_at.as_millis()).unwrap() - 300_000) as f64
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let payload = serde_json::to_string(body).unwrap();
        let set = doc! { "$set": { "payload": payload, "lastActivity": last_activity(expires_at) } };
        self.0.update_one(doc! { "_id": id }, set).upsert(true).await.map(drop).map_err(broken)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        Ok(self.0.find_one(doc! { "_id": id }).await.map_err(broken)?.is_some())
    }
}

struct Stage {
    place: Place,
    clock: ManualClock,
    store: MongoBodies,
}

impl Stage {
    async fn new() -> Self {
        let url = Service::Mongodb.shared();
        let place = Place::new(&url).await;
        let clock = ManualClock::at(Timestamp::from_millis(Timestamp::now().as_millis()));
        let database = Client::with_uri_str(&url).await.unwrap().database("cloakroom");
        let builder =
            MongoStore::from_database(database).collection(place.collection()).node_session(LIFETIME);
        let store = builder.clock(clock.clone()).build_bodies().await.unwrap();
        Self { place, clock, store }
    }

    async fn document(&self, id: &str) -> Option<Document> {
        self.place.raw.find_one(doc! { "_id": id }).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_bodies_is_kept() {
    let Stage { place, clock, store } = Stage::new().await;
    let harness = Harness::new(store, clock, Node(place.raw.clone())).rounding(Rounding::Exact);
    bodies::all(&harness).await.unwrap_or_else(|broken| panic!("{broken}"));
}

/// Recorded with node-session 1.2.1, sails-mongo 0.12.3 and MongoDB 5.0.4.
#[tokio::test]
async fn a_document_of_node_session_is_read_and_one_of_ours_is_the_same() {
    let stage = Stage::new().await;
    let id = "iDGcGFvp8Jr_rXeRjCI5iDp4zRlEoQvSrN0pcGkZ";
    let payload = r#""{\"_token\":\"aaaabbbbccccddddeeeeffffgggghhhhiiiijjjj\",\"views\":2,\"flash\":{\"old\":[],\"new\":[]}}""#;
    let recorded = doc! { "_id": id, "payload": payload, "lastActivity": 1_795_972_470_953.0 };
    stage.place.raw.insert_one(&recorded).await.unwrap();
    stage.clock.set(Timestamp::from_millis(1_795_972_470_953) + LIFETIME - Duration::from_millis(1));
    let read = stage.store.read(id).await.unwrap().unwrap();
    let body =
        r#"{"_token":"aaaabbbbccccddddeeeeffffgggghhhhiiiijjjj","views":2,"flash":{"old":[],"new":[]}}"#;
    assert_eq!(read.bytes, body);
    assert_eq!(read.expires_at, Timestamp::from_millis(1_795_972_770_953));
    let version = stage.store.insert("ours", body.as_bytes(), read.expires_at).await.unwrap();
    assert_eq!(version, Some(read.version));
    let ours = doc! { "_id": "ours", "payload": payload, "lastActivity": 1_795_972_470_953.0 };
    assert_eq!(stage.document("ours").await, Some(ours));
}

#[tokio::test]
async fn a_session_whose_end_was_broken_off_holds_nothing_for_node() {
    let stage = Stage::new().await;
    let ending = doc! { "_id": "a", "payload": "\"{}\"", "lastActivity": 0.0, "cloakroom_ending": true };
    stage.place.raw.insert_one(ending).await.unwrap();
    assert_eq!(stage.store.read("a").await.unwrap(), None);
    assert_eq!(stage.document("a").await, None, "the end was finished");
    let node = Node(stage.place.raw.clone());
    node.write("a", "{}", stage.clock.now() + LIFETIME).await.unwrap();
    assert_eq!(stage.store.end("a", None).await.unwrap(), Ended::Missing, "the mark is there");
}
