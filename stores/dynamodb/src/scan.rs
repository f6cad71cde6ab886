//! Scans: all records, by pages.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::types::{DeleteRequest, Select, WriteRequest};
use cloakroom_store::{Cursor, Page};

use crate::error::Failure;
use crate::layout::{self, Item, MARK, PARTITION, RECORD, SORT, blob, bytes, moment};
use crate::store::DynamoStore;
use crate::transaction::Backoff;
use crate::unheard::Unheard;

/// A request that writes many items names no more.
const MOST_REMOVED: usize = 25;

impl DynamoStore {
    pub(crate) async fn page(&self, after: Option<&Cursor>, limit: usize) -> Result<Page, Failure> {
        let limit = i32::try_from(limit.max(1)).unwrap_or(i32::MAX);
        let after = after.map(read_cursor).transpose()?;
        let answer = self.live_items().limit(limit).set_exclusive_start_key(after).send().unheard().await?;
        let entries = answer.items().iter().map(layout::entry).collect::<Result<_, _>>()?;
        Ok(Page::new(entries, answer.last_evaluated_key.as_ref().map(cursor).transpose()?))
    }

    pub(crate) async fn count_now(&self) -> Result<u64, Failure> {
        let (mut count, mut after) = (0, None);
        loop {
            let request = self.live_items().select(Select::Count).set_exclusive_start_key(after);
            let answer = request.send().unheard().await?;
            count += u64::from(answer.count.unsigned_abs());
            after = answer.last_evaluated_key;
            if after.is_none() {
                return Ok(count);
            }
        }
    }

    /// Removes all items but the marks of revocations.
    pub(crate) async fn clear_now(&self) -> Result<u64, Failure> {
        let now = self.now();
        let (mut live, mut after) = (0, None);
        loop {
            let request = self.client.scan().table_name(&self.table).consistent_read(true);
            let request = request.filter_expression("sk <> :mark");
            let request = request.expression_attribute_values(":mark", bytes(MARK));
            let answer = request.set_exclusive_start_key(after).send().unheard().await?;
            for item in answer.items() {
                live += u64::from(is_record(item) && layout::stored(item)?.record.is_live(now));
            }
            self.remove(answer.items()).await?;
            after = answer.last_evaluated_key;
            if after.is_none() {
                return Ok(live);
            }
        }
    }

    async fn remove(&self, items: &[Item]) -> Result<(), Failure> {
        for some in items.chunks(MOST_REMOVED) {
            let mut left = some.iter().map(removal).collect::<Result<Vec<_>, _>>()?;
            let mut backoff = Backoff::new();
            while !left.is_empty() {
                let asked = left.len();
                let request = self.client.batch_write_item().request_items(&self.table, left);
                let unprocessed = request.send().unheard().await?.unprocessed_items;
                left = unprocessed.into_iter().flat_map(HashMap::into_values).flatten().collect();
                if !left.is_empty() {
                    backoff.before_the_rest(left.len() < asked).await?;
                }
            }
        }
        Ok(())
    }

    fn live_items(&self) -> ScanFluentBuilder {
        let request = self.client.scan().table_name(&self.table).consistent_read(true);
        let request = request.filter_expression("sk = :record AND e > :now");
        let request = request.expression_attribute_values(":record", bytes(RECORD));
        request.expression_attribute_values(":now", moment(self.now()))
    }
}

fn is_record(item: &Item) -> bool {
    blob(item, SORT).is_ok_and(|sort| sort == RECORD)
}

fn key_of(item: &Item) -> Result<Item, Failure> {
    let (partition, sort) = (blob(item, PARTITION)?, blob(item, SORT)?);
    Ok([(PARTITION.into(), bytes(partition)), (SORT.into(), bytes(sort))].into())
}

fn removal(item: &Item) -> Result<WriteRequest, Failure> {
    let delete = DeleteRequest::builder().set_key(Some(key_of(item)?)).build();
    Ok(WriteRequest::builder().delete_request(delete.map_err(|_| Failure::DAMAGED)?).build())
}

/// Returns the partition's length, the partition, the sort key.
fn cursor(key: &Item) -> Result<Cursor, Failure> {
    let (partition, sort) = (blob(key, PARTITION)?, blob(key, SORT)?);
    let length = u16::try_from(partition.len()).map_err(|_| Failure::DAMAGED)?;
    Ok(Cursor::new([&length.to_be_bytes(), partition, sort].concat()))
}

fn read_cursor(cursor: &Cursor) -> Result<Item, Failure> {
    let (length, rest) = cursor.as_bytes().split_first_chunk().ok_or(Failure::WRONG_CURSOR)?;
    let (partition, sort) =
        rest.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(Failure::WRONG_CURSOR)?;
    Ok([(PARTITION.into(), bytes(partition)), (SORT.into(), bytes(sort))].into())
}
