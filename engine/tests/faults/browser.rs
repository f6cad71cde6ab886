//! A browser: it carries the cookie from one request to the next.

use cloakroom::{PlainRequest, RequestSession, ResponseUpdate, Result, Session, SessionManager};

/// The name of the cookie in all these tests.
pub(crate) const NAME: &str = "sid";

/// What a handler does with its session.
pub(crate) type Handler = fn(&Session);

/// A browser, and the value of the cookie that it holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser(pub(crate) Option<String>);

impl Browser {
    /// A browser that holds this value.
    pub(crate) fn with(value: impl Into<String>) -> Self {
        Self(Some(value.into()))
    }

    /// The value of the cookie.
    pub(crate) fn id(&self) -> String {
        self.0.clone().expect("the browser holds a cookie")
    }

    pub(crate) fn begin(&self, engine: &SessionManager) -> RequestSession {
        engine.begin(
            &self.0.as_ref().map_or_else(PlainRequest::default, |id| PlainRequest::with_cookie(line([id]))),
        )
    }

    /// Does with the cookie what the response says.
    pub(crate) fn take_in(&mut self, outcome: &ResponseUpdate) {
        let Some(header) = &outcome.set_cookie else { return };
        let (name, rest) = header.split_once('=').expect("a cookie is a pair");
        assert_eq!(name, NAME);
        let (value, _) = rest.split_once(';').expect("our cookies have attributes");
        self.0 = (!value.is_empty()).then(|| value.to_owned());
    }

    /// A whole request: begin, load, `handler`, commit. The browser takes the cookie in.
    pub(crate) async fn try_visit<T>(
        &mut self,
        engine: &SessionManager,
        handler: impl FnOnce(&Session) -> T,
    ) -> Result<(T, ResponseUpdate)> {
        let pending = self.begin(engine);
        let session = pending.load().await?;
        let result = handler(&session);
        drop(session);
        let outcome = pending.commit().await?;
        self.take_in(&outcome);
        Ok((result, outcome))
    }

    /// A whole request that must succeed.
    pub(crate) async fn visit<T>(
        &mut self,
        engine: &SessionManager,
        handler: impl FnOnce(&Session) -> T,
    ) -> T {
        self.try_visit(engine, handler).await.expect("the request succeeds").0
    }

    /// A whole request that must succeed, and what its response says.
    pub(crate) async fn outcome<T>(
        &mut self,
        engine: &SessionManager,
        handler: impl FnOnce(&Session) -> T,
    ) -> ResponseUpdate {
        self.try_visit(engine, handler).await.expect("the request succeeds").1
    }

    /// Returns whether the browser still has a session.
    pub(crate) async fn has_session(&mut self, engine: &SessionManager) -> bool {
        self.visit(engine, Session::exists).await
    }

    /// A browser that is logged in, with a value of its own.
    pub(crate) async fn logged_in(engine: &SessionManager, user: &str) -> Self {
        let mut browser = Self::default();
        let log_in = |session: &Session| {
            session.log_in(user).unwrap();
            session.insert("mine", user).unwrap();
        };
        browser.visit(engine, log_in).await;
        browser
    }

    /// A browser that has an anonymous session.
    pub(crate) async fn anonymous(engine: &SessionManager) -> Self {
        let mut browser = Self::default();
        browser.visit(engine, |session| session.insert("cart", 1).unwrap()).await;
        browser
    }
}

/// A `Cookie` header with these values, in this order.
pub(crate) fn line<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> String {
    let pairs: Vec<_> = values.into_iter().map(|value| format!("{NAME}={}", value.as_ref())).collect();
    pairs.join("; ")
}
