//! `scan` goes through all records, `count` counts them.

use cloakroom_store::{Cursor, Entry, Page, Record, Scan, StoreKey};

use crate::expect::{Seen, by_key, created, ensure, holds, same, same_record, there, updated};
use crate::failure::{Failure, Outcome};
use crate::trial::Trial;

/// A scan, page by page.
pub(crate) struct Pages<'s> {
    scan: &'s dyn Scan,
    limit: usize,
    next: Option<Cursor>,
    /// How many more pages can there be before the scan must be going in circles.
    left: u64,
}

impl<'s> Pages<'s> {
    pub(crate) async fn of(scan: &'s dyn Scan, limit: usize) -> Outcome<Self> {
        let left = scan.count().await?.saturating_mul(10).saturating_add(10_000);
        Ok(Self { scan, limit, next: None, left })
    }

    /// The next page and whether it was the last.
    pub(crate) async fn turn(&mut self) -> Outcome<(Vec<Entry>, bool)> {
        let Page { entries, next, .. } = self.scan.scan(self.next.as_ref(), self.limit).await?;
        self.left = self.left.checked_sub(1).ok_or_else(|| Failure::answer("the scan does not end"))?;
        self.next = next;
        Ok((entries, self.next.is_none()))
    }
}

/// All records that a scan with pages of about `limit` sees.
pub(crate) async fn scan_all(scan: &dyn Scan, limit: usize) -> Outcome<Seen> {
    let mut pages = Pages::of(scan, limit).await?;
    let mut seen = Seen::new();
    loop {
        let (entries, last) = pages.turn().await?;
        seen.extend(by_key(entries));
        if last {
            return Ok(seen);
        }
    }
}

async fn several(t: &Trial<'_>, count: usize) -> Outcome<Vec<StoreKey>> {
    let mut keys = Vec::new();
    for _ in 0..count {
        keys.push(t.kept(&t.record()).await?.0);
    }
    Ok(keys)
}

#[track_caller]
fn all_seen(seen: &Seen, keys: &[StoreKey]) -> Outcome {
    let unseen = keys.iter().filter(|key| !seen.contains_key(key)).count();
    same("the number of records that the scan does not see", &unseen, &0)
}

/// A scan sees every live record.
pub(crate) async fn scan_sees_every_live_record(t: &Trial<'_>) -> Outcome {
    let scan = t.scan()?;
    let keys = several(t, 60).await?;
    for limit in [usize::MAX, 1_000, 60, 59, 7] {
        all_seen(&scan_all(scan, limit).await?, &keys)?;
    }
    Ok(())
}

/// A scan with pages of one record sees every record.
pub(crate) async fn scan_by_pages_of_one_sees_every_record(t: &Trial<'_>) -> Outcome {
    let scan = t.scan()?;
    let keys = several(t, 20).await?;
    all_seen(&scan_all(scan, 1).await?, &keys)
}

/// A page has about as many records as were asked for.
pub(crate) async fn a_page_is_about_as_long_as_asked(t: &Trial<'_>) -> Outcome {
    let scan = t.scan()?;
    several(t, 300).await?;
    let mut pages = Pages::of(scan, 10).await?;
    loop {
        let (entries, last) = pages.turn().await?;
        ensure(entries.len() <= 100, "a page has more than ten times the records asked for")?;
        if last {
            return Ok(());
        }
    }
}

/// A scan hands back each record and its version as they are.
pub(crate) async fn scan_hands_back_each_record_as_it_is(t: &Trial<'_>) -> Outcome {
    let scan = t.scan()?;
    let mut kept = Vec::new();
    for sliding in [true, false] {
        for record in [t.record(), t.record_of(&t.owner()?, t.at(100)), Record::new("", t.late())] {
            let record = record.with_sliding(sliding);
            let (key, version) = t.kept(&record).await?;
            kept.push((key, record, version));
        }
    }
    let mut seen = scan_all(scan, 100).await?;
    for (key, record, version) in kept {
        holds(seen.remove(&key), &record, version)?;
    }
    Ok(())
}

/// A scan does not see a record that was deleted before it began.
pub(crate) async fn scan_does_not_see_a_deleted_record(t: &Trial<'_>) -> Outcome {
    let scan = t.scan()?;
    let (key, _) = t.kept(&t.record()).await?;
    there(t.store.delete(&key).await?)?;
    ensure(!scan_all(scan, 100).await?.contains_key(&key), "the scan sees the deleted record")
}

