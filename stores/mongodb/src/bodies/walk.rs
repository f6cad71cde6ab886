//! Going through all bodies: to remove those that have expired, and to list ids.

use cloakroom_store::{BodyIds, Cursor, IdPage, Result, Sweep, SweepStats, async_trait};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};

use super::{Inner, MongoBodies, layout};

/// How many expired bodies are looked for at once.
const BATCH: usize = 500;

#[async_trait]
impl Sweep for MongoBodies {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        let (inner, mut removed) = (&*self.0, 0);
        while removed < limit {
            let batch = BATCH.min(limit - removed);
            let ids = inner.ids(layout::expired(inner.server.now(), inner.form), batch).await?;
            let before = removed;
            for id in &ids {
                let remove = inner.server.records.delete_one(inner.place(id).swept());
                removed += usize::try_from(inner.server.ask(remove).await?.deleted_count).unwrap_or(0);
            }
            if ids.len() < batch || removed == before {
                break;
            }
        }
        Ok(SweepStats::of_bodies(removed, limit))
    }
}

#[async_trait]
impl BodyIds for MongoBodies {
    async fn ids(&self, after: Option<&Cursor>, limit: usize) -> Result<IdPage> {
        let behind = doc! { "_id": { "$gt": IdPage::last_of(after)? } };
        Ok(IdPage::in_order(self.0.ids(behind, limit.max(1)).await?, limit))
    }
}

impl Inner {
    /// Returns ids of the documents that a filter finds, in order. Those of another type are of no package.
    async fn ids(&self, filter: Document, most: usize) -> Result<Vec<String>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let find = self.server.records.find(filter).sort(doc! { "_id": 1 }).limit(most);
        let find = find.projection(doc! { "_id": 1 });
        let ids = self.server.ask(async {
            let (mut documents, mut ids) = (find.await?, Vec::new());
            while let Some(document) = documents.try_next().await? {
                ids.extend(document.get_str("_id").ok().map(str::to_owned));
            }
            Ok(ids)
        });
        Ok(ids.await?)
    }
}
