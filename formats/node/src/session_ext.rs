//! What Node's middlewares keep in a session, as methods of a [`Session`].

use cloakroom::{Error, Result, Session};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connect_flash;
use crate::csrf::csurf;

/// Reads and writes what connect-flash and csurf keep in a session.
///
/// ```
/// # use cloakroom::{Config, Engine, Plain, stores::MemoryStore};
/// use cloakroom_node::NodeValues;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let engine = Engine::new(MemoryStore::new(), Config::default())?;
/// # let session = engine.begin(&Plain::default()).load().await?;
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
}

impl NodeValues for Session {
    fn push_flash(&self, kind: &str, message: impl Serialize) -> Result<()> {
        self.path(&place(kind)).push(message).map(drop)
    }

    fn take_flash<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>> {
        Ok(self.path(&place(kind)).take()?.unwrap_or_default())
    }

    fn csurf_token(&self) -> Result<String> {
        let secret = match self.get::<String>(csurf::KEY)? {
            Some(secret) => secret,
            None => {
                let secret = csurf::secret(&random()?);
                self.insert(csurf::KEY, &secret)?;
                secret
            }
        };
        Ok(csurf::token(&secret, &random()?))
    }

    fn csurf_verify(&self, token: &str) -> Result<bool> {
        Ok(self.get::<String>(csurf::KEY)?.is_some_and(|secret| csurf::is_valid(&secret, token)))
    }
}

/// Returns where the messages of a kind are. A dot in the kind leads into the object, so kinds have none.
fn place(kind: &str) -> String {
    format!("{}.{kind}", connect_flash::KEY)
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Error::no_random)?;
    Ok(bytes)
}
