//! What the browser keeps, sends and forgets.

use cloakroom_browser_tests::{Browser, Playground, Result, tampered};
use serde_json::json;
use thirtyfour::SameSite;

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_http_only_lax_and_for_the_whole_host() -> Result {
    let (playground, browser) = (Playground::start()?, Browser::start().await?);
    let page = browser.open(&playground).await?;
    page.increment().await?;
    page.wait_for_text("#count", "1").await?;
    let cookie = page.cookie().await?.ok_or("the browser keeps no session cookie")?;
    assert_eq!(cookie.http_only, Some(true));
    assert_eq!(cookie.same_site, Some(SameSite::Lax));
    assert_eq!(cookie.path.as_deref(), Some("/"));
    // A cookie without a Domain attribute is kept for exactly this host: no dot in front.
    assert_eq!(cookie.domain.as_deref(), Some("127.0.0.1"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_of_the_page_do_not_see_the_cookie() -> Result {
    let (playground, browser) = (Playground::start()?, Browser::start().await?);
    let page = browser.open(&playground).await?;
    page.increment().await?;
    page.wait_for_text("#count", "1").await?;
    let cookie = page.cookie().await?.ok_or("the browser keeps no session cookie")?;
    let seen = page.cookies_seen_by_scripts().await?;
    assert!(!seen.contains(&cookie.name) && !seen.contains(&cookie.value));
    Ok(())
}

/// The page is not loaded again before the look at the cookies: a page that sets a new cookie over one which was not
/// removed would hide the mistake.
#[tokio::test(flavor = "multi_thread")]
async fn the_removal_cookie_removes_the_cookie() -> Result {
    for ending in ["destroy", "log_out"] {
        let (playground, browser) = (Playground::start()?, Browser::start().await?);
        let page = browser.open(&playground).await?;
        page.log_in("ada").await?;
        assert!(page.cookie().await?.is_some());
        page.do_at_once(1, json!([{ ending: true }])).await?;
        assert!(page.cookie().await?.is_none(), "{ending} left the cookie in the browser");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_up_cookie_is_never_adopted() -> Result {
    let (playground, browser) = (Playground::start()?, Browser::start().await?);
    let page = browser.open(&playground).await?;
    page.increment().await?;
    page.wait_for_text("#count", "1").await?;
    let real = page.cookie().await?.ok_or("the browser keeps no session cookie")?.value;
    let made_up = tampered(&real);
    page.set_cookie(&made_up).await?;
    page.reload().await?;
    page.wait_for_text("#count", "0").await?;
    page.increment().await?;
    page.wait_for_text("#count", "1").await?;
    let minted = page.cookie().await?.ok_or("the browser keeps no session cookie")?.value;
    assert_ne!(minted, made_up);
    Ok(())
}
