//! Moves the expiry of a session, or only checks that it is alive.

use cloakroom_store::Touch;

use super::conflict::unreadable;
use super::{Commit, LOST};
use crate::Result;
use crate::records::{Follow, Live, Resolved};
use crate::state::Verdict;

impl Commit<'_> {
    /// Finds the session, which may have been renewed or ended meanwhile, and (`extend`) begins its idle time anew. The
    /// load carries the touch, so that this is one trip.
    pub(super) async fn touch(&mut self, extend: bool) -> Result<Verdict> {
        let Some(located) = self.view.location.stored() else { return Ok(LOST) };
        let lifetime = &self.engine.config().lifetime;
        let (key, expires_at) = (located.key.clone(), lifetime.expires_at(&located.header, self.at));
        // A save needs the stored truth: a load with a touch may be answered by a cache.
        let rides = extend && !self.request.is_save;
        let touch = rides.then_some(Touch::new(expires_at, expires_at));
        let live = match self.records.resolve(key, Follow { touch, ..Follow::HELD }).await? {
            // The store keeps a record by its idle time, and a touch may have moved that past the absolute end.
            Resolved::Live(live) if self.engine.expiry_of(&live, self.engine.clock().now()).is_some() => {
                return Ok(LOST);
            }
            Resolved::Live(live) => live,
            Resolved::Missing | Resolved::ReplacedByLogin | Resolved::GraceOver => return Ok(LOST),
            Resolved::Unreadable => return Err(unreadable()),
        };
        // A session with an idle time of its own is not moved by a load.
        if extend && live.expires_at < expires_at && !self.records.touch(&live.key, expires_at).await? {
            return Ok(LOST);
        }
        self.see(live)?;
        if let Some(located) = self.view.location.stored_mut().filter(|_| extend) {
            located.expires_at = located.expires_at.max(expires_at);
        }
        Ok(Verdict::Saved)
    }

    /// Takes in what another request has stored meanwhile.
    fn see(&mut self, live: Live) -> Result<()> {
        // Versions of different records cannot be compared: under another key the same number may stand for other values.
        let is_known = self
            .view
            .location
            .stored()
            .is_some_and(|located| located.key == live.key && located.version == live.version);
        let frames = live.frames.clone();
        self.relocate(live);
        if is_known { Ok(()) } else { self.rebase_values(frames, None) }
    }
}
