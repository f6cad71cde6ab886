//! The middleware of koa-generic-session, as it is and with `defer`: every session is loaded when a handler asks for it.

use std::time::Duration;

use cloakroom_node::Koa;

use crate::stage::{Browser, Stage, sent};
use crate::watched::Asked;

fn koa() -> Stage {
    Stage::koa(|koa| koa, |config| config)
}

fn rolling() -> Stage {
    Stage::koa(|koa| koa.rolling(true), |config| config)
}

#[tokio::test]
async fn k31_the_first_visit_counts_one_and_sets_both_cookies() {
    let (stage, mut browser) = (koa(), Browser::default());
    let outcome = stage.visit(&mut browser, async |session| session.insert("views", 1).unwrap()).await;
    let [value, signature] = sent(&outcome)[..] else { panic!("{:?}", sent(&outcome)) };
    let attributes = "; path=/; expires=Fri, 02 Jan 2026 00:00:00 GMT; httponly";
    assert!(value.starts_with("koa.sid=") && value.ends_with(attributes), "{value}");
    assert!(signature.starts_with("koa.sid.sig=") && signature.ends_with(attributes), "{signature}");
    let cookie = r#"{"cookie":{"httpOnly":true,"path":"/","overwrite":true,"signed":true,"maxAge":86400000},"views":1,"#;
    assert!(stage.body(&browser).starts_with(cookie), "{}", stage.body(&browser));
}

#[tokio::test]
async fn k32_the_cookies_bring_two() {
    let (stage, mut browser) = (koa(), Browser::default());
    assert_eq!((stage.count(&mut browser).await, stage.count(&mut browser).await), (1, 2));
}

#[tokio::test]
async fn k35_another_client_begins_at_one() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    assert_eq!(stage.count(&mut Browser::default()).await, 1);
    assert_eq!(stage.count(&mut browser).await, 2);
}

#[tokio::test]
async fn k36_a_request_that_only_reads_finds_the_value_and_sends_nothing() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    let outcome = stage
        .visit(&mut browser, async |session| assert_eq!(session.get::<u32>("views").unwrap(), Some(1)))
        .await;
    assert!(sent(&outcome).is_empty());
    assert_eq!(stage.bodies.count(Asked::Write), 1);
}

#[tokio::test]
async fn k37_a_wrong_signature_begins_a_new_session_and_is_taken_away() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    let id = browser.id();
    browser.set_cookie("koa.sid.sig", "JXt1zvuT1IqaNLu-tpQ15UQPm_s");
    let mut reader = browser.clone();
    let outcome = stage.visit(&mut reader, async |session| assert!(session.is_new())).await;
    let [cleared] = sent(&outcome)[..] else { panic!("{:?}", sent(&outcome)) };
    assert!(cleared.starts_with("koa.sid.sig=;") && cleared.contains("1970"), "{cleared}");
    assert_eq!(stage.count(&mut browser).await, 1);
    assert_ne!(browser.id(), id);
}

#[tokio::test]
async fn k38_a_wrong_signature_begins_a_new_session_each_time() {
    let stage = koa();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut browser = Browser::with("koa.sid=Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf");
        browser.set_cookie("koa.sid.sig", "wrong");
        assert_eq!(stage.count(&mut browser).await, 1);
        ids.push(browser.id());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn k40_after_an_end_the_next_visit_begins_at_one() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    let id = browser.id();
    stage.visit(&mut browser, async |session| session.destroy()).await;
    assert_eq!(stage.bodies.body(&id), None);
    assert_eq!(stage.count(&mut browser).await, 1);
}

#[tokio::test]
async fn k50_an_end_sends_both_cookies_with_a_date_in_1970() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    let outcome = stage.visit(&mut browser, async |session| session.destroy()).await;
    let [value, signature] = sent(&outcome)[..] else { panic!("{:?}", sent(&outcome)) };
    assert!(value.starts_with("koa.sid=; ") && value.contains("expires=Thu, 01 Jan 1970"), "{value}");
    let of_nothing = "koa.sid.sig=4Q4t-o__7Oasf7VtZqUFKLy4m7A; ";
    assert!(signature.starts_with(of_nothing) && signature.contains("1970"), "{signature}");
}

#[tokio::test]
async fn k43_a_session_that_was_cleared_has_what_was_put_in_afterwards_and_nothing_else() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    stage
        .visit(&mut browser, async |session| {
            session.clear();
            session.insert("foo", "bar").unwrap();
        })
        .await;
    let body = stage.body(&browser);
    assert!(body.contains(r#""foo":"bar""#) && !body.contains("views"), "{body}");
}

#[tokio::test]
async fn k47_a_renewal_changes_the_id() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    let id = browser.id();
    stage.visit(&mut browser, async |session| session.reset()).await;
    assert_ne!(browser.id(), id);
    assert_eq!(stage.bodies.body(&id), None);
}

#[tokio::test]
async fn k48_a_session_that_was_begun_anew_is_empty_and_can_be_used() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    stage
        .visit(&mut browser, async |session| {
            session.reset();
            assert!(!session.contains("views"));
        })
        .await;
    assert_eq!((stage.count(&mut browser).await, stage.count(&mut browser).await), (1, 2));
}

#[tokio::test]
async fn k7_a_handler_that_never_asks_for_the_session_loads_nothing() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    let reads = stage.bodies.count(Asked::Read);
    let outcome = stage.engine.begin(&browser.request()).commit().await.unwrap();
    assert!(sent(&outcome).is_empty());
    assert_eq!(stage.bodies.count(Asked::Read), reads);
}

