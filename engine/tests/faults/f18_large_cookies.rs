//! F18: what a client sends bounds neither the events nor the signatures that are computed: the engine does.

use cloakroom::{KeyRing, PlainRequest, Session, SessionManager};

use crate::browser::{Browser, NAME, line};
use crate::stage::{Stage, plain};

/// More events than this for one request are too many.
const A_HANDFUL: usize = 10;

fn ring() -> KeyRing {
    KeyRing::new(["a secret that has 32 bytes at least"]).unwrap()
}

/// An id that no session has, and that differs from the others.
fn unknown(number: usize) -> String {
    format!("{number:0>42}A")
}

async fn ask(engine: &SessionManager, cookies: Vec<String>) -> Option<String> {
    let pending = engine.begin(&PlainRequest::default().with_cookies(cookies));
    let user = pending.load().await.unwrap().user();
    let _ = pending.commit().await.unwrap();
    user
}

/// One header, and as many headers as there are values.
fn both_ways(values: &[String]) -> [Vec<String>; 2] {
    [vec![line(values)], values.iter().map(|value| line([value])).collect()]
}

#[tokio::test(start_paused = true)]
async fn f18_a_cookie_header_of_340_kilobytes_makes_a_handful_of_events() {
    let malformed: Vec<_> = (0..20_000).map(|n| format!("malformed {n:05}")).collect();
    let unknown: Vec<_> = (0..7_000).map(unknown).collect();
    let signed: Vec<_> = unknown.iter().map(|id| format!("{id}.{:A<43}", "")).collect();
    for (what, values) in [("malformed", malformed), ("unknown", unknown), ("forged", signed)] {
        for signs in [false, true] {
            for cookies in both_ways(&values) {
                let stage = Stage::new(|config| if signs { config.signed(ring()) } else { config });
                assert_eq!(ask(&stage.engine, cookies).await, None);
                let events = stage.events.all().len();
                assert!(events <= A_HANDFUL, "{what}, signed: {signs}: {events} events");
                assert!(stage.store.all_trips() <= 3);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f18_the_search_for_a_good_signature_ends_after_a_handful() {
    let stage = Stage::new(|config| config.signed(ring()));
    let good = Browser::logged_in(&stage.engine, "alice").await.id();
    // Forged: the right length, another signature.
    let forged: Vec<_> = (0..4_000).map(|n| format!("{}{}", unknown(n), &good[43..])).collect();
    for position in [0, 4_000] {
        let mut values = forged.clone();
        values.insert(position, good.clone());
        for cookies in both_ways(&values) {
            let expected = (position == 0).then_some("alice");
            assert_eq!(ask(&stage.engine, cookies).await.as_deref(), expected, "at {position}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn f18_a_large_header_of_other_cookies_does_not_hide_the_session() {
    let stage = Stage::new(plain);
    let id = Browser::logged_in(&stage.engine, "alice").await.id();
    let others: Vec<_> = (0..20_000).map(|n| format!("other{n}=value")).collect();
    assert_eq!(
        ask(&stage.engine, vec![format!("{}; {NAME}={id}", others.join("; "))]).await.as_deref(),
        Some("alice")
    );
}

#[tokio::test(start_paused = true)]
async fn f18_one_bad_cookie_is_still_told() {
    let stage = Stage::new(plain);
    Browser::with("malformed").visit(&stage.engine, Session::user).await;
    assert_eq!(stage.events.all().len(), 1);
}
