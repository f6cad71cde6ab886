//! What responses say to browsers and caches.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use cloakroom_sealed::{IrrevocableConfig, IrrevocableLayer, IrrevocableSession, SameSite};

use crate::browser::Browser;
use crate::{LIFETIME, app, config, keys, now};

#[tokio::test]
async fn a_request_that_uses_no_session_is_served_as_without_the_layer() {
    let mut browser = Browser::new(app(config(&now())));
    browser.get("/set?coat=green").await;
    let answer = browser.get("/static").await;
    let said = ["vary", "cache-control", "set-cookie"].map(|name| answer.header(name));
    assert_eq!((answer.body.as_str(), said), ("static", [None; 3]));
}

#[tokio::test]
async fn a_response_that_reads_is_private_and_one_that_writes_is_never_stored() {
    let mut browser = Browser::new(app(config(&now())));
    let read = browser.get("/show").await;
    let said = ["vary", "cache-control", "set-cookie"].map(|name| read.header(name));
    assert_eq!(said, [Some("Cookie"), Some("private"), None]);
    let written = browser.get("/set?coat=green").await;
    let said = ["vary", "cache-control"].map(|name| written.header(name));
    assert_eq!(said, [Some("Cookie"), Some("private, no-cache, no-store")]);
}

#[tokio::test]
async fn r29_the_cookie_shows_no_value_and_has_safe_attributes() {
    let mut browser = Browser::new(app(config(&now())));
    let answer = browser.get("/set?coat=a-green-coat-of-wool").await;
    let [line] = answer.set_cookies()[..] else { panic!("{:?}", answer.set_cookies()) };
    let (value, attributes) = line.strip_prefix("__Host-sealed=").unwrap().split_once("; ").unwrap();
    assert_eq!(attributes, format!("Max-Age={}; Path=/; HttpOnly; Secure; SameSite=Lax", LIFETIME.as_secs()));
    let bytes = data_encoding::BASE64URL_NOPAD.decode(&value.as_bytes()[2..]).unwrap();
    assert!(!bytes.windows(5).any(|bytes| bytes == b"green"));
    let again = browser.get("/set?coat=a-green-coat-of-wool").await;
    assert_ne!(again.set_cookies(), [line], "equal sessions are sealed differently");
}

#[tokio::test]
async fn the_options_of_the_cookie_are_those_of_other_sessions() {
    let config = || config(&now()).persistent(false);
    for (config, due) in [
        (config().plain_http(), "sealed=; Path=/; HttpOnly; SameSite=Lax"),
        (config().cookie_path("/a"), "__Secure-sealed=; Path=/a; HttpOnly; Secure; SameSite=Lax"),
        (
            config().cookie_name("hat").cookie_domain("example.org").same_site(SameSite::Strict),
            "hat=; Path=/; Domain=example.org; HttpOnly; Secure; SameSite=Strict",
        ),
        (
            config().same_site(SameSite::None).partitioned(true),
            "__Host-sealed=; Path=/; HttpOnly; Secure; SameSite=None; Partitioned",
        ),
    ] {
        let answer = Browser::new(app(config)).get("/set?coat=green").await;
        let [line] = answer.set_cookies()[..] else { panic!("{:?}", answer.set_cookies()) };
        let (name, rest) = line.split_once('=').unwrap();
        assert_eq!(format!("{name}=; {}", rest.split_once("; ").unwrap().1), due);
    }
    let contradiction = IrrevocableConfig::new(keys()).cookie_name("__Host-hat").cookie_domain("example.org");
    assert_eq!(IrrevocableLayer::new(contradiction).unwrap_err().options(), ["cookie_name", "cookie_domain"]);
}

#[tokio::test]
async fn a_reset_begins_another_session_with_a_whole_lifetime() {
    let clock = now();
    let mut browser = Browser::new(app(config(&clock)));
    browser.get("/set?coat=green").await;
    clock.advance(LIFETIME / 2);
    browser.get("/reset").await;
    assert_eq!(browser.shows().await, "false []");
    clock.advance(LIFETIME / 2);
    assert_eq!(browser.shows().await, "false []");
    clock.advance(LIFETIME / 2);
    assert_eq!(browser.shows().await, "true []");
}

#[tokio::test]
async fn a_route_without_the_layer_says_what_is_missing() {
    let app = Router::new().route("/", get(async |_: IrrevocableSession| "never"));
    let answer = Browser::new(app).get("/").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.body.contains("IrrevocableLayer::new(config)"), "{}", answer.body);
}

#[tokio::test]
async fn debug_shows_no_value_and_no_secret() {
    let layer = IrrevocableLayer::new(config(&now())).unwrap();
    let show =
        async |session: IrrevocableSession| session.insert("coat", "green").map(|()| format!("{session:?}"));
    let shown = format!("{layer:?} {:?}", config(&now()));
    let app = Router::new().route("/", get(show)).layer(layer);
    let shown = shown + &Browser::new(app).get("/").await.body;
    assert!(
        shown.contains("values: 1") && !shown.contains("green") && !shown.contains(crate::OLD),
        "{shown}"
    );
}
