//! The capabilities of the store inside, with its records opened.

use cloakroom_store::{
    Cursor, Entry, Error, ErrorKind, HeadPage, OwnerKey, Owners, Page, RecordHead, Result, Scan, Store,
    Timestamp, async_trait,
};

use crate::EncryptedStore;

#[async_trait]
impl<S: Store> Scan for EncryptedStore<S> {
    async fn scan(&self, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        let Page { entries, next, .. } = scan_of(&self.inner)?.scan(after, limit).await?;
        let open = |entry: Entry| {
            let stored = self.open(&entry.key, entry.stored)?;
            Ok(Entry::new(entry.key, stored))
        };
        Ok(Page::new(entries.into_iter().map(open).collect::<Result<_>>()?, next))
    }

    async fn count(&self) -> Result<u64> {
        scan_of(&self.inner)?.count().await
    }

    async fn clear(&self) -> Result<u64> {
        scan_of(&self.inner)?.clear().await
    }
}

#[async_trait]
impl<S: Store> Owners for EncryptedStore<S> {
    /// A record that is written meanwhile moves to the name that is listed last.
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        let (mut names, (place, after)) = (self.names_of(owner)?, split(after)?);
        names.reverse();
        let stored_as = names.get(usize::from(place)).ok_or_else(foreign_cursor)?;
        let page = owners_of(&self.inner)?.list(stored_as, after.as_ref(), limit).await?;
        let heads = page.heads.into_iter().map(|head| self.opened(stored_as, head));
        let next = match page.next {
            Some(cursor) => Some(joined(place, cursor.as_bytes())),
            None => (usize::from(place) + 1 < names.len()).then(|| joined(place + 1, &[])),
        };
        Ok(HeadPage::new(heads.collect::<Result<_>>()?, next))
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let (owners, mut removed) = (owners_of(&self.inner)?, 0);
        for name in self.names_of(owner)? {
            removed += owners.revoke(&name, at).await?;
        }
        Ok(removed)
    }
}

impl<S: Store> EncryptedStore<S> {
    /// Returns the names under which the store inside may have an owner's records: first the one that records are written
    /// with.
    fn names_of(&self, owner: &OwnerKey) -> Result<Vec<OwnerKey>> {
        let Some(blinding) = &self.blinding else { return Ok(vec![owner.clone()]) };
        let blinded = blinding.blind(owner)?;
        Ok(match (self.seals, self.accepts_plain) {
            (true, false) => vec![blinded],
            (true, true) => vec![blinded, owner.clone()],
            (false, _) => vec![owner.clone(), blinded],
        })
    }

    fn opened(&self, stored_as: &OwnerKey, mut head: RecordHead) -> Result<RecordHead> {
        let owner = (stored_as, head.logged_in_at);
        head.payload_head = self.open_head(&head.key, owner, head.sliding, head.payload_head)?;
        Ok(head)
    }
}

/// Returns where a cursor leads: to which of the owner's names, and to what place there.
fn split(cursor: Option<&Cursor>) -> Result<(u8, Option<Cursor>)> {
    let Some(cursor) = cursor else { return Ok((0, None)) };
    let (place, rest) = cursor.as_bytes().split_first().ok_or_else(foreign_cursor)?;
    Ok((*place, (!rest.is_empty()).then(|| Cursor::new(rest.to_vec()))))
}

fn joined(place: u8, rest: &[u8]) -> Cursor {
    Cursor::new([&[place], rest].concat())
}

fn foreign_cursor() -> Error {
    Error::new(ErrorKind::Invalid, "the cursor is not of a list of this store")
}

fn scan_of(store: &impl Store) -> Result<&dyn Scan> {
    store.capabilities().scan.ok_or_else(|| Error::new(ErrorKind::Invalid, "the store inside cannot scan"))
}

fn owners_of(store: &impl Store) -> Result<&dyn Owners> {
    let owners = store.capabilities().owners;
    owners
        .ok_or_else(|| Error::new(ErrorKind::Invalid, "the store inside cannot find the records of an owner"))
}
