//! Goes through sessions page by page, so that memory stays the same however many there are.

use std::io::{self, IsTerminal};

use cloakroom_tower::{FoundSession, SessionPage};
use indicatif::ProgressBar;

use super::failed;
use super::open::Sessions;
use crate::progress;
use crate::trouble::Trouble;

/// How many sessions are asked for at once.
pub(super) const PAGE: usize = 500;

/// The pages of all sessions, or of a user's.
pub(super) struct Pages<'a> {
    sessions: &'a Sessions,
    user: Option<&'a str>,
    after: Option<cloakroom_tower::store::Cursor>,
    is_over: bool,
    bar: ProgressBar,
}

impl<'a> Pages<'a> {
    /// Begins to go through the sessions of `user`, or through all.
    pub(super) async fn new(
        sessions: &'a Sessions,
        user: Option<&'a str>,
        purpose: &str,
    ) -> Result<Self, Trouble> {
        let by_owner = user.is_some() && sessions.has_owners();
        // To count takes a look at every record in some stores: only for a terminal, which shows the bar.
        let total = if by_owner || !io::stderr().is_terminal() { None } else { sessions.records().await };
        Ok(Self { bar: progress::bar(total, "records"), ..Self::silent(sessions, user, purpose)? })
    }

    /// Begins in the same way, without a progress bar.
    pub(super) fn silent(
        sessions: &'a Sessions,
        user: Option<&'a str>,
        purpose: &str,
    ) -> Result<Self, Trouble> {
        if user.is_none() || !sessions.has_owners() {
            sessions.can_scan(purpose)?;
        }
        let bar = ProgressBar::hidden();
        Ok(Self { sessions, user, after: None, is_over: false, bar })
    }

    /// Reads the next page; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<SessionPage>, Trouble> {
        if self.is_over {
            self.bar.finish_and_clear();
            return Ok(None);
        }
        let engine = &self.sessions.engine;
        let mut page = match self.user.filter(|_| self.sessions.has_owners()) {
            Some(user) => engine.sessions().page(user, self.after.as_ref(), PAGE).await,
            None => engine.all_sessions().page(self.after.as_ref(), PAGE).await,
        }
        .map_err(|error| failed("read the sessions", &error))?;
        self.bar.inc(page.sessions.len() as u64 + page.redirects + page.unreadable);
        if let Some(user) = self.user {
            page.sessions.retain(|found| found.info.user.as_deref() == Some(user));
        }
        self.after = page.next.take();
        self.is_over = self.after.is_none();
        Ok(Some(page))
    }

    /// Prints a line above the progress bar.
    pub(super) fn say(&self, line: &str) -> Result<(), Trouble> {
        self.bar.suspend(|| super::say(line))
    }

    /// Finds a session by its public id.
    pub(super) async fn find(
        mut self,
        id: &cloakroom_tower::PublicId,
    ) -> Result<Option<FoundSession>, Trouble> {
        while let Some(page) = self.next().await? {
            if let Some(found) = page.sessions.into_iter().find(|found| found.info.public_id == *id) {
                self.bar.finish_and_clear();
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
