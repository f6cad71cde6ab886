//! The middleware: puts sessions around an application.

use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{Error as ActixError, HttpMessage as _, HttpRequest, HttpResponse};
use cloakroom::adapter::Warnings;
use cloakroom::store::Store;
use cloakroom::{Config, ConfigError, Error, RequestSession, SessionManager};

use crate::RequestSessions;
use crate::future::SessionFuture;
use crate::headers::Head;

/// Puts sessions around an application, or a scope of it.
///
/// 1. A request that never asks for its session makes no store trip, and its response is left as it is.
/// 2. Changes are in the store before the response's headers leave. If they cannot be, the response is replaced by an
///    error (503 if the store does not answer): nothing was acknowledged.
/// 3. The cookie is set only by the response that made the id, and removed only by the one that ended the session. With it go
///    `Cache-Control: private, no-cache, no-store`, over whatever the application said, and no other `Set-Cookie` of its
///    name; headers for CDNs and `Expires` are removed.
/// 4. A response that used its session varies, in one line that begins with `Cookie`; and it is `private`, unless
///    the application says that shared caches may store it. That is an [`Event::SharedCache`](cloakroom::Event). Where the
///    application says nothing and a user is logged in, no cache stores it: see [`Config::caching`].
/// 5. The status of the response makes no difference: a 404 or a 500 saves like a 200. A request without a response (a
///    panic, an `Err` of a middleware inside, a client that went away) saves nothing, which is an
///    [`Event::Unanswered`](cloakroom::Event); a log-out that was decided before it is carried out.
/// 6. Two of them around each other with the same cookie name share one session; the outer one saves it.
/// 7. Every error is answered in one place, with a status by its kind: see [`on_error`](Self::on_error).
///
/// Make it once, outside of the closure that makes the `App`, and clone it there: all workers then share one
/// [`SessionManager`], and a memory store.
///
/// ```no_run
/// use actix_web::{App, HttpServer, web};
/// use cloakroom_actix::{Session, SessionError, SessionMiddleware, stores::MemoryStore};
///
/// async fn visits(session: Session) -> Result<String, SessionError> {
///     Ok(format!("visit {}\n", session.increment("visits", 1)?))
/// }
///
/// #[actix_web::main]
/// async fn main() -> std::io::Result<()> {
///     let sessions = SessionMiddleware::new(MemoryStore::new());
///     HttpServer::new(move || App::new().wrap(sessions.clone()).route("/", web::get().to(visits)))
///         .bind(("127.0.0.1", 8080))?
///         .run()
///         .await
/// }
/// ```
#[derive(Clone)]
pub struct SessionMiddleware {
    manager: SessionManager,
    settings: Arc<Settings>,
}

/// Makes a response of an error.
pub(crate) type OnError = dyn Fn(&Error, &HttpRequest) -> HttpResponse + Send + Sync;

/// What all requests share beside the manager.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) on_error: Option<Box<OnError>>,
    pub(crate) warnings: Warnings,
}

impl SessionMiddleware {
    /// Keeps sessions in `store`, with the defaults of [`Config`]. An `Arc<dyn Store>` is a store too.
    ///
    /// # Panics
    /// If the operating system gives no random bytes; [`with_config`](Self::with_config) returns an error then.
    ///
    /// ```
    /// use actix_web::{App, web};
    /// use cloakroom_actix::{Session, SessionError, SessionMiddleware, stores::MemoryStore};
    ///
    /// async fn theme(session: Session) -> Result<String, SessionError> {
    ///     Ok(session.get_or("theme", "light".to_owned())?)
    /// }
    ///
    /// let sessions = SessionMiddleware::new(MemoryStore::new());
    /// let app = App::new().wrap(sessions.clone()).route("/theme", web::get().to(theme));
    /// # let _ = app;
    /// ```
    pub fn new(store: impl Store) -> Self {
        match Self::with_config(store, Config::default()) {
            Ok(middleware) => middleware,
            Err(error) => panic!("no sessions can be kept: {error}"),
        }
    }

    /// Keeps sessions in `store`, configured.
    ///
    /// # Errors
    /// If options contradict each other, the store lacks a capability that they need, or there are no random bytes.
    ///
    /// ```
    /// use cloakroom_actix::{Config, SessionMiddleware, stores::MemoryStore};
    ///
    /// let contradiction = Config::default().cookie_name("__Host-shop").cookie_path("/shop");
    /// let error = SessionMiddleware::with_config(MemoryStore::new(), contradiction).unwrap_err();
    /// assert_eq!(error.options(), ["cookie_name", "cookie_path"]);
    /// let sessions = SessionMiddleware::with_config(MemoryStore::new(), Config::plain_http())?;
    /// # let _ = sessions;
    /// # Ok::<(), cloakroom_actix::ConfigError>(())
    /// ```
    pub fn with_config(store: impl Store, config: Config) -> Result<Self, ConfigError> {
        SessionManager::new(store, config).map(Self::from_manager)
    }

