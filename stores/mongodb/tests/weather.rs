//! Faults that were found once on real servers, each with the number that it had then.
#![expect(clippy::unwrap_used, reason = "a test")]

mod place;

use std::time::Duration;

use cloakroom_mongodb::MongoStore;
use cloakroom_mongodb::mongodb::bson::doc;
use cloakroom_services::{Instance, Service};
use cloakroom_store::{CreateOutcome, Owner, OwnerKey, Owners, Record, Scan, Store, StoreKey, Timestamp};
use place::Place;

fn key(number: u8) -> StoreKey {
    StoreKey::from_hash([number; 32])
}

#[tokio::test]
async fn g04_what_the_url_does_not_name_of_the_write_concern_stays_the_safest() {
    let server = Instance::start(Service::MongodbReplicas).unwrap();
    let end = if server.url().contains('?') { "&" } else { "?" };
    for option in ["journal=true", "wtimeoutMS=4000", "retryWrites=false"] {
        let url = format!("{}{end}{option}", server.url());
        let place = Place::new(&server.url()).await;
        let builder = MongoStore::from_url(&url).unwrap().collection(place.collection());
        let store = builder.build().await.unwrap();
        let database = place.raw.client().database(store.collection().namespace().db.as_str());
        // The server's own record of what it was asked.
        database.run_command(doc! { "profile": 2 }).await.unwrap();
        let owner = Owner::new(OwnerKey::new("alice").unwrap(), Timestamp::EPOCH);
        let record = Record::new("coat", Timestamp::NEVER).with_owner(owner.clone());
        assert!(matches!(store.create(&key(1), &record).await.unwrap(), CreateOutcome::Created(_)));
        store.delete(&key(1)).await.unwrap();
        store.revoke(&owner.key, Timestamp::EPOCH).await.unwrap();
        database.run_command(doc! { "profile": 0 }).await.unwrap();
        let profile = database.collection::<cloakroom_mongodb::mongodb::bson::Document>("system.profile");
        let asked = doc! { "ns": store.collection().namespace().to_string(), "command.writeConcern": { "$exists": true } };
        let unsafe_ones = doc! { "$and": [asked.clone(), { "$or": [
            { "command.writeConcern.w": { "$ne": "majority" } },
            { "command.writeConcern.j": { "$ne": true } },
        ] }] };
        assert!(profile.count_documents(asked).await.unwrap() > 0, "{option}");
        assert_eq!(profile.count_documents(unsafe_ones).await.unwrap(), 0, "{option}");
        profile.drop().await.unwrap();
    }
}

#[tokio::test]
async fn g11_a_count_may_take_longer_than_a_request() {
    let url = Service::Mongodb.shared();
    let place = Place::new(&url).await;
    let store = MongoStore::from_url(&url).unwrap().collection(place.collection()).build().await.unwrap();
    for number in 0..50 {
        let _created = store.create(&key(number), &Record::new("coat", Timestamp::NEVER)).await.unwrap();
    }
    // So short that no trip could be made within it.
    let database = place.raw.client().database(&store.collection().namespace().db);
    let hasty = MongoStore::from_database(database).collection(place.collection());
    let hasty = hasty.request_timeout(Duration::from_nanos(1));
    let hasty = hasty.build_lazy().await.unwrap();
    assert!(hasty.load(&key(1), None).await.is_err());
    assert_eq!(hasty.count().await.unwrap(), 50);
    assert_eq!(hasty.clear().await.unwrap(), 50);
}
