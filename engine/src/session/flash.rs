//! Flash values: values for the next request.

use serde::Serialize;

use super::{Session, to_json};
use crate::Result;
use crate::key::KeyFor;
use crate::state::{Change, Op, Target};

/// # Flash values
/// A flash value is there in the rest of this request and in the next one that uses the session, and then it is
/// gone, read or not. A request that never uses its session (an image, a style sheet) does not use it up.
impl Session {
    /// Sets a value for this request and the next.
    ///
    /// # Errors
    /// As for [`insert`](Self::insert).
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # let session = request.load().await?;
    /// session.flash("notice", "saved")?; // and answer with a redirect
    /// # let cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// # let cookie = PlainRequest::with_cookie(cookie.split(';').next().unwrap_or_default());
    /// # let request = manager.begin(&cookie);
    /// # let session = request.load().await?;
    /// // The page that the redirect leads to:
    /// assert_eq!(session.get::<String>("notice")?.as_deref(), Some("saved"));
    /// # Ok(()) }
    /// ```
    pub fn flash<V: Serialize>(&self, key: impl KeyFor<V>, value: V) -> Result<()> {
        let value = to_json(key.name(), 0, &value)?;
        self.apply(Change::at(Target::key(key.name()), Op::Flash(value))).map(drop)
    }

    /// Sets a value for this request only; nothing is stored.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode) if the value cannot be written as JSON.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// // The form is shown again at once, so that the next page has no use for the message.
    /// session.flash_now("error", "the address is missing")?;
    /// assert!(session.contains("error"));
    /// assert!(!session.exists(), "nothing to store");
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn flash_now<V: Serialize>(&self, key: impl KeyFor<V>, value: V) -> Result<()> {
        let value = to_json(key.name(), 0, &value)?;
        self.values(|values| values.flash_now(key.name(), value));
        Ok(())
    }

    /// Keeps all flash values of this request for one more.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # let session = request.load().await?;
    /// # session.flash("notice", "saved")?;
    /// # let cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// # let cookie = PlainRequest::with_cookie(cookie.split(';').next().unwrap_or_default());
    /// # let request = manager.begin(&cookie);
    /// # let session = request.load().await?;
    /// session.reflash(); // this page only redirects once more
    /// # request.commit().await?;
    /// # let request = manager.begin(&cookie);
    /// # let session = request.load().await?;
    /// assert!(session.contains("notice"));
    /// # Ok(()) }
    /// ```
    pub fn reflash(&self) {
        self.values(|values| values.keep_all_flash());
    }

    /// Keeps the flash values `keys` for one more request.
    ///
    /// ```
    /// # use cloakroom::{Config, PlainRequest, SessionManager, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let request = manager.begin(&PlainRequest::default());
    /// # let session = request.load().await?;
    /// session.flash("notice", "saved")?;
    /// session.flash("draft", "Dear Bob")?;
    /// # let cookie = request.commit().await?.set_cookie.unwrap_or_default();
    /// # let cookie = PlainRequest::with_cookie(cookie.split(';').next().unwrap_or_default());
    /// # let request = manager.begin(&cookie);
    /// # let session = request.load().await?;
    /// // In the next request:
    /// session.keep_flash(["draft"]);
    /// # let _update = request.commit().await?;
    /// # let request = manager.begin(&cookie);
    /// # let session = request.load().await?;
    /// // In the one after that:
    /// assert!(session.contains("draft") && !session.contains("notice"));
    /// # Ok(()) }
    /// ```
    pub fn keep_flash<K: AsRef<str>>(&self, keys: impl IntoIterator<Item = K>) {
        // The iterator is the application's, and may use the session: it runs before the lock is taken.
        let keys = keys.into_iter().map(|key| key.as_ref().into()).collect();
        self.values(|values| values.keep_flash(keys));
    }
}
