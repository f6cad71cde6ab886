//! What the browser keeps, sends and forgets.

use cloakroom_browser_tests::{Browser, DOMAIN, Playground, Result, Shops, tampered};
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
async fn r20_the_removal_cookie_removes_a_cookie_of_one_host() -> Result {
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
async fn r20_the_removal_cookie_removes_a_cookie_of_a_whole_domain_and_path() -> Result {
    let (shops, browser) = (Shops::open().await?, Browser::start().await?);
    let [hats, coats, out] =
        [shops.url("hats", "in"), shops.url("coats", "in"), shops.url("coats", "in/out")];
    browser.visit(&hats).await?.wait_for_text("#count", "1").await?;
    let page = browser.visit(&coats).await?;
    page.wait_for_text("#count", "2").await?;
    let cookie = page.cookie().await?.ok_or("the browser keeps no session cookie")?;
    assert_eq!(cookie.domain, Some(format!(".{DOMAIN}")));
    assert_eq!(cookie.path.as_deref(), Some("/in"));
    let page = browser.visit(&out).await?;
    page.wait_for_text("#count", "logged out").await?;
    assert!(page.cookie().await?.is_none(), "it is left on the host that removed it");
    browser.visit(&hats).await?.wait_for_text("#count", "1").await
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
