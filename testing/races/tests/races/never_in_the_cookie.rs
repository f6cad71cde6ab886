//! Mistakes that session libraries have really made, 12 to 30: cookies, stores, failures.

use std::time::Duration;

use axum::http::StatusCode;
use cloakroom::{KeyRing, PlainRequest};
use cloakroom_races::{Browser, Kind, Op, Stand, When, races, until};
use cloakroom_tower::{Config, ErrorKind, Event, ExpiryReason, Operation, RejectReason, Secure, Session};

races! {
    never_12_a_prefixed_name_is_written_and_a_bare_one_read,
    never_13_a_clock_that_jumps_makes_a_cookie_of_136_years,
    never_16_a_removal_cookie_lacks_an_attribute,
    never_20_a_late_response_deletes_or_replaces_the_new_cookie,
    never_21_an_expiry_that_was_loaded_is_written_back,
    never_22_a_save_that_failed_is_called_a_success,
    never_23_a_value_that_cannot_be_read_or_written_is_silently_empty,
    never_25_a_cookie_is_set_on_every_response,
    never_26_an_explicit_save_sends_no_cookie,
    never_27_a_renewed_cookie_has_no_lifetime,
    never_28_only_one_side_learns_that_a_session_was_used,
    never_30_a_record_that_cannot_be_decoded_locks_its_user_out,
    @owned
    never_14_log_out_everywhere_misses_what_was_anonymous_first,
    never_29_a_session_key_or_a_user_reaches_a_path_or_a_query,
    @swept
    never_15_a_sweep_fails_or_takes_what_is_alive,
    never_17_a_sweep_ends_at_its_first_error,
    never_19_the_sweep_of_one_engine_switches_off_anothers,
}

async fn never_12_a_prefixed_name_is_written_and_a_bare_one_read(kind: Kind) {
    type Change = fn(Config) -> Config;
    let names: [(Change, &str); 4] = [
        (|config| config.secure(Secure::Always), "__Host-session"),
        (|config| config.secure(Secure::Always).cookie_domain("example.org"), "__Secure-session"),
        (|config| config, "session"),
        (|config| config.secure(Secure::Always).cookie_name("__hOsT-s"), "__hOsT-s"),
    ];
    for (change, name) in names {
        let stand = Stand::with(kind, change).await;
        let mut guest = stand.browser();
        let answer = guest.run(async |session: Session| Ok(session.insert("coat", "red")?)).await.ok();
        assert!(answer.set_cookie().unwrap().starts_with(&format!("{name}=")), "{answer:?}");
        assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
    }
}

async fn never_13_a_clock_that_jumps_makes_a_cookie_of_136_years(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let renew = |session: &Session| {
        session.cycle_id();
        Ok(())
    };
    let held = guest.hold(renew).await;
    stand.wait(13 * 3_600);
    let answer = held.release().await.ok();
    assert!(answer.max_age().is_none_or(|seconds| seconds == 0), "{answer:?}");

    let guest = stand.guest().await;
    let held = guest.hold(renew).await;
    let start = stand.clock.clone();
    let now = cloakroom::Clock::now(&start);
    stand.clock.set(now - Duration::from_secs(365 * 24 * 3_600));
    let answer = held.release().await.ok();
    assert!(answer.max_age().unwrap() <= 400 * 24 * 3_600, "{answer:?}");
    let new = stand.browser().run(async |session: Session| Ok(session.insert("a", 1)?)).await.ok();
    assert_eq!(new.max_age(), Some(12 * 3_600));
}

async fn never_14_log_out_everywhere_misses_what_was_anonymous_first(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut browsers = Vec::new();
    for _ in 0..2 {
        let mut browser = stand.guest().await;
        browser.run(async |session: Session| Ok(session.log_in("bob")?)).await.ok();
        browser.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
        browser.run(async |session: Session| Ok(session.insert("later", 1)?)).await.ok();
        browsers.push(browser);
    }
    assert_eq!(stand.sessions_of("bob").await.len(), 0);
    assert_eq!(stand.engine.sessions().revoke_all("bob").await.unwrap(), 0);
    assert_eq!(stand.sessions_of("alice").await.len(), 2);
    assert_eq!(stand.engine.sessions().revoke_all("alice").await.unwrap(), 2);
    for browser in &browsers {
        assert!(!browser.is_known().await);
    }
}

