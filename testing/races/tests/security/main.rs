//! The promises of SECURITY.md: the number of a row begins the name of its tests.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod cookies;
mod csrf;
mod events;
mod front;
mod ids;
mod lifetimes;
mod owners;
mod secrets;

use axum::body::Body;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderValue, Request, StatusCode};
use cloakroom::KeyRing;
use cloakroom_races::{ServiceExt, Stand};
use cloakroom_tower::{Session, SessionError};

type Handled<T = ()> = Result<T, SessionError>;

async fn log_in(session: Session) -> Handled {
    Ok(session.log_in("alice")?)
}

async fn log_out(session: Session) -> Handled {
    session.log_out();
    Ok(())
}

async fn renew(session: Session) -> Handled {
    session.cycle_id();
    Ok(())
}

async fn read_coat(session: Session) -> Handled<String> {
    Ok(session.get("coat")?.unwrap_or_default())
}

const SECRET: &str = "a secret of at least 32 bytes, for a test";

fn ring() -> KeyRing {
    KeyRing::new([SECRET]).unwrap()
}

/// What a request without a network brought.
struct Asked {
    status: StatusCode,
    body: String,
    new_cookie: Option<String>,
}

/// Sends a request without a network; each value of `cookies` is a cookie of our name, each in a header of its own.
async fn ask(stand: &Stand, path: &str, cookies: &[Vec<u8>]) -> Asked {
    let mut request = Request::get(path);
    for cookie in cookies {
        let pair = [stand.engine.cookie_name().as_bytes(), b"=", cookie].concat();
        request = request.header(COOKIE, HeaderValue::from_bytes(&pair).unwrap());
    }
    answer(stand, request.body(Body::empty()).unwrap()).await
}

async fn answer(stand: &Stand, request: Request<Body>) -> Asked {
    let (head, body) = stand.router().oneshot(request).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let new_cookie = head.headers.get(SET_COOKIE).map(|header| {
        let (_, rest) = header.to_str().unwrap().split_once('=').unwrap();
        rest.split(';').next().unwrap_or_default().to_owned()
    });
    Asked { status: head.status, body: String::from_utf8_lossy(&body).into_owned(), new_cookie }
}
