//! The session that a handler uses; each kind of method has a file.

mod claim;
mod cookie;
mod csrf;
mod flash;
mod for_test;
mod gone;
mod identity;
mod lifetime;
mod path;
mod saving;
mod typed;
mod values;
mod view;

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use cookie::SessionCookie;
pub use gone::GoneReason;
pub use path::PathRef;
pub use typed::Typed;
pub use view::SessionView;

use crate::request::RequestState;
use crate::state::json::{from_json, to_json};
use crate::state::{Change, Effect, State, WorkingCopy};
use crate::{Error, ErrorKind, Result};

/// A session, as one request sees it. Handlers take the extractor of the same name from `cloakroom_tower` or
/// `cloakroom_actix`, which has all of its methods.
///
/// It is in memory already, so reading and changing it is immediate. Changes are logged, and written to the store
/// when the response is ready (or at [`save`](Self::save)), all at once, merged with what other requests have
/// changed meanwhile. Clones are the same session; so is what another extractor of the same request gets.
///
/// Keys are any text; values are anything that serde can write as JSON.
///
/// # How the changes of parallel requests merge
/// If another request has saved first, a commit replays its own changes, in their order, on the values that the other
/// one has saved. Changes of different keys never conflict. If two requests change the same key:
///
/// | change | its effect if another request has changed the value |
/// |---|---|
/// | [`insert`](Self::insert), [`flash`](Self::flash) | sets its value: the last commit wins |
/// | [`increment`](Self::increment) | adds to the other's number: all count |
/// | [`push`](Self::push) | appends to the other's list: all arrive |
/// | [`update`](Self::update) | runs its closure again, on the other's value |
/// | [`remove`](Self::remove), [`take`](Self::take) | removes what it saw: the same value goes; of a list that begins with the items it saw, those go, and items pushed since stay; any other value was written by another request, and stays |
/// | [`claim`](Self::claim) | removes exactly the value it saw; if another value is there by now, claims that one |
/// | [`clear`](Self::clear) | removes all that is there when its request commits |
///
/// A change through a [path](Self::path) merges in the same way at the place that the path names. A path that leads through a
/// list (`queue.0`) means the item that was at that index: it is found again at its index, or else where an equal item
/// is. If it is gone, a removal of the item removes nothing; another change takes the item at the index for it, as long
/// as the list did not get shorter, and else the commit fails with [`Mismatch`](crate::ErrorKind::Mismatch).
///
/// # Limits
/// A request makes at most 100,000 changes before it saves; the next one is [`TooLarge`](crate::ErrorKind::TooLarge), and
/// nothing is lost: [`save`](Self::save), and go on. Values read back as they were written, to the bit; one that would
/// not is refused as [`Encode`](crate::ErrorKind::Encode): NaN, infinities, and what is nested more than 127 levels deep, path
/// included. Integers of 128 bits are exact if they are read as such, not by way of a type that holds any JSON.
///
/// ```
/// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let engine = SessionManager::new(MemoryStore::new(), Config::default())?;
/// # let session = engine.begin(&PlainRequest::default()).load().await?;
/// session.insert("theme", "dark")?;
/// let visits = session.increment("visits", 1)?;
/// session.push("seen", "coat")?;
/// assert_eq!(visits, 1);
/// assert_eq!(session.get::<String>("theme")?.as_deref(), Some("dark"));
/// assert_eq!(session.get::<Vec<String>>("seen")?.unwrap(), ["coat"]);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Session(pub(crate) Arc<RequestState>);

impl Session {
    /// Reads or changes the state; `f` must not run code of the application.
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        self.0.with(f)
    }

    /// Reads or changes the values; `f` must not run code of the application.
    fn values<T>(&self, f: impl FnOnce(&mut WorkingCopy) -> T) -> T {
        self.with(|state| f(&mut state.values))
    }

    /// Draws the secrets of a new session if it has none yet. The generator is the application's, so no lock is held.
    fn ensure_secrets(&self) -> Result<()> {
        if self.with(|state| state.lacks_secrets()) {
            let secrets = self.0.engine().draw_secrets()?;
            self.with(|state| state.give_secrets(secrets));
        }
        Ok(())
    }

    fn apply(&self, change: Change) -> Result<Effect> {
        if let Change::At(target, ..) = &change {
            self.check_key(target.name())?;
        }
        self.values(|values| values.apply(change))
    }

    /// Refuses a key that the other package's format has no place for.
    fn check_key(&self, key: &str) -> Result<()> {
        match self.0.engine().format() {
            Some(format) if format.reserves(key) => {
                let message = format!("{key:?} is a reserved key in this session format");
                Err(Error::new(ErrorKind::Invalid, message))
            }
            _ => Ok(()),
        }
    }

    /// Reads `json`, which is the value of `key` or one inside it, called `name` in errors.
    fn read<T: DeserializeOwned>(&self, key: &str, name: &str, json: &[u8]) -> Result<Option<T>> {
        match from_json(name, json) {
            Err(_) if self.is_lenient(key) => Ok(None),
            read => read.map(Some),
        }
    }

    fn is_lenient(&self, key: &str) -> bool {
        self.0.engine().config().is_lenient(key)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}
