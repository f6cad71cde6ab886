//! `memory:`, with `max_records=N` and `max_bytes=N`.

use cloakroom_tower::stores::MemoryStore;

use super::Opened;
use super::url::StoreUrl;
use crate::trouble::Trouble;

pub(super) fn open(mut url: StoreUrl<'_>) -> Result<Opened, Trouble> {
    let mut builder = MemoryStore::builder();
    if let Some(records) = url.take("max_records", |text| text.parse().ok())? {
        builder = builder.max_records(records);
    }
    if let Some(bytes) = url.take("max_bytes", |text| text.parse().ok())? {
        builder = builder.max_bytes(bytes);
    }
    if let Some(trial) = url.trial.take() {
        builder = builder.clock(trial.clock);
    }
    url.no_place()?;
    Ok(Opened { alone: true, ..Opened::new(builder.build(), "in memory, until this process ends") })
}