async fn never_15_a_sweep_fails_or_takes_what_is_alive(kind: Kind) {
    let stand = Stand::new(kind).await;
    for _ in 0..10 {
        stand.guest().await;
    }
    stand.wait(20 * 60);
    let alive = stand.guest().await;
    stand.wait(11 * 60);
    assert_eq!(stand.engine.sweep().await.unwrap(), 10);
    assert_eq!(stand.engine.sweep().await.unwrap(), 0);
    assert!(alive.is_known().await);
    let expired =
        |event: &Event| matches!(event, Event::Expired { reason: ExpiryReason::Idle, count: 10, .. });
    assert_eq!(stand.events.count(expired), 1);
}

/// Everything that a browser compares when it looks for the cookie that is to go.
fn attributes(header: &str) -> Vec<&str> {
    let parts = header.split("; ").skip(1);
    parts.filter(|part| !part.starts_with("Max-Age") && !part.starts_with("Expires")).collect()
}

async fn never_16_a_removal_cookie_lacks_an_attribute(kind: Kind) {
    type Change = fn(Config) -> Config;
    let changes: [Change; 4] = [
        |config| config.secure(Secure::Always),
        |config| config.secure(Secure::Always).cookie_domain("example.org").cookie_path("/shop"),
        |config| {
            config
                .secure(Secure::Always)
                .same_site(cloakroom_tower::SameSite::None)
                .partitioned(true)
                .http_only(false)
        },
        |config| config.same_site(None).without_cookie_path(),
    ];
    for change in changes {
        let stand = Stand::with(kind, change).await;
        let mut guest = stand.browser();
        let set = guest.run(async |session: Session| Ok(session.insert("a", 1)?)).await.ok();
        let log_out = async |session: Session| {
            session.log_out();
            Ok(())
        };
        let removed = guest.run(log_out).await.ok();
        assert!(removed.removes_cookie());
        assert_eq!(attributes(set.set_cookie().unwrap()), attributes(removed.set_cookie().unwrap()));
    }
}

async fn never_17_a_sweep_ends_at_its_first_error(kind: Kind) {
    let stand = Stand::new(kind).await;
    let _guest = stand.guest().await;
    stand.wait(31 * 60);
    let sweeper = stand.beside(|config| config.sweep_interval(Duration::from_millis(20))).await;
    sweeper.store.fail(Op::Sweep, When::Before);
    sweeper.store.fail_with(Op::Sweep, When::Before, cloakroom::store::ErrorKind::Corrupt);
    let swept = async || {
        sweeper
            .events
            .count(|event| matches!(event, Event::Expired { reason: ExpiryReason::Idle, count: 1, .. }))
            == 1
    };
    until("the sweep goes on", swept).await;
    let failed = |event: &Event| matches!(event, Event::Failed { operation: Operation::Sweep, .. });
    assert_eq!(sweeper.events.count(failed), 2);
}

async fn never_19_the_sweep_of_one_engine_switches_off_anothers(kind: Kind) {
    let often = |config: Config| config.sweep_interval(Duration::from_millis(20));
    let one = Stand::with(kind, often).await;
    let other = one.beside(often).await;
    let third = Stand::with(kind, often).await;
    let all = [&one, &other, &third];
    until("every engine sweeps", async || all.iter().all(|stand| stand.store.trips(Op::Sweep) > 1)).await;
}

