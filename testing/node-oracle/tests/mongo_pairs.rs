//! Pairs of an Express application with connect-mongo and a Rust application that keep sessions in one collection.
//!
//! Servers are named by `CLOAKROOM_TEST_*`; a pair whose server is not named is skipped loudly, as in the other suites.

#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "helpers of tests say what they skip")]

#[path = "scenarios/express.rs"]
mod express;
mod scenarios;

use std::time::Duration;

use cloakroom_mongodb::MongoStore;
use cloakroom_mongodb::mongodb::bson::{self, Bson, DateTime, Document, doc};
use cloakroom_mongodb::mongodb::{Client, Collection};
use cloakroom_node::Express;
use cloakroom_node_oracle::{Browser, NodeApp, Result, RustApp};

use express::Bodies;
use scenarios::Pair;

const SECRET: &str = "keyboard cat";
const TWO_WEEKS: Duration = Duration::from_secs(1_209_600);

/// How connect-mongo keeps sessions: its option `stringify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    AsStrings,
    AsDocuments,
}

/// A collection that one pair shares. It is in the database that both sides take if the URL names none.
struct Place {
    kept: Kept,
    url: String,
    sessions: Collection<Document>,
}

impl Place {
    /// Finds a place on the server that tests share; `None` if there is no server.
    async fn find(variable: &str, kept: Kept) -> Result<Option<Self>> {
        let Ok(url) = std::env::var(variable) else {
            eprintln!("SKIPPED: {variable} names no server");
            return Ok(None);
        };
        let name = format!("oracle_{:016x}", getrandom::u64().unwrap());
        let sessions = Client::with_uri_str(&url).await?.database("test").collection(&name);
        Ok(Some(Self { kept, url, sessions }))
    }

    /// Starts Express, and a Rust application beside it.
    async fn pair(&self, express: &Express, settings: &[(&str, &str)]) -> Result<Pair> {
        let (store, stringify) = match self.kept {
            Kept::AsStrings => ("mongo", true),
            Kept::AsDocuments => ("mongo-documents", false),
        };
        let own =
            [("STORE", store), ("URL", &self.url), ("PREFIX", self.sessions.name()), ("SECRETS", SECRET)];
        let settings: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
        let node = NodeApp::start("express", &settings).await?;
        let builder = MongoStore::from_url(&self.url)?.collection(self.sessions.name()).stringify(stringify);
        let rust = RustApp::start(express.config(), express.store(builder.build_bodies().await?)).await?;
        Ok(Pair { node, rust })
    }

    async fn document(&self, id: &str) -> Result<Option<Document>> {
        Ok(self.sessions.find_one(doc! { "_id": id }).await?)
    }

    /// Returns the expiry of a session, and what its cookie has as one.
    async fn expiries(&self, id: &str) -> Result<(DateTime, Bson)> {
        let document = self.document(id).await?.ok_or("there is no document")?;
        let in_cookie = match document.get("session").ok_or("there is no session")? {
            Bson::String(text) => {
                let body: serde_json::Value = serde_json::from_str(text)?;
                Bson::String(body["cookie"]["expires"].as_str().ok_or("no date")?.to_owned())
            }
            session => {
                let cookie = session.as_document().ok_or("no document")?.get_document("cookie")?;
                cookie.get("expires").ok_or("no date")?.clone()
            }
        };
        Ok((*document.get_datetime("expires")?, in_cookie))
    }

    async fn remove(self, pair: Pair) -> Result {
        drop(pair);
        Ok(self.sessions.drop().await?)
    }
}

/// A body here is the session in the bytes of a document, in hexadecimal.
impl Bodies for Place {
    async fn body(&self, id: &str) -> Result<Option<String>> {
        let Some(document) = self.document(id).await? else { return Ok(None) };
        let session = document.get("session").ok_or("there is no session")?;
        let bytes = bson::serialize_to_vec(&doc! { "session": session })?;
        Ok(Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()))
    }

    async fn write(&self, id: &str, body: &str) -> Result {
        let digits = (0..body.len()).step_by(2).map(|at| u8::from_str_radix(&body[at..at + 2], 16));
        let mut set: Document = bson::deserialize_from_slice(&digits.collect::<Result<Vec<_>, _>>()?)?;
        let day = Duration::from_secs(86_400);
        set.insert("expires", DateTime::from_system_time(std::time::SystemTime::now() + day));
        self.sessions.update_one(doc! { "_id": id }, doc! { "$set": set }).upsert(true).await?;
        Ok(())
    }
}

fn express() -> Express {
    Express::new([SECRET]).unwrap().ttl(TWO_WEEKS)
}

