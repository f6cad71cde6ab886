//! A form whose CSRF token was valid.

use std::collections::HashMap;

use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use cloakroom_tower::Session;

use super::failure::Failure;

/// A form of this session's own page. There is no other way to the fields of a form than past the check of its token.
pub(crate) struct Posted {
    pub(crate) session: Session,
    fields: HashMap<String, String>,
}

impl Posted {
    /// Returns a field without the space around it; empty if it is not there.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |text| text.trim())
    }
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let session = Session::from_request_parts(&mut parts, state).await?;
        let form = Form::from_request(Request::from_parts(parts, body), state).await;
        let Form(fields): Form<HashMap<String, String>> =
            form.map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "The form could not be read."))?;
        let token = fields.get("csrf").map(String::as_str);
        session.require_csrf_token(token).map_err(|_| Failure::forged())?;
        Ok(Self { session, fields })
    }
}
