//! What the layer says about caching, against what the application says.

use axum::Router;
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::{MethodRouter, get};
use cloakroom_tower::{CsrfLayer, Session, SessionError};
use http::header::{CACHE_CONTROL, HeaderName, VARY};
use http::{Request, StatusCode};

use crate::client::{Answer, Client};
use crate::{count, down, layer};

const PUBLIC: [(http::HeaderName, &str); 1] = [(CACHE_CONTROL, "public, s-maxage=3600")];

async fn write(session: Session) -> Result<impl IntoResponse, SessionError> {
    session.increment("n", 1)?;
    Ok((PUBLIC, "written"))
}

async fn read(session: Session) -> Result<impl IntoResponse, SessionError> {
    session.get::<u32>("n")?;
    Ok((PUBLIC, "read"))
}

/// Reads the session and says these headers, each on a line of its own.
fn saying(lines: &'static [(&str, &str)]) -> MethodRouter {
    get(async move |session: Session| -> Result<_, SessionError> {
        session.get::<u32>("n")?;
        Ok((AppendHeaders(lines.iter().copied()), ""))
    })
}

/// Writes the session and says these headers.
fn writing(lines: &'static [(&str, &str)]) -> MethodRouter {
    get(async move |session: Session| -> Result<_, SessionError> {
        session.increment("n", 1)?;
        Ok((AppendHeaders(lines.iter().copied()), ""))
    })
}

async fn answer(route: MethodRouter) -> Answer {
    Client::new(Router::new().route("/", route).layer(layer())).get("/").await
}