/// A record that lives from the first page to the last is seen, whatever changes between the pages.
pub(crate) async fn scan_sees_what_lives_throughout_whatever_changes_between_pages(t: &Trial<'_>) -> Outcome {
    let scan = t.scan()?;
    let (stay, mut leave, mut coming) = (several(t, 40).await?, several(t, 40).await?, t.keys(40));
    let mut pages = Pages::of(scan, 3).await?;
    let mut seen = Seen::new();
    loop {
        let (entries, last) = pages.turn().await?;
        seen.extend(by_key(entries));
        if last {
            return all_seen(&seen, &stay);
        }
        for gone in leave.drain(..leave.len().min(5)) {
            there(t.store.delete(&gone).await?)?;
        }
        for come in coming.drain(..coming.len().min(5)) {
            created(t.store.create(&come, &t.record()).await?)?;
        }
        change_some(t, &stay, seen.len()).await?;
    }
}

/// Updates some of the records, and touches others.
async fn change_some(t: &Trial<'_>, keys: &[StoreKey], round: usize) -> Outcome {
    for key in keys.iter().skip(round % 7).step_by(7) {
        let stored = there(t.store.load(key, None).await?)?;
        updated(t.store.update(key, stored.version, &t.record()).await?)?;
    }
    for key in keys.iter().skip(round % 5).step_by(5) {
        ensure(t.store.touch(key, t.late()).await?, "touch answered that there is no record")?;
    }
    Ok(())
}

/// A scan goes on although the record where its last page ended is deleted.
pub(crate) async fn scan_goes_on_after_the_record_at_the_end_of_a_page_is_deleted(t: &Trial<'_>) -> Outcome {
    let scan = t.scan()?;
    let keys = several(t, 12).await?;
    let mut pages = Pages::of(scan, 1).await?;
    let mut seen = Seen::new();
    loop {
        let (entries, last) = pages.turn().await?;
        for entry in entries.into_iter().filter(|entry| keys.contains(&entry.key)) {
            t.store.delete(&entry.key).await?;
            seen.insert(entry.key, entry.stored);
        }
        if last {
            return all_seen(&seen, &keys);
        }
    }
}

/// A record that lives throughout is seen at least once while others write at the same time.
pub(crate) async fn scan_sees_what_lives_throughout_while_others_write(t: &Trial<'_>) -> Outcome {
    t.scan()?;
    let stay = several(t, 60).await?;
    let (store, coming, record) = (t.store.clone(), t.keys(30), t.record());
    let writer = tokio::spawn(async move {
        for _ in 0..20 {
            for key in &coming {
                created(store.create(key, &record).await?)?;
            }
            for key in &coming {
                there(store.delete(key).await?)?;
            }
            tokio::task::yield_now().await;
        }
        Outcome::Ok(())
    });
    let looked = look(t, &stay).await;
    writer.await.map_err(|_| Failure::panic())??;
    looked
}

async fn look(t: &Trial<'_>, stay: &[StoreKey]) -> Outcome {
    for limit in [1, 7, 50] {
        all_seen(&scan_all(t.scan()?, limit).await?, stay)?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// The count is the number of live records.
pub(crate) async fn count_counts_the_live_records(t: &Trial<'_>) -> Outcome {
    t.alone()?;
    let scan = t.scan()?;
    let before = scan.count().await?;
    let keys = several(t, 5).await?;
    same("the count", &scan.count().await?, &(before + 5))?;
    there(t.store.delete(&keys[0]).await?)?;
    same("the count after a delete", &scan.count().await?, &(before + 4))?;
    let stored = there(t.store.load(&keys[1], None).await?)?;
    updated(t.store.update(&keys[1], stored.version, &t.record()).await?)?;
    same("the count after an update", &scan.count().await?, &(before + 4))
}

/// A scan, a count and a list change nothing.
pub(crate) async fn looking_changes_nothing(t: &Trial<'_>) -> Outcome {
    let scan = t.scan()?;
    let record = t.record_of(&t.owner()?, t.at(100));
    let (key, version) = t.kept(&record).await?;
    scan_all(scan, 1_000).await?;
    scan.count().await?;
    let stored = there(t.store.load(&key, None).await?)?;
    same_record(&stored.record, &record)?;
    same("the version", &stored.version, &version)
}