async fn never_20_a_late_response_deletes_or_replaces_the_new_cookie(kind: Kind) {
    let stand = Stand::new(kind).await;
    let scripts: [fn(&Session) -> cloakroom::Result<()>; 4] = [
        |session| session.insert("late", 1),
        |session| {
            session.log_out();
            Ok(())
        },
        |session| {
            session.reset();
            Ok(())
        },
        |session| session.get::<u32>("late").map(drop),
    ];
    for script in scripts {
        let old = stand.guest().await;
        let in_flight = old.hold(script).await;
        let mut alice = old.clone();
        alice.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
        let just_after = old.start(async move |session: Session| Ok(script(&session)?));
        for answer in [in_flight.release().await.ok(), just_after.answer().await.ok()] {
            assert!(answer.leaves_cookie(), "{:?}", answer.headers);
        }
        assert_eq!(alice.user().await.as_deref(), Some("alice"));
    }
}

async fn never_21_an_expiry_that_was_loaded_is_written_back(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let writer = guest.hold(|session| session.insert("a", 1)).await;
    let reader = guest.hold(|session| session.get::<u32>("a").map(drop)).await;
    stand.wait(20 * 60);
    assert!(guest.is_known().await, "which begins the idle time anew");
    writer.release().await.ok();
    reader.release().await.ok();
    stand.wait(29 * 60);
    assert!(guest.is_known().await, "29 minutes after it was last used");

    let writer = guest.hold(|session| session.insert("a", 2)).await;
    let toucher = guest
        .hold(|session| {
            session.touch();
            Ok(())
        })
        .await;
    stand.wait(31 * 60);
    writer.release().await.ok();
    toucher.release().await.ok();
    assert!(!guest.is_known().await, "what has expired is not revived");
}

async fn never_22_a_save_that_failed_is_called_a_success(kind: Kind) {
    for failure in [
        cloakroom::store::ErrorKind::Unavailable,
        cloakroom::store::ErrorKind::Full,
        cloakroom::store::ErrorKind::Corrupt,
    ] {
        let stand = Stand::with(kind, |config| config.commit_timeout(Duration::ZERO)).await;
        let guest = stand.guest().await;
        for op in [Op::Update, Op::Create] {
            let browser = if op == Op::Update { guest.clone() } else { stand.browser() };
            stand.store.fail_with(op, When::Before, failure);
            let answer = browser.start(async |session: Session| Ok(session.insert("a", 1)?)).answer().await;
            assert!(answer.status.is_server_error(), "{op:?} {failure:?}");
            assert!(answer.leaves_cookie());
            assert!(!answer.body.contains("gated"), "the store's words are not for clients");
            stand.store.fail_with(op, When::Before, failure);
            let save = browser.start(async |session: Session| {
                session.insert("a", 1)?;
                Ok(session.save().await.is_err().to_string())
            });
            assert_eq!(save.answer().await.ok().body, "true");
        }
        assert!(
            stand.events.count(|event| matches!(event, Event::Failed { operation: Operation::Commit, .. }))
                >= 4
        );
    }
}

async fn never_23_a_value_that_cannot_be_read_or_written_is_silently_empty(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let script = async |session: Session| {
        let decode = session.get::<u32>("coat").unwrap_err();
        assert_eq!(decode.kind(), ErrorKind::Decode);
        assert!(!decode.to_string().contains("red"), "an error shows no value");
        assert_eq!(session.get_or::<u32>("coat", 7).unwrap_err().kind(), ErrorKind::Decode);
        assert_eq!(session.take::<u32>("coat").unwrap_err().kind(), ErrorKind::Decode);
        assert_eq!(session.increment("coat", 1).unwrap_err().kind(), ErrorKind::Mismatch);
        assert_eq!(session.push("coat", 1).unwrap_err().kind(), ErrorKind::Mismatch);
        assert_eq!(
            session.update("coat", |n: Option<u32>| n.unwrap_or(0)).unwrap_err().kind(),
            ErrorKind::Decode
        );
        let no_json = std::collections::HashMap::from([(vec![1], 1)]);
        assert_eq!(session.insert("coat", no_json).unwrap_err().kind(), ErrorKind::Encode);
        session.insert("n", i64::MAX)?;
        assert_eq!(session.increment("n", 1).unwrap_err().kind(), ErrorKind::Mismatch);
        Ok(())
    };
    guest.run(script).await.ok();
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("red"));
    assert_eq!(guest.read::<i64>("n").await, Some(i64::MAX));
}

