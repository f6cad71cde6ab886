//! The protected form takes the token of this session and no other.

use cloakroom_browser_tests::{Browser, Page, Playground, Result, tampered};

#[tokio::test(flavor = "multi_thread")]
async fn the_form_is_accepted_with_the_token_of_the_page() -> Result {
    let (playground, browser) = (Playground::start()?, Browser::start().await?);
    let page = browser.open(&playground).await?;
    page.submit_protected("a plain wish").await?;
    page.wait_for_part("#csrf-result", "a plain wish").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_token_is_refused_and_the_session_lives_on() -> Result {
    let (playground, browser) = (Playground::start()?, Browser::start().await?);
    let page = browser.open(&playground).await?;
    page.increment().await?;
    page.wait_for_text("#count", "1").await?;
    let token = page.csrf_token().await?;
    page.set_csrf_token(&tampered(&token)).await?;
    expect_refusal(&page).await?;
    page.reload().await?;
    page.wait_for_text("#count", "1").await?;
    page.submit_protected("a plain wish").await?;
    page.wait_for_part("#csrf-result", "a plain wish").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_another_session_is_refused() -> Result {
    let playground = Playground::start()?;
    let (victim, attacker) = (Browser::start().await?, Browser::start().await?);
    let (victim, attacker) = (victim.open(&playground).await?, attacker.open(&playground).await?);
    let foreign = attacker.csrf_token().await?;
    victim.set_csrf_token(&foreign).await?;
    expect_refusal(&victim).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_token_is_refused() -> Result {
    let (playground, browser) = (Playground::start()?, Browser::start().await?);
    let page = browser.open(&playground).await?;
    page.set_csrf_token("").await?;
    expect_refusal(&page).await
}

async fn expect_refusal(page: &Page<'_>) -> Result {
    page.submit_protected("a forged wish").await?;
    page.wait_for_element("#error").await?;
    assert_eq!(page.status().await?, Some(403));
    assert_eq!(page.text("#csrf-result").await?, None);
    Ok(())
}
