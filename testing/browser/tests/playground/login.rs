//! Log-in, log-out, and the old cookie afterwards.

use cloakroom_browser_tests::{Browser, Playground, Result};

#[tokio::test(flavor = "multi_thread")]
async fn logging_in_and_out_shows_and_forgets_the_user() -> Result {
    let (playground, browser) = (Playground::start()?, Browser::start().await?);
    let page = browser.open(&playground).await?;
    page.wait_for_text("#user", "").await?;
    page.log_in("ada").await?;
    page.reload().await?;
    page.wait_for_text("#user", "ada").await?;
    page.log_out().await?;
    page.reload().await?;
    page.wait_for_text("#user", "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_in_changes_the_cookie_and_the_old_one_is_worth_nothing() -> Result {
    let playground = Playground::start()?;
    let (victim, thief) = (Browser::start().await?, Browser::start().await?);
    let (victim, thief) = (victim.open(&playground).await?, thief.open(&playground).await?);
    victim.increment().await?;
    victim.wait_for_text("#count", "1").await?;
    let planted = victim.cookie().await?.ok_or("the browser keeps no session cookie")?.value;
    victim.log_in("ada").await?;
    victim.wait_for_text("#count", "1").await?;
    let current = victim.cookie().await?.ok_or("the browser keeps no session cookie")?.value;
    assert_ne!(current, planted);
    thief.set_cookie(&planted).await?;
    thief.reload().await?;
    thief.wait_for_text("#user", "").await?;
    thief.wait_for_text("#count", "0").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_stolen_before_log_out_is_worth_nothing_afterwards() -> Result {
    let playground = Playground::start()?;
    let (owner, thief) = (Browser::start().await?, Browser::start().await?);
    let (owner, thief) = (owner.open(&playground).await?, thief.open(&playground).await?);
    owner.log_in("ada").await?;
    let stolen = owner.cookie().await?.ok_or("the browser keeps no session cookie")?.value;
    thief.set_cookie(&stolen).await?;
    thief.reload().await?;
    // Without this the test could not tell a dead cookie from one that never worked.
    thief.wait_for_text("#user", "ada").await?;
    owner.log_out().await?;
    thief.reload().await?;
    thief.wait_for_text("#user", "").await
}
