//! The indexes: by owner, for lists and revocations, and by time, for the server's removal of what has expired.

use std::time::Duration;

use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;

use crate::error::Failure;
use crate::server::Server;

/// The indexes by name, and the fields of each. That of owners has the key next, so that a list is read in pages: an update
/// that keeps the owner leaves a record's place as it is, so that going through it meets each record once. It has
/// `since` last, so that a revocation reads no other records than those that it removes.
const INDEXES: [(&str, &[&str]); 3] = [
    ("cloakroom_owner", &["owner", "_id", "since"]),
    ("cloakroom_claims", &["claims.owner"]),
    ("cloakroom_collect", &["collect_at"]),
];

impl Server {
    /// Makes the indexes that are missing, and the collection.
    pub(crate) async fn create_indexes(&self) -> Result<(), Failure> {
        self.ask(self.records.create_indexes(INDEXES.map(|(name, fields)| index(name, fields)))).await?;
        Ok(())
    }

    /// Looks for the indexes.
    pub(crate) async fn check_indexes(&self) -> Result<(), Failure> {
        let names = self.ask(self.records.list_index_names()).await;
        // A collection that is missing has no index.
        let names = match names {
            Err(failure) if failure.code == Some(26) => Vec::new(),
            names => names?,
        };
        let is_there = |name: &str| names.iter().any(|other| other == name);
        if INDEXES.iter().all(|(name, _)| is_there(name)) { Ok(()) } else { Err(Failure::NO_INDEX) }
    }
}

fn index(name: &str, fields: &[&str]) -> IndexModel {
    let options = IndexOptions::builder()
        .name(name.to_owned())
        .expire_after((fields == ["collect_at"]).then_some(Duration::ZERO));
    // Every document has an `_id`, so an index with it would have all of them, sparse or not.
    let options = match fields {
        [_] => options.sparse(true).build(),
        [first, ..] => {
            let is_there = doc! { *first: { "$exists": true } };
            options.partial_filter_expression(is_there).build()
        }
        [] => options.build(),
    };
    let keys = fields.iter().map(|field| ((*field).to_owned(), Bson::Int32(1))).collect::<Document>();
    IndexModel::builder().keys(keys).options(options).build()
}
