//! An Express application and a Rust application behind one port, in a real browser.

use cloakroom_browser_tests::{Browser, Pair, Result};

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_goes_between_express_and_rust_with_one_cookie_and_one_session() -> Result {
    let (pair, browser) = (Pair::start()?, Browser::start().await?);
    let page = browser.walk(&pair);
    page.goto("/", "Express", "Visit 1.").await?;
    let guest = page.cookie().await?;
    assert_eq!((guest.http_only, guest.path.as_deref()), (Some(true), Some("/")));
    page.write("password", "wonderland").await?;
    page.send("/login").await?;
    page.wait_for("Rust", "You are logged in as").await?;
    let user = page.cookie().await?;
    assert_ne!(user.value, guest.value, "a log-in of Passport has another id");
    page.write("note", "from the browser").await?;
    page.send("/account/note").await?;
    page.wait_for("Express", "Your note is kept.").await?;
    page.goto("/account", "Rust", "You are logged in as").await?;
    assert_eq!(page.cookie().await?.value, user.value, "both go on with one cookie");

    page.send("/account/logout").await?;
    page.wait_for("Express", "You are not logged in.").await?;
    // A copy of the cookie that was made before the log-out; Rust sends guests home.
    page.set_cookie(&user.value).await?;
    page.goto("/account", "Express", "You are not logged in.").await
}
