//! Copies of pages that a browser keeps: fetched ahead, or for going back.

use cloakroom_browser_tests::{Browser, Pages, Result, USER};
use cloakroom_tower::{Caching, Config};

/// Returns what a page shows that was fetched ahead before the log-out, at the click after it.
async fn fetched_ahead(browser: &Browser, change: impl FnOnce(Config) -> Config) -> Result<String> {
    let pages = Pages::open(change).await?;
    browser.visit(&pages.url("/log-in")).await?;
    let url = pages.url("/guesses");
    let home = browser.visit(&url).await?;
    pages.wait_for_prefetch().await?;
    home.post("/log-out").await?;
    home.click("#account").await?;
    shown(browser, "home").await
}

/// Returns what a page shows when the user goes back to it after the session has ended, here or elsewhere.
async fn gone_back_to(browser: &Browser, path: &str, is_elsewhere: bool, caching: Caching) -> Result<String> {
    let pages = Pages::open(|config| config.caching(caching)).await?;
    browser.visit(&pages.url("/log-in")).await?;
    browser.visit(&pages.url(path)).await?.wait_for_text("#count", USER).await?;
    let url = pages.url("/");
    let home = browser.visit(&url).await?;
    if is_elsewhere {
        pages.revoke().await?;
    } else {
        home.post("/log-out").await?;
    }
    browser.back().await?;
    if path == "/asks" {
        browser.shown().wait_for_text("#count", "stranger").await?;
    }
    shown(browser, "home").await
}

/// Waits until the browser shows another page than the one with this text.
async fn shown(browser: &Browser, before: &str) -> Result<String> {
    browser.shown().wait_for_other("#count", before).await
}

#[tokio::test(flavor = "multi_thread")]
async fn r22_after_a_log_out_no_page_that_was_fetched_ahead_shows_the_user() -> Result {
    let browser = Browser::start().await?;
    assert_eq!(fetched_ahead(&browser, |config| config).await?, "stranger");
    let without = fetched_ahead(&browser, |config| config.clear_site_data([])).await?;
    assert_eq!(without, USER, "this browser shows what it fetched ahead, so the test would notice");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_going_back_after_the_end_of_a_session_shows_no_user() -> Result {
    let browser = Browser::start().await?;
    assert_eq!(gone_back_to(&browser, "/account", false, Caching::UsersNoStore).await?, "stranger");
    let private = gone_back_to(&browser, "/account", false, Caching::Private).await?;
    assert_eq!(private, USER, "this browser keeps pages for going back, so the test would notice");
    assert_eq!(gone_back_to(&browser, "/asks", true, Caching::Private).await?, "stranger");
    Ok(())
}
