//! The options of a store, and their defaults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{Clock, MissedTouches, Result, StoreKey, StoreUrl, SystemClock};
use mongodb::options::{
    Acknowledgment, ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Database};

use crate::bodies::{self, Form, MongoBodies};
use crate::error::Failure;
use crate::layout::{COLLECTION, DATABASE};
use crate::server::{Server, collection_options};
use crate::store::MongoStore;

/// A document has at most 16 MiB, of which this is left for a payload with room to spare.
const LARGEST_PAYLOAD: usize = 15 << 20;

/// Sets the options of a [`MongoStore`]; [`MongoStore::from_url`] makes one.
#[derive(Clone)]
#[must_use]
pub struct Builder {
    place: Place,
    collection: Option<String>,
    clock: Arc<dyn Clock>,
    has_own_clock: bool,
    request_timeout: Duration,
    expiry_margin: Duration,
    create_indexes: bool,
    form: Form,
    ended: String,
    max_payload_bytes: usize,
}

#[derive(Clone)]
enum Place {
    Url(String),
    Database(Database),
}

impl Builder {
    pub(crate) fn from_url(url: &str) -> Result<Self> {
        let mut url = StoreUrl::parse(url)?;
        let collection = url.text("collection")?;
        let (timeout, margin) = (url.duration("request_timeout")?, url.duration("expiry_margin")?);
        let (create, stringify) = (url.flag("create_indexes")?, url.flag("stringify")?);
        let (ended, bytes) = (url.text("ended_collection")?, url.parsed("max_payload_bytes")?);
        let mut builder = Self::new(Place::Url(url.rest()?));
        builder.collection = collection;
        builder.ended = ended.unwrap_or(builder.ended);
        builder.request_timeout = timeout.unwrap_or(builder.request_timeout);
        builder.expiry_margin = margin.unwrap_or(builder.expiry_margin);
        builder.create_indexes = create.unwrap_or(builder.create_indexes);
        let builder = builder.stringify(stringify.unwrap_or(true));
        Ok(builder.max_payload_bytes(bytes.unwrap_or(LARGEST_PAYLOAD)))
    }

    pub(crate) fn from_database(database: Database) -> Self {
        Self::new(Place::Database(database))
    }

    fn new(place: Place) -> Self {
        Self {
            place,
            collection: None,
            clock: Arc::new(SystemClock),
            has_own_clock: false,
            request_timeout: Duration::from_secs(5),
            expiry_margin: Duration::from_secs(60 * 60),
            create_indexes: true,
            form: Form::Text,
            ended: bodies::ENDED.to_owned(),
            max_payload_bytes: LARGEST_PAYLOAD,
        }
    }

    /// Names the collection. Unless set, that is `cloakroom_records`, and `sessions` for
    /// [`build_bodies`](Self::build_bodies): Node's option `collectionName`.
    pub fn collection(mut self, name: impl Into<String>) -> Self {
        self.collection = Some(name.into());
        self
    }

