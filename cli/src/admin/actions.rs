//! What the forms of the page do.

use std::io::{self, Write};
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Redirect;
use cloakroom_tower::{PublicId, Timestamp};
use serde_json::json;

use super::Admin;
use super::endings::Ending;
use super::operator::Order;
use crate::demo::page::{Failure, Posted};

type Done = Result<Redirect, Failure>;

/// The name under which operators are logged in: there is one password for all.
const OPERATOR: &str = "operator";

pub(super) async fn log_in(State(admin): State<Arc<Admin>>, posted: Posted) -> Done {
    if !admin.password.is(posted.field("password")).await {
        return Err(Failure::new(StatusCode::FORBIDDEN, "That is not the password."));
    }
    posted.session.log_in(OPERATOR)?;
    Ok(Redirect::to("/"))
}

pub(super) async fn log_out(Order(posted): Order) -> Done {
    posted.session.log_out();
    Ok(Redirect::to("/log-in"))
}

/// Ends one session.
pub(super) async fn revoke(State(admin): State<Arc<Admin>>, Order(posted): Order) -> Done {
    let id: PublicId = posted.field("public_id").parse()?;
    let (user, reason) = (posted.field("user"), reason(&posted)?);
    let engine = &admin.sessions.engine;
    let ended = match user {
        "" => engine.sessions().revoke_by_id(&id).await?,
        user if admin.sessions.has_owners() => engine.sessions().revoke(user, &id).await?,
        _ => engine.sessions().revoke_by_id(&id).await?,
    };
    if !ended {
        return Err(Failure::new(StatusCode::CONFLICT, "That session had ended before."));
    }
    note(&admin, id.to_string(), user, reason);
    Ok(Redirect::to("/"))
}

/// Ends every session of a user.
pub(super) async fn revoke_all(State(admin): State<Arc<Admin>>, Order(posted): Order) -> Done {
    let (user, reason) = (posted.field("user"), reason(&posted)?);
    let count = admin.sessions.engine.sessions().revoke_all(user).await?;
    note(&admin, format!("{count} sessions"), user, reason);
    Ok(Redirect::to("/"))
}

/// Returns why: an operator has to say.
fn reason(posted: &Posted) -> Result<&str, Failure> {
    match posted.field("reason") {
        "" => Err(Failure::new(StatusCode::BAD_REQUEST, "Please say why.")),
        reason => Ok(reason),
    }
}

/// Shows an ending on the page, and writes it to the output of this command: that is its log.
fn note(admin: &Admin, what: String, user: &str, reason: &str) {
    let (at, user) = (Timestamp::now(), (!user.is_empty()).then(|| user.to_owned()));
    let line = json!({"at": at, "what": "revoked", "session": what, "user": user, "reason": reason});
    // If no reader is left, the page still shows it.
    let _ = writeln!(io::stdout(), "{line}");
    admin.endings.add(Ending { at, what, user, why: format!("revoked: {reason}") });
}
