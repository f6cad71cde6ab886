//! Reading and changing values.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::change::{Change, Effect, Op, Target, Updater};
use super::{Session, from_json, json, to_json};
use crate::Result;

/// # Values
impl Session {
    /// Reads a value, or `None` if there is none.
    ///
    /// # Errors
    /// [`Decode`](crate::ErrorKind::Decode) if it is not a `T`; it stays as it is.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let value = self.with(|state| state.values.get(key));
        value.map(|json| from_json(key, &json)).transpose()
    }

    /// Reads a value, or `default` if there is none.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn get_or<T: DeserializeOwned>(&self, key: &str, default: T) -> Result<T> {
        Ok(self.get(key)?.unwrap_or(default))
    }

    /// Whether there is a value, be it `null`.
    pub fn contains(&self, key: &str) -> bool {
        self.with(|state| state.values.get(key)).is_some()
    }

    /// All keys and values, in the order in which they were first inserted; flash values too.
    ///
    /// # Errors
    /// As for [`get`](Self::get), for the first value that is not a `T`.
    pub fn entries<T: DeserializeOwned>(&self) -> Result<Vec<(String, T)>> {
        let entries = self.with(|state| state.values.entries());
        entries.into_iter().map(|(key, json)| from_json(&key, &json).map(|value| (key, value))).collect()
    }

    /// Sets a value. The later commit of two requests that set the same key wins.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode) if it cannot be written as JSON.
    pub fn insert(&self, key: &str, value: impl Serialize) -> Result<()> {
        let value = to_json(key, &value)?;
        self.apply(Change::At(Target::key(key), Op::Set(value))).map(drop)
    }

    /// Removes a value and says whether there was one.
    pub fn remove(&self, key: &str) -> bool {
        let existed = self.contains(key);
        existed && self.apply(Change::At(Target::key(key), Op::Remove)).is_ok()
    }

    /// Reads a value and removes it.
    ///
    /// # Errors
    /// As for [`get`](Self::get); it then stays.
    pub fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let value = self.get(key)?;
        self.remove(key);
        Ok(value)
    }

    /// Adds to a whole number (0 if there is none) and says what it is now. Parallel increments all count; what is
    /// stored in the end may be more than what this request was told.
    ///
    /// # Errors
    /// [`Mismatch`](crate::ErrorKind::Mismatch) if the value is no whole number or would leave the range of an `i64`.
    pub fn increment(&self, key: &str, by: i64) -> Result<i64> {
        Ok(count(self.apply(Change::At(Target::key(key), Op::Increment(by)))?))
    }

    /// Appends to a list (an empty one if there is none) and says how long it is now. Parallel pushes all arrive.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode) if it cannot be written as JSON; [`Mismatch`](crate::ErrorKind::Mismatch)
    /// if the value is no list.
    pub fn push(&self, key: &str, value: impl Serialize) -> Result<usize> {
        let value = to_json(key, &value)?;
        Ok(length(self.apply(Change::At(Target::key(key), Op::Push(value)))?))
    }

    /// Makes a new value of the old one. If another request changes it meanwhile, `f` runs again on what that one
    /// stored, so it should do nothing but compute.
    ///
    /// ```
    /// # use cloakroom::{Config, Engine, Plain, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let engine = Engine::new(MemoryStore::new(), Config::default())?;
    /// # let session = engine.begin(&Plain::default()).load().await?;
    /// session.update("best", |best: Option<u32>| best.unwrap_or(0).max(7))?;
    /// assert_eq!(session.get("best")?, Some(7));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Decode`](crate::ErrorKind::Decode) if the value is not a `T`, [`Encode`](crate::ErrorKind::Encode) if the new
    /// one cannot be written as JSON.
    pub fn update<T, F>(&self, key: &str, f: F) -> Result<()>
    where
        T: Serialize + DeserializeOwned,
        F: FnMut(Option<T>) -> T + Send + 'static,
    {
        self.update_at(Target::key(key), updater(key, f))
    }

    /// Runs the application's closure without holding the state, and again if the value changed meanwhile.
    pub(super) fn update_at(&self, mut target: Target, update: Updater) -> Result<()> {
        let shared = std::sync::Arc::new(std::sync::Mutex::new(update));
        loop {
            let old = self.with(|state| state.values.get(&target.key));
            let new =
                json::edit(old.as_deref(), &target.path, &mut |old| {
                    let mut update = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    update(old).map(|new| Some(new.into()))
                })?;
            let new = new.unwrap_or_default().into();
            let interrupted = self.with(|state| {
                if state.values.get(&target.key) != old {
                    return Some(target);
                }
                state.values.apply_update(target, Op::Update(shared.clone()), new);
                None
            });
            match interrupted {
                None => return Ok(()),
                Some(again) => target = again,
            }
        }
    }

    /// Removes all values. The session, its id and its user stay.
    pub fn clear(&self) {
        self.with(|state| {
            if state.stored().is_some() || state.values.is_changed() {
                let _ = state.values.apply(Change::Clear);
            }
        });
    }
}

/// Wraps the application's closure so that it reads and writes JSON.
pub(super) fn updater<T, F>(key: &str, mut f: F) -> Updater
where
    T: Serialize + DeserializeOwned,
    F: FnMut(Option<T>) -> T + Send + 'static,
{
    let key: Box<str> = key.into();
    Box::new(move |old| {
        let old = old.map(|json| from_json(&key, json)).transpose()?;
        to_json(&key, &f(old))
    })
}

pub(super) fn count(effect: Effect) -> i64 {
    if let Effect::Count(count) = effect { count } else { 0 }
}

pub(super) fn length(effect: Effect) -> usize {
    if let Effect::Length(length) = effect { length } else { 0 }
}
