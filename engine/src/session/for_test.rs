//! A session without a request, for unit tests.

use super::Session;
use crate::stores::MemoryStore;
use crate::{Config, PlainRequest, Result, SessionManager};

impl Session {
    /// Makes a session without a request, a server or a store of the application's: for unit tests of handlers.
    ///
    /// It is new and empty, as that of a first visit, in a memory store of its own: [`save`](Self::save) works, and
    /// [`log_in`](Self::log_in) shows its user at once. Needs no runtime.
    ///
    /// # Errors
    /// [`Random`](crate::ErrorKind::Random) if the operating system gives no random bytes.
    ///
    /// ```
    /// use cloakroom::{Result, Session};
    ///
    /// // What a handler does, after its framework took the request apart.
    /// fn add_to_cart(session: &Session, article: &str) -> Result<usize> {
    ///     session.push("cart", article)?;
    ///     Ok(session.get::<Vec<String>>("cart")?.unwrap_or_default().len())
    /// }
    ///
    /// let session = Session::for_test()?;
    /// assert_eq!(add_to_cart(&session, "coat")?, 1);
    /// assert_eq!(add_to_cart(&session, "hat")?, 2);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn for_test() -> Result<Self> {
        let manager = SessionManager::new(MemoryStore::new(), Config::plain_http())
            .map_err(crate::Error::random_unavailable)?;
        Ok(manager.begin(&PlainRequest::default()).load_new())
    }
}
