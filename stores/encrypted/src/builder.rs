//! The options.

use std::fmt;

use cloakroom_sealing::{SealingKeys, WeakSecret};
use cloakroom_store::Store;

use crate::owner::Blinding;
use crate::{EncryptedStore, layout};

/// Options of an [`EncryptedStore`].
pub struct Builder<S> {
    store: EncryptedStore<S>,
}

impl<S: Store> Builder<S> {
    pub(crate) fn new(inner: S, keys: SealingKeys) -> Self {
        let store = EncryptedStore {
            inner,
            keys,
            blinding: None,
            accepts_plain: false,
            seals: true,
            max_payload: Self::DEFAULT_MAX_PAYLOAD,
        };
        Self { store }
    }

    /// The largest payload unless set, in bytes: 16 MiB.
    pub const DEFAULT_MAX_PAYLOAD: usize = 16 << 20;

    /// Keeps the names of users from the store too: it gets a keyed hash of each. Default: it sees them.
    ///
    /// The hash has to be the same for as long as a user has sessions, so this secret is not rotated. It must not be one of
    /// the secrets that seal. See [which data the server still sees](crate#what-the-server-still-sees).
    ///
    /// # Errors
    /// If the secret is shorter than 32 bytes or a repetition of few characters.
    pub fn hide_owners(mut self, secret: impl AsRef<[u8]>) -> Result<Self, WeakSecret> {
        self.store.blinding = Some(Blinding::new(secret.as_ref())?);
        Ok(self)
    }

    /// Sets whether records that are not sealed are read, and users looked for under their own names too. Default: `false`.
    ///
    /// Only while encryption is [introduced or removed](crate#introducing-it): until it is `false` again, a record that was
    /// planted in the server is read too.
    #[must_use]
    pub fn accept_plain(mut self, accept: bool) -> Self {
        self.store.accepts_plain = accept;
        self
    }

    /// Sets whether what is written is sealed. Default: `true`.
    ///
    /// `false` is the first step of [introducing it](crate#introducing-it) in several processes, and of removing it. It
    /// reads plain records too, as with [`accept_plain`](Self::accept_plain).
    #[must_use]
    pub fn seal_writes(mut self, seal: bool) -> Self {
        self.store.seals = seal;
        self
    }

    /// Sets the largest payload, in bytes before it is sealed. Default:
    /// [16 MiB](Self::DEFAULT_MAX_PAYLOAD).
    ///
    /// Sealing adds 50 bytes, or 66 to a payload of more than 462 bytes; with [`hide_owners`](Self::hide_owners) and a user, 67
    /// and the length of the user's name. The store inside must keep that: if it keeps less, it refuses the record itself.
    #[must_use]
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.store.max_payload = bytes;
        self
    }

    /// Makes the store.
    pub fn build(self) -> EncryptedStore<S> {
        self.store
    }
}

impl<S: Store> EncryptedStore<S> {
    /// The most bytes that sealing adds to a payload: 322.
    pub const MAX_ADDED_BYTES: usize = layout::MOST_ADDED;
}

impl<S: Store> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("store", &self.store).finish()
    }
}
