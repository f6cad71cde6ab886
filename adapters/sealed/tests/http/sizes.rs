//! Sessions that take more than one cookie.

use axum::http::StatusCode;

use crate::browser::Browser;
use crate::{app, config, now};

#[tokio::test]
async fn a_session_that_grows_and_shrinks_takes_and_gives_back_cookies() {
    let mut browser = Browser::new(app(config(&now())));
    let value = "x".repeat(4_000);
    let answer = browser.get(&format!("/set?long={value}&coat=green")).await;
    assert_eq!(browser.jar.keys().collect::<Vec<_>>(), ["__Host-sealed", "__Host-sealed.1"]);
    // Browsers keep 4,096 bytes of name and value; some count the attributes too.
    assert!(answer.set_cookies().iter().all(|line| line.len() <= 4_096), "{:?}", answer.set_cookies());
    assert_eq!(browser.shows().await, format!("false {:?}", [("coat", "green"), ("long", value.as_str())]));
    assert_eq!(browser.get("/remove/long").await.body, format!("{:?}", Some(value)));
    assert_eq!(browser.jar.keys().collect::<Vec<_>>(), ["__Host-sealed"]);
    assert_eq!(browser.shows().await, r#"false [("coat", "green")]"#);
}

#[tokio::test]
async fn a_log_out_removes_every_cookie_with_its_attributes() {
    let mut browser = Browser::new(app(config(&now()).max_cookies(4)));
    browser.get(&format!("/set?long={}", "x".repeat(9_000))).await;
    assert_eq!(browser.jar.len(), 4);
    let answer = browser.get("/destroy").await;
    let removals = ["", ".1", ".2", ".3"].map(|suffix| {
        format!(
            "__Host-sealed{suffix}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; Secure; \
             SameSite=Lax"
        )
    });
    assert_eq!(answer.set_cookies(), removals);
    assert_eq!(browser.jar.len(), 0);
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_an_error_of_the_client_and_changes_nothing() {
    let mut browser = Browser::new(app(config(&now()).max_cookies(1)));
    browser.get("/set?coat=green").await;
    let answer = browser.get(&format!("/set?coat={}", "x".repeat(3_000))).await;
    assert_eq!((answer.status, answer.set_cookies()), (StatusCode::PAYLOAD_TOO_LARGE, vec![]));
    assert_eq!(browser.shows().await, r#"false [("coat", "green")]"#);
}
