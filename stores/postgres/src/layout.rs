//! Rows and parameters: how a record becomes columns, and columns a record.

use cloakroom_store::{Entry, Owner, OwnerKey, Record, StoreKey, Timestamp, Version, VersionedRecord};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::error::Failure;

/// Reads the columns of a record, of which the first is the column `first`.
pub(crate) fn stored(row: &PgRow, first: usize) -> Result<VersionedRecord, Failure> {
    let owner: Option<&[u8]> = row.try_get(first + 3)?;
    let since: Option<i64> = row.try_get(first + 4)?;
    let payload: &[u8] = row.try_get(first + 5)?;
    let record = Record::new(payload.to_vec(), timestamp(row.try_get(first + 1)?)?)
        .with_sliding(row.try_get(first + 2)?)
        .with_owner(owner.zip(since).map(|(key, since)| read_owner(key, since)).transpose()?);
    Ok(VersionedRecord::new(record, Version::new(row.try_get::<i64, _>(first)?.cast_unsigned())))
}

/// Reads the columns of a record and its key.
pub(crate) fn entry(row: &PgRow) -> Result<Entry, Failure> {
    let key = StoreKey::from_bytes(row.try_get(6)?).map_err(|_| Failure::DAMAGED_ROW)?;
    Ok(Entry::new(key, stored(row, 0)?))
}

fn read_owner(key: &[u8], since: i64) -> Result<Owner, Failure> {
    let key = OwnerKey::new(key).map_err(|_| Failure::DAMAGED_ROW)?;
    Ok(Owner::new(key, timestamp(since)?))
}

/// Reads a column of microseconds.
fn timestamp(micros: i64) -> Result<Timestamp, Failure> {
    u64::try_from(micros).map(Timestamp::from_micros).map_err(|_| Failure::DAMAGED_ROW)
}

/// Returns a column of microseconds.
pub(crate) fn micros(moment: Timestamp) -> i64 {
    moment.as_micros().cast_signed() // a timestamp always fits
}

/// Returns a version's column.
pub(crate) fn number(version: Version) -> i64 {
    version.get().cast_signed()
}
