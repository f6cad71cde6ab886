//! `dynamodb://HOST:PORT/TABLE` and `dynamodb:///TABLE`, whose settings the store reads by itself.

use cloakroom_dynamodb::DynamoStore;

use super::url::{StoreUrl, servers};
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

/// Makes the table, unless sessions are to be read from it: the command is there to try things out.
pub(super) async fn open(url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let place = match servers(url.whole) {
        "" => "Amazon's",
        servers => servers,
    };
    let failed = |error| did_not_open(&format!("dynamodb at {place}"), &error);
    let mut builder = DynamoStore::from_url(url.whole).map_err(failed)?;
    if let Some(trial) = &url.trial {
        builder = builder.table(trial.prefix.clone()).clock(trial.clock.clone());
    }
    if !url.source {
        builder.create_tables().await.map_err(failed)?;
    }
    let store = builder.build().await.map_err(failed)?;
    let mut opened = Opened::new(store.clone(), format!("in DynamoDB at {place}"));
    opened.max_payload_bytes = Some(store.max_payload_bytes());
    if url.trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(store.drop_all().await?) }));
    }
    Ok(opened)
}
