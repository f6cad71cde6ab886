//! What Node's middlewares keep in a session, as methods of a [`Session`].

use cloakroom::{Error, Result, Session};
use serde::Serialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use crate::connect_flash;
use crate::cookie::session_id;
use crate::csrf::{csrf_sync, csurf, lusca};
use crate::node_session::TOKEN;

/// Reads and writes what connect-flash, csurf, csrf-sync, lusca and node-session keep in a session.
///
/// ```
/// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore};
/// use cloakroom_node::NodeValues;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let engine = SessionManager::new(MemoryStore::new(), Config::default())?;
/// # let session = engine.begin(&PlainRequest::default()).load().await?;
/// session.push_flash("info", "Welcome back")?;
/// assert_eq!(session.take_flash::<String>("info")?, ["Welcome back"]);
///
/// let token = session.csurf_token()?;
/// assert!(session.csurf_verify(&token)?);
/// # Ok(()) }
/// ```
pub trait NodeValues {
    /// Adds a message for the next page, as `req.flash(kind, message)` does. Parallel pushes all arrive.
    ///
    /// # Errors
    /// As for [`Session::push`].
    fn push_flash(&self, kind: &str, message: impl Serialize) -> Result<()>;

    /// Takes the messages of a kind, as `req.flash(kind)` does.
    ///
    /// # Errors
    /// As for [`Session::take`].
    fn take_flash<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>>;

    /// Makes a token that csurf accepts, in this application and the Node application. A session without a secret gets one.
    ///
    /// # Errors
    /// [`Random`](cloakroom::ErrorKind::Random) if the operating system has no randomness; else as for [`Session::insert`].
    fn csurf_token(&self) -> Result<String>;

    /// Returns whether a token is one that csurf would accept.
    ///
    /// # Errors
    /// As for [`Session::get`].
    fn csurf_verify(&self, token: &str) -> Result<bool>;

    /// Returns the token of csrf-sync, which the session itself holds. A session without one gets one.
    ///
    /// # Errors
    /// As for [`csurf_token`](Self::csurf_token).
    fn csrf_sync_token(&self) -> Result<String>;

    /// Returns whether a token is one that csrf-sync would accept. Compares in constant time.
    ///
    /// # Errors
    /// As for [`Session::get`].
    fn csrf_sync_verify(&self, token: &str) -> Result<bool>;

    /// Makes a token that lusca accepts, in this application and the Node application. A session without a secret gets one.
    ///
    /// # Errors
    /// As for [`csurf_token`](Self::csurf_token).
    fn lusca_token(&self) -> Result<String>;

    /// Returns whether a token is one that lusca would accept.
    ///
    /// # Errors
    /// As for [`Session::get`].
    fn lusca_verify(&self, token: &str) -> Result<bool>;

    /// Returns the CSRF token of a node-session application, its `getToken()`. A session without one gets one.
    ///
    /// # Errors
    /// As for [`csurf_token`](Self::csurf_token).
    fn node_session_token(&self) -> Result<String>;

    /// Returns whether a token is the one of [`node_session_token`](Self::node_session_token). Compares in constant time.
    ///
    /// # Errors
    /// As for [`Session::get`].
    fn node_session_verify(&self, token: &str) -> Result<bool>;
}

impl NodeValues for Session {
    fn push_flash(&self, kind: &str, message: impl Serialize) -> Result<()> {
        self.path(&place(kind)).push(message).map(drop)
    }

    fn take_flash<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>> {
        Ok(self.path(&place(kind)).take()?.unwrap_or_default())
    }

    fn csurf_token(&self) -> Result<String> {
        let secret = text_or(self, csurf::KEY, || Ok(csurf::secret(&random()?)))?;
        Ok(csurf::token(&secret, &random()?))
    }

    fn csurf_verify(&self, token: &str) -> Result<bool> {
        Ok(text(self, csurf::KEY)?.is_some_and(|secret| csurf::is_valid(&secret, token)))
    }

    fn csrf_sync_token(&self) -> Result<String> {
        text_or(self, csrf_sync::KEY, || Ok(csrf_sync::token(&random()?)))
    }

    fn csrf_sync_verify(&self, token: &str) -> Result<bool> {
        Ok(text(self, csrf_sync::KEY)?.is_some_and(|stored| csrf_sync::is_valid(&stored, token)))
    }

    fn lusca_token(&self) -> Result<String> {
        let secret = text_or(self, lusca::KEY, || Ok(lusca::secret(&random()?)))?;
        Ok(lusca::token(&secret, &random()?))
    }

    fn lusca_verify(&self, token: &str) -> Result<bool> {
        Ok(text(self, lusca::KEY)?.is_some_and(|secret| lusca::is_valid(&secret, token)))
    }

    fn node_session_token(&self) -> Result<String> {
        text_or(self, TOKEN, || Ok(session_id(&random::<30>()?)))
    }

    fn node_session_verify(&self, token: &str) -> Result<bool> {
        let known = text(self, TOKEN)?;
        Ok(known.is_some_and(|known| bool::from(known.as_bytes().ct_eq(token.as_bytes()))))
    }
}

/// Returns a text of the session. The packages take an empty one for none.
fn text(session: &Session, key: &str) -> Result<Option<String>> {
    Ok(session.get::<String>(key)?.filter(|text| !text.is_empty()))
}

/// Returns a text of the session, which gets one if it has none.
fn text_or(session: &Session, key: &str, make: impl FnOnce() -> Result<String>) -> Result<String> {
    if let Some(text) = text(session, key)? {
        return Ok(text);
    }
    let made = make()?;
    session.insert(key, &made)?;
    Ok(made)
}

/// Returns where the messages of a kind are. A dot in the kind leads into the object, so kinds have none.
fn place(kind: &str) -> String {
    format!("{}.{kind}", connect_flash::KEY)
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Error::random_unavailable)?;
    Ok(bytes)
}
