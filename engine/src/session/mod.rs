//! The handle that a handler holds, and its parts by noun.

mod change;
mod csrf;
mod draft;
mod few;
mod flash;
mod identity;
mod json;
mod lifetime;
mod log;
mod names;
mod path;
mod values;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

pub use path::At;

pub(crate) use draft::{Draft as WorkingCopy, Trash};

use crate::request::RequestState;
use crate::state::State;
use crate::{Error, ErrorKind, Result};
use change::{Change, Effect};

/// A session, as one request sees it.
///
/// It was loaded before it was handed out, so reading and changing it is immediate. Changes are recorded and reach the
/// store when the response is ready (or at [`save`](Self::save)), all at once, merged with what other requests have
/// changed meanwhile. Clones are the same session; so is what another extractor of the same request gets.
///
/// Keys are any text; values are anything that serde can write as JSON.
///
/// # Which methods merge how
/// Two requests that change different keys both keep their changes. If they change the same one: `increment`, `push` and
/// `update` both count; of two `insert`s the later commit wins; a `clear` removes what was there when its request
/// commits.
///
/// ```
/// # use cloakroom::{Config, Engine, Plain, stores::MemoryStore};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let engine = Engine::new(MemoryStore::new(), Config::default())?;
/// # let session = engine.begin(&Plain::default()).load().await?;
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
    /// Looks at or changes the state; no code of the application runs meanwhile.
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        self.0.with(f)
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
        self.with(|state| state.values.apply(change))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}

fn to_json(key: &str, value: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| {
        Error::new(ErrorKind::Encode, format!("the value for {key:?} cannot be written as JSON"))
            .with_source(error)
    })
}

fn from_json<T: serde::de::DeserializeOwned>(key: &str, json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| {
        // Serde's message quotes the value: only its position is safe to repeat.
        let place = format!("line {} column {}", error.line(), error.column());
        Error::new(ErrorKind::Decode, format!("the value of {key:?} is of another type ({place})"))
    })
}