/// Signing and verifying happen where the request is: the first poll of each step is its last.
#[test]
fn never_24_a_signature_is_checked_on_another_thread() {
    let ring = KeyRing::new(["a secret of at least 32 bytes, for a test"]).unwrap();
    let config = Config::plain_http().signed(ring).sweep_interval(None);
    let engine = cloakroom::SessionManager::new(cloakroom::stores::MemoryStore::new(), config).unwrap();
    let pending = engine.begin(&PlainRequest::default());
    at_once(pending.load()).unwrap().insert("a", 1).unwrap();
    let cookie = at_once(pending.commit()).unwrap().set_cookie.unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert!(cookie.contains('.'), "it is signed");
    let pending = engine.begin(&PlainRequest::with_cookie(cookie));
    assert_eq!(at_once(pending.load()).unwrap().get::<u32>("a").unwrap(), Some(1));
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut cx) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

async fn never_25_a_cookie_is_set_on_every_response(kind: Kind) {
    let stand = Stand::with(kind, |config| config.touch_threshold(0.0)).await;
    let mut guest = stand.guest().await;
    stand.wait(60);
    let reads =
        guest.run(async |session: Session| Ok(session.get::<String>("coat")?.unwrap_or_default())).await;
    let writes = guest.run(async |session: Session| Ok(session.insert("coat", "green")?)).await;
    let untouched = guest.start_lazily(async |_| Ok("nothing")).answer().await;
    let still = guest.get("/still").await;
    for answer in [&reads, &writes, &untouched, &still] {
        assert!(answer.leaves_cookie());
    }
    assert_eq!((reads.header("vary"), reads.header("cache-control")), (Some("Cookie"), Some("private")));
    assert_eq!((untouched.header("cache-control"), still.header("cache-control")), (None, None));
    assert_eq!((untouched.header("vary"), still.header("vary")), (None, None));
}

async fn never_26_an_explicit_save_sends_no_cookie(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut browser = stand.browser();
    let script = async |session: Session| {
        session.insert("a", 1)?;
        session.save().await?;
        Ok(())
    };
    browser.run(script).await.ok();
    assert_eq!(browser.read::<u32>("a").await, Some(1));
    let old = browser.clone();
    let script = async |session: Session| {
        session.log_in("alice")?;
        session.save().await?;
        Ok(())
    };
    browser.run(script).await.ok();
    assert_ne!(browser.cookie(), old.cookie());
    assert_eq!(browser.user().await.as_deref(), Some("alice"));
    let script = async |session: Session| {
        session.log_out();
        session.save().await?;
        Ok(())
    };
    assert!(browser.run(script).await.ok().removes_cookie());
}

async fn never_27_a_renewed_cookie_has_no_lifetime(kind: Kind) {
    let every = Duration::from_secs(600);
    let stand = Stand::with(kind, |config| config.renew_every(every)).await;
    let mut guest = stand.guest().await;
    for round in 1..=20 {
        stand.wait(601);
        let answer =
            guest.run(async |session: Session| Ok(session.get::<String>("coat")?.unwrap_or_default()));
        let answer = answer.await.ok();
        assert_eq!(answer.body, "red");
        assert_eq!(answer.max_age(), Some(12 * 3_600 - round * 601), "until the absolute end");
    }
    let answer = guest.run(async |session: Session| Ok(session.log_in("alice")?)).await.ok();
    assert_eq!(answer.max_age(), Some(12 * 3_600), "a log-in begins the absolute time anew");
}

