//! Faults of the pages of an owner's list.

use std::collections::BTreeMap;
use std::sync::Mutex;

use cloakroom_conformance::{Reference, heads_of};
use cloakroom_store::*;

use crate::faulty::Fault;

#[derive(Debug, Default)]
pub(crate) struct ListEndsAfterOnePage;
#[async_trait]
impl Fault for ListEndsAfterOnePage {
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let page = s.list(owner, after, limit).await?;
        Ok(HeadPage::new(page.heads, None))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ListNeverEnds;
#[async_trait]
impl Fault for ListNeverEnds {
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let page = s.list(owner, after, limit).await?;
        let again = page.heads.is_empty().then(|| Cursor::new(vec![0]));
        Ok(HeadPage::new(page.heads, page.next.or(again)))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ListIgnoresTheLimit;
#[async_trait]
impl Fault for ListIgnoresTheLimit {
    async fn list(&self, s: &Reference, owner: &OwnerKey, _: Option<&Cursor>, _: usize) -> Result<HeadPage> {
        Ok(HeadPage::new(heads_of(s, owner).await?, None))
    }
}

/// A cursor that is a number of records.
#[derive(Debug, Default)]
pub(crate) struct ListCountsItsWay;
#[async_trait]
impl Fault for ListCountsItsWay {
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let skipped = after.map_or(0, |cursor| usize::from_be_bytes(cursor.as_bytes().try_into().unwrap()));
        let all = heads_of(s, owner).await?;
        let heads = all.into_iter().skip(skipped).take(limit.max(1)).collect::<Vec<_>>();
        let next = (!heads.is_empty()).then(|| Cursor::new((skipped + heads.len()).to_be_bytes().to_vec()));
        Ok(HeadPage::new(heads, next))
    }
}

/// In the order of `logged_in_at`, which an update may move back.
#[derive(Debug, Default)]
pub(crate) struct ListGoesBySince;
#[async_trait]
impl Fault for ListGoesBySince {
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let place =
            |head: &RecordHead| [&head.logged_in_at.as_micros().to_be_bytes(), head.key.as_bytes()].concat();
        let mut rest = heads_of(s, owner).await?;
        rest.retain(|head| after.is_none_or(|after| place(head).as_slice() > after.as_bytes()));
        rest.sort_by_key(place);
        rest.truncate(limit.max(1));
        let next = rest.last().map(|head| Cursor::new(place(head)));
        Ok(HeadPage::new(rest, next))
    }
}

#[derive(Debug, Default)]
pub(crate) struct ListEndsWhereItsLastRecordIsGone;
#[async_trait]
impl Fault for ListEndsWhereItsLastRecordIsGone {
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let at = after.map(|cursor| StoreKey::from_bytes(cursor.as_bytes())).transpose()?;
        if at.is_some_and(|at| s.reach_inside(|inside| !inside.records.contains_key(&at))) {
            return Ok(HeadPage::new(Vec::new(), None));
        }
        s.list(owner, after, limit).await
    }
}

#[derive(Debug, Default)]
pub(crate) struct ListShowsWholePayloads;
#[async_trait]
impl Fault for ListShowsWholePayloads {
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let mut page = s.list(owner, after, limit).await?;
        for head in &mut page.heads {
            let whole = s.load(&head.key, None).await?;
            head.payload_head = whole.map_or_else(Bytes::new, |stored| stored.record.payload);
        }
        Ok(page)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ListShowsNoPayload;
#[async_trait]
impl Fault for ListShowsNoPayload {
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let mut page = s.list(owner, after, limit).await?;
        page.heads.iter_mut().for_each(|head| head.payload_head.clear());
        Ok(page)
    }
}

/// What was there when the first page was asked for.
#[derive(Debug, Default)]
pub(crate) struct ListIsOfItsFirstPage(Mutex<BTreeMap<OwnerKey, Vec<RecordHead>>>);
#[async_trait]
impl Fault for ListIsOfItsFirstPage {
    async fn list(
        &self,
        s: &Reference,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        if after.is_none() {
            let heads = heads_of(s, owner).await?;
            self.0.lock().unwrap().insert(owner.clone(), heads);
        }
        let mut rest = self.0.lock().unwrap().get(owner).cloned().unwrap_or_default();
        rest.retain(|head| after.is_none_or(|after| head.key.as_bytes() > after.as_bytes()));
        rest.truncate(limit.max(1));
        let next = rest.last().map(|head| Cursor::new(head.key.as_bytes().to_vec()));
        Ok(HeadPage::new(rest, next))
    }
}
