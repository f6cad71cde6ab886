//! The frame of every page: head, style, and security headers.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use cloakroom_tower::cloakroom::{Random, SystemRandom};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// A page to send.
pub(crate) struct Page {
    status: StatusCode,
    title: &'static str,
    content: Markup,
}

impl Page {
    pub(crate) fn ok(title: &'static str, content: Markup) -> Self {
        Self::new(StatusCode::OK, title, content)
    }

    pub(crate) fn new(status: StatusCode, title: &'static str, content: Markup) -> Self {
        Self { status, title, content }
    }

    pub(crate) fn into_text(self) -> Response<String> {
        let nonce = nonce();
        let mut response = Response::new(document(self.title, &nonce, &self.content).into_string());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // Not `no-referrer`: with it, browsers send `Origin: null` with the page's own forms.
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        // The page holds tokens: going back after a log-out must not show it again.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(policy) = HeaderValue::try_from(policy(&nonce)) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> axum::response::Response {
        self.into_text().map(Into::into)
    }
}

/// Nothing but this page's own style, an icon, and forms to this server.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; connect-src 'self'; style-src 'nonce-{nonce}'; img-src data:; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

/// Names the style of this response, so that no other is applied. Without random bytes none is applied at all.
fn nonce() -> String {
    let mut bytes = [0; 16];
    match SystemRandom.fill(&mut bytes) {
        Ok(()) => format!("{:032x}", u128::from_be_bytes(bytes)),
        Err(_) => String::new(),
    }
}

/// A coat hanger.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' \
    stroke='%232f7d63' stroke-width='2' stroke-linecap='round' stroke-linejoin='round'%3E%3Cpath d='M12 9V8a2.5 2.5 \
    0 1 0-2.5-2.5M12 9l9 7.2a1 1 0 0 1-.6 1.8H3.6a1 1 0 0 1-.6-1.8z'/%3E%3C/svg%3E";

fn document(title: &str, nonce: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href=(ICON);
                style nonce=(nonce) { (PreEscaped(STYLE)) }
            }
            body { (content) }
        }
    }
}
