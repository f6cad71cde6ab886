//! The errors that a handler can get.

use std::error::Error as StdError;
use std::fmt;

use cloakroom_store as store;

use crate::observe::Operation;

/// The result of an operation on a session.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Says that an operation on a session failed.
///
/// Its text names keys of values, never a value, an id or a secret. A store's own error message is in
/// [`source`](StdError::source), for logs; adapters never send them to a client.
pub struct Error {
    kind: ErrorKind,
    message: Box<str>,
    operation: Option<Operation>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What a caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value could not be written as JSON. The session is unchanged.
    Encode,
    /// A stored value is not of the type asked for. It stays as it is, and other values can be read.
    Decode,
    /// A value is of the wrong kind for the change: an increment of a text, a push to a number. Nothing is changed.
    Mismatch,
    /// The session, or a value, is larger than configured or than the store can keep. The message names the largest keys.
    TooLarge,
    /// The session ended while the request was under way: it was logged out, revoked or replaced by a log-in.
    Gone,
    /// So many requests changed the session at once that the changes could not be merged in time. Nothing is lost in
    /// the store; this request's changes are not in it.
    Contended,
    /// The store could not be reached in time. Whether the changes are in it is unknown; nothing was acknowledged.
    Unavailable,
    /// The store refused permanently or is not set up: an operator must act.
    Store,
    /// The response was sent already, so no cookie can be set any more.
    ResponseSent,
    /// The store cannot do this, or the request's path has no sessions: the message names what is missing.
    Unsupported,
    /// An argument can never be right.
    Invalid,
    /// The CSRF token of the request is missing, or was not made by its session.
    CsrfRejected,
    /// The operating system gave no random bytes. No weaker id is made instead.
    Random,
    /// A function of the application that the engine calls panicked, failed or took too long: see
    /// [`Config::validate`](crate::Config::validate) and [`Config::before_save`](crate::Config::before_save). Nothing is
    /// written.
    Hook,
    /// The browser fetches the page ahead, before the user asks for it, and the session would change by that: see
    /// [`Prefetch`](crate::Prefetch). The browser asks again when the user does.
    Prefetch,
    /// A newer version of the program has upgraded the session: see [`Config::newer_schema`](crate::Config::newer_schema).
    /// Nothing was read or written; a request that reaches the newer program succeeds.
    NewerSchema,
    /// The user proved who they are longer ago than the action allows: see
    /// [`Session::require_fresh`](crate::Session::require_fresh). Ask for the password again.
    NotFresh,
}

impl ErrorKind {
    /// Returns the HTTP status for it: what a client did wrong is a 4xx, what passes by itself a 503, else 500.
    ///
    /// ```
    /// use cloakroom::ErrorKind;
    ///
    /// assert_eq!(ErrorKind::CsrfRejected.status(), 403);
    /// assert_eq!(ErrorKind::Unavailable.status(), 503);
    /// ```
    pub const fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::CsrfRejected | Self::NotFresh => 403,
            Self::Gone => 409,
            Self::TooLarge => 413,
            Self::Contended | Self::Unavailable | Self::Prefetch | Self::NewerSchema => 503,
            Self::Encode
            | Self::Decode
            | Self::Mismatch
            | Self::Store
            | Self::ResponseSent
            | Self::Unsupported
            | Self::Random
            | Self::Hook => 500,
        }
    }

    /// Returns whether asking again a moment later may succeed without anything else being changed.
    pub const fn is_temporary(self) -> bool {
        matches!(self, Self::Contended | Self::Unavailable | Self::NewerSchema)
    }

    /// Returns the name that metrics use.
    #[cfg(feature = "metrics")]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::Decode => "decode",
            Self::Mismatch => "mismatch",
            Self::TooLarge => "too_large",
            Self::Gone => "gone",
            Self::Contended => "contended",
            Self::Unavailable => "unavailable",
            Self::Store => "store",
            Self::ResponseSent => "response_sent",
            Self::Unsupported => "unsupported",
            Self::Invalid => "invalid",
            Self::CsrfRejected => "csrf_rejected",
            Self::Random => "random",
            Self::Hook => "hook",
            Self::Prefetch => "prefetch",
            Self::NewerSchema => "newer_schema",
            Self::NotFresh => "not_fresh",
        }
    }

    /// Returns a sentence for a client, which tells nothing of keys, values or the store.
    pub const fn client_text(self) -> &'static str {
        match self {
            Self::Invalid => "The request is not valid.",
            Self::CsrfRejected => "The CSRF token is missing or not of this session.",
            Self::NotFresh => "Please log in again to do this.",
            Self::Gone => "The session ended while this request was under way.",
            Self::TooLarge => "The session would become too large.",
            Self::Prefetch => "This page cannot be fetched ahead.",
            Self::Contended | Self::Unavailable | Self::NewerSchema => {
                "The session could not be reached. Please try again."
            }
            Self::Encode
            | Self::Decode
            | Self::Mismatch
            | Self::Store
            | Self::ResponseSent
            | Self::Unsupported
            | Self::Random
            | Self::Hook => "The session could not be used.",
        }
    }
}

