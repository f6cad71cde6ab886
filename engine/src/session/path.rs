//! Values inside values, by dotted path.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::change::{Change, Effect, Op, Target};
use super::values::{count, length, updater};
use super::{Session, from_json, json, to_json};
use crate::Result;

/// A place inside a value, from [`Session::path`].
pub struct At<'a> {
    session: &'a Session,
    path: &'a str,
}

/// # Paths
impl Session {
    /// Names a place inside a value: `user.teams` is the member `teams` of the value of `user`, `cart.0` the first item
    /// of the list `cart`. Keys that hold a dot themselves are reached by [`get`](Self::get) and the others, not by a path.
    /// After its key a path has 127 names at most: changes further down are [`Invalid`](crate::ErrorKind::Invalid).
    ///
    /// ```
    /// # use cloakroom::{Config, Engine, Plain, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let engine = Engine::new(MemoryStore::new(), Config::default())?;
    /// # let session = engine.begin(&Plain::default()).load().await?;
    /// session.path("user.teams").push("red")?;
    /// assert_eq!(session.path("user.teams.0").get::<String>()?.as_deref(), Some("red"));
    /// assert_eq!(session.path("user.teams").push("blue")?, 2);
    /// # Ok(()) }
    /// ```
    pub fn path<'a>(&'a self, path: &'a str) -> At<'a> {
        At { session: self, path }
    }
}

impl At<'_> {
    fn apply(&self, op: Op) -> Result<Effect> {
        self.session.apply(Change::At(Target::path(self.path), op))
    }

    /// Reads what is there; see [`Session::get`].
    ///
    /// # Errors
    /// [`Decode`](crate::ErrorKind::Decode) if it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let target = Target::path(self.path);
        let value = self.session.with(|state| state.values.get(&target.key));
        let found = value.as_deref().and_then(|json| json::find(json, &target.path));
        found.map(|json| from_json(self.path, json)).transpose()
    }

    /// Whether something is there.
    pub fn contains(&self) -> bool {
        let target = Target::path(self.path);
        let value = self.session.with(|state| state.values.get(&target.key));
        value.is_some_and(|json| json::find(&json, &target.path).is_some())
    }

    /// Sets what is there; parents that are missing are made. See [`Session::insert`].
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode); [`Mismatch`](crate::ErrorKind::Mismatch) if a parent is no object and no
    /// list that is long enough.
    pub fn insert(&self, value: impl Serialize) -> Result<()> {
        self.apply(Op::Set(to_json(self.path, &value)?)).map(drop)
    }

    /// Removes what is there and says whether something was.
    pub fn remove(&self) -> bool {
        self.contains() && self.apply(Op::Remove).is_ok()
    }

    /// Reads what is there and removes it.
    ///
    /// # Errors
    /// As for [`get`](Self::get); it then stays.
    pub fn take<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let value = self.get()?;
        self.remove();
        Ok(value)
    }

    /// Adds to a whole number; see [`Session::increment`].
    ///
    /// # Errors
    /// [`Mismatch`](crate::ErrorKind::Mismatch), as there and as for [`insert`](Self::insert).
    pub fn increment(&self, by: i64) -> Result<i64> {
        self.apply(Op::Increment(by)).map(count)
    }

    /// Appends to a list; see [`Session::push`].
    ///
    /// # Errors
    /// As there and as for [`insert`](Self::insert).
    pub fn push(&self, value: impl Serialize) -> Result<usize> {
        self.apply(Op::Push(to_json(self.path, &value)?)).map(length)
    }

    /// Makes a new value of what is there; see [`Session::update`].
    ///
    /// # Errors
    /// As there and as for [`insert`](Self::insert).
    pub fn update<T, F>(&self, f: F) -> Result<()>
    where
        T: Serialize + DeserializeOwned,
        F: FnMut(Option<T>) -> T + Send + 'static,
    {
        self.session.update_at(Target::path(self.path), updater(self.path, f))
    }
}

impl fmt::Debug for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "At({:?})", self.path)
    }
}
