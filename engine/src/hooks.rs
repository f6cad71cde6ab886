//! Functions of the application that the engine calls: how they are kept, and how they are called.
//!
//! They run without a lock, for no longer than the deadline, and a panic in one is an error of its request.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::{Error, ErrorKind, RequestInfo, Result, Session, SessionView};

/// Any error of the application.
pub(crate) type AnyError = Box<dyn StdError + Send + Sync>;

/// The work of a function of the application.
pub(crate) type Work<T> = Pin<Box<dyn Future<Output = Result<T, AnyError>> + Send>>;

/// A function of the application, given `A`.
pub(crate) type Hook<A, T> = Arc<dyn Fn(A) -> Work<T> + Send + Sync>;

/// The functions that a configuration was given. Each is looked at once in the requests that it may concern.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) validate: Option<Hook<(RequestInfo, SessionView), bool>>,
    pub(crate) before_save: Option<Hook<(RequestInfo, Session), ()>>,
    pub(crate) new_id: Option<Hook<RequestInfo, String>>,
    pub(crate) allow_weak_ids: bool,
    pub(crate) record_lifetime: Option<Hook<SessionView, Option<Duration>>>,
}

impl Hooks {
    /// Returns whether a function reads the head of requests, which must then be copied.
    pub(crate) fn read_requests(&self) -> bool {
        self.validate.is_some() || self.before_save.is_some() || self.new_id.is_some()
    }

    /// Returns whether a function has a part in each write.
    pub(crate) fn change_writes(&self) -> bool {
        self.before_save.is_some() || self.new_id.is_some() || self.record_lifetime.is_some()
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("validate", &self.validate.is_some())
            .field("before_save", &self.before_save.is_some())
            .field("new_id", &self.new_id.is_some())
            .field("record_lifetime", &self.record_lifetime.is_some())
            .finish_non_exhaustive()
    }
}

/// What a function of the application may return: the value, or a `Result` of it with any error.
pub trait HookResult<T>: Send {
    /// Makes a `Result` of it.
    ///
    /// # Errors
    /// The application's own.
    fn into_result(self) -> std::result::Result<T, Box<dyn StdError + Send + Sync>>;
}

impl HookResult<Self> for bool {
    fn into_result(self) -> std::result::Result<Self, AnyError> {
        Ok(self)
    }
}

impl HookResult<Self> for String {
    fn into_result(self) -> std::result::Result<Self, AnyError> {
        Ok(self)
    }
}

impl HookResult<Self> for Option<Duration> {
    fn into_result(self) -> std::result::Result<Self, AnyError> {
        Ok(self)
    }
}

impl HookResult<Self> for () {
    fn into_result(self) -> std::result::Result<Self, AnyError> {
        Ok(self)
    }
}

impl<T: Send, E: Into<AnyError> + Send> HookResult<T> for std::result::Result<T, E> {
    fn into_result(self) -> std::result::Result<T, AnyError> {
        self.map_err(Into::into)
    }
}

/// Keeps a function that answers at once.
pub(crate) fn at_once<A, T, R>(f: impl Fn(A) -> R + Send + Sync + 'static) -> Hook<A, T>
where
    A: Send + 'static,
    T: 'static,
    R: HookResult<T>,
{
    let f = Arc::new(f);
    Arc::new(move |argument| {
        let f = f.clone();
        Box::pin(async move { f(argument).into_result() })
    })
}

/// Keeps a function that returns a future.
pub(crate) fn in_time<A, T, R, Fut>(f: impl Fn(A) -> Fut + Send + Sync + 'static) -> Hook<A, T>
where
    A: Send + 'static,
    T: 'static,
    R: HookResult<T>,
    Fut: Future<Output = R> + Send + 'static,
{
    let f = Arc::new(f);
    Arc::new(move |argument| {
        let f = f.clone();
        // The call is within the future, so that a panic in it is caught where one of the future is.
        Box::pin(async move { f(argument).await.into_result() })
    })
}

/// Carries out the work of the function called `name`.
///
/// # Errors
/// [`ErrorKind::Hook`] if it panics, fails or is not ready within `limit`.
pub(crate) async fn carry_out<T>(name: &'static str, limit: Duration, mut work: Work<T>) -> Result<T> {
    let caught =
        poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(done)) => Poll::Ready(Some(done)),
            Err(_) => Poll::Ready(None),
        });
    // Outside of a runtime there are no timers.
    let done = match tokio::runtime::Handle::try_current() {
        Ok(_) => tokio::time::timeout(limit, caught).await.map_err(|_| failed(name, "took too long"))?,
        Err(_) => caught.await,
    };
    match done {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(failed(name, "failed").with_source(error)),
        None => Err(failed(name, "panicked")),
    }
}

fn failed(name: &str, how: &str) -> Error {
    Error::new(ErrorKind::Hook, format!("the application's function {name} {how}"))
}
