//! The sessions of a request with several session layers.

use cloakroom::RequestSession;
use http::Extensions;

/// The sessions of a request that went through several [`SessionLayer`](crate::SessionLayer)s: one for each cookie name.
///
/// [`Session`](crate::Session) is that of the innermost layer; the others are found by the name of their cookie.
///
/// ```
/// use cloakroom_tower::{Config, RequestSessions, Session, SessionError, SessionLayer, stores::MemoryStore};
///
/// async fn checkout(cart: Session, sessions: RequestSessions) -> Result<String, SessionError> {
///     let user = sessions.get("user").ok_or(SessionError::NO_LAYER)?.load().await?;
///     Ok(format!("{:?} buys {}", user.user(), cart.get_or("books", 0)?))
/// }
///
/// let layer = |name: &str| SessionLayer::with_config(MemoryStore::new(), Config::plain_http().cookie_name(name));
/// # let app: axum::Router =
/// axum::Router::new()
///     .route("/checkout", axum::routing::get(checkout))
///     .layer(layer("cart")?)
///     .layer(layer("user")?)
/// # ; let _ = app;
/// # Ok::<(), cloakroom_tower::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RequestSessions(cloakroom::RequestSessions);

impl RequestSessions {
    /// Finds the sessions in the extensions of a request.
    pub fn of(extensions: &Extensions) -> Self {
        let Self(sessions) = extensions.get().cloned().unwrap_or_default();
        Self(sessions.with(extensions.get::<RequestSession>()))
    }

    #[cfg(feature = "axum")]
    pub(crate) fn note_headers(&self, head: &crate::service::Head<'_>) {
        self.0.note_headers(head);
    }

    /// Returns the session whose cookie has this name; `None` if the request went through no such layer.
    pub fn get(&self, cookie_name: &str) -> Option<&RequestSession> {
        self.0.get(cookie_name)
    }
}
