//! `Set-Cookie` headers that the application has set by itself.

use axum::Router;
use axum::response::AppendHeaders;
use axum::routing::get;
use cloakroom_tower::{Session, SessionError};
use http::header::SET_COOKIE;

use crate::client::{Answer, Client};
use crate::layer;

const OTHERS: [&str; 3] = ["theme=dark; Path=/", "session2=a; Path=/", "xsession=b"];

/// What an application may have set by mistake, or by an older library.
const OURS: [&str; 3] = ["session=forged; Path=/", " session = forged", "session="];

async fn all_kinds(
    session: Session,
) -> Result<AppendHeaders<Vec<(http::HeaderName, &'static str)>>, SessionError> {
    session.increment("n", 1)?;
    Ok(AppendHeaders(OTHERS.into_iter().chain(OURS).map(|value| (SET_COOKIE, value)).collect()))
}

async fn ours() -> AppendHeaders<[(http::HeaderName, &'static str); 1]> {
    AppendHeaders([(SET_COOKIE, "session=forged; Path=/")])
}

fn client() -> Client {
    Client::new(Router::new().route("/", get(all_kinds)).route("/ours", get(ours)).layer(layer()))
}

fn named_session(answer: &Answer) -> Vec<&str> {
    let is_ours =
        |cookie: &&str| cookie.trim_start().split('=').next().is_some_and(|name| name.trim() == "session");
    answer.set_cookies().into_iter().filter(is_ours).collect()
}

#[tokio::test]
async fn other_cookies_are_kept_and_ours_is_replaced() {
    let answer = client().get("/").await;
    let all = answer.set_cookies();
    assert_eq!(&all[..3], OTHERS, "in the order in which they were set");
    assert_eq!(named_session(&answer).len(), 1, "{all:?}");
    assert!(all[3].starts_with("session=") && !all[3].contains("forged"), "{all:?}");
}

#[tokio::test]
async fn r19_a_response_never_has_two_cookies_of_one_name() {
    let client = client();
    for _ in 0..3 {
        let answer = client.get("/").await;
        assert!(named_session(&answer).iter().filter(|cookie| !cookie.contains("forged")).count() <= 1);
    }
}

#[tokio::test]
async fn a_response_that_has_nothing_to_say_about_the_session_is_left_as_it_is() {
    assert_eq!(client().get("/ours").await.set_cookies(), ["session=forged; Path=/"]);
}