macro_rules! pairs {
    ($($name:ident: $kept:expr, $variable:literal;)*) => {$(
        mod $name {
            use super::*;

            async fn place() -> Result<Option<Place>> {
                Place::find($variable, $kept).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn sessions_are_shared() -> Result {
                let Some(place) = place().await? else { return Ok(()) };
                let pair = place.pair(&express(), &[]).await?;
                express::sessions_are_shared(&pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_lifetime_is_shared_and_documents_expire_when_node_says_so() -> Result {
                let Some(place) = place().await? else { return Ok(()) };
                let hour = express().max_age(Duration::from_secs(3_600));
                let pair = place.pair(&hour, &[("MAX_AGE", "3600000")]).await?;
                express::a_lifetime_is_shared(&pair).await?;
                documents_expire_when_node_says_so(&place, &pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn sessions_with_dates_of_their_last_use_are_shared() -> Result {
                let Some(place) = place().await? else { return Ok(()) };
                let pair = place.pair(&express(), &[("TOUCH_AFTER", "3600")]).await?;
                express::sessions_are_shared(&pair).await?;
                dates_of_the_last_use_are_moved(&place, &pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn passport_log_ins_and_log_outs_are_shared() -> Result {
                let Some(place) = place().await? else { return Ok(()) };
                let pair = place.pair(&express().passport(), &[("PASSPORT", "text")]).await?;
                express::log_ins_and_log_outs_are_shared(&pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn flash_messages_and_csrf_tokens_are_shared() -> Result {
                let Some(place) = place().await? else { return Ok(()) };
                let pair = place.pair(&express(), &[("FLASH", "1"), ("CSRF", "csurf")]).await?;
                express::flash_messages_and_csrf_tokens_are_shared(&pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn no_write_of_ours_is_lost_while_node_reads() -> Result {
                let Some(place) = place().await? else { return Ok(()) };
                let pair = place.pair(&express(), &[]).await?;
                express::no_write_of_ours_is_lost_while_node_reads(&pair).await?;
                place.remove(pair).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn what_node_writes_back_after_a_log_out_is_not_a_session_for_us() -> Result {
                let Some(place) = place().await? else { return Ok(()) };
                let pair = place.pair(&express(), &[]).await?;
                express::what_node_writes_back_after_a_log_out_is_not_a_session_for_us(&pair, &place).await?;
                place.remove(pair).await
            }
        }
    )*};
}

pairs! {
    strings: Kept::AsStrings, "CLOAKROOM_TEST_MONGODB";
    strings_on_a_replica_set: Kept::AsStrings, "CLOAKROOM_TEST_MONGODB_REPLICAS";
    documents: Kept::AsDocuments, "CLOAKROOM_TEST_MONGODB";
}

/// Whichever side has written last.
async fn documents_expire_when_node_says_so(place: &Place, pair: &Pair) -> Result {
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        browser.text(first, "/count").await?;
        // A look moves the document's expiry and leaves the body, so no look happens between a write and the comparison.
        let id = browser.text(pair.node.port(), "/id").await?;
        for port in [first, second, first, second, second, first] {
            browser.text(port, "/count").await?;
            let (expires, in_cookie) = place.expiries(&id).await?;
            let due = match place.kept {
                Kept::AsStrings => {
                    let text = in_cookie.as_str().ok_or("no text")?;
                    DateTime::parse_rfc3339_str(text)?
                }
                // It is a date there, whichever side has written it.
                Kept::AsDocuments => *in_cookie.as_datetime().ok_or("no date")?,
            };
            // Node takes a millisecond off the lifetime of a cookie now and then.
            let apart = expires.timestamp_millis().abs_diff(due.timestamp_millis());
            assert!(apart < 1_000, "{expires} {due}, node begins: {node_begins}");
        }
    }
    Ok(())
}

/// A session that Node began has three dates more, which a write of ours moves or leaves as one of Node's does.
async fn dates_of_the_last_use_are_moved(place: &Place, pair: &Pair) -> Result {
    let mut browser = Browser::new();
    browser.text(pair.node.port(), "/count").await?;
    let id = browser.text(pair.node.port(), "/id").await?;
    let dates = async || -> Result<[DateTime; 3]> {
        let document = place.document(&id).await?.ok_or("there is no document")?;
        let date = |field: &str| document.get_datetime(field).copied();
        Ok([date("createdAt")?, date("lastModified")?, date("updatedAt")?])
    };
    let [created, modified, updated] = dates().await?;
    for port in [pair.rust.port(), pair.node.port()] {
        browser.text(port, "/count").await?;
        let now = dates().await?;
        assert!(now[0] == created && now[1] > modified && now[2] > updated, "{now:?}");
    }
    // connect-mongo shows the date to its application, and not to ours.
    assert_eq!(browser.text(pair.rust.port(), "/get?key=lastModified").await?, "null");
    Ok(())
}

/// JSON has no dates: Rust sees a text, and Node finds its date again.
#[tokio::test(flavor = "multi_thread")]
async fn a_date_of_nodes_stays_one_while_rust_writes() -> Result {
    let Some(place) = Place::find("CLOAKROOM_TEST_MONGODB", Kept::AsDocuments).await? else { return Ok(()) };
    let pair = place.pair(&express(), &[]).await?;
    let mut browser = Browser::new();
    for count in 1..5 {
        assert_eq!(browser.text(pair.node.port(), "/since").await?, "true");
        assert_eq!(browser.text(pair.rust.port(), "/count").await?, count.to_string());
        let since = browser.text(pair.rust.port(), "/get?key=since").await?;
        assert_eq!(since, "\"1970-01-01T00:00:00.000Z\"");
    }
    place.remove(pair).await
}
