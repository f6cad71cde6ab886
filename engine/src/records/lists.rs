//! Lists the sessions of a user, and all of a store.

use std::collections::BTreeMap;
use std::time::Duration;

use cloakroom_store::{Cursor, HeadPage, OwnerKey, Owners, StoreKey, Timestamp, UpdateOutcome};

use super::Records;
use crate::all_sessions::SessionPage;
use crate::listed::{Listed, mark_replacements};
use crate::observe::EndReason;
use crate::record::Payload;
use crate::{Error, ErrorKind, Result};

/// How many records of a user are asked for at once: large enough for nearly every user, and bounded for the others.
const HEADS: usize = 100;
/// And how many of the rest, if that was not enough.
const MORE_HEADS: usize = 250;

/// After how long an unfinished renewal or log-in counts as abandoned: longer than any deadline.
const HALF_WAY: Duration = Duration::from_secs(120);

impl<'a> Records<'a> {
    /// Lists the records of a user's sessions. A record that was left by a renewal or log-in which died half-way is removed.
    pub(crate) async fn list(&mut self, owner: &OwnerKey) -> Result<Vec<Listed>> {
        let mut found = BTreeMap::new();
        self.list_into(&mut found, owner, |_| true).await?;
        Ok(self.clear_up(found).await)
    }

    /// Lists a page of the records of a user's sessions, and where the next one begins.
    pub(crate) async fn list_page(
        &mut self,
        owner: &OwnerKey,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Listed>, Option<Cursor>)> {
        let page = self.heads(owner, after, limit).await?;
        let listed = page.heads.into_iter().filter_map(|head| Listed::read_head(head, owner)).collect();
        Ok((self.without_replacements(listed).await?, page.next))
    }

    /// Marks the records of a page that are to replace another one which is still the session, on whatever page that is.
    async fn without_replacements(&mut self, mut listed: Vec<Listed>) -> Result<Vec<Listed>> {
        mark_replacements(&mut listed);
        for record in listed.iter_mut().filter(|record| !record.is_replacement) {
            let Some(replaced) = record.header.replaces() else { continue };
            let stored = self.load(replaced, None).await?;
            let payload = stored.map(|stored| Payload::decode(&stored.record.payload));
            record.is_replacement = matches!(payload, Some(Ok(Payload::Session(..))));
        }
        Ok(listed)
    }

    /// Lists the records that are wanted like [`list`](Self::list), with every session that lives meanwhile. One whose id is renewed moves to another key: from
    /// a later page to one that was read already, for example. So a list of several pages is
    /// read twice, and may name records that are gone.
    pub(crate) async fn list_all(
        &mut self,
        owner: &OwnerKey,
        is_wanted: impl Fn(&Listed) -> bool,
    ) -> Result<Vec<Listed>> {
        let mut found = BTreeMap::new();
        if self.list_into(&mut found, owner, &is_wanted).await? > 1 {
            self.list_into(&mut found, owner, &is_wanted).await?;
        }
        Ok(self.clear_up(found).await)
    }

    /// Goes through a user's list and returns how many pages it had. A record that changes between two pages may be in
    /// both: the later one counts.
    async fn list_into(
        &mut self,
        found: &mut BTreeMap<StoreKey, Listed>,
        owner: &OwnerKey,
        is_wanted: impl Fn(&Listed) -> bool,
    ) -> Result<usize> {
        let (mut pages, mut after) = (0, None);
        loop {
            let limit = if after.is_none() { HEADS } else { MORE_HEADS };
            let page = self.heads(owner, after.as_ref(), limit).await?;
            let records = page.heads.into_iter().filter_map(|head| Listed::read_head(head, owner));
            found.extend(records.filter(&is_wanted).map(|record| (record.key.clone(), record)));
            (pages, after) = (pages + 1, page.next);
            if after.is_none() {
                return Ok(pages);
            }
        }
    }

    /// Asks for a page of a user's list.
    async fn heads(&mut self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        let owners = self.owners()?;
        loop {
            match self.ask(owners.list(owner, after, limit)).await {
                Ok(page) => return Ok(page),
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    async fn clear_up(&mut self, found: BTreeMap<StoreKey, Listed>) -> Vec<Listed> {
        let mut listed: Vec<Listed> = found.into_values().collect();
        self.remove_unreachable(&mut listed).await;
        mark_replacements(&mut listed);
        listed
    }

    /// Ends every session of `owner` whose log-in began at `at` or before; returns how many there were.
    pub(crate) async fn revoke(&mut self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let owners = self.owners()?;
        loop {
            match self.ask(owners.revoke(owner, at)).await {
                Ok(count) => return Ok(count),
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    /// Reads a page of all sessions, and what else is to be said of it.
    pub(crate) async fn scan(
        &mut self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(SessionPage, Vec<Listed>)> {
        let unsupported = || Error::new(ErrorKind::Unsupported, "the store cannot go through its sessions");
        let scan = self.store().capabilities().scan.ok_or_else(unsupported)?;
        let found = loop {
            match self.ask(scan.scan(after, limit)).await {
                Ok(page) => break page,
                Err(error) => self.wait_after(error).await?,
            }
        };
        let mut page = SessionPage { next: found.next, ..SessionPage::default() };
        let mut listed = Vec::with_capacity(found.entries.len());
        for entry in found.entries {
            let payload = entry.stored.record.payload.clone();
            page.payload_bytes += payload.len() as u64;
            match Listed::read(entry) {
                Some(record) => listed.push(record),
                None if matches!(Payload::decode(&payload), Ok(Payload::Redirect(_))) => page.redirects += 1,
                None => page.unreadable += 1,
            }
        }
        Ok((page, self.without_replacements(listed).await?))
    }

    fn owners(&self) -> Result<&'a dyn Owners> {
        let unsupported =
            || Error::new(ErrorKind::Unsupported, "the store cannot find the sessions of a user");
        self.store().capabilities().owners.ok_or_else(unsupported)
    }

    /// Removes records that were made to replace another one which is still the session: the client never got their id.
    async fn remove_unreachable(&mut self, listed: &mut Vec<Listed>) {
        let now = self.engine.clock().now();
        let mut place = 0;
        while let Some(record) = listed.get(place) {
            let is_old = now.since(record.header.renewed_at()) > HALF_WAY;
            let replaced = record.header.replaces().filter(|_| is_old).cloned();
            let is_unreachable = match replaced {
                Some(key) => self.is_still_the_session(&key).await,
                None => false,
            };
            if !is_unreachable {
                place += 1;
                continue;
            }
            let record = listed.remove(place);
            // A failure leaves the record to the next list, or to its expiry.
            let _ = self.end_exactly(&record.key, record.version, EndReason::Destroyed).await;
        }
    }

    /// Returns whether the record under `key` is the session still, and gives it another version: a renewal that is under
    /// way after all, on a machine whose clock is behind, then finds out that its new record went.
    async fn is_still_the_session(&mut self, key: &StoreKey) -> bool {
        let Ok(Some(stored)) = self.load(key, None).await else { return false };
        matches!(Payload::decode(&stored.record.payload), Ok(Payload::Session(..)))
            && matches!(self.update(key, stored.version, &stored.record).await, Ok(UpdateOutcome::Updated(_)))
    }
}
