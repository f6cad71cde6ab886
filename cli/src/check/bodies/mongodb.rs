//! Bodies in MongoDB, as connect-mongo or node-session keeps them, in collections of the check's own.

use cloakroom_conformance::bodies::{Harness, OtherPackage, Rounding};
use cloakroom_mongodb::MongoStore;
use cloakroom_mongodb::mongodb::bson::{Bson, DateTime, Document, doc};
use cloakroom_mongodb::mongodb::{Client, Collection};
use cloakroom_tower::store::{Clock, ManualClock, Result, Timestamp, async_trait};

use super::{Bodies, in_tables, refused, unusable};
use crate::stores::bodies::{Layout, NODE_SESSION_LIFETIME};
use crate::stores::mongodb::BODY_SETTINGS;
use crate::stores::{self, Trial};
use crate::trouble::Trouble;

/// The database, unless the URL names another.
const DATABASE: &str = "test";

/// What the package does, on a connection of its own.
#[derive(Debug)]
struct Node {
    sessions: Collection<Document>,
    clock: ManualClock,
    layout: Layout,
    is_stringified: bool,
}

/// Opens them; the server makes a collection with its first document.
pub(super) async fn open(url: &str, layout: Layout, trial: &Trial) -> std::result::Result<Bodies, Trouble> {
    let is_stringified = stores::bodies::is_stringified(url)?;
    let url = stores::bodies::client_url(url, &BODY_SETTINGS)?;
    let (name, ended) = (format!("{}sessions", trial.prefix), format!("{}ended", trial.prefix));
    let client = Client::with_uri_str(&url).await.map_err(|error| unusable(&error))?;
    let database = client.default_database().unwrap_or_else(|| client.database(DATABASE));
    let builder = MongoStore::from_database(database.clone()).collection(&*name).ended_collection(&*ended);
    let builder = builder.clock(trial.clock.clone());
    let builder = if layout == Layout::NodeSessionCollection {
        builder.node_session(NODE_SESSION_LIFETIME)
    } else {
        builder.stringify(is_stringified)
    };
    let sessions: Collection<Document> = database.collection(&name);
    let node = Node { sessions: sessions.clone(), clock: trial.clock.clone(), layout, is_stringified };
    let tidy = Box::pin(async move {
        sessions.drop().await?;
        Ok(database.collection::<Document>(&ended).drop().await?)
    });
    let harness = |store| {
        let harness = Harness::new(store, trial.clock.clone(), node).rounding(Rounding::Exact);
        harness.keeps_spelling(is_stringified)
    };
    in_tables(builder.build_bodies().await, tidy, harness).await
}

fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millis().cast_signed())
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let set = if self.layout == Layout::NodeSessionCollection {
            let payload = serde_json::to_string(body).map_err(refused)?;
            doc! { "payload": payload, "lastActivity": date(expires_at - NODE_SESSION_LIFETIME).timestamp_millis() }
        } else {
            let session: Bson = if self.is_stringified {
                body.into()
            } else {
                serde_json::from_str(body).map_err(refused)?
            };
            doc! { "session": session, "expires": date(expires_at) }
        };
        let set = doc! { "$set": set };
        self.sessions.update_one(doc! { "_id": id }, set).upsert(true).await.map(drop).map_err(refused)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        // node-session takes whatever is there.
        if self.layout == Layout::NodeSessionCollection {
            let found = self.sessions.find_one(doc! { "_id": id }).await;
            return Ok(found.map_err(refused)?.is_some());
        }
        let now = date(self.clock.now());
        let unexpired = [doc! { "expires": { "$exists": false } }, doc! { "expires": { "$gt": now } }];
        let found = self.sessions.find_one(doc! { "_id": id, "$or": unexpired.to_vec() }).await;
        Ok(found.map_err(refused)?.is_some())
    }
}