    /// Sets the clock that decides what has expired. The operating system's unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self.has_own_clock = true;
        self
    }

    /// Sets how long a trip to the server may take, the search for a primary included, before the operation fails as
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable). 5 seconds unless set.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets how long after its expiry the server may remove a document, at the earliest. An hour unless set.
    ///
    /// A record has expired all the same; the margin only keeps the server's clock out of that.
    pub fn expiry_margin(mut self, margin: Duration) -> Self {
        self.expiry_margin = margin;
        self
    }

    /// Sets whether opening makes the collection's indexes, as it does unless set. If not, they must be there.
    pub fn create_indexes(mut self, create: bool) -> Self {
        self.create_indexes = create;
        self
    }

    /// Sets whether [`build_bodies`](Self::build_bodies) finds sessions as strings, or as documents: connect-mongo's option
    /// `stringify`, which has to be the same on both sides. `true`, so strings, unless set.
    pub fn stringify(mut self, stringify: bool) -> Self {
        self.form = if stringify { Form::Text } else { Form::Document };
        self
    }

    /// Has [`build_bodies`](Self::build_bodies) find sessions of node-session, as its database driver keeps them with sails-mongo:
    /// `lifetime` is its option, five minutes unless set there.
    ///
    /// sails-mongo 0.12 speaks a protocol that MongoDB has given up with its release 5.1. On a later server, this is for sessions
    /// that were copied there.
    pub fn node_session(mut self, lifetime: Duration) -> Self {
        self.form = Form::Payload { lifetime };
        self
    }

    /// Names the collection of the marks of ended sessions, for [`build_bodies`](Self::build_bodies). `cloakroom_ended` unless
    /// set; applications that share sessions have to share it, too.
    pub fn ended_collection(mut self, name: impl Into<String>) -> Self {
        self.ended = name.into();
        self
    }

    /// Sets the largest payload that is kept, in bytes; a larger one is
    /// [`TooLarge`](cloakroom_store::ErrorKind::TooLarge). 15 MiB unless set, and at most; for
    /// [`build_bodies`](Self::build_bodies) 7 MiB.
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes.min(LARGEST_PAYLOAD);
        self
    }

    /// Opens the store, and makes the indexes or looks for them.
    ///
    /// # Errors
    /// [`Invalid`](cloakroom_store::ErrorKind::Invalid) if the URL or an option can never be right;
    /// [`Unavailable`](cloakroom_store::ErrorKind::Unavailable) if no primary answers;
    /// [`Setup`](cloakroom_store::ErrorKind::Setup) if user or password are wrong, the user may not do this, the server
    /// is too old, or an index is missing or in the way.
    pub async fn build(self) -> Result<MongoStore> {
        let create = self.create_indexes;
        let store = self.build_lazy().await?;
        if create {
            store.server.create_indexes().await?;
        } else {
            store.server.check_indexes().await?;
        }
        // Learns whether the server is alone before the first request does.
        store.server.look(&StoreKey::from_hash([0; 32]), store.server.now()).await?;
        Ok(store)
    }

    /// Opens the store and asks the server nothing yet, for an application that starts although its database is down.
    /// Whatever is wrong shows at the first request. The indexes must be there.
    ///
    /// # Errors
    /// [`Invalid`](cloakroom_store::ErrorKind::Invalid) if the URL or an option can never be right.
    pub async fn build_lazy(self) -> Result<MongoStore> {
        let largest_payload = self.max_payload_bytes;
        Ok(MongoStore::new(self.server(COLLECTION, DATABASE).await?, largest_payload))
    }

    /// Opens the sessions of a Node application instead of records: see [`MongoBodies`]. Makes the index of the collection
    /// of ended sessions, `cloakroom_ended`; the index of Node's collection is left to the Node application.
    ///
    /// # Errors
    /// [`Setup`](cloakroom_store::ErrorKind::Setup) also if a collection has a collation, to which different ids may be the
    /// same; otherwise as for [`build`](Self::build).
    pub async fn build_bodies(self) -> Result<MongoBodies> {
        let (form, may_create, largest) = (self.form, self.create_indexes, self.max_payload_bytes);
        let ended = self.ended.clone();
        let server = self.server(bodies::COLLECTION, bodies::DATABASE).await?;
        MongoBodies::open(server, &ended, form, may_create, largest).await
    }

    /// Finds the server's collection. The names count if the application gives none.
    async fn server(self, collection: &str, database: &str) -> Result<Server> {
        let database = match self.place {
            Place::Database(database) => database,
            Place::Url(url) => connect(&url, self.request_timeout, database).await?,
        };
        let write_concern = write_concern(&database)?;
        let collection = self.collection.as_deref().unwrap_or(collection);
        Ok(Server {
            records: database.collection_with_options(collection, collection_options(&write_concern)),
            loads: database.read_concern().cloned().unwrap_or_else(ReadConcern::local),
            is_alone: Arc::default(),
            database,
            write_concern,
            clock: self.clock,
            tells_time: !self.has_own_clock,
            timeout: self.request_timeout,
            slack: self.expiry_margin,
            missed_touches: MissedTouches::default(),
        })
    }
}

async fn connect(url: &str, timeout: Duration, database: &str) -> Result<Database, Failure> {
    let mut options = ClientOptions::parse(url).await?;
    options.app_name.get_or_insert_with(|| "cloakroom".into());
    options.connect_timeout.get_or_insert(timeout);
    options.server_selection_timeout.get_or_insert(timeout);
    if options.selection_criteria.as_ref().is_some_and(|criteria| !is_primary(criteria)) {
        return Err(Failure::SECONDARY);
    }
    let client = Client::with_options(options)?;
    Ok(client.default_database().unwrap_or_else(|| client.database(database)))
}

fn is_primary(criteria: &SelectionCriteria) -> bool {
    *criteria == SelectionCriteria::ReadPreference(ReadPreference::Primary)
}

/// Returns the write concern that the application chose; the safest for whatever it left open.
fn write_concern(database: &Database) -> Result<WriteConcern, Failure> {
    let mut concern = database.write_concern().cloned().unwrap_or_default();
    if concern.w == Some(Acknowledgment::Nodes(0)) {
        return Err(Failure::UNACKNOWLEDGED);
    }
    concern.w.get_or_insert(Acknowledgment::Majority);
    concern.journal.get_or_insert(true);
    Ok(concern)
}

impl fmt::Debug for Builder {
    /// Leaves out the URL, which can hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("collection", &self.collection)
            .field("request_timeout", &self.request_timeout)
            .field("expiry_margin", &self.expiry_margin)
            .field("create_indexes", &self.create_indexes)
            .field("max_payload_bytes", &self.max_payload_bytes)
            .finish_non_exhaustive()
    }
}