/// Used every 20 minutes, a session lives as long as its cookie, and the cookie as long as the session.
async fn never_28_only_one_side_learns_that_a_session_was_used(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut browser = stand.browser();
    let first = browser.run(async |session: Session| Ok(session.insert("coat", "red")?)).await.ok();
    let mut cookie_lasts = first.max_age().unwrap();
    let mut passed = 0;
    while passed + 20 * 60 < 12 * 3_600 {
        stand.wait(20 * 60);
        passed += 20 * 60;
        assert!(passed < cookie_lasts, "the browser still has the cookie");
        let read =
            browser.run(async |session: Session| Ok(session.get::<String>("coat")?.unwrap_or_default()));
        let answer = read.await.ok();
        assert_eq!(answer.body, "red", "after {passed} s");
        cookie_lasts = answer.max_age().map_or(cookie_lasts, |lasts| passed + lasts);
    }
    stand.wait(20 * 60);
    assert_eq!(passed + 20 * 60, cookie_lasts, "both end at the same moment");
    assert!(!browser.is_known().await);
}

const HOSTILE: [&str; 14] = [
    "__proto__",
    "constructor",
    "a.b",
    "a/b",
    "../../a",
    "a\0b",
    "a\nb",
    "a\r\nSet-Cookie: x=y",
    "'; DROP TABLE cloakroom_records; --",
    "$where",
    "%00",
    " ",
    "ä€😀",
    "\u{feff}",
];

async fn never_29_a_session_key_or_a_user_reaches_a_path_or_a_query(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let script = async |session: Session| {
        for (place, key) in HOSTILE.iter().enumerate() {
            session.insert(key, place)?;
        }
        Ok(session.insert("", "empty")?)
    };
    guest.run(script).await.ok();
    let script = async |session: Session| {
        for (place, key) in HOSTILE.iter().enumerate() {
            assert_eq!(session.get::<usize>(key)?, Some(place), "{key:?}");
        }
        assert_eq!(session.get::<String>("")?.as_deref(), Some("empty"));
        assert_eq!(session.entries::<serde_json::Value>()?.len(), HOSTILE.len() + 2);
        Ok(())
    };
    guest.run(script).await.ok();
    for user in HOSTILE {
        let mut browser = stand.browser();
        browser.run(async move |session: Session| Ok(session.log_in(user)?)).await.ok();
        assert_eq!(browser.user().await.as_deref(), Some(user));
        assert_eq!(stand.sessions_of(user).await.len(), 1);
    }
    assert_eq!(stand.engine.sessions().revoke_all("a.b").await.unwrap(), 1);
    assert_eq!(stand.owned_records().await, HOSTILE.len() - 1);
}

/// Puts other bytes in the place of the browser's record, as another release would.
async fn damage(stand: &Stand, payload: &'static [u8]) {
    let entry = stand.store.records().await.remove(0);
    let mut record = entry.stored.record;
    record.payload = payload.into();
    let _updated = stand.store.behind().update(&entry.key, entry.stored.version, &record).await.unwrap();
}

async fn never_30_a_record_that_cannot_be_decoded_locks_its_user_out(kind: Kind) {
    for payload in [b"" as &[u8], b"\x02\x01of a newer release", b"\x01\x01cut", b"{\"cookie\":{}}"] {
        let stand = Stand::new(kind).await;
        let mut user: Browser = stand.guest().await;
        damage(&stand, payload).await;
        let old = user.clone();
        let read = user.run(async |session: Session| Ok(session.get::<String>("coat")?.unwrap_or_default()));
        let answer = read.await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
        user.run(async |session: Session| Ok(session.insert("coat", "green")?)).await.ok();
        assert_ne!(user.cookie(), old.cookie());
        assert_eq!(user.read::<String>("coat").await.as_deref(), Some("green"), "the user keeps working");
        let unreadable =
            |event: &Event| matches!(event, Event::Rejected { reason: RejectReason::Unreadable, .. });
        assert_eq!(stand.events.count(unreadable), 2);
        let kept = stand.store.records().await.iter().any(|entry| entry.stored.record.payload == payload);
        assert!(kept, "the bytes stay, for the release that can read them");
    }
}
