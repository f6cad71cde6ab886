//! The cookie's header, and what goes with it.

use axum::http::header::{CACHE_CONTROL, HeaderName, SET_COOKIE, VARY};
use cloakroom::{Config, PlainRequest, SameSite, Secure, SessionManager, stores::MemoryStore};
use cloakroom_races::{Browser, Forger, Kind, Op, Stand, races};
use cloakroom_tower::Session;

use crate::{ask, log_out, read_coat, ring};

races! {
    r19_of_cookies_of_one_name_any_valid_one_wins_wherever_it_is,
    r19_a_response_never_sets_our_cookie_twice,
    r20_the_removal_repeats_what_the_cookie_was_set_with,
    r21_no_store_and_vary_beat_what_the_application_says,
    r24_secure_auto_follows_the_proxy_that_is_trusted,
}

#[test]
fn r17_a_contradiction_does_not_build_and_names_both_options() {
    let none = || Config::default().same_site(SameSite::None);
    let apart = || Config::default().same_site(SameSite::None).partitioned(true);
    let contradictions = [
        (none().secure(Secure::Never), ["same_site", "secure"]),
        (apart().secure(Secure::Never), ["partitioned", "secure"]),
        (apart().secure(Secure::Auto), ["partitioned", "secure"]),
    ];
    for (config, options) in contradictions {
        let error = SessionManager::new(MemoryStore::new(), config.sweep_interval(None)).unwrap_err();
        assert_eq!(error.options(), options);
    }
    for config in [none(), apart(), Config::default().same_site(SameSite::Strict)] {
        assert!(SessionManager::new(MemoryStore::new(), config.sweep_interval(None)).is_ok());
    }
}

/// Several cookies of our name in one header.
async fn look_in_one_header(stand: &Stand, values: &[Vec<u8>]) -> String {
    let pairs = values.join(format!("; {}=", stand.engine.cookie_name()).as_bytes());
    ask(stand, "/look", &[pairs]).await.body
}

async fn r19_of_cookies_of_one_name_any_valid_one_wins_wherever_it_is(kind: Kind) {
    for signed in [false, true] {
        let stand = Stand::with(kind, |config| if signed { config.signed(ring()) } else { config }).await;
        let good = stand.guest().await.cookie().unwrap().as_bytes().to_vec();
        let mut forger = Forger::new(19);
        for place in 0..8 {
            let mut values: Vec<Vec<u8>> = (0..7).map(|_| forger.malformed()).collect();
            // Two that could be ids; a signature tells any number of them apart without a trip.
            for at in if signed { 0..7 } else { 0..2 } {
                values[at] = if signed { [&forger.id()[..], &good[43..]].concat() } else { forger.id() };
            }
            values.insert(place, good.clone());
            let before = stand.store.trips(Op::Load);
            assert_eq!(ask(&stand, "/look", &values).await.body, "known", "{place}");
            assert_eq!(look_in_one_header(&stand, &values).await, "known", "{place}");
            let trips = stand.store.trips(Op::Load) - before;
            assert!(trips <= if signed { 2 } else { 6 }, "{trips} trips");
        }
    }
}

async fn r19_a_response_never_sets_our_cookie_twice(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut browser = stand.browser();
    let script = async |session: Session| {
        session.insert("coat", "red")?;
        let theirs = [(SET_COOKIE, "session=of the application; Path=/"), (SET_COOKIE, "theme=dark")];
        let mut response = axum::response::Response::new(axum::body::Body::empty());
        for (name, value) in theirs {
            response.headers_mut().append(name, value.parse().unwrap());
        }
        Ok(response)
    };
    let answer = browser.start(script).answer().await.ok();
    let all: Vec<_> =
        answer.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(all[0], "theme=dark");
    let value = all[1].strip_prefix("session=").unwrap().split(';').next().unwrap();
    browser.plant(value);
    assert_eq!(browser.run(read_coat).await.ok().body, "red");
}

/// Everything that a browser compares when it looks for the cookie that is to go.
fn attributes(header: &str) -> Vec<&str> {
    let parts = header.split("; ").skip(1);
    parts.filter(|part| !part.starts_with("Max-Age") && !part.starts_with("Expires")).collect()
}

