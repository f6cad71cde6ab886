//! Draws the pages.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use cloakroom_tower::store::Cursor;
use cloakroom_tower::{FoundSession, Session, SessionInfo, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;

use super::Admin;
use super::operator::Operator;
use crate::demo::page::{Failure, Page};
use crate::operate::{moment, printable};

/// How many sessions a page shows.
const SHOWN: usize = 50;

/// Where pages of sessions begin. A cursor may hold a key, so browsers get a number instead.
#[derive(Debug, Default)]
pub(super) struct Cursors(Mutex<(u64, VecDeque<(u64, Cursor)>)>);

impl Cursors {
    /// Keeps a cursor, in the place of the oldest, and returns its number.
    fn keep(&self, cursor: Cursor) -> u64 {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 += 1;
        let number = kept.0;
        kept.1.push_back((number, cursor));
        if kept.1.len() > 1_000 {
            kept.1.pop_front();
        }
        number
    }

    fn get(&self, number: u64) -> Option<Cursor> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.1.iter().find(|(known, _)| *known == number).map(|(_, cursor)| cursor.clone())
    }
}

/// Which sessions to show.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    user: String,
    after: Option<u64>,
}

pub(super) async fn log_in(session: Session) -> Result<Response, Failure> {
    if session.user().is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    // The form needs a token, and the token a session that is stored.
    session.insert("visited", true)?;
    let token = session.csrf_token()?;
    let content = html! {
        header { h1 { "Sessions" } }
        main {
            form #log-in method="post" action="/log-in" {
                input type="hidden" name="csrf" value=(token);
                input type="password" name="password" aria-label="Password" placeholder="password" required autocomplete="current-password";
                button.primary { "Log in" }
            }
        }
    };
    Ok(Page::ok("Cloakroom: log in", content).into_response())
}

/// Who is online: a page of all sessions, or of a user's.
pub(super) async fn online(
    State(admin): State<Arc<Admin>>,
    Operator(session): Operator,
    Query(wanted): Query<Wanted>,
) -> Result<Page, Failure> {
    let after = wanted.after.and_then(|number| admin.pages.get(number));
    let (engine, user) = (&admin.sessions.engine, wanted.user.trim());
    let by_user = !user.is_empty() && admin.sessions.has_owners();
    let page = if by_user {
        engine.sessions().page(user, after.as_ref(), SHOWN).await?
    } else {
        engine.all_sessions().page(after.as_ref(), SHOWN).await?
    };
    let mut found = page.sessions;
    found.retain(|found| user.is_empty() || found.info.user.as_deref() == Some(user));
    found.sort_by_key(|found| std::cmp::Reverse(found.info.last_seen));
    let next = page.next.map(|cursor| admin.pages.keep(cursor));
    let token = session.csrf_token()?;
    let content = html! {
        (top(&token))
        main {
            form method="get" action="/" {
                input name="user" value=(user) placeholder="user" aria-label="User" maxlength="255";
                button { "Show devices" }
            }
            @if by_user { (end_all(&token, user)) }
            (table(&token, &found))
            @if let Some(next) = next {
                p { a.button #next href={ "/?after=" (next) "&user=" (encoded(user)) } { "More" } }
            }
        }
    };
    Ok(Page::ok("Cloakroom: who is online", content))
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn top(token: &str) -> Markup {
    html! {
        header {
            h1 { "Sessions" }
            nav.row {
                p { a href="/" { "Who is online" } " · " a href="/endings" { "Endings" } }
                form method="post" action="/log-out" {
                    input type="hidden" name="csrf" value=(token);
                    button.quiet { "Log out" }
                }
            }
        }
    }
}

fn end_all(token: &str, user: &str) -> Markup {
    html! {
        form #revoke-all method="post" action="/revoke-all" {
            input type="hidden" name="csrf" value=(token);
            input type="hidden" name="user" value=(user);
            input name="reason" placeholder="why" aria-label="Why" required maxlength="200";
            button { "End every session of " (printable(user)) }
        }
    }
}

fn table(token: &str, found: &[FoundSession]) -> Markup {
    html! {
        ul #devices { @for found in found { (one(token, &found.info)) } }
        @if found.is_empty() { p.empty { "No session here." } }
    }
}

fn one(token: &str, info: &SessionInfo) -> Markup {
    let user = info.user.as_deref().unwrap_or_default();
    html! {
        li data-session=(info.public_id) {
            div {
                @if user.is_empty() { strong { "no user" } } @else {
                    a href={ "/?user=" (encoded(user)) } { (printable(user)) }
                }
                @if let Some(device) = &info.device { " · " (printable(device)) }
                p.hint {
                    "Began " (moment(info.started_at)) ", seen " (moment(info.last_seen)) ", ends " (moment(info.expires_at)) " · "
                    code { (info.public_id) }
                }
            }
            form method="post" action="/revoke" {
                input type="hidden" name="csrf" value=(token);
                input type="hidden" name="public_id" value=(info.public_id);
                input type="hidden" name="user" value=(user);
                input name="reason" placeholder="why" aria-label="Why" required maxlength="200";
                button.quiet { "End" }
            }
        }
    }
}

/// The last endings. The browser loads the page again by itself.
pub(super) async fn ended(
    State(admin): State<Arc<Admin>>,
    Operator(session): Operator,
) -> Result<impl IntoResponse, Failure> {
    let endings = admin.endings.all();
    let token = session.csrf_token()?;
    let content = html! {
        (top(&token))
        main {
            p.hint { "The last endings that were seen, at " (moment(Timestamp::now())) "." }
            ul #devices {
                @for ending in &endings {
                    li {
                        div {
                            (moment(ending.at)) " · " (printable(ending.user.as_deref().unwrap_or("no user"))) " · "
                            code { (ending.what) }
                        }
                        span { (printable(&ending.why)) }
                    }
                }
            }
        }
    };
    Ok(([("refresh", "5")], Page::ok("Cloakroom: endings", content)))
}
