//! Values inside values, by dotted path.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::values::{count, length};
use super::{Session, from_json, to_json};
use crate::Result;
use crate::state::{Change, Effect, Op, Target};

/// A place inside a value, from [`Session::path`].
pub struct PathRef<'a> {
    session: &'a Session,
    path: &'a str,
}

/// # Paths
impl Session {
    /// Names a place inside a value: `user.teams` is the member `teams` of the value of `user`, `cart.0` the first item
    /// of the list `cart`. Keys that hold a dot themselves are reached by [`get`](Self::get) and the others, not by a path.
    /// So never put what a user types into a path: an article `size.42` would be a member of `size`. Change the whole map
    /// with [`update`](Self::update) instead.
    ///
    /// After its key a path has 127 names at most: changes further down are [`Invalid`](crate::ErrorKind::Invalid).
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let engine = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// # let session = engine.begin(&PlainRequest::default()).load().await?;
    /// session.path("user.teams").push("red")?;
    /// assert_eq!(session.path("user.teams.0").get::<String>()?.as_deref(), Some("red"));
    /// assert_eq!(session.path("user.teams").push("blue")?, 2);
    /// # Ok(()) }
    /// ```
    pub fn path<'a>(&'a self, path: &'a str) -> PathRef<'a> {
        PathRef { session: self, path }
    }
}

impl PathRef<'_> {
    fn apply(&self, target: Target, op: Op) -> Result<Effect> {
        self.session.apply(Change::at(target, op))
    }

    fn target(&self) -> Target {
        Target::path(self.path)
    }

    /// Reads what is there; see [`Session::get`].
    ///
    /// # Errors
    /// [`Decode`](crate::ErrorKind::Decode) if it is not a `T`.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.insert("cart", [["coat", "green"], ["hat", "black"]])?;
    /// assert_eq!(session.path("cart.1.0").get::<String>()?.as_deref(), Some("hat"));
    /// assert_eq!(session.path("cart.2").get::<Vec<String>>()?, None);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn get<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let target = self.target();
        let Some(json) = self.session.values(|values| values.get_at(&target)) else { return Ok(None) };
        self.session.read(target.name(), self.path, &json)
    }

    /// Reads what is there, or returns `None` if that is nothing or of another type; see [`Session::get_lenient`].
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.path("user.age").insert("thirty")?; // an older release kept a text
    /// assert_eq!(session.path("user.age").get_lenient::<u8>(), None);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn get_lenient<T: DeserializeOwned>(&self) -> Option<T> {
        let target = self.target();
        let json = self.session.values(|values| values.get_at(&target))?;
        from_json(self.path, &json).ok()
    }

    /// Returns whether something is there.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.path("wizard.address").insert("Bern")?;
    /// assert!(session.path("wizard.address").contains());
    /// assert!(!session.path("wizard.payment").contains());
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn contains(&self) -> bool {
        let target = self.target();
        self.session.values(|values| values.get_at(&target)).is_some()
    }

    /// Sets what is there; parents that are missing are made. See [`Session::insert`].
    ///
    /// # Errors
    /// As there, and [`Mismatch`](crate::ErrorKind::Mismatch) if a parent is neither an object nor a list that is long
    /// enough.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.path("settings.mail.weekly").insert(true)?; // `settings` and `mail` are made
    /// assert_eq!(session.path("settings.mail.weekly").get()?, Some(true));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn insert(&self, value: impl Serialize) -> Result<()> {
        let target = self.target();
        let json = to_json(self.path, target.below().len(), &value)?;
        self.apply(target, Op::Set(json)).map(drop)
    }

    /// Removes what is there. Returns whether something was. See [`Session::remove`].
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.insert("cart", ["coat", "hat"])?;
    /// assert!(session.path("cart.0").remove());
    /// assert_eq!(session.get::<Vec<String>>("cart")?.unwrap(), ["hat"]);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn remove(&self) -> bool {
        self.session.remove_at(self.target())
    }

    /// Reads what is there and removes it; see [`Session::take`].
    ///
    /// # Errors
    /// As for [`get`](Self::get); it then stays.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.path("wizard.email").insert("a@example.org")?;
    /// assert_eq!(session.path("wizard.email").take::<String>()?.as_deref(), Some("a@example.org"));
    /// assert!(!session.path("wizard.email").contains());
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn take<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        self.session.take_at(&self.target())
    }

    /// Takes what is there for this request only; see [`Session::claim`]. `queue.0` is the first item of a list of work:
    /// each item goes to exactly one request.
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> cloakroom::Result<()> {
    /// # let session = Session::for_test()?;
    /// session.insert("queue", ["first", "second"])?;
    /// assert_eq!(session.path("queue.0").claim::<String>().await?.as_deref(), Some("first"));
    /// assert_eq!(session.path("queue.0").claim::<String>().await?.as_deref(), Some("second"));
    /// assert_eq!(session.path("queue.0").claim::<String>().await?, None);
    /// # Ok(()) }
    /// ```
    pub async fn claim<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        self.session.claim_at(&self.target()).await
    }

    /// Adds to a whole number; see [`Session::increment`].
    ///
    /// # Errors
    /// As there and as for [`insert`](Self::insert).
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.path("stock.coats").increment(3)?;
    /// assert_eq!(session.path("stock.coats").increment(-1)?, 2);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn increment(&self, by: i64) -> Result<i64> {
        self.apply(self.target(), Op::Increment(by)).map(count)
    }

    /// Appends to a list; see [`Session::push`].
    ///
    /// # Errors
    /// As there and as for [`insert`](Self::insert).
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.path("chat.rooms").push("lobby")?;
    /// assert_eq!(session.path("chat.rooms").push("garden")?, 2);
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn push(&self, value: impl Serialize) -> Result<usize> {
        let target = self.target();
        let item = to_json(self.path, target.below().len() + 1, &value)?;
        self.apply(target, Op::Push(item)).map(length)
    }

    /// Computes a new value from what is there; see [`Session::update`].
    ///
    /// # Errors
    /// As there and as for [`insert`](Self::insert).
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.path("game.best").insert(3)?;
    /// session.path("game.best").update(|best: Option<u32>| best.unwrap_or(0).max(7))?;
    /// assert_eq!(session.path("game.best").get()?, Some(7));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn update<T, F>(&self, f: F) -> Result<()>
    where
        T: Serialize + DeserializeOwned,
        F: FnMut(Option<T>) -> T + Send + 'static,
    {
        let target = self.target();
        let update = self.session.updater(&target, false, f);
        self.session.update_at(&target, &update)
    }
}

impl fmt::Debug for PathRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PathRef({:?})", self.path)
    }
}