#[tokio::test]
async fn k14_an_end_needs_no_read_of_a_value_before_it() {
    let (stage, mut browser) = (koa(), Browser::default());
    let nothing = stage.visit(&mut Browser::default(), async |session| session.destroy()).await;
    assert!(sent(&nothing).iter().all(|header| header.contains("1970")), "{:?}", sent(&nothing));
    stage.count(&mut browser).await;
    let id = browser.id();
    stage.visit(&mut browser, async |session| session.destroy()).await;
    assert_eq!(stage.bodies.body(&id), None);
}

#[tokio::test]
async fn k15_a_write_needs_no_read_of_a_value_before_it() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.visit(&mut browser, async |session| session.insert("views", 7).unwrap()).await;
    assert_eq!(stage.count(&mut browser).await, 8);
}

#[tokio::test]
async fn k18_a_session_that_was_changed_is_stored() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    stage.visit(&mut browser, async |session| session.insert("foo", 1).unwrap()).await;
    assert_eq!(stage.bodies.count(Asked::Write), 2);
    assert!(stage.body(&browser).contains(r#""foo":1"#));
}

#[tokio::test]
async fn k19_a_change_that_was_discarded_is_not_stored() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    let body = stage.body(&browser);
    stage
        .visit(&mut browser, async |session| {
            session.insert("foo", 1).unwrap();
            session.discard_changes();
        })
        .await;
    assert_eq!(stage.body(&browser), body);
}

#[tokio::test]
async fn k20_an_unchanged_session_is_stored_where_its_request_asks_for_that() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    let outcome = stage.visit(&mut browser, async |session| session.always_save()).await;
    assert_eq!(stage.bodies.count(Asked::Write), 2);
    assert_eq!(sent(&outcome).len(), 2, "with both cookies");
}

#[tokio::test]
async fn k44_a_session_that_the_application_refuses_is_replaced_by_a_new_one() {
    let stage = Stage::koa(
        |koa| koa,
        |config| config.validate(|_, session| session.get::<u32>("views").map(|views| views != Some(2))),
    );
    let mut browser = Browser::default();
    assert_eq!((stage.count(&mut browser).await, stage.count(&mut browser).await), (1, 2));
    let id = browser.id();
    assert_eq!(stage.count(&mut browser).await, 1);
    assert_ne!(browser.id(), id);
}

#[tokio::test]
async fn k45_an_id_of_the_application_s_own_may_take_its_time() {
    let stage = Stage::koa(
        |koa| koa,
        |config| {
            config.id_generator_async(|request| async move {
                tokio::task::yield_now().await;
                assert!(request.header("cookie").is_none());
                format!("of-{}-Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf", request.path().unwrap_or("nowhere"))
            })
        },
    );
    let mut browser = Browser::default();
    assert_eq!((stage.count(&mut browser).await, stage.count(&mut browser).await), (1, 2));
    assert_eq!(browser.id(), "of-nowhere-Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf");
}

#[tokio::test]
async fn k21_an_end_that_was_discarded_does_not_happen() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    let outcome = stage
        .visit(&mut browser, async |session| {
            session.destroy();
            session.discard_changes();
        })
        .await;
    assert!(sent(&outcome).is_empty() && !outcome.ended);
}

#[tokio::test]
async fn k22_a_session_whose_end_was_discarded_is_there_still() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    stage
        .visit(&mut browser, async |session| {
            session.destroy();
            session.discard_changes();
        })
        .await;
    assert_eq!(stage.count(&mut browser).await, 2);
}

#[tokio::test]
async fn k25_a_rolling_session_counts_on() {
    let (stage, mut browser) = (rolling(), Browser::default());
    for views in 1..4 {
        assert_eq!(stage.count(&mut browser).await, views);
    }
}

#[tokio::test]
async fn k26_a_rolling_session_ends() {
    let (stage, mut browser) = (rolling(), Browser::default());
    stage.count(&mut browser).await;
    let outcome = stage.visit(&mut browser, async |session| session.destroy()).await;
    assert!(sent(&outcome).iter().all(|header| header.contains("1970")) && outcome.ended);
    assert_eq!(stage.count(&mut browser).await, 1);
}

#[tokio::test]
async fn k27_a_rolling_session_that_was_not_changed_sends_its_cookies_again_with_a_later_date() {
    let (stage, mut browser) = (rolling(), Browser::default());
    stage.count(&mut browser).await;
    stage.clock.advance(Duration::from_secs(60));
    let outcome = stage.visit(&mut browser, async |_| {}).await;
    assert_eq!(sent(&outcome).len(), 2);
    assert!(sent(&outcome)[0].contains("; expires=Fri, 02 Jan 2026 00:01:00 GMT;"), "{:?}", sent(&outcome));
}

#[tokio::test]
async fn k28_a_new_rolling_session_that_was_not_changed_sends_nothing() {
    let stage = rolling();
    let outcome = stage.visit(&mut Browser::default(), async |_| {}).await;
    assert!(sent(&outcome).is_empty());
    assert_eq!(stage.bodies.count(Asked::Write), 0);
}

#[tokio::test]
async fn an_empty_session_is_stored_where_that_is_allowed() {
    let (stage, mut browser) =
        (Stage::koa(|koa: Koa| koa.allow_empty(true), |config| config), Browser::default());
    let outcome = stage.visit(&mut browser, async |_| {}).await;
    assert_eq!(sent(&outcome).len(), 2);
    assert!(stage.body(&browser).starts_with(r#"{"cookie":{"#));
}

#[tokio::test]
async fn an_id_that_the_store_does_not_know_is_given_up_for_a_new_one() {
    let (stage, mut browser) = (koa(), Browser::default());
    stage.count(&mut browser).await;
    let id = browser.id();
    let other = koa();
    assert_eq!(other.count(&mut browser).await, 1);
    assert_ne!(browser.id(), id);
}
