//! Cookies that were changed, kept, moved or made up.

use std::time::Duration;

use axum::http::HeaderValue;

use crate::browser::Browser;
use crate::{LIFETIME, NEW, OLD, app, config, keys, now};
use cloakroom_sealed::{IrrevocableConfig, SealingKeys};

const NOTHING: &str = "true []";
const A_COAT: &str = r#"false [("coat", "green")]"#;

async fn with_a_coat(config: IrrevocableConfig) -> Browser {
    let mut browser = Browser::new(app(config));
    browser.get("/set?coat=green").await;
    assert_eq!(browser.shows().await, A_COAT);
    browser
}

#[tokio::test]
async fn r29_a_cookie_that_is_replayed_after_the_session_has_ended_is_refused() {
    let clock = now();
    let mut browser = with_a_coat(config(&clock)).await;
    clock.advance(LIFETIME / 2);
    browser.get("/set?coat=green").await;
    let a_second = Duration::from_secs(1);
    clock.advance((LIFETIME / 2).saturating_sub(a_second));
    assert_eq!(browser.shows().await, A_COAT);
    clock.advance(a_second);
    assert_eq!(browser.shows().await, NOTHING, "neither requests nor changes move the end");
}

#[tokio::test]
async fn r29_a_lifetime_that_is_configured_anew_ends_older_sessions_earlier_and_never_later() {
    let clock = now();
    let browser = with_a_coat(config(&clock)).await;
    let shorter = Browser::new(app(config(&clock).lifetime(LIFETIME / 2)));
    let longer = Browser::new(app(config(&clock).lifetime(LIFETIME * 2)));
    for (shorter_shows, longer_shows) in [(NOTHING, A_COAT), (NOTHING, NOTHING)] {
        clock.advance(LIFETIME / 2);
        assert_eq!(shorter.send("/show", &browser.cookies()).await.body, shorter_shows);
        assert_eq!(longer.send("/show", &browser.cookies()).await.body, longer_shows);
    }
}

#[tokio::test]
async fn r29_r32_keys_rotate_while_the_application_serves_and_an_old_key_is_refused() {
    let (clock, keys) = (now(), keys());
    let config = |keys: &SealingKeys| IrrevocableConfig::new(keys.clone()).clock(clock.clone());
    let mut browser = with_a_coat(config(&keys)).await;
    let by_old = browser.cookies();
    keys.rotate(NEW).unwrap();
    assert_eq!(browser.shows().await, A_COAT);
    browser.get("/set?coat=green").await;
    keys.retire();
    assert_eq!(browser.shows().await, A_COAT, "it was sealed anew");
    assert_eq!(browser.send("/show", &by_old).await.body, NOTHING);
    let stranger = Browser::new(app(config(&SealingKeys::new([OLD]).unwrap())));
    assert_eq!(stranger.send("/show", &browser.cookies()).await.body, NOTHING);
    assert_eq!(stranger.send("/show", &by_old).await.body, A_COAT, "the cookie itself was good");
}

/// What the type's name says.
#[tokio::test]
async fn r29_a_copy_of_the_cookies_outlives_a_log_out() {
    let mut browser = with_a_coat(config(&now())).await;
    let copy = browser.cookies();
    browser.get("/destroy").await;
    assert_eq!((browser.shows().await.as_str(), browser.cookies().as_str()), (NOTHING, ""));
    assert_eq!(browser.send("/show", &copy).await.body, A_COAT);
}

/// Why a store is better: of two responses at once, the last one has the values.
#[tokio::test]
async fn of_two_requests_at_once_the_last_response_wins() {
    let mut browser = with_a_coat(config(&now())).await;
    let (mut one, mut other) = (browser.clone(), browser.clone());
    one.get("/set?hat=felt").await;
    other.get("/set?bag=red").await;
    browser.jar = one.jar;
    browser.jar.extend(other.jar);
    assert_eq!(browser.shows().await, r#"false [("bag", "red"), ("coat", "green")]"#);
}

#[tokio::test]
async fn r29_none_of_ten_thousand_mutated_cookies_is_accepted_and_no_answer_is_a_fault_of_the_server() {
    none_is_accepted(10_000).await;
}

#[tokio::test]
#[ignore = "takes minutes; the shorter one runs each time"]
async fn r29_none_of_a_million_mutated_cookies_is_accepted() {
    none_is_accepted(1_000_000).await;
}

async fn none_is_accepted(count: usize) {
    let mut browser = with_a_coat(config(&now())).await;
    let short = browser.cookies();
    browser.get(&format!("/set?long={}", "x".repeat(3_000))).await;
    let originals = [short, browser.cookies()];
    let (mut numbers, mut sent) = (Numbers(1), 0);
    for round in 0..count {
        let original = &originals[usize::from(round % 8 == 0)];
        let mut cookies = original.clone().into_bytes();
        for _ in 0..=numbers.below(3) {
            mutate(&mut cookies, &mut numbers);
        }
        // What no server would hand on to an application is not sent.
        let Ok(text) = String::from_utf8(cookies) else { continue };
        if values(&text) == values(original) || HeaderValue::from_str(&text).is_err() {
            continue;
        }
        sent += 1;
        let answer = browser.send("/show", &text).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, NOTHING), "round {round}: {text:?}");
    }
    assert!(sent > count / 2, "only {sent} were sent");
}

/// Returns the values of our cookies as the server has to read them: white space around a pair, quotes around a value and what
/// other cookies there are mean nothing.
fn values(cookies: &str) -> Vec<&str> {
    ["__Host-sealed", "__Host-sealed.1"]
        .iter()
        .flat_map(|name| {
            cloakroom::adapter::cookie_values(name, cookies.as_bytes())
                .map(|value| str::from_utf8(value).unwrap())
        })
        .collect()
}

fn mutate(cookies: &mut Vec<u8>, numbers: &mut Numbers) {
    // Behind the first name, so that most are still cookies of ours.
    let first = "__Host-sealed=".len();
    let at = first + numbers.below(cookies.len().saturating_sub(first).max(1));
    let byte = b"abcXYZ019-_=;. \"{%"[numbers.below(18)];
    match numbers.below(5) {
        0 => cookies.truncate(at),
        1 if at < cookies.len() => cookies.insert(at, byte),
        2 if at < cookies.len() => cookies[at] = byte,
        3 if at < cookies.len() => {
            cookies.remove(at);
        }
        _ if at + 1 < cookies.len() => cookies.swap(at, at + 1),
        _ => {}
    }
}

/// Small numbers that look random, the same each time (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from(mixed >> 33).unwrap() % bound
    }
}
