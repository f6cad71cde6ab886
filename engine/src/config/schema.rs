//! The version of what the application keeps in its sessions.

use std::fmt;

use super::Config;
use crate::Session;
use crate::hooks::{Hook, HookResult, at_once};
use crate::record::Header;

/// The version of what the application keeps in its sessions, and how an older one becomes that.
#[derive(Clone)]
pub(crate) struct Schema {
    pub(crate) version: u32,
    pub(crate) upgrade: Hook<(u32, Session), ()>,
    pub(crate) newer: NewerSchema,
}

/// What happens when a request brings a session that a newer version of the program has upgraded; see
/// [`Config::newer_schema`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewerSchema {
    /// The request fails with [`ErrorKind::NewerSchema`](crate::ErrorKind::NewerSchema), a 503 with `Retry-After`; nothing
    /// is read or written, and the cookie stays.
    #[default]
    Refuse,
    /// The session is used as it is, and stays at its version: for upgrades that only add keys.
    Use,
}

/// # Versions of the program
impl Config {
    /// Sets the version of what this program keeps in its sessions, and the function that upgrades a session which an
    /// older program wrote. Sessions from before the first `schema` have the version 0. Default: none; versions are neither
    /// read nor written.
    ///
    /// The function gets the version that the session has, and changes the values; nothing else may be changed there. It
    /// runs when the session is first looked at, before [`validate`](Self::validate) and the handler, and its changes are
    /// stored at once together with the new version: in one write, on condition that no other request has changed the session
    /// meanwhile. If one has, the session is loaded again, and the function runs again unless the other one has upgraded it.
    /// So the function may run several times, and what it changes is stored exactly once. A request that only
    /// [peeks](crate::RequestSession::peek) sees the upgraded values and stores nothing.
    ///
    /// It costs an older session one write, and every session five bytes. A [cookie format](Self::cookie_format) of another
    /// package has no place for a version.
    ///
    /// # Errors
    /// If it fails, panics or takes longer than the [deadline](Self::deadline), the request fails with
    /// [`Hook`](crate::ErrorKind::Hook), and the session stays as it is.
    ///
    /// ```
    /// use cloakroom::{Config, SessionManager, stores::MemoryStore};
    ///
    /// let config = Config::default().schema(2, |version, session| {
    ///     if version < 1 {
    ///         // The cart was one text, with commas.
    ///         let cart = session.take::<String>("cart")?.unwrap_or_default();
    ///         session.insert("cart", cart.split_terminator(',').collect::<Vec<_>>())?;
    ///     }
    ///     if version < 2 {
    ///         session.remove("banner");
    ///     }
    ///     Ok::<_, cloakroom::Error>(())
    /// });
    /// # SessionManager::new(MemoryStore::new(), config)?;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    #[must_use]
    pub fn schema<R: HookResult<()>>(
        mut self,
        version: u32,
        upgrade: impl Fn(u32, &Session) -> R + Send + Sync + 'static,
    ) -> Self {
        let newer = self.schema.take().map_or_else(NewerSchema::default, |schema| schema.newer);
        let upgrade = at_once(move |(from, session): (u32, Session)| upgrade(from, &session));
        self.schema = Some(Box::new(Schema { version, upgrade, newer }));
        self
    }

    /// Sets what happens when a request brings a session of a newer [`schema`](Self::schema): while a deployment is under
    /// way, an older program meets sessions that the newer one has upgraded. Call it after `schema`. Default:
    /// [`NewerSchema::Refuse`].
    ///
    /// Either way the session is never set back to the older version. The same holds for a request of the older program
    /// that was under way when the session was upgraded: its write is refused, or merged.
    ///
    /// ```
    /// use cloakroom::{Config, NewerSchema};
    ///
    /// // The release before one that only adds keys:
    /// let config = Config::default().schema(1, |_, _| ()).newer_schema(NewerSchema::Use);
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn newer_schema(mut self, newer: NewerSchema) -> Self {
        if let Some(schema) = &mut self.schema {
            schema.newer = newer;
        }
        self
    }

    /// Notes the version of this program in the header of a session that it writes.
    #[inline]
    pub(crate) fn mark_schema(&self, header: &mut Header) {
        if let Some(schema) = &self.schema
            && header.schema() < schema.version
        {
            header.set_schema(schema.version);
        }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("version", &self.version)
            .field("newer", &self.newer)
            .finish_non_exhaustive()
    }
}