fn lines(answer: &Answer, name: &HeaderName) -> Vec<String> {
    answer.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

fn client() -> Client {
    let router = Router::new()
        .route("/write", get(write))
        .route("/read", get(read))
        .route("/still", get(async || (PUBLIC, "still")));
    Client::new(router.layer(layer()))
}

#[tokio::test]
async fn r21_no_store_goes_with_every_cookie_whatever_the_application_says() {
    let client = client();
    let first = client.get("/write").await;
    assert_eq!(first.set_cookies().len(), 1);
    let said: Vec<_> = first.headers.get_all(CACHE_CONTROL).iter().collect();
    assert_eq!(said, ["private, no-cache, no-store"], "the only word on it");
    let second = client.get("/write").await;
    assert_eq!(second.set_cookies(), [""; 0]);
    assert_eq!(second.header("cache-control"), Some(PUBLIC[0].1), "without a cookie it is the application's");
}

#[tokio::test]
async fn a_response_that_read_the_session_varies_and_is_cached_as_the_application_says() {
    let answer = client().get("/read").await;
    assert_eq!((answer.header("cache-control"), answer.header("vary")), (Some(PUBLIC[0].1), Some("Cookie")));
}

#[tokio::test]
async fn a_response_that_never_looked_is_as_the_application_made_it() {
    let answer = client().get("/still").await;
    assert_eq!((answer.header("cache-control"), answer.header("vary")), (Some(PUBLIC[0].1), None));
}

/// What the response tells a shared cache, by the headers that the application set.
const WHO_MAY_STORE: [(&[(&str, &str)], &str); 9] = [
    (&[], "private"),
    (&[("cache-control", "max-age=60")], "max-age=60, private"),
    (
        &[("cache-control", "max-age=60"), ("cache-control", "must-revalidate")],
        "max-age=60, must-revalidate, private",
    ),
    (&[("cache-control", "no-cache")], "no-cache, private"),
    // With a field it speaks of that field only.
    (&[("cache-control", "private=\"Set-Cookie\", max-age=9")], "private=\"Set-Cookie\", max-age=9, private"),
    (&[("cache-control", "PRIVATE, max-age=60")], "PRIVATE, max-age=60"),
    (&[("cache-control", "no-store")], "no-store"),
    (&[("cache-control", "public, max-age=60")], "public, max-age=60"),
    (&[("cache-control", "s-maxage=60")], "s-maxage=60"),
];

#[tokio::test]
async fn f22_what_looked_at_its_session_is_private_unless_the_application_says_who_may_store_it() {
    for (said, expected) in WHO_MAY_STORE {
        assert_eq!(lines(&answer(saying(said)).await, &CACHE_CONTROL), [expected], "{said:?}");
    }
}

/// What lets a cache keep a response although its `Cache-Control` forbids it.
const OVERRULES: [(&str, &str); 8] = [
    ("cdn-cache-control", "max-age=60"),
    ("cloudflare-cdn-cache-control", "max-age=60"),
    ("netlify-cdn-cache-control", "public, durable"),
    ("surrogate-control", "content=\"ESI/1.0\""),
    ("x-accel-expires", "60"),
    ("expires", "Thu, 01 Jan 2099 00:00:00 GMT"),
    ("edge-control", "max-age=60"),
    ("x-kept", "yes"),
];

#[tokio::test]
async fn f22_a_response_that_sets_the_cookie_has_nothing_that_lets_a_cache_keep_it() {
    let answer = answer(writing(&OVERRULES)).await;
    assert_eq!(answer.set_cookies().len(), 1);
    for (name, _) in &OVERRULES[..7] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    assert_eq!(answer.header("x-kept"), Some("yes"));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache, no-store"));
}

#[track_caller]
fn assert_is_not_stored(answer: &Answer, status: StatusCode) {
    assert_eq!(answer.status, status, "{answer:?}");
    let said = answer.header("cache-control").unwrap_or_default();
    assert!(said.contains("no-store"), "{answer:?}");
    assert_eq!(lines(answer, &VARY), ["Cookie"], "{answer:?}");
}

#[tokio::test]
async fn f22_every_response_of_our_own_is_not_stored_and_varies_by_cookie() {
    let down = Client::new(
        Router::new()
            .route("/read", get(count))
            .route("/late", get(async |lazy: cloakroom_tower::LazySession| lazy.load().await.map(drop)))
            .layer(down::layer()),
    );
    down.set_cookie("session", &"A".repeat(43));
    for path in ["/read", "/late"] {
        assert_is_not_stored(&down.get(path).await, StatusCode::SERVICE_UNAVAILABLE);
    }
    let anonymous = down.stranger().get("/read").await;
    assert_is_not_stored(&anonymous, StatusCode::SERVICE_UNAVAILABLE);
    let guarded = Router::new().route("/", axum::routing::post(count)).layer(CsrfLayer::new());
    let refused = Client::new(guarded.clone().layer(layer())).send(Request::post("/")).await;
    assert_is_not_stored(&refused, StatusCode::FORBIDDEN);
    let without = Client::new(guarded).send(Request::post("/")).await;
    assert_is_not_stored(&without, StatusCode::INTERNAL_SERVER_ERROR);
    let without = Client::new(Router::new().route("/", get(count))).get("/").await;
    assert_is_not_stored(&without, StatusCode::INTERNAL_SERVER_ERROR);
}

/// What `Vary` is, by what the application says.
const VARIES: [(&[(&str, &str)], &str); 8] = [
    (&[], "Cookie"),
    (&[("vary", "Accept-Language")], "Cookie, Accept-Language"),
    (&[("vary", "accept-language, COOKIE")], "Cookie, accept-language"),
    (&[("vary", "cookie, Accept")], "Cookie, Accept"),
    (
        &[("vary", "Accept"), ("vary", "Accept-Language,Cookie"), ("vary", "")],
        "Cookie, Accept, Accept-Language",
    ),
    (&[("vary", "Accept"), ("vary", "accept")], "Cookie, Accept"),
    (&[("vary", "*")], "*"),
    (&[("vary", "Accept, *"), ("vary", "Cookie")], "*"),
];

#[tokio::test]
async fn f34_there_is_one_vary_line_and_cookie_comes_first() {
    for (said, expected) in VARIES {
        assert_eq!(lines(&answer(saying(said)).await, &VARY), [expected], "{said:?}");
    }
}
