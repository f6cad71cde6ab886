//! The lifetime of express-session's cookie.

use std::time::Duration;

use cloakroom::store::Clock as _;
use cloakroom_node::Express;

use crate::stage::{AN_HOUR, BROWSER, Browser, HOUR, ID, SECRET, Stage, cookie, header, sent};

const NEVER_EXPIRES: &str = "; Path=/; HttpOnly";

fn an_hour(express: Express) -> Express {
    express.max_age(HOUR)
}

/// Returns the header of a request that adds a value.
async fn write(stage: &Stage, browser: &mut Browser) -> Option<String> {
    let outcome = stage
        .visit(browser, async |session| {
            session.increment("n", 1).unwrap();
        })
        .await;
    sent(&outcome).first().map(|header| (*header).to_owned())
}

#[tokio::test]
async fn e134_without_a_lifetime_the_cookie_names_no_date() {
    let header = write(&Stage::new(), &mut Browser::default()).await.unwrap();
    assert!(header.ends_with(NEVER_EXPIRES) && !header.contains("Expires"), "{header}");
}

#[tokio::test]
async fn e135_a_cookie_that_ends_with_the_browser_is_sent_once() {
    let (stage, mut browser) = (Stage::new(), Browser::default());
    assert!(write(&stage, &mut browser).await.is_some());
    let outcome = stage.visit(&mut browser, async |session| assert!(session.contains("n"))).await;
    assert!(sent(&outcome).is_empty());
}

#[tokio::test]
async fn e140_the_stored_lifetime_is_the_configured_one() {
    let (stage, mut browser) = (Stage::express(an_hour), Browser::default());
    write(&stage, &mut browser).await;
    assert!(stage.body(&browser).contains(r#""originalMaxAge":3600000,"#), "{}", stage.body(&browser));
}

#[tokio::test]
async fn e141_the_stored_lifetime_stays_the_same_in_later_requests() {
    let (stage, mut browser) = (Stage::express(an_hour), Browser::default());
    for _ in 0..20 {
        write(&stage, &mut browser).await;
        stage.clock.advance(Duration::from_millis(61_003));
        assert!(stage.body(&browser).contains(r#""originalMaxAge":3600000,"#), "{}", stage.body(&browser));
    }
}

#[tokio::test]
async fn e145_the_date_is_now_and_the_lifetime() {
    let stage = Stage::express(an_hour);
    stage.clock.advance(Duration::from_secs(90));
    let header = write(&stage, &mut Browser::default()).await.unwrap();
    assert!(header.contains("; Expires=Thu, 01 Jan 2026 01:01:30 GMT;"), "{header}");
}

#[tokio::test]
async fn e146_another_lifetime_of_one_session_moves_the_date() {
    let stage = Stage::express(an_hour);
    let mut browser = stage.node_writes(AN_HOUR);
    let outcome = stage
        .visit(&mut browser, async |session| session.set_idle_timeout(Some(Duration::from_secs(60))))
        .await;
    let date = "; Expires=Thu, 01 Jan 2026 00:01:00 GMT;";
    assert!(header(&outcome).contains(date), "{}", header(&outcome));
    assert!(stage.body(&browser).contains(r#""originalMaxAge":60000,"#), "{}", stage.body(&browser));
    assert!(write(&stage, &mut browser).await.unwrap().contains(date), "it is kept by later requests");
}

#[tokio::test]
async fn e147_a_lifetime_may_be_longer_than_31_bits_of_milliseconds() {
    let stage = Stage::express(|express| express.max_age(Duration::from_secs(3_000_000)));
    let mut browser = Browser::default();
    let header = write(&stage, &mut browser).await.unwrap();
    assert!(header.contains("; Expires=Wed, 04 Feb 2026 17:20:00 GMT;"), "{header}");
    assert!(stage.body(&browser).contains(r#""originalMaxAge":3000000000,"#), "{}", stage.body(&browser));
}

#[tokio::test]
async fn e148_an_absolute_date_of_one_session_is_sent_as_it_is() {
    let stage = Stage::express(an_hour);
    let mut browser = stage.node_writes(AN_HOUR);
    let end = stage.clock.now() + Duration::from_secs(90);
    let outcome =
        stage.visit(&mut browser, async |session| session.cookie().set_expires_at(end).unwrap()).await;
    let date = "; Expires=Thu, 01 Jan 2026 00:01:30 GMT;";
    assert!(header(&outcome).contains(date), "{}", header(&outcome));
    let again = stage.visit(&mut browser, async |session| session.insert("views", 2).unwrap()).await;
    assert!(sent(&again).iter().all(|header| header.contains(date)), "it stays: {:?}", sent(&again));
    let body = stage.body(&browser);
    assert!(
        body.contains(r#""originalMaxAge":3600000,"#),
        "the session itself lives on as configured: {body}"
    );
}

#[tokio::test]
async fn e149_one_session_s_cookie_can_be_made_to_end_with_the_browser() {
    let stage = Stage::express(an_hour);
    let mut browser = stage.node_writes(AN_HOUR);
    let outcome = stage.visit(&mut browser, async |session| session.set_idle_timeout(None)).await;
    assert_eq!(header(&outcome), format!("{}{NEVER_EXPIRES}", cookie(SECRET, &browser.id())));
    let stored = r#""originalMaxAge":null,"expires":null"#;
    assert!(stage.body(&browser).contains(stored), "{}", stage.body(&browser));
}

#[tokio::test]
async fn e150_a_cookie_that_was_made_to_end_with_the_browser_is_not_sent_again() {
    let stage = Stage::express(an_hour);
    let mut browser = stage.node_writes(BROWSER);
    let outcome = stage.visit(&mut browser, async |session| assert!(session.contains("views"))).await;
    assert!(sent(&outcome).is_empty());
}

#[tokio::test]
async fn e151_a_cookie_that_ends_with_the_browser_is_not_sent_again_when_values_change() {
    let stage = Stage::express(an_hour);
    let mut browser = stage.node_writes(BROWSER);
    assert_eq!(write(&stage, &mut browser).await, None);
    assert!(stage.bodies.body(ID).unwrap().contains(r#""n":1"#));
}
