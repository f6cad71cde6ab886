//! Cookies of another package's format.

use axum::Router;
use axum::response::AppendHeaders;
use axum::routing::get;
use cloakroom_conformance::Reference;
use cloakroom_tower::cloakroom::format::{CookieFormat, FoundIds, IssuedCookie};
use cloakroom_tower::{Config, Session, SessionError, SessionLayer, SessionManager, SiteData, SystemClock};
use http::header::SET_COOKIE;

use crate::client::Client;
use crate::{count, log_out};

/// A package whose id has a cookie and a seal beside it, and which leaves both to expire at a log-out.
#[derive(Debug)]
struct TwoCookies;

impl CookieFormat for TwoCookies {
    fn cookie_name(&self) -> &'static str {
        "id"
    }

    fn read(&self, headers: &mut dyn Iterator<Item = &[u8]>, found: &mut FoundIds<'_>) {
        let headers: Vec<_> = headers.map(String::from_utf8_lossy).collect();
        let pairs = headers.iter().flat_map(|header| header.split("; "));
        pairs.filter_map(|pair| pair.strip_prefix("id=")).take(1).for_each(|id| found.add(id));
    }

    fn new_id(&self, random: &[u8; 32]) -> String {
        random.iter().fold(String::new(), |id, byte| id + &format!("{byte:02x}"))
    }

    fn issue(&self, cookie: &IssuedCookie<'_>) -> Vec<String> {
        vec![format!("id={}", cookie.id), "id.seal=wax".into()]
    }

    fn remove(&self, _: bool) -> Vec<String> {
        Vec::new()
    }
}

/// A package whose sessions are below a path.
#[derive(Debug)]
struct BelowFoo;

impl CookieFormat for BelowFoo {
    fn cookie_name(&self) -> &'static str {
        TwoCookies.cookie_name()
    }

    fn read(&self, headers: &mut dyn Iterator<Item = &[u8]>, found: &mut FoundIds<'_>) {
        TwoCookies.read(headers, found);
    }

    fn new_id(&self, random: &[u8; 32]) -> String {
        TwoCookies.new_id(random)
    }

    fn issue(&self, cookie: &IssuedCookie<'_>) -> Vec<String> {
        TwoCookies.issue(cookie)
    }

    fn remove(&self, https: bool) -> Vec<String> {
        TwoCookies.remove(https)
    }

    fn covers(&self, path: &str) -> bool {
        path.starts_with("/foo")
    }
}

async fn sets_the_same(
    session: Session,
) -> Result<AppendHeaders<[(http::HeaderName, &'static str); 2]>, SessionError> {
    session.increment("n", 1)?;
    Ok(AppendHeaders([(SET_COOKIE, "id.seal=mine"), (SET_COOKIE, "theme=dark")]))
}

fn client() -> Client {
    let config = Config::default().cookie_format(TwoCookies).clear_site_data([SiteData::Cache]);
    let engine = SessionManager::new(Reference::new(SystemClock), config).unwrap();
    let app = Router::new()
        .route("/count", get(count))
        .route("/same", get(sets_the_same))
        .route("/out", get(log_out));
    Client::new(app.layer(SessionLayer::from_manager(engine)))
}

#[tokio::test]
async fn a_format_may_send_several_cookies_and_each_is_sent_once() {
    let client = client();
    let answer = client.get("/same").await;
    let names: Vec<_> =
        answer.set_cookies().iter().map(|cookie| cookie.split('=').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["theme", "id", "id.seal"]);
    assert_eq!(client.get("/count").await.body, "2");
}

#[tokio::test]
async fn a_log_out_is_kept_out_of_caches_and_clears_the_site_although_no_cookie_is_sent() {
    let client = client();
    client.get("/count").await;
    let answer = client.get("/out").await;
    assert_eq!(answer.set_cookies(), [""; 0]);
    assert_eq!(answer.headers["cache-control"], "private, no-cache, no-store");
    assert_eq!(answer.headers["clear-site-data"], "\"cache\"");
    assert_eq!(client.get("/count").await.body, "1");
}

#[tokio::test]
async fn the_path_that_counts_is_the_one_that_the_client_asked_for() {
    let config = Config::default().cookie_format(BelowFoo);
    let engine = SessionManager::new(Reference::new(SystemClock), config).unwrap();
    let counting = Router::new().route("/count", get(count)).route("/foo", get(count));
    // Inside of a nested router, the path of the request has lost its beginning.
    let app = Router::new()
        .nest("/foo", counting.clone().layer(SessionLayer::from_manager(engine.clone())))
        .nest("/bar", counting.layer(SessionLayer::from_manager(engine)));
    let client = Client::new(app);
    assert_eq!(client.get("/foo/count").await.body, "1");
    assert_eq!(client.get("http://other.example/foo/count").await.body, "2");
    for outside in ["/bar/count", "/bar/foo", "http://other.example/bar/foo", "http://foo/bar/count"] {
        let answer = client.get(outside).await;
        assert_eq!((answer.status.as_u16(), answer.set_cookies().len()), (500, 0), "{outside}");
    }
    assert_eq!(client.get("/foo/foo").await.body, "3");
}