    /// Puts the sessions of a manager around an application.
    ///
    /// ```
    /// use cloakroom_actix::{Config, SessionManager, SessionMiddleware, stores::MemoryStore};
    ///
    /// let manager = SessionManager::new(MemoryStore::new(), Config::default())?;
    /// let sessions = SessionMiddleware::from_manager(manager.clone()); // and `manager` goes to a task that revokes sessions
    /// # let _ = actix_web::App::new().wrap(sessions);
    /// # Ok::<(), cloakroom_actix::ConfigError>(())
    /// ```
    pub fn from_manager(manager: SessionManager) -> Self {
        Self { manager, settings: Arc::default() }
    }

    /// Answers in the application's own form when a session cannot be used. Default: the status of the error's kind,
    /// and one plain line.
    ///
    /// It is asked for every error: of saving, of the extractors, of [`CsrfMiddleware`](crate::CsrfMiddleware), and for
    /// every [`SessionError`](crate::SessionError) that a handler returns. The middleware adds what keeps the answer out
    /// of caches, and the error, for middleware around this one:
    /// `response.response().extensions().get::<Arc<cloakroom::Error>>()`.
    ///
    /// A status other than the usual one of the error's kind stays. The usual one of an outage, 503, becomes the configured
    /// [`outage_status`](cloakroom::Config::outage_status).
    ///
    /// Give the client nothing of the error but its kind: its source holds the store's own error message.
    ///
    /// ```
    /// use actix_web::HttpResponse;
    /// use cloakroom_actix::{SessionMiddleware, status_code, stores::MemoryStore};
    ///
    /// let sessions = SessionMiddleware::new(MemoryStore::new()).on_error(|error, _request| {
    ///     let text = format!("<h1>{}</h1>", error.kind().client_text());
    ///     HttpResponse::build(status_code(error.kind())).content_type("text/html").body(text)
    /// });
    /// # let _ = actix_web::App::new().wrap(sessions);
    /// ```
    #[must_use]
    pub fn on_error(
        self,
        respond: impl Fn(&Error, &HttpRequest) -> HttpResponse + Send + Sync + 'static,
    ) -> Self {
        let settings = Settings { on_error: Some(Box::new(respond)), ..Settings::default() };
        Self { settings: Arc::new(settings), ..self }
    }

    /// Returns the manager, for [`SessionManager::sessions`] and others.
    ///
    /// ```
    /// # use cloakroom_actix::{SessionMiddleware, stores::MemoryStore};
    /// # #[actix_web::main] async fn main() -> cloakroom_actix::cloakroom::Result<()> {
    /// let sessions = SessionMiddleware::new(MemoryStore::new());
    /// let ended = sessions.manager().sessions().revoke_all("mallory").await?;
    /// assert_eq!(ended, 0);
    /// # Ok(()) }
    /// ```
    pub fn manager(&self) -> &SessionManager {
        &self.manager
    }
}

impl From<SessionManager> for SessionMiddleware {
    fn from(manager: SessionManager) -> Self {
        Self::from_manager(manager)
    }
}

impl fmt::Debug for SessionMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddleware").field("manager", &self.manager).finish_non_exhaustive()
    }
}

impl<S, B> Transform<S, ServiceRequest> for SessionMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = ActixError;
    type Transform = SessionService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        let (manager, settings) = (self.manager.clone(), self.settings.clone());
        ready(Ok(SessionService { inner, manager, settings }))
    }
}

/// A service with sessions around it; made by [`SessionMiddleware`].
pub struct SessionService<S> {
    inner: S,
    manager: SessionManager,
    settings: Arc<Settings>,
}

impl<S, B> Service<ServiceRequest> for SessionService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = ActixError;
    type Future = SessionFuture<S::Future, B>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        if self.is_nested(&request) {
            return SessionFuture::nested(self.inner.call(request));
        }
        let session = self.manager.begin(&Head(request.request()));
        request.extensions_mut().insert(session.clone());
        SessionFuture::new(self.inner.call(request), session, self.settings.clone())
    }
}

impl<S> SessionService<S> {
    /// Returns whether a middleware around this one keeps the same cookie, whose session is then the request's; else the
    /// session of that one stays within reach.
    fn is_nested(&self, request: &ServiceRequest) -> bool {
        let mut extensions = request.extensions_mut();
        if extensions.get::<RequestSession>().is_none() {
            return false;
        }
        let sessions = RequestSessions::of(&extensions);
        let outer = sessions.get(self.manager.cookie_name()).cloned();
        extensions.insert(sessions);
        let Some(outer) = outer else { return false };
        // A manager holds its own reference to its store, so that this tells managers apart.
        if !std::ptr::eq(outer.manager().store(), self.manager.store()) {
            self.settings.warnings.ignored_layer(outer.manager());
        }
        extensions.insert(outer);
        true
    }
}

impl<S> fmt::Debug for SessionService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").field("manager", &self.manager).finish_non_exhaustive()
    }
}
