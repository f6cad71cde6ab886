//! What the layer says about caching, against what the application says.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use cloakroom_tower::{Session, SessionError};
use http::header::{CACHE_CONTROL, VARY};

use crate::client::Client;
use crate::layer;

const PUBLIC: [(http::HeaderName, &str); 1] = [(CACHE_CONTROL, "public, s-maxage=3600")];

async fn write(session: Session) -> Result<impl IntoResponse, SessionError> {
    session.increment("n", 1)?;
    Ok((PUBLIC, "written"))
}

async fn read(session: Session) -> Result<impl IntoResponse, SessionError> {
    session.get::<u32>("n")?;
    Ok((PUBLIC, "read"))
}

fn varying(session: &Session, vary: &'static str) -> Result<impl IntoResponse + use<>, SessionError> {
    session.get::<u32>("n")?;
    Ok(([(VARY, vary)], ""))
}

fn client() -> Client {
    let router = Router::new()
        .route("/write", get(write))
        .route("/read", get(read))
        .route("/still", get(async || (PUBLIC, "still")))
        .route("/language", get(async |session: Session| varying(&session, "Accept-Language")))
        .route("/cookie", get(async |session: Session| varying(&session, "accept-language, COOKIE")))
        .route("/star", get(async |session: Session| varying(&session, "*")));
    Client::new(router.layer(layer()))
}

#[tokio::test]
async fn r21_no_store_goes_with_every_cookie_whatever_the_application_says() {
    let client = client();
    let first = client.get("/write").await;
    assert_eq!(first.set_cookies().len(), 1);
    let said: Vec<_> = first.headers.get_all(CACHE_CONTROL).iter().collect();
    assert_eq!(said, ["no-store"], "the only word on it");
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

#[tokio::test]
async fn vary_is_added_to_what_the_application_says_and_only_where_it_is_missing() {
    let client = client();
    let vary = async |path: &str| -> Vec<String> {
        let answer = client.get(path).await;
        answer.headers.get_all(VARY).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(vary("/language").await, ["Accept-Language", "Cookie"]);
    assert_eq!(vary("/cookie").await, ["accept-language, COOKIE"]);
    assert_eq!(vary("/star").await, ["*"]);
}
