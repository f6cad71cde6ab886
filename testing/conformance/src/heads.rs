//! An owner's list from its first page to its last.

use std::collections::BTreeSet;

use cloakroom_store::{
    CreateOutcome, Error, ErrorKind, HeadPage, Owner, OwnerKey, Owners, Record, RecordHead, Result, Store,
    StoreKey, Timestamp,
};

/// Lists all records of an owner, page by page. For tests: an application should not hold them all at once.
///
/// # Errors
/// As [`Owners::list`].
pub async fn heads_of(owners: &dyn Owners, owner: &OwnerKey) -> Result<Vec<RecordHead>> {
    let (mut heads, mut after) = (Vec::new(), None);
    loop {
        let page = owners.list(owner, after.as_ref(), HeadPage::MOST).await?;
        heads.extend(page.heads);
        after = page.next;
        if after.is_none() {
            return Ok(heads);
        }
    }
}

/// What a list and a revocation of very many, very large records of one owner cost. The suite cannot see how much a store
/// reads, so a test of each store says what it has seen.
#[derive(Debug)]
#[non_exhaustive]
pub struct LongList {
    /// How many different records the list has, of [`RECORDS`](Self::RECORDS).
    pub records: usize,
    /// How many records the longest page has, of [`LIMIT`](Self::LIMIT).
    pub longest_page: usize,
    /// How many bytes the most expensive page has read.
    pub page_reads: usize,
    /// How many records the revocation has removed, of [`RECORDS`](Self::RECORDS).
    pub revoked: u64,
    /// How many bytes the revocation has read.
    pub revocation_reads: usize,
}

impl LongList {
    /// How many records the owner has: 1,200.
    pub const RECORDS: usize = 1_200;
    /// How many records a page is asked for: 100.
    pub const LIMIT: usize = 100;

    /// Creates the records through one handle, with payloads of `size` bytes, and lists and revokes them through another;
    /// `read` returns how many bytes that has read so far.
    ///
    /// # Errors
    /// A store's failure, and [`ErrorKind::Invalid`] if the store cannot find the records of an owner.
    ///
    /// # Panics
    /// If the writer already has one of the records.
    pub async fn measure(
        writer: &dyn Store,
        reader: &dyn Store,
        size: usize,
        read: impl Fn() -> usize,
    ) -> Result<Self> {
        let unsupported = || Error::new(ErrorKind::Invalid, "the store cannot find the records of an owner");
        let owners = reader.capabilities().owners.ok_or_else(unsupported)?;
        let owner = Owner::new(OwnerKey::new("a user with very many sessions")?, Timestamp::EPOCH);
        let record = Record::new(vec![b'x'; size], Timestamp::NEVER).with_owner(owner.clone());
        for number in 0..Self::RECORDS {
            let key = StoreKey::from_bytes(&number.to_be_bytes())?;
            let created = writer.create(&key, &record).await?;
            assert!(matches!(created, CreateOutcome::Created(_)), "{created:?}");
        }
        let mut cost = Self { records: 0, longest_page: 0, page_reads: 0, revoked: 0, revocation_reads: 0 };
        let (mut keys, mut after) = (BTreeSet::new(), None);
        loop {
            let before = read();
            let page = owners.list(&owner.key, after.as_ref(), Self::LIMIT).await?;
            cost.page_reads = cost.page_reads.max(read() - before);
            cost.longest_page = cost.longest_page.max(page.heads.len());
            keys.extend(page.heads.into_iter().map(|head| head.key));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let before = read();
        cost.revoked = owners.revoke(&owner.key, owner.logged_in_at).await?;
        cost.revocation_reads = read() - before;
        cost.records = keys.len();
        Ok(cost)
    }

    /// Fails unless all records were listed in pages and revoked, and no page has read more than `page` bytes, and the
    /// revocation not more than `revocation`.
    ///
    /// # Panics
    /// If one of that is not so.
    #[track_caller]
    pub fn assert_bounded(&self, page: usize, revocation: usize) {
        assert_eq!((self.records, self.revoked), (Self::RECORDS, Self::RECORDS as u64), "{self:?}");
        assert!(self.longest_page <= Self::LIMIT, "{self:?}");
        assert!(self.page_reads <= page && self.revocation_reads <= revocation, "{self:?}");
    }
}
