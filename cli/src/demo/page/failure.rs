//! The page for a form that failed, with the reason.

use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use cloakroom_tower::{Error, ErrorKind, SessionError};
use maud::html;

use super::layout::Page;

/// Why a person sees no page, in a sentence.
pub(crate) struct Failure {
    status: StatusCode,
    sentence: String,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into() }
    }

    /// Makes the error for a form that did not come from a page of this session.
    pub(crate) fn forged() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "The form's token is not one of your session's, so nothing was done. If the form was yours, the page was \
             too old: go back and reload it.",
        )
    }

    /// Returns an error of the engine, without the store's own error message.
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Contended | ErrorKind::Store => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The sessions cannot be reached at the moment, and nothing was changed. Please try again.",
            ),
            ErrorKind::Gone => {
                Self::new(StatusCode::CONFLICT, "Your session ended while this was under way.")
            }
            ErrorKind::Random => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here."),
            _ => Self::new(StatusCode::BAD_REQUEST, format!("That did not work: {error}.")),
        }
    }

    fn page(self) -> Page {
        let content = html! {
            main.failure {
                h1 { "That did not work" }
                p #error { (self.sentence) }
                p { a.button href="/" { "Back to the page" } }
            }
        };
        Page::new(self.status, "Cloakroom: that did not work", content)
    }

    pub(crate) fn into_text(self) -> Response<String> {
        self.page().into_text()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        error.error().map_or_else(
            || Self::new(StatusCode::INTERNAL_SERVER_ERROR, "This route has no sessions."),
            Self::of,
        )
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> axum::response::Response {
        self.page().into_response()
    }
}
