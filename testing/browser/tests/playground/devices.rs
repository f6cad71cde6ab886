//! A person's sessions: listed, and ended one by one or all but this one.

use cloakroom_browser_tests::{Browser, Playground, Result};

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_listed_by_a_handle_that_is_not_the_id() -> Result {
    let (playground, browser) = (Playground::start()?, Browser::start().await?);
    let page = browser.open(&playground).await?;
    page.log_in("ada").await?;
    let handles = page.wait_for_devices(1).await?;
    let cookie = page.cookie().await?.ok_or("the browser keeps no session cookie")?.value;
    assert!(!handles[0].is_empty());
    assert!(!cookie.contains(&handles[0]) && !handles[0].contains(&cookie));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_device_is_revoked_by_its_button() -> Result {
    let playground = Playground::start()?;
    let (here, there) = (Browser::start().await?, Browser::start().await?);
    let (here, there) = (here.open(&playground).await?, there.open(&playground).await?);
    here.log_in("ada").await?;
    there.log_in("ada").await?;
    here.reload().await?;
    let handles = here.wait_for_devices(2).await?;
    here.revoke(&handles[1]).await?;
    assert_eq!(here.wait_for_devices(1).await?, handles[..1]);
    there.reload().await?;
    there.wait_for_text("#user", "").await?;
    here.reload().await?;
    here.wait_for_text("#user", "ada").await
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_the_others_keeps_exactly_this_device() -> Result {
    let playground = Playground::start()?;
    let (here, there, other) = (Browser::start().await?, Browser::start().await?, Browser::start().await?);
    let (here, there, other) =
        (here.open(&playground).await?, there.open(&playground).await?, other.open(&playground).await?);
    here.log_in("ada").await?;
    there.log_in("ada").await?;
    other.log_in("grace").await?;
    here.reload().await?;
    let handles = here.wait_for_devices(2).await?;
    here.revoke_others().await?;
    assert_eq!(here.wait_for_devices(1).await?, handles[..1]);
    there.reload().await?;
    there.wait_for_text("#user", "").await?;
    other.reload().await?;
    other.wait_for_text("#user", "grace").await
}
