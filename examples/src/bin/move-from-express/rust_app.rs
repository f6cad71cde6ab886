//! The Rust application: the routes of `express.js` again, on the same sessions.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use cloakroom_node::{Express, FileBodies, FileLayout, NodeStore, NodeValues};
use cloakroom_redis::RedisStore;
use cloakroom_tower::{Session, SessionError, SessionLayer};
use serde::Deserialize;

use crate::page::Page;

type Answer = Result<Response, SessionError>;

const USERS: [(&str, &str, &str); 2] = [("1", "alice", "wonderland"), ("2", "bob", "builder")];

/// Makes the application; its store is the folder or the URL that Express has.
pub(crate) async fn app(store: &str, secret: &str) -> crate::Result<Router> {
    let express = Express::new([secret])?.passport_with_numbers();
    let (express, store) = open(express, store).await?;
    let layer = SessionLayer::with_config(store, express.config())?;
    Ok(Router::new()
        .route("/", get(home))
        .route("/account", get(account))
        .route("/account/note", post(keep_note))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/account/logout", post(log_out))
        .layer(layer))
}

async fn open(express: Express, store: &str) -> crate::Result<(Express, NodeStore)> {
    if store.starts_with("redis") {
        let bodies = RedisStore::from_url(store)?.prefix("sess:").build_bodies().await?;
        return Ok((express.clone(), express.store(bodies)));
    }
    // Without a ttl of its own, session-file-store keeps a session for an hour.
    let express = express.ttl(Duration::from_secs(3600));
    let bodies = FileBodies::open(store, FileLayout::session_file_store()).await?;
    Ok((express.clone(), express.store(bodies)))
}

/// Returns the name of the user that is logged in.
fn user(session: &Session) -> Option<&'static str> {
    let id = session.user()?;
    USERS.iter().find(|user| user.0 == id).map(|user| user.1)
}

fn show(title: &'static str, session: &Session) -> Answer {
    let visits = session.increment("visits", 1)?;
    let note = session.get_or("note", String::new())?;
    let mut messages = session.take_flash("info")?;
    messages.extend(session.take_flash::<String>("error")?);
    let page = Page { title, visits, note, messages, user: user(session), token: session.csurf_token()? };
    Ok(page.into_html().into_response())
}

async fn home(session: Session) -> Answer {
    show("Home", &session)
}

async fn account(session: Session) -> Answer {
    if user(&session).is_none() {
        return Ok(Redirect::to("/").into_response());
    }
    show("Account", &session)
}

#[derive(Deserialize)]
struct Note {
    note: String,
    #[serde(rename = "_csrf")]
    token: String,
}

async fn keep_note(session: Session, Form(form): Form<Note>) -> Answer {
    if !session.csurf_verify(&form.token)? {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    if user(&session).is_some() {
        session.insert("note", form.note)?;
        session.push_flash("info", "Your note is kept.")?;
    }
    Ok(Redirect::to("/").into_response())
}

#[derive(Deserialize)]
struct LogIn {
    username: String,
    password: String,
    #[serde(rename = "_csrf")]
    token: String,
}

async fn log_in(session: Session, Form(form): Form<LogIn>) -> Answer {
    if !session.csurf_verify(&form.token)? {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    let user = USERS.iter().find(|user| (user.1, user.2) == (&form.username, &form.password));
    let Some((id, ..)) = user else {
        session.push_flash("error", "Wrong name or password.")?;
        return Ok(Redirect::to("/").into_response());
    };
    session.log_in(id)?;
    Ok(Redirect::to("/account").into_response())
}

#[derive(Deserialize)]
struct LogOut {
    #[serde(rename = "_csrf")]
    token: String,
}

async fn log_out(session: Session, Form(form): Form<LogOut>) -> Answer {
    if !session.csurf_verify(&form.token)? {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    session.log_out();
    Ok(Redirect::to("/").into_response())
}
