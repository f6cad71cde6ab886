//! Values that live as long as the session, and messages that live for one page.

use cloakroom_browser_tests::{Browser, Playground, Result};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_counter_counts_and_outlives_a_reload() -> Result {
    let (playground, browser) = (Playground::start()?, Browser::start().await?);
    let page = browser.open(&playground).await?;
    page.wait_for_text("#count", "0").await?;
    for count in ["1", "2", "3"] {
        page.increment().await?;
        page.wait_for_text("#count", count).await?;
    }
    page.reload().await?;
    page.wait_for_text("#count", "3").await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_browsers_have_two_sessions() -> Result {
    let playground = Playground::start()?;
    let (first, second) = (Browser::start().await?, Browser::start().await?);
    let (first, second) = (first.open(&playground).await?, second.open(&playground).await?);
    first.increment().await?;
    first.wait_for_text("#count", "1").await?;
    second.reload().await?;
    second.wait_for_text("#count", "0").await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_one_page_at_once_lose_no_increment() -> Result {
    let (playground, browser) = (Playground::start()?, Browser::start().await?);
    let page = browser.open(&playground).await?;
    page.increment().await?;
    page.wait_for_text("#count", "1").await?;
    let mut counts = Vec::new();
    for answer in page.do_at_once(24, json!([{ "increment": ["parallel", 1] }])).await? {
        counts.push(answer["results"][0].as_u64().ok_or("an increment answers with the new count")?);
    }
    let after = page.do_at_once(1, json!([{ "read": "parallel" }])).await?;
    assert_eq!(after[0]["results"][0], 24, "the requests saw {counts:?}");
    page.reload().await?;
    let values = page.text("#values").await?.ok_or("there is no #values")?;
    assert!(values.contains("parallel") && values.contains("24"), "{values}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flash_message_is_shown_once() -> Result {
    let (playground, browser) = (Playground::start()?, Browser::start().await?);
    let page = browser.open(&playground).await?;
    page.wait_for_text("#flash", "").await?;
    page.flash("mind the step").await?;
    page.wait_for_part("#flash", "mind the step").await?;
    page.reload().await?;
    page.wait_for_text("#flash", "").await
}
