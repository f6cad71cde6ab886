//! A session as a type of the application's: its fields are the session's values.

mod fault;
mod read;
mod write;

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Session;
use crate::Result;
use crate::state::{Change, Op, Target};

/// A session as a type of the application's, from [`Session::typed`]: reads as a `T`, and is changed by
/// [`change`](Self::change).
pub struct Typed<T> {
    session: Session,
    value: T,
}

/// The values of a `T`, by the names of its fields.
type Fields = Vec<(String, Bytes)>;

/// # The session as a struct
impl Session {
    /// Reads the session as a `T`, whose fields are the session's values: the field `theme` is the value of the key
    /// `theme`. Fields that the session lacks are as in `T::default()`; keys that `T` does not have are left alone.
    ///
    /// [`Typed::change`] writes the fields that it has changed and no others, so parallel requests that change different
    /// fields lose nothing.
    ///
    /// # Errors
    /// [`Decode`](crate::ErrorKind::Decode) if a value is not of its field's type; [`Error::key`](crate::Error::key) names it.
    /// A [lenient key](crate::Config::lenient_key) counts as absent instead.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// struct Visit {
    ///     theme: Option<String>,
    ///     cart: Vec<String>,
    /// }
    ///
    /// # let session = Session::for_test()?;
    /// let mut visit = session.typed::<Visit>()?;
    /// assert!(visit.cart.is_empty());
    /// visit.change(|visit| visit.cart.push("coat".into()))?;
    /// assert_eq!(session.get::<Vec<String>>("cart")?.unwrap(), ["coat"]);
    /// assert!(!session.contains("theme"), "a field that was not changed is not written");
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn typed<T: Serialize + DeserializeOwned + Default>(&self) -> Result<Typed<T>> {
        let entries = self.values(|values| values.entries());
        Ok(Typed { session: self.clone(), value: read::read(entries, |key| self.is_lenient(key))? })
    }
}

impl<T: Serialize + DeserializeOwned + Default> Typed<T> {
    /// Changes the value, and sets those values of the session whose fields have changed. A field that is no longer
    /// written, by serde's `skip_serializing_if`, is removed.
    ///
    /// A changed field is set as [`Session::insert`] does it: the last of several requests that change it wins. For what
    /// parallel requests must add up, such as a counter or a list, call [`increment`](Session::increment),
    /// [`push`](Session::push) or [`update`](Session::update) of the [session](Self::session).
    ///
    /// # Errors
    /// As for [`Session::insert`]; the value is then as before, and nothing is set.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// struct Visit {
    ///     theme: String,
    ///     pages: u32,
    /// }
    ///
    /// # let session = Session::for_test()?;
    /// let mut visit = session.typed::<Visit>()?;
    /// let pages = visit.change(|visit| {
    ///     visit.pages += 1;
    ///     visit.pages
    /// })?;
    /// assert_eq!((pages, session.get::<u32>("pages")?), (1, Some(1)));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn change<R>(&mut self, f: impl FnOnce(&mut T) -> R) -> Result<R> {
        let before = write::fields(&self.value)?;
        let out = f(&mut self.value);
        let written = write::fields(&self.value).and_then(|after| self.store(&before, &after));
        if let Err(error) = written {
            self.value = read::read(before, |_| false)?;
            return Err(error);
        }
        Ok(out)
    }

    fn store(&self, before: &Fields, after: &Fields) -> Result<()> {
        let is_same =
            |(key, value): &(String, Bytes)| before.iter().any(|old| old.0 == *key && old.1 == value);
        let is_left_out = |key: &str| !after.iter().any(|new| new.0 == key);
        let gone: Vec<&str> =
            before.iter().map(|(key, _)| key.as_str()).filter(|key| is_left_out(key)).collect();
        let changed: Vec<&(String, Bytes)> = after.iter().filter(|field| !is_same(field)).collect();
        changed.iter().try_for_each(|(key, _)| self.session.check_key(key))?;
        for (key, value) in changed {
            self.session.apply(Change::at(Target::key(key), Op::Set(value.clone())))?;
        }
        for key in gone {
            self.session.remove(key);
        }
        Ok(())
    }
}

impl<T> Typed<T> {
    /// Returns the session itself. What is changed there does not show in this value.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # use std::collections::BTreeMap;
    /// # let session = Session::for_test()?;
    /// let numbers = session.typed::<BTreeMap<String, u32>>()?;
    /// assert_eq!(numbers.session().increment("visits", 1)?, 1); // parallel requests add up
    /// assert_eq!(numbers.get("visits"), None);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Returns the value.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # use std::collections::BTreeMap;
    /// # let session = Session::for_test()?;
    /// session.insert("visits", 7)?;
    /// let numbers = session.typed::<BTreeMap<String, u32>>()?.into_inner();
    /// assert_eq!(numbers["visits"], 7);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Typed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> fmt::Debug for Typed<T> {
    /// Shows no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Typed<{}>(..)", std::any::type_name::<T>())
    }
}
