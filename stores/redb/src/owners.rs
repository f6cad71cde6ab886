//! Records by owner, and revocations, inside a transaction.

use std::ops::Bound;
use std::time::Duration;

use cloakroom_store::{Cursor, HeadPage, Owner, OwnerKey, Timestamp};
use redb::ReadableTable;

use crate::error::Failure;
use crate::layout::{Head, head};
use crate::scan::PAGE_BYTES;
use crate::tables::Tables;

/// How long a revocation is remembered after it was made, or after the moment that it names if that is later.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

type Bytes = &'static [u8];

/// Returns a page of the owner's live records in the order of their keys; a cursor is the last key of the page before.
pub(crate) fn list(
    owners: &impl ReadableTable<(Bytes, Bytes), ()>,
    records: &impl ReadableTable<Bytes, Bytes>,
    owner: &OwnerKey,
    after: Option<&Cursor>,
    limit: usize,
    now: Timestamp,
) -> Result<HeadPage, Failure> {
    let keys = keys_of(owners, owner, after.map(Cursor::as_bytes), HeadPage::bounded(limit))?;
    let (mut heads, mut bytes, mut seen) = (Vec::new(), 0, 0);
    for key in &keys {
        let value = records.get(&key[..])?.ok_or(Failure::DAMAGED)?;
        heads.push(head(key, value.value())?);
        bytes += value.value().len();
        seen += 1;
        if bytes >= PAGE_BYTES {
            break;
        }
    }
    heads.retain(|head| head.is_live(now));
    let full = seen < keys.len() || keys.len() == HeadPage::bounded(limit);
    let last = seen.checked_sub(1).and_then(|last| keys.get(last)).filter(|_| full);
    Ok(HeadPage::new(heads, last.map(|key| Cursor::new(key.clone()))))
}

/// Returns the keys of the owner's records, up to a number, from the first or from the next after one.
fn keys_of(
    owners: &impl ReadableTable<(Bytes, Bytes), ()>,
    owner: &OwnerKey,
    after: Option<&[u8]>,
    most: usize,
) -> Result<Vec<Vec<u8>>, Failure> {
    let begin = match after {
        None => Bound::Included((owner.as_bytes(), &[][..])),
        Some(key) => Bound::Excluded((owner.as_bytes(), key)),
    };
    let mut keys = Vec::new();
    for found in owners.range::<(&[u8], &[u8])>((begin, Bound::Unbounded))?.take(most) {
        let place = found?.0;
        let (whose, key) = place.value();
        if whose != owner.as_bytes() {
            break;
        }
        keys.push(key.to_vec());
    }
    Ok(keys)
}

impl Tables<'_> {
    pub(crate) fn revoke(&mut self, owner: &OwnerKey, at: Timestamp) -> Result<u64, Failure> {
        let now = self.now();
        self.remember(owner, at, now)?;
        let mut live = 0;
        for key in keys_of(&self.owners, owner, None, usize::MAX)? {
            let head = match self.records.get(&key[..])? {
                Some(value) => Head::decode(value.value())?.0,
                None => return Err(Failure::DAMAGED),
            };
            if head.owner.as_ref().is_some_and(|owner| owner.logged_in_at <= at) {
                self.remove(&key, &head)?;
                live += u64::from(head.is_live(now));
            }
        }
        Ok(live)
    }

    /// Returns whether what this owner began must not be kept any more.
    pub(crate) fn is_revoked(&self, owner: Option<&Owner>) -> Result<bool, Failure> {
        let Some(Owner { key, logged_in_at: since, .. }) = owner else { return Ok(false) };
        let mark = self.revocations.get(key.as_bytes())?;
        Ok(mark.is_some_and(|mark| since.as_micros() <= mark.value().0))
    }

    /// Forgets up to `most` revocations whose time is over.
    pub(crate) fn forget(&mut self, now: Timestamp, most: usize) -> Result<(), Failure> {
        let mut over = Vec::new();
        for found in self.forget.range((0, &[][..])..(now.as_micros() + 1, &[][..]))?.take(most) {
            let place = found?.0;
            let (at, owner) = place.value();
            over.push((at, owner.to_vec()));
        }
        for (at, owner) in over {
            self.changed = true;
            self.forget.remove((at, &owner[..]))?;
            self.revocations.remove(&owner[..])?;
        }
        Ok(())
    }

    fn remember(&mut self, owner: &OwnerKey, at: Timestamp, now: Timestamp) -> Result<(), Failure> {
        let forget_at = (now.max(at) + REMEMBERED).as_micros();
        let before = self.revocations.get(owner.as_bytes())?.map(|mark| mark.value());
        let (at, forget_at) = before.map_or((at.as_micros(), forget_at), |(earlier, forget)| {
            (earlier.max(at.as_micros()), forget.max(forget_at))
        });
        self.changed = true;
        if let Some((_, forget)) = before {
            self.forget.remove((forget, owner.as_bytes()))?;
        }
        self.revocations.insert(owner.as_bytes(), (at, forget_at))?;
        self.forget.insert((forget_at, owner.as_bytes()), ())?;
        Ok(())
    }
}
