//! The tables, open in a transaction that writes.

use std::sync::Arc;

use cloakroom_store::{Clock, Timestamp};
use redb::{ReadableTable, Table, WriteTransaction};

use crate::error::Failure;
use crate::layout::{ABOUT, DUE, FORGET, OWNERS, RECORDS, REVOCATIONS, TRANSACTIONS};

type Bytes = &'static [u8];

/// What operations that write work on: `records`, `owners` and `sweep` say how. All of them are one step.
pub(crate) struct Tables<'t> {
    pub(crate) about: Table<'t, &'static str, u64>,
    pub(crate) records: Table<'t, Bytes, Bytes>,
    pub(crate) due: Table<'t, (u64, Bytes), ()>,
    pub(crate) owners: Table<'t, (Bytes, Bytes), ()>,
    pub(crate) revocations: Table<'t, Bytes, (u64, u64)>,
    pub(crate) forget: Table<'t, (u64, Bytes), ()>,
    /// Whether there is anything to commit.
    pub(crate) changed: bool,
    clock: Arc<dyn Clock>,
}

impl<'t> Tables<'t> {
    /// Opens the tables; makes those that are missing.
    pub(crate) fn open(transaction: &'t WriteTransaction, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        Ok(Self {
            about: transaction.open_table(ABOUT)?,
            records: transaction.open_table(RECORDS)?,
            due: transaction.open_table(DUE)?,
            owners: transaction.open_table(OWNERS)?,
            revocations: transaction.open_table(REVOCATIONS)?,
            forget: transaction.open_table(FORGET)?,
            changed: false,
            clock,
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Counts this transaction; its number.
    pub(crate) fn count_transaction(&mut self) -> Result<u64, Failure> {
        let number = self.about.get(TRANSACTIONS)?.map_or(0, |number| number.value()) + 1;
        self.about.insert(TRANSACTIONS, number)?;
        Ok(number)
    }
}
