//! Flash values: values for the next request.

use serde::Serialize;

use super::{Session, to_json};
use crate::Result;
use crate::state::{Change, Op, Target};

/// # Flash values
/// A flash value is there in the rest of this request and in the next one that uses the session, and then it is
/// gone, read or not. A request that never uses its session (an image, a style sheet) does not use it up.
impl Session {
    /// Sets a value for this request and the next.
    ///
    /// # Errors
    /// As for [`insert`](Self::insert).
    pub fn flash(&self, key: &str, value: impl Serialize) -> Result<()> {
        let value = to_json(key, 0, &value)?;
        self.apply(Change::at(Target::key(key), Op::Flash(value))).map(drop)
    }

    /// Sets a value for this request only; nothing is stored.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode) if the value cannot be written as JSON.
    pub fn flash_now(&self, key: &str, value: impl Serialize) -> Result<()> {
        let value = to_json(key, 0, &value)?;
        self.values(|values| values.flash_now(key, value));
        Ok(())
    }

    /// Keeps all flash values of this request for one more.
    pub fn reflash(&self) {
        self.values(|values| values.keep_all_flash());
    }

    /// Keeps the flash values `keys` for one more request.
    pub fn keep_flash<K: AsRef<str>>(&self, keys: impl IntoIterator<Item = K>) {
        // The iterator is the application's, and may use the session: it runs before the lock is taken.
        let keys = keys.into_iter().map(|key| key.as_ref().into()).collect();
        self.values(|values| values.keep_flash(keys));
    }
}