impl Error {
    /// Makes an error; `message` is a lowercase fragment.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into().into_boxed_str(), operation: None, source: None }
    }

    /// Says that there are no random bytes, and why: for implementations of [`Random`](crate::Random).
    pub fn random_unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Random, "there are no random bytes").with_source(source)
    }

    /// Makes the error of a session that would become too large; `message` is a lowercase fragment: for adapters.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::TooLarge, message)
    }

    /// Makes the error of a request that another site may have sent: for adapters.
    pub fn csrf_rejected() -> Self {
        Self::new(ErrorKind::CsrfRejected, "the CSRF token is missing or not of this session")
    }

    pub(crate) fn prefetch() -> Self {
        Self::new(ErrorKind::Prefetch, "a page that is fetched ahead must not change its session")
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Notes what was being done, unless that is known already.
    pub(crate) fn during(mut self, operation: Operation) -> Self {
        self.operation.get_or_insert(operation);
        self
    }

    /// Returns what was being done: a [load](Operation::Load) or a [commit](Operation::Commit). `None` of an error that is not
    /// about the store, such as a value of another type.
    ///
    /// ```
    /// # use cloakroom::{Config, SessionManager, PlainRequest, stores::MemoryStore, Operation};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = SessionManager::new(MemoryStore::new(), Config::default().max_size(100))?;
    /// # let session = manager.begin(&PlainRequest::default()).load().await?;
    /// session.insert("blob", "x".repeat(1000))?;
    /// let error = session.save().await.unwrap_err();
    /// assert_eq!(error.operation(), Some(Operation::Commit));
    /// # Ok(()) }
    /// ```
    pub const fn operation(&self) -> Option<Operation> {
        self.operation
    }

    /// Notes which key's value it is about.
    pub(crate) fn of_key(mut self, key: &str) -> Self {
        self.source = Some(Box::new(OfKey { key: key.into(), source: self.source.take() }));
        self
    }

    /// Returns the key whose value it is about, where one value cannot be [read](ErrorKind::Decode) or
    /// [written](ErrorKind::Encode): at a path, with the path.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// # let session = Session::for_test()?;
    /// session.insert("theme", "dark")?;
    /// let error = session.get::<u32>("theme").unwrap_err();
    /// assert_eq!(error.key(), Some("theme"));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn key(&self) -> Option<&str> {
        self.source.as_ref()?.downcast_ref::<OfKey>().map(|of| &*of.key)
    }

    /// Returns what a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// Which key's value an error is about, in the place of its source: hardly any error is about one.
#[derive(Debug)]
struct OfKey {
    key: Box<str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl fmt::Display for OfKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key is {:?}", self.key)
    }
}

impl StdError for OfKey {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        let (kind, message) = match error.kind() {
            store::ErrorKind::Unavailable | store::ErrorKind::Other => {
                (ErrorKind::Unavailable, "the session store does not answer")
            }
            store::ErrorKind::TooLarge => {
                (ErrorKind::TooLarge, "the session is larger than its store can keep")
            }
            store::ErrorKind::Full => (ErrorKind::Unavailable, "the session store is full"),
            store::ErrorKind::Invalid => (ErrorKind::Invalid, "the session store refused an argument"),
            _ => (ErrorKind::Store, "the session store is damaged or not set up"),
        };
        Self::new(kind, message).with_source(error)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Error");
        shown.field("kind", &self.kind).field("message", &self.message);
        if let Some(operation) = &self.operation {
            shown.field("operation", operation);
        }
        if let Some(source) = &self.source {
            shown.field("source", source);
        }
        shown.finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
