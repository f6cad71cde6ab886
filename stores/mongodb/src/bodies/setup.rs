//! Opening: a collection that compares exactly, and the index that removes old marks.

use std::time::Duration;

use cloakroom_store::{Error, ErrorKind, Result};
use futures_util::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use mongodb::results::CollectionType;
use mongodb::{Collection, options::Collation};

use super::layout::COLLECT_AT;
use crate::error::Failure;
use crate::server::Server;

/// The index of the marks by the time of their removal.
const INDEX: &str = "cloakroom_collect";

/// Looks at the collection of Node's sessions, which may be missing, and at that of the marks.
pub(super) async fn open(server: &Server, ended: &Collection<Document>, may_create: bool) -> Result<()> {
    for name in [server.records.name(), ended.name()] {
        check(server, name).await?;
    }
    if may_create {
        let options = IndexOptions::builder().name(INDEX.to_owned()).expire_after(Duration::ZERO).build();
        let index = IndexModel::builder().keys(doc! { COLLECT_AT: 1 }).options(options).build();
        server.ask(ended.create_index(index)).await?;
        return Ok(());
    }
    let names = match server.ask(ended.list_index_names()).await {
        // A collection that is missing has no index.
        Err(failure) if failure.code == Some(26) => Vec::new(),
        names => names?,
    };
    if names.iter().any(|name| name == INDEX) { Ok(()) } else { Err(Failure::NO_INDEX.into()) }
}

/// Fails if a collection takes different texts for the same, or is not a collection.
async fn check(server: &Server, name: &str) -> Result<()> {
    let listed = server.database.list_collections().filter(doc! { "name": name });
    let found = server.ask(async { listed.await?.try_collect::<Vec<_>>().await }).await?;
    let Some(found) = found.into_iter().next() else { return Ok(()) };
    if found.collection_type != CollectionType::Collection {
        return Err(setup(format!("{name} is a view or of another kind of collection")));
    }
    match found.options.collation {
        Some(Collation { locale, .. }) if locale != "simple" => Err(setup(format!(
            "the collection {name} has the collation {locale}, to which different ids may be the same; it needs none"
        ))),
        _ => Ok(()),
    }
}

fn setup(message: String) -> Error {
    Error::new(ErrorKind::Setup, message)
}
