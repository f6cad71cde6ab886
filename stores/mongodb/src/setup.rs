//! The indexes: by owner, for lists and revocations, and by time, for the server's removal of what has expired.

use std::time::Duration;

use mongodb::IndexModel;
use mongodb::bson::Document;
use mongodb::options::IndexOptions;

use crate::error::Failure;
use crate::server::Server;

/// The indexes by name, and the field of each. By the owner alone: an update that keeps the owner then leaves a
/// record's place in the index as it is, so that whoever goes through it meets each record once.
const INDEXES: [(&str, &str); 3] =
    [("cloakroom_owner", "owner"), ("cloakroom_claims", "claims.owner"), ("cloakroom_collect", "collect_at")];

impl Server {
    /// Makes the indexes that are missing, and the collection.
    pub(crate) async fn create_indexes(&self) -> Result<(), Failure> {
        self.ask(self.records.create_indexes(INDEXES.map(|(name, field)| index(name, field)))).await?;
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

fn index(name: &str, field: &str) -> IndexModel {
    let options = IndexOptions::builder()
        .name(name.to_owned())
        .sparse(true)
        .expire_after((field == "collect_at").then_some(Duration::ZERO))
        .build();
    let mut keys = Document::new();
    keys.insert(field, 1);
    IndexModel::builder().keys(keys).options(options).build()
}
