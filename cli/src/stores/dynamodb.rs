//! `dynamodb://HOST:PORT/TABLE` and `dynamodb:///TABLE`, with `region=NAME`, `tls=true|false` and `largest_payload=BYTES`,
//! which an emulator may need that counts in its own way.

use std::sync::Arc;

use cloakroom_dynamodb::DynamoStore;

use super::url::StoreUrl;
use super::{Opened, did_not_open};
use crate::trouble::Trouble;

/// Makes the table, unless sessions are to be read from it: the command is there to try things out.
pub(super) async fn open(mut url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let text = |text: &str| Some(text.to_owned());
    let (region, table, tls) = (url.take("region", text)?, url.take("table", text)?, url.take("tls", text)?);
    let largest = url.take("largest_payload", |text| text.parse().ok())?.unwrap_or(DynamoStore::MAX_PAYLOAD);
    let (trial, source) = (url.trial.take(), url.source);
    let place = url.place()?;
    let settings = [("region", region), ("table", table), ("tls", tls)];
    let settings = settings.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    let full = format!("dynamodb://{place}?{}", settings.collect::<Vec<_>>().join("&"));
    let wrong = |error| did_not_open(&format!("dynamodb at {place}"), &error);
    let mut builder = DynamoStore::at(&full).map_err(wrong)?.largest_payload(largest);
    if let Some(trial) = &trial {
        builder = builder.table(trial.prefix.clone()).clock(Arc::new(trial.clock.clone()));
    }
    if !source {
        builder.create_table().await.map_err(wrong)?;
    }
    let store = builder.open().await.map_err(wrong)?;
    let mut opened = Opened::new(store.clone(), format!("in DynamoDB at {place}"));
    opened.largest_payload = Some(largest);
    if trial.is_some() {
        opened.tidy = Some(Box::pin(async move { Ok(store.drop_table().await?) }));
    }
    Ok(opened)
}
