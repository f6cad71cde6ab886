//! The service: begins a request's session and calls the inner service.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use cloakroom::{RequestField, RequestHead, RequestSession, SessionManager};
use http::Extensions;
use http::header::{COOKIE, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, uri::Scheme};
use tower_service::Service;

use crate::future::ResponseFuture;
use crate::layer::Settings;
use crate::nested::RequestSessions;
use crate::response::FailedRequest;

/// A service with sessions around it; made by [`SessionLayer`](crate::SessionLayer).
#[derive(Clone)]
pub struct SessionService<S> {
    pub(crate) inner: S,
    pub(crate) engine: SessionManager,
    pub(crate) settings: Arc<Settings>,
}

impl<S, Q, B> Service<Request<Q>> for SessionService<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
    B: Default + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        if request.extensions().get::<RequestSession>().is_some() && self.is_nested(&mut request) {
            return ResponseFuture::nested(self.inner.call(request));
        }
        let head = Head::of(&request);
        let pending = self.engine.begin(&head);
        let copy = self.settings.on_error.is_some().then(|| Box::new(FailedRequest::copy_of(&request)));
        request.extensions_mut().insert(pending.clone());
        ResponseFuture::new(self.inner.call(request), pending, self.settings.clone(), copy)
    }
}

impl<S> SessionService<S> {
    /// Returns whether a layer around this one keeps the same cookie, whose session is then the request's; else the
    /// session of that layer stays within reach.
    fn is_nested<Q>(&self, request: &mut Request<Q>) -> bool {
        let sessions = RequestSessions::of(request.extensions());
        let Some(outer) = sessions.get(self.engine.cookie_name()).cloned() else {
            request.extensions_mut().insert(sessions);
            return false;
        };
        // An engine holds its own reference to its store, so that this tells engines apart.
        if !std::ptr::eq(outer.manager().store(), self.engine.store()) {
            self.settings.warnings.ignored_layer(outer.manager());
        }
        request.extensions_mut().insert(sessions);
        request.extensions_mut().insert(outer);
        true
    }
}

impl<S: fmt::Debug> fmt::Debug for SessionService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService")
            .field("inner", &self.inner)
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// The address that a connection came from, in the extensions of a request: for
/// [`ProxyTrust::networks`](cloakroom::ProxyTrust::networks) and functions of the application that ask for it. A server
/// knows it; a layer around the session layer puts it there.
///
/// ```
/// use axum::extract::{ConnectInfo, Request};
/// use axum::middleware::{Next, from_fn};
/// use axum::response::Response;
/// use cloakroom_tower::{PeerAddress, SessionLayer, stores::MemoryStore};
/// use std::net::SocketAddr;
///
/// async fn note_peer(ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: Request, next: Next) -> Response {
///     request.extensions_mut().insert(PeerAddress(peer.ip()));
///     next.run(request).await
/// }
///
/// let app = axum::Router::new().layer(SessionLayer::new(MemoryStore::new())).layer(from_fn(note_peer));
/// let service = app.into_make_service_with_connect_info::<SocketAddr>();
/// # let _ = service;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// What the engine needs to know of a request.
pub(crate) struct Head<'a> {
    headers: &'a HeaderMap,
    method: &'a Method,
    uri: &'a Uri,
    extensions: &'a Extensions,
}

impl<'a> Head<'a> {
    pub(crate) fn of<Q>(request: &'a Request<Q>) -> Self {
        Self {
            headers: request.headers(),
            method: request.method(),
            uri: request.uri(),
            extensions: request.extensions(),
        }
    }

    #[cfg(feature = "axum")]
    pub(crate) fn of_parts(parts: &'a http::request::Parts) -> Self {
        Self {
            headers: &parts.headers,
            method: &parts.method,
            uri: &parts.uri,
            extensions: &parts.extensions,
        }
    }

    /// Returns the URI as it was before a router took a prefix off.
    #[cfg(feature = "original-uri")]
    fn original_uri(&self) -> &'a Uri {
        self.extensions.get::<::axum::extract::OriginalUri>().map_or(self.uri, |original| &original.0)
    }
}

static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
static SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The most headers that are looked at one by one.
const FEW: usize = 12;

/// Finds a header that may not be there: to look at a few names costs less than to hash the one that is sought.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    if headers.keys_len() > FEW {
        return headers.get(name);
    }
    headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
}

impl RequestHead for Head<'_> {
    fn cookies(&self) -> impl Iterator<Item = &[u8]> {
        self.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes)
    }

    fn forwarded_proto(&self) -> Option<&[u8]> {
        self.headers.get(&X_FORWARDED_PROTO).map(HeaderValue::as_bytes)
    }

    fn header(&self, field: RequestField) -> Option<&[u8]> {
        let value = match field {
            RequestField::IfModifiedSince => self.headers.get(IF_MODIFIED_SINCE),
            RequestField::IfNoneMatch => self.headers.get(IF_NONE_MATCH),
            RequestField::SecFetchMode => self.headers.get(&SEC_FETCH_MODE),
            RequestField::SecFetchSite => self.headers.get(&SEC_FETCH_SITE),
            RequestField::SecPurpose => find(self.headers, &SEC_PURPOSE),
            other => self.headers.get(other.name()),
        };
        value.map(HeaderValue::as_bytes)
    }

    /// Returns whether the request has an absolute `https` URI. Servers that terminate TLS set one over HTTP/2 only;
    /// over HTTP/1.1 this is `false`, and `Secure::Auto` needs a trusted proxy's header.
    fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    fn method(&self) -> Option<&str> {
        Some(self.method.as_str())
    }

    fn peer(&self) -> Option<IpAddr> {
        self.extensions.get::<PeerAddress>().map(|peer| peer.0)
    }

    fn each_header<'h>(&'h self, see: &mut dyn FnMut(&'h str, &'h [u8])) {
        for (name, value) in self.headers {
            see(name.as_str(), value.as_bytes());
        }
    }

    #[cfg(feature = "original-uri")]
    fn path(&self) -> Option<&str> {
        Some(self.original_uri().path())
    }

    /// Without the feature, a nested router of axum may have taken a prefix off.
    #[cfg(not(feature = "original-uri"))]
    fn path(&self) -> Option<&str> {
        if cfg!(feature = "axum") { None } else { Some(self.uri.path()) }
    }
}
