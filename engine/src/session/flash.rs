//! Values for the next request.

use serde::Serialize;

use super::change::{Change, Op, Target};
use super::{Session, to_json};
use crate::Result;

/// Flash values that this request shows for the last time.
#[derive(Clone, Debug)]
pub(crate) struct Aging {
    /// Values born under this commit or an earlier one had their request.
    up_to: u64,
    kept: Kept,
}

#[derive(Clone, Debug)]
enum Kept {
    Some(Vec<Box<str>>),
    All,
}

impl Aging {
    pub(super) fn new(up_to: u64) -> Self {
        Self { up_to, kept: Kept::Some(Vec::new()) }
    }

    /// Values born later are for the next request.
    pub(super) fn only_up_to(&mut self, number: u64) {
        self.up_to = self.up_to.min(number);
    }

    pub(super) fn is_due(&self, born: u64) -> bool {
        born <= self.up_to
    }

    pub(super) fn keeps(&self, key: &str) -> bool {
        match &self.kept {
            Kept::All => true,
            Kept::Some(keys) => keys.iter().any(|kept| **kept == *key),
        }
    }
}

/// # Flash values
/// A flash value is there in the rest of this request and in the next one that looks at the session, and then it is
/// gone, read or not. A request that never looks at its session (an image, a style sheet) does not use it up.
impl Session {
    /// Sets a value for this request and the next.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode) if the value cannot be written as JSON.
    pub fn flash(&self, key: &str, value: impl Serialize) -> Result<()> {
        let value = to_json(key, &value)?;
        self.apply(Change::At(Target::key(key), Op::Flash(value))).map(drop)
    }

    /// Sets a value for this request only; nothing is stored.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode) if the value cannot be written as JSON.
    pub fn flash_now(&self, key: &str, value: impl Serialize) -> Result<()> {
        let value = to_json(key, &value)?;
        self.with(|state| state.values.flash_now(key, value));
        Ok(())
    }

    /// Keeps all flash values of this request for one more.
    pub fn reflash(&self) {
        self.with(|state| {
            if let Some(aging) = state.values.aging() {
                aging.kept = Kept::All;
            }
        });
    }

    /// Keeps the flash values `keys` for one more request.
    pub fn keep_flash<K: AsRef<str>>(&self, keys: impl IntoIterator<Item = K>) {
        self.with(|state| {
            if let Some(Aging { kept: Kept::Some(kept), .. }) = state.values.aging() {
                kept.extend(keys.into_iter().map(|key| key.as_ref().into()));
            }
        });
    }
}
