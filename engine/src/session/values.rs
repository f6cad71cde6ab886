//! Reading and changing values.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Session, from_json, to_json};
use crate::key::{CounterKey, KeyFor, KeyOf, SessionKey};
use crate::state::{Change, Effect, Op, Seen, Target, Updater, run_updater, share_updater};
use crate::{Error, ErrorKind, Result};

/// How often an `update` tries again because the value has changed while its closure ran. Other tasks of the same
/// request finish earlier; a closure that changes its own value never does.
pub(super) const LOOKS: usize = 64;

/// # Values
impl Session {
    /// Reads a value, or returns `None` if the key is absent.
    ///
    /// # Errors
    /// [`Decode`](crate::ErrorKind::Decode) if it is not a `T`; it stays as it is. See also
    /// [`get_lenient`](Self::get_lenient) and [`Config::lenient_key`](crate::Config::lenient_key).
    ///
    /// ```
    /// # use cloakroom::{ErrorKind, Session};
    /// # let session = Session::for_test()?;
    /// session.insert("theme", "dark")?;
    /// assert_eq!(session.get::<String>("theme")?.as_deref(), Some("dark"));
    /// assert_eq!(session.get::<String>("language")?, None);
    /// assert_eq!(session.get::<u32>("theme").unwrap_err().kind(), ErrorKind::Decode);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn get<T: DeserializeOwned>(&self, key: impl KeyOf<T>) -> Result<Option<T>> {
        let name = key.name();
        let Some(json) = self.values(|values| values.get(name)) else { return Ok(None) };
        or_absent(self.read(name, name, &json), &key)
    }

    /// Reads a value, or returns `None` if the key is absent or its value has another type.
    ///
    /// For a release that changes a value's type, in which sessions of the last release are still read.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let engine = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = engine.begin(&PlainRequest::default()).load().await?;
    /// session.insert("cart", "an old release kept a text here")?;
    /// assert_eq!(session.get_lenient::<Vec<u32>>("cart"), None);
    /// assert!(session.get::<Vec<u32>>("cart").is_err());
    /// # Ok(()) }
    /// ```
    pub fn get_lenient<T: DeserializeOwned>(&self, key: impl KeyOf<T>) -> Option<T> {
        let json = self.values(|values| values.get(key.name()))?;
        from_json(key.name(), &json).ok()
    }

    /// Reads a value, or returns `default` if the key is absent.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// let per_page = session.get_or("per_page", 25)?;
    /// assert_eq!(per_page, 25);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn get_or<T: DeserializeOwned>(&self, key: impl KeyOf<T>, default: T) -> Result<T> {
        Ok(self.get(key)?.unwrap_or(default))
    }

    /// Returns whether there is a value, be it `null`.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.insert("newsletter", None::<bool>)?; // asked, and not answered
    /// assert!(session.contains("newsletter"));
    /// assert!(!session.contains("terms"));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn contains(&self, key: impl SessionKey) -> bool {
        self.values(|values| values.contains(key.name()))
    }

    /// Returns all keys and values, in the order in which they were first inserted; flash values too.
    ///
    /// # Errors
    /// As for [`get`](Self::get), for the first value that is not a `T`.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.insert("hats", 2)?;
    /// session.insert("coats", 1)?;
    /// let cart = session.entries::<u32>()?;
    /// assert_eq!(cart, [("hats".to_owned(), 2), ("coats".to_owned(), 1)]);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn entries<T: DeserializeOwned>(&self) -> Result<Vec<(String, T)>> {
        let entries = self.values(|values| values.entries());
        let read = |(key, json): (String, bytes::Bytes)| match self.read(&key, &key, &json) {
            Ok(value) => value.map(|value| Ok((key, value))),
            Err(error) => Some(Err(error)),
        };
        entries.into_iter().filter_map(read).collect()
    }

    /// Sets a value. The later commit of two requests that set the same key wins.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode) if it cannot be written as JSON and read back the same: a number in it is NaN or
    /// infinite, or it is nested more than 127 levels deep. [`TooLarge`](crate::ErrorKind::TooLarge) if the request made
    /// 100,000 changes since it last saved. Nothing is changed then.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Address { city: String, zip: u32 }
    /// # let session = Session::for_test()?;
    /// session.insert("address", Address { city: "Bern".to_owned(), zip: 3011 })?;
    /// let address: Option<Address> = session.get("address")?;
    /// assert_eq!(address.unwrap().city, "Bern");
    /// assert!(session.insert("price", f64::NAN).is_err(), "JSON has no word for it");
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn insert<V: Serialize>(&self, key: impl KeyFor<V>, value: V) -> Result<()> {
        let json = to_json(key.name(), 0, &value)?;
        self.apply(Change::at(Target::key(key.name()), Op::Set(json))).map(drop)
    }

    /// Removes a value. Returns whether there was one.
    ///
    /// If another request changes the value meanwhile, only what this request saw is removed: items pushed since stay.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.insert("coupon", "SPRING")?;
    /// assert!(session.remove("coupon"));
    /// assert!(!session.remove("coupon"), "gone already");
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn remove(&self, key: impl SessionKey) -> bool {
        self.remove_at(Target::key(key.name()))
    }

    pub(super) fn remove_at(&self, target: Target) -> bool {
        self.apply(Change::at(target, Op::remove())).is_ok_and(|effect| effect == Effect::Existed(true))
    }

    /// Reads a value and removes it.
    ///
    /// If another request changes the value meanwhile, only what this request read is removed: items pushed since stay. Two
    /// requests that take the same value at once both get it: see [`claim`](Self::claim) for a value that only one may
    /// have.
    ///
    /// # Errors
    /// As for [`get`](Self::get); it then stays.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.insert("return_to", "/cart")?; // noted when the log-in page was shown
    /// let target = session.take::<String>("return_to")?;
    /// assert_eq!(target.as_deref(), Some("/cart"));
    /// assert!(!session.contains("return_to"));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn take<T: DeserializeOwned>(&self, key: impl KeyOf<T>) -> Result<Option<T>> {
        or_absent(self.take_at(&Target::key(key.name())), &key)
    }

    pub(super) fn take_at<T: DeserializeOwned>(&self, target: &Target) -> Result<Option<T>> {
        for _ in 0..LOOKS {
            let Some(json) = self.values(|values| values.get_at(target)) else { return Ok(None) };
            let Some(value) = self.read(target.name(), target.text(), &json)? else { return Ok(None) };
            let removal = Change::at(target.clone(), Op::Remove(Seen::exactly(json)));
            if self.apply(removal)? == Effect::Existed(true) {
                return Ok(Some(value));
            }
        }
        Err(changes_all_the_time(target))
    }

    /// Adds to a whole number (0 if the key is absent). Returns what it is now. Parallel increments all count; what is stored
    /// in the end may be more than what was returned.
    ///
    /// # Errors
    /// [`Mismatch`](crate::ErrorKind::Mismatch) if the value is not a whole number or would leave the range of an `i64`;
    /// [`TooLarge`](crate::ErrorKind::TooLarge) as for [`insert`](Self::insert).
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.increment("failures", 1)?;
    /// assert_eq!(session.increment("failures", 1)?, 2);
    /// assert_eq!(session.increment("failures", -2)?, 0);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn increment(&self, key: impl CounterKey, by: i64) -> Result<i64> {
        Ok(count(self.apply(Change::at(Target::key(key.name()), Op::Increment(by)))?))
    }

    /// Appends to a list (an empty one if the key is absent). Returns how long it is now. Parallel pushes all arrive.
    ///
    /// # Errors
    /// As for [`insert`](Self::insert); [`Mismatch`](crate::ErrorKind::Mismatch) if the value is not a list.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.push("seen", "coat")?;
    /// assert_eq!(session.push("seen", "hat")?, 2);
    /// assert_eq!(session.get::<Vec<String>>("seen")?.unwrap(), ["coat", "hat"]);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn push<V: Serialize>(&self, key: impl KeyFor<Vec<V>>, value: V) -> Result<usize> {
        let item = to_json(key.name(), 1, &value)?;
        Ok(length(self.apply(Change::at(Target::key(key.name()), Op::Push(item)))?))
    }

    /// Computes a new value from the old one. If another request changes the value meanwhile, `f` runs again on the newer
    /// value, so it should do nothing but compute. It may read the session, which is then as it was before the merge.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let engine = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = engine.begin(&PlainRequest::default()).load().await?;
    /// session.update("best", |best: Option<u32>| best.unwrap_or(0).max(7))?;
    /// assert_eq!(session.get("best")?, Some(7));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Decode`](crate::ErrorKind::Decode) if the value is not a `T`, [`Encode`](crate::ErrorKind::Encode) and
    /// [`TooLarge`](crate::ErrorKind::TooLarge) as for [`insert`](Self::insert), [`Contended`](crate::ErrorKind::Contended) if `f`
    /// itself changes the value that it is to make. A commit that runs `f` again fails with
    /// [`Mismatch`](crate::ErrorKind::Mismatch) if `f` panics or waits for that very commit.
    pub fn update<T, F>(&self, key: impl KeyOf<T>, f: F) -> Result<()>
    where
        T: Serialize + DeserializeOwned,
        F: FnMut(Option<T>) -> T + Send + 'static,
    {
        let target = Target::key(key.name());
        let update = self.updater(&target, key.is_lenient(), f);
        self.update_at(&target, &update)
    }

    /// Wraps the application's closure so that it reads and writes JSON.
    pub(super) fn updater<T, F>(&self, target: &Target, is_lenient: bool, mut f: F) -> Updater
    where
        T: Serialize + DeserializeOwned,
        F: FnMut(Option<T>) -> T + Send + 'static,
    {
        let (target, is_lenient) = (target.clone(), is_lenient || self.is_lenient(target.name()));
        let levels = target.below().len();
        share_updater(move |old| {
            let old = match old.map(|json| from_json(target.text(), json)) {
                Some(Err(_)) if is_lenient => None,
                old => old.transpose()?,
            };
            to_json(target.text(), levels, &f(old))
        })
    }

    /// Runs the application's closure without a lock on the state, and again if the value changed meanwhile.
    pub(super) fn update_at(&self, target: &Target, update: &Updater) -> Result<()> {
        self.check_key(target.name())?;
        for _ in 0..LOOKS {
            let old = self.values(|values| values.get_at(target));
            let new = run_updater(update, old.as_deref())?;
            let (applied, trash) = self.values(|values| {
                (values.apply_update(target, update, old.as_ref(), new), values.take_trash())
            });
            drop(trash);
            if applied? {
                return Ok(());
            }
        }
        Err(changes_all_the_time(target))
    }

    /// Removes all values. The session, its id and its user stay.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.log_in("alice")?;
    /// session.insert("filter", "red")?;
    /// session.clear();
    /// assert!(!session.contains("filter"));
    /// assert_eq!(session.user().as_deref(), Some("alice"));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn clear(&self) {
        self.with(|state| {
            if state.stored().is_some() || state.values.is_changed() {
                let _ = state.values.clear();
            }
        });
    }
}

/// Makes a value of another type absent where its key says so.
pub(super) fn or_absent<T>(read: Result<Option<T>>, key: &impl SessionKey) -> Result<Option<T>> {
    match read {
        Err(error) if key.is_lenient() && error.kind() == ErrorKind::Decode => Ok(None),
        read => read,
    }
}

pub(super) fn changes_all_the_time(target: &Target) -> Error {
    let message = format!("the value of {:?} changes every time between a look and a change", target.text());
    Error::new(ErrorKind::Contended, message)
}

pub(super) fn count(effect: Effect) -> i64 {
    if let Effect::Count(count) = effect { count } else { 0 }
}

pub(super) fn length(effect: Effect) -> usize {
    if let Effect::Length(length) = effect { length } else { 0 }
}
