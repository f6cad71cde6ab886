//! Scans: all records, by pages.

use std::ops::Bound;

use cloakroom_store::{Cursor, Page, Timestamp};
use redb::{ReadableTable, ReadableTableMetadata};

use crate::error::Failure;
use crate::layout::{Head, entry};
use crate::tables::Tables;

/// A page ends early when its payloads have this many bytes, so that large records do not fill the memory.
pub(crate) const PAGE_BYTES: usize = 8 << 20;

type Bytes = &'static [u8];

/// Returns a page of records in the order of their keys; a cursor is the last key of the page before.
pub(crate) fn page(
    records: &impl ReadableTable<Bytes, Bytes>,
    after: Option<&Cursor>,
    limit: usize,
    now: Timestamp,
) -> Result<Page, Failure> {
    let begin = after.map_or(Bound::Unbounded, |cursor| Bound::Excluded(cursor.as_bytes()));
    let mut page = Page::new(Vec::new(), None);
    let (mut seen, mut bytes) = (0, 0);
    for found in records.range::<&[u8]>((begin, Bound::Unbounded))? {
        let (key, value) = found?;
        let entry = entry(key.value(), value.value())?;
        seen += 1;
        bytes += entry.stored.record.payload.len();
        if entry.stored.record.is_live(now) {
            page.entries.push(entry);
        }
        if seen >= limit || bytes >= PAGE_BYTES {
            page.next = Some(Cursor::new(key.value().to_vec()));
            break;
        }
    }
    Ok(page)
}

/// Looks at the records that are due, among all.
pub(crate) fn count(
    records: &impl ReadableTable<Bytes, Bytes>,
    due: &impl ReadableTable<(u64, Bytes), ()>,
    now: Timestamp,
) -> Result<u64, Failure> {
    let mut live = ReadableTableMetadata::len(records)?;
    for place in due.range((0, &[][..])..(now.as_micros() + 1, &[][..]))? {
        let place = place?.0;
        let value = records.get(place.value().1)?.ok_or(Failure::DAMAGED)?;
        live -= u64::from(!Head::decode(value.value())?.0.is_live(now));
    }
    Ok(live)
}

impl Tables<'_> {
    pub(crate) fn clear(&mut self) -> Result<u64, Failure> {
        let live = count(&self.records, &self.due, self.now())?;
        self.changed = true;
        self.records.retain(|_, _| false)?;
        self.due.retain(|_, ()| false)?;
        self.owners.retain(|_, ()| false)?;
        Ok(live)
    }
}