async fn r20_the_removal_repeats_what_the_cookie_was_set_with(kind: Kind) {
    type Change = fn(Config) -> Config;
    let host_only: Change =
        |config| config.secure(Secure::Always).same_site(SameSite::None).partitioned(true);
    let domain: Change =
        |config| config.secure(Secure::Always).cookie_domain("example.org").cookie_path("/app");
    for (change, expected) in [
        (host_only, "Path=/; HttpOnly; Secure; SameSite=None; Partitioned"),
        (domain, "Path=/app; Domain=example.org; HttpOnly; Secure; SameSite=Lax"),
    ] {
        let stand = Stand::with(kind, change).await;
        let mut guest = stand.browser();
        let set = guest.run(async |session: Session| Ok(session.insert("coat", "red")?)).await.ok();
        let removal = guest.run(log_out).await.ok();
        assert!(removal.removes_cookie());
        for header in [set.set_cookie().unwrap(), removal.set_cookie().unwrap()] {
            assert_eq!(attributes(header).join("; "), expected);
        }
    }
}

/// The headers of a page that the application lets any cache keep.
const CACHEABLE: [(HeaderName, &str); 2] =
    [(CACHE_CONTROL, "public, s-maxage=600"), (VARY, "Accept-Encoding")];

async fn r21_no_store_and_vary_beat_what_the_application_says(kind: Kind) {
    let stand = Stand::new(kind).await;
    let write = async |session: Session| Ok((CACHEABLE, session.increment("visits", 1)?.to_string()));
    let mut guest = stand.browser();
    let sets = guest.run(write).await.ok();
    let writes = guest.run(write).await.ok();
    let read = async |session: Session| Ok((CACHEABLE, session.get_or("visits", 0)?.to_string()));
    let reads = guest.run(read).await.ok();
    let never_looked = guest.start_lazily(async |_| Ok(CACHEABLE)).answer().await.ok();
    let end = async |session: Session| {
        session.log_out();
        Ok(CACHEABLE)
    };
    let removes = guest.run(end).await.ok();
    for (answer, cached) in [(&sets, false), (&removes, false), (&writes, true), (&reads, true)] {
        let expected = if cached { "public, s-maxage=600" } else { "private, no-cache, no-store" };
        let said: Vec<_> = answer.headers.get_all(CACHE_CONTROL).iter().collect();
        assert_eq!(said, [expected]);
        let varies: Vec<_> = answer.headers.get_all(VARY).iter().collect();
        assert_eq!(varies, ["Cookie, Accept-Encoding"]);
    }
    assert_eq!(never_looked.header("vary"), Some("Accept-Encoding"));
}

/// Returns whether the cookie of a request that says this about itself carries `Secure`.
async fn is_secure(browser: &Browser, forwarded_proto: Option<&str>) -> bool {
    let mut request = browser.request("/visit");
    if let Some(proto) = forwarded_proto {
        request = request.header("x-forwarded-proto", proto);
    }
    browser.send(request).await.ok().set_cookie().unwrap().contains("; Secure")
}

async fn r24_secure_auto_follows_the_proxy_that_is_trusted(kind: Kind) {
    let trusting = Stand::with(kind, |config| config.secure(Secure::Auto).trust_forwarded_proto(true)).await;
    let distrusting = trusting.beside(|config| config.secure(Secure::Auto)).await;
    for (proto, secure) in [
        (Some("https"), true),
        (Some("HTTPS, http"), true),
        (Some("http, https"), false),
        (Some("httpss"), false),
        (Some(""), false),
        (None, false),
    ] {
        assert_eq!(is_secure(&trusting.browser(), proto).await, secure, "{proto:?}");
        assert!(!is_secure(&distrusting.browser(), proto).await, "any client can send {proto:?}");
    }
    let always = trusting.beside(|config| config.secure(Secure::Always)).await;
    assert!(is_secure(&always.browser(), None).await, "over plain http a browser drops it");
}

#[test]
fn r24_only_secure_never_and_auto_ever_leave_secure_out() {
    for (secure, https, expected) in [
        (Secure::Always, false, true),
        (Secure::Always, true, true),
        (Secure::Auto, false, false),
        (Secure::Auto, true, true),
        (Secure::Never, true, false),
    ] {
        let config = Config::default().secure(secure).sweep_interval(None);
        let engine = SessionManager::new(MemoryStore::new(), config).unwrap();
        let pending = engine.begin(&PlainRequest::default().with_https(https));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(pending.load()).unwrap().insert("coat", "red").unwrap();
        let cookie = runtime.block_on(pending.commit()).unwrap().set_cookie.unwrap();
        assert_eq!(cookie.contains("; Secure"), expected, "{secure:?} {https}");
    }
    let default = SessionManager::new(MemoryStore::new(), Config::default().sweep_interval(None)).unwrap();
    assert_eq!(default.cookie_name(), "__Host-session");
}
