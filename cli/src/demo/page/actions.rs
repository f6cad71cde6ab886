//! What the forms do. Each answers with a redirect to the page, so that reloading it repeats nothing.

use axum::extract::State;
use axum::response::Redirect;
use cloakroom_tower::{Error, PublicId, SessionManager};

use super::failure::Failure;
use super::home::{COUNT, CSRF_TEXT, FLASH, NOTICE};
use super::posted::Posted;

type Done = Result<Redirect, Failure>;

fn home() -> Redirect {
    Redirect::to("/")
}

pub(super) async fn increment(form: Posted) -> Done {
    form.session.increment(COUNT, 1)?;
    Ok(home())
}

pub(super) async fn insert(form: Posted) -> Done {
    form.session.insert(form.field("key"), form.field("value"))?;
    Ok(home())
}

pub(super) async fn remove(form: Posted) -> Done {
    form.session.remove(form.field("key"));
    Ok(home())
}

pub(super) async fn flash(form: Posted) -> Done {
    form.session.flash(FLASH, form.field("text"))?;
    Ok(home())
}

pub(super) async fn log_in(form: Posted) -> Done {
    form.session.log_in(form.field("user"))?;
    Ok(home())
}

pub(super) async fn log_out(form: Posted) -> Done {
    form.session.log_out();
    Ok(home())
}

pub(super) async fn renew(form: Posted) -> Done {
    form.session.cycle_id();
    form.session.flash(NOTICE, "Your browser has a fresh id; the session and its values are the same.")?;
    Ok(home())
}

pub(super) async fn reset(form: Posted) -> Done {
    form.session.reset();
    form.session.flash(NOTICE, "The old session has ended; this is a new, empty one.")?;
    Ok(home())
}

/// Ends a session of the user who is logged in. Ending the browser's own is a log-out, so that the cookie goes too.
pub(super) async fn revoke(State(engine): State<SessionManager>, form: Posted) -> Done {
    let handle: PublicId = form.field("handle").parse().map_err(|error: Error| Failure::of(&error))?;
    let Some(user) = form.session.user() else { return Ok(home()) };
    if form.session.public_id() == Some(handle) {
        form.session.log_out();
    } else if engine.sessions().revoke(&user, &handle).await? {
        form.session.flash(NOTICE, "That device is logged out.")?;
    }
    Ok(home())
}

pub(super) async fn revoke_others(State(engine): State<SessionManager>, form: Posted) -> Done {
    let notice = match engine.sessions().revoke_others(&form.session).await? {
        0 => "There was no other device.".to_owned(),
        1 => "One other device is logged out.".to_owned(),
        count => format!("{count} other devices are logged out."),
    };
    form.session.flash(NOTICE, notice)?;
    Ok(home())
}

/// Its token was checked before: see [`Posted`].
pub(super) async fn csrf(form: Posted) -> Done {
    form.session.flash(CSRF_TEXT, form.field("text"))?;
    Ok(home())
}
