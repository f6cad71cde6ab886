//! Removing what has expired, in short transactions.
//!
//! Records are found by when they are due. A record is created with that and its expiry the same; whatever moves the
//! expiry later leaves it behind, and so costs the table of what is due nothing. When it is past, a sweep looks at the
//! record, and removes it or moves it on: once an idle timeout for a session that lives, however often it is written.

use cloakroom_store::{SweepStats, Timestamp};
use redb::ReadableTable;

use crate::error::Failure;
use crate::layout::Head;
use crate::tables::Tables;

/// How many records one transaction looks at, at most: others can write in between.
const BATCH: usize = 256;

/// How far one transaction got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) swept: SweepStats,
    pub(crate) rest: Rest,
}

/// What a transaction left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It looked at as many records as one transaction may; there may be more.
    Unknown,
    /// It has seen an expired record that it was not allowed to remove.
    Some,
    /// No record is due any more.
    None,
}

/// What a look at a record that is due shows.
enum Look {
    Expired { sliding: bool },
    Later,
}

impl Tables<'_> {
    /// Removes up to `limit` expired records, as far as one short transaction gets.
    pub(crate) fn sweep(&mut self, limit: usize) -> Result<Progress, Failure> {
        let now = self.now();
        self.forget(now, BATCH)?;
        let due = due(&self.due, now)?;
        let mut swept = SweepStats::NOTHING;
        for (due_at, key) in &due {
            let Look::Expired { sliding } = self.look(*due_at, key, now)? else { continue };
            if swept.removed == limit {
                return Ok(Progress { swept, rest: Rest::Some });
            }
            self.take(key)?;
            swept.count(sliding);
        }
        Ok(Progress { swept, rest: if due.len() < BATCH { Rest::None } else { Rest::Unknown } })
    }

    /// If the record lives, it is due again when it expires.
    fn look(&mut self, due_at: u64, key: &[u8], now: Timestamp) -> Result<Look, Failure> {
        let value = self.records.get(key)?.ok_or(Failure::DAMAGED)?;
        let (mut head, payload) = Head::decode(value.value())?;
        if !head.is_live(now) {
            return Ok(Look::Expired { sliding: head.sliding });
        }
        head.due_at = head.expires_at;
        let moved = head.encode(payload);
        drop(value);
        self.changed = true;
        self.records.insert(key, &moved[..])?;
        self.due.remove((due_at, key))?;
        self.due.insert((head.due_at.as_micros(), key), ())?;
        Ok(Look::Later)
    }
}

fn due(
    due: &impl ReadableTable<(u64, &'static [u8]), ()>,
    now: Timestamp,
) -> Result<Vec<(u64, Vec<u8>)>, Failure> {
    let mut found = Vec::new();
    for place in due.range((0, &[][..])..(now.as_micros() + 1, &[][..]))?.take(BATCH) {
        let place = place?.0;
        let (due_at, key) = place.value();
        found.push((due_at, key.to_vec()));
    }
    Ok(found)
}
