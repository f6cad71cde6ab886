//! Whether the end of this request stores the session.

use super::Session;
use crate::state::Saving;

/// # Saving in one request
impl Session {
    /// Stores the session at the end of this request although nothing was changed; a new one although it is empty. The
    /// last of `always_save` and [`never_save`](Self::never_save) counts. Default: what was changed is stored, and
    /// otherwise what [`save_unchanged`](crate::Config::save_unchanged) and [`save_empty`](crate::Config::save_empty) say.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// let request = manager.begin(&PlainRequest::default());
    /// request.load().await?.always_save();
    /// assert!(request.commit().await?.set_cookie.is_some());
    /// # Ok(()) }
    /// ```
    pub fn always_save(&self) {
        self.with(|state| state.saving = Saving::Always);
    }

    /// Stores nothing of this session at the end of this request: no changed value, no log-in, no new id, no used-up
    /// flash value. The last of [`always_save`](Self::always_save) and `never_save` counts.
    ///
    /// Until then the handler reads what it has changed. Two things are stored all the same: what a
    /// [`save`](Self::save) stores that is called, and an end ([`log_out`](Self::log_out), [`destroy`](Self::destroy)),
    /// because a user who sees a log-out must be logged out. [`discard_changes`](Self::discard_changes) takes an end
    /// back, too. The request still counts as activity.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// let request = manager.begin(&PlainRequest::default());
    /// let preview = request.load().await?;
    /// preview.never_save();
    /// preview.insert("theme", "dark")?;
    /// assert_eq!(request.commit().await?.set_cookie, None);
    /// # Ok(()) }
    /// ```
    pub fn never_save(&self) {
        self.with(|state| state.saving = Saving::Never);
    }
}
