//! What browsers, proxies and caches in front of the server do, on both adapters.

use std::time::Duration;

use axum::http::header::{CACHE_CONTROL, HeaderName, RETRY_AFTER, SET_COOKIE, VARY};
use cloakroom::{Caching, Config, Event, OutageFallback, Prefetch, SameSite, Secure, SiteData, StoreOutage};
use cloakroom_races::{Answer, Browser, Kind, Op, Stand, When, run};
use cloakroom_tower::{LazySession, Session, SessionError};

use crate::{Handled, log_in, log_out, read_coat, renew, ring};

/// Makes two tests of each function: on axum and on actix-web. The store makes no difference to them.
macro_rules! on_both_adapters {
    ($($test:ident),* $(,)?) => {
        mod on_axum {
            $(#[test] fn $test() { super::run(Box::pin(super::$test(super::Kind::Memory))); })*
        }
        mod on_actix {
            $(#[test] fn $test() { super::run(Box::pin(super::$test(super::Kind::Actix))); })*
        }
    };
}

on_both_adapters! {
    r21_a_page_of_a_user_is_stored_by_no_cache_unless_the_application_says_otherwise,
    r21_an_outage_and_a_conflict_are_stored_by_no_cache_and_vary_by_cookie,
    r21_a_page_without_a_user_says_what_is_configured,
    an_outage_has_the_status_and_the_retry_after_that_are_configured,
    r36_an_id_is_not_renewed_by_a_request_whose_answer_may_be_a_304,
    r22_a_log_in_and_a_log_out_drop_what_the_browser_fetched_ahead,
    r22_a_log_in_sends_no_directive_that_would_undo_it,
    r22_what_the_application_says_of_the_sites_data_stays,
    r20_a_removal_reaches_both_jars_while_partitioned_is_switched,
    cookies_of_a_former_library_are_taken_away_once,
    r34_a_page_that_is_fetched_ahead_moves_nothing,
    r34_a_page_that_is_fetched_ahead_and_would_change_something_is_asked_for_again,
    r34_a_page_that_is_fetched_ahead_uses_up_no_flash_value,
    r34_fetching_ahead_can_be_refused_or_be_like_any_request,
    r35_a_post_of_another_site_without_its_cookie_replaces_no_session,
    r35_a_link_of_another_site_replaces_no_strict_session,
    r35_an_identity_provider_that_posts_finds_the_session_by_one_redirect,
    cookie_lines_that_a_proxy_joined_with_a_comma_are_read,
    cookies_in_several_lines_and_of_several_jars_are_read_in_any_order,
}

/// Sends a request with headers of its own, whose script does what `script` does.
async fn ask<F, Fut, T>(browser: &Browser, headers: &[(&'static str, &str)], script: F) -> Answer
where
    F: FnOnce(Session) -> Fut + Send + 'static,
    Fut: Future<Output = Result<T, SessionError>> + Send + 'static,
    T: axum::response::IntoResponse + 'static,
{
    let request = headers.iter().fold(
        browser.scripted(async move |lazy: LazySession| script(lazy.load().await?).await),
        |request, (name, value)| request.header(*name, *value),
    );
    browser.send(request).await
}

fn lines(answer: &Answer, name: HeaderName) -> Vec<&str> {
    answer.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

const NO_STORE: &str = "private, no-cache, no-store";

#[track_caller]
fn assert_is_not_stored(answer: &Answer) {
    assert_eq!(lines(answer, CACHE_CONTROL), [NO_STORE], "{answer:?}");
    assert_eq!(lines(answer, VARY), ["Cookie"], "{answer:?}");
}

async fn r21_a_page_of_a_user_is_stored_by_no_cache_unless_the_application_says_otherwise(kind: Kind) {
    let stand = Stand::new(kind).await;
    let (mut guest, mut user) = (stand.guest().await, stand.user("alice").await);
    assert_is_not_stored(&user.run(read_coat).await.ok());
    let by_guest = guest.run(read_coat).await.ok();
    assert_eq!(lines(&by_guest, CACHE_CONTROL), ["private"]);
    for (said, expected) in [
        (&[("cache-control", "no-cache")], "no-cache, private"),
        (&[("cache-control", "private, max-age=60")], "private, max-age=60"),
    ] {
        let says = async move |session: Session| {
            session.get::<String>("coat")?;
            Ok((axum::response::AppendHeaders(said.iter().copied()), ""))
        };
        let answer = user.run(says).await.ok();
        assert_eq!(lines(&answer, CACHE_CONTROL), [expected]);
        assert_eq!(lines(&answer, VARY), ["Cookie"]);
    }
}

async fn r21_an_outage_and_a_conflict_are_stored_by_no_cache_and_vary_by_cookie(kind: Kind) {
    let outage = StoreOutage::default().retry_for(Duration::ZERO).fallback(OutageFallback::FailClosed);
    let stand = Stand::with(kind, |config| config.outage(outage).fail_on_dropped_write(true)).await;
    let guest = stand.guest().await;
    stand.store.fail(Op::Load, When::Before);
    let down = guest.start(read_coat).answer().await;
    assert_eq!((down.status.as_u16(), lines(&down, RETRY_AFTER)), (503, vec!["1"]));
    assert_is_not_stored(&down);
    let writes = guest.hold(|session| session.insert("coat", "blue")).await;
    guest.clone().run(log_out).await.ok();
    let conflict = writes.release().await;
    assert_eq!(conflict.status, 409);
    assert_is_not_stored(&conflict);
    let refused = guest.start(async |session: Session| Ok(session.require_csrf_token(None)?)).answer().await;
    assert_eq!(refused.status, 403);
    assert_is_not_stored(&refused);
}

async fn r21_a_page_without_a_user_says_what_is_configured(kind: Kind) {
    let stand = Stand::with(kind, |config| config.caching(Caching::NoStore)).await;
    let mut guest = stand.guest().await;
    assert_is_not_stored(&guest.run(read_coat).await.ok());
    let private = stand.beside(|config| config.caching(Caching::Private)).await;
    let mut user = private.user("alice").await;
    assert_eq!(lines(&user.run(read_coat).await.ok(), CACHE_CONTROL), ["private"]);
}

async fn an_outage_has_the_status_and_the_retry_after_that_are_configured(kind: Kind) {
    let outage = StoreOutage::default().retry_for(Duration::ZERO).fallback(OutageFallback::FailClosed);
    let configure =
        |config: Config| config.outage(outage).outage_status(429).retry_after(Duration::from_secs(7));
    let stand = Stand::with(kind, configure).await;
    let guest = stand.guest().await;
    for op in [Op::Load, Op::Update] {
        stand.store.fail(op, When::Before);
        let down = guest.start(async |session: Session| Ok(session.insert("coat", "blue")?)).answer().await;
        assert_eq!((down.status.as_u16(), lines(&down, RETRY_AFTER)), (429, vec!["7"]), "{op:?}");
        assert_is_not_stored(&down);
    }
    let refused = guest.start(async |session: Session| Ok(session.require_csrf_token(None)?)).answer().await;
    assert_eq!((refused.status.as_u16(), lines(&refused, RETRY_AFTER)), (403, vec![]));
}

async fn r36_an_id_is_not_renewed_by_a_request_whose_answer_may_be_a_304(kind: Kind) {
    let stand = Stand::with(kind, |config| config.renew_every(Duration::from_secs(60))).await;
    let mut guest = stand.guest().await;
    stand.wait(61);
    for header in ["if-none-match", "if-modified-since"] {
        let answer = ask(&guest, &[(header, "\"1\"")], read_coat).await.ok();
        assert!(answer.leaves_cookie(), "{header}");
    }
    let writes = async |session: Session| Ok(session.increment("visits", 1)?.to_string());
    assert!(ask(&guest, &[("if-none-match", "\"1\"")], writes).await.ok().leaves_cookie());
    assert!(ask(&guest, &[("if-none-match", "\"1\"")], renew).await.ok().new_cookie().is_some(), "asked for");
    let mut guest_again = stand.guest().await;
    stand.wait(61);
    assert!(guest_again.run(read_coat).await.ok().new_cookie().is_some());
    guest.run(read_coat).await.ok();
}

const FETCHED_AHEAD: &str = "\"prefetchCache\", \"prerenderCache\"";

async fn r22_a_log_in_and_a_log_out_drop_what_the_browser_fetched_ahead(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut browser = stand.guest().await;
    let cleared = |answer: &Answer| answer.header("clear-site-data").map(str::to_owned);
    assert_eq!(cleared(&browser.run(read_coat).await.ok()), None);
    assert_eq!(cleared(&browser.run(renew).await.ok()), None, "a new id is not a new user");
    for user in ["alice", "bob"] {
        let logs_in = browser.run(async move |session: Session| Ok(session.log_in(user)?)).await.ok();
        assert_eq!(cleared(&logs_in).as_deref(), Some(FETCHED_AHEAD), "{user}");
    }
    assert_eq!(cleared(&browser.run(read_coat).await.ok()), None);
    assert_eq!(cleared(&browser.run(log_out).await.ok()).as_deref(), Some(FETCHED_AHEAD));
    let silent = stand.beside(|config| config.clear_site_data([])).await;
    assert_eq!(cleared(&silent.user("alice").await.run(log_out).await.ok()), None);
}

async fn r22_a_log_in_sends_no_directive_that_would_undo_it(kind: Kind) {
    let all = [SiteData::Cache, SiteData::Cookies, SiteData::Storage, SiteData::PrefetchCache];
    let stand = Stand::with(kind, |config| config.clear_site_data(all)).await;
    let mut browser = stand.guest().await;
    let logs_in = browser.run(log_in).await.ok();
    assert_eq!(logs_in.header("clear-site-data"), Some("\"cache\", \"prefetchCache\""));
    let and_begins = async |session: Session| {
        session.log_out();
        Ok(session.flash("notice", "bye")?)
    };
    let begins = browser.clone().run(and_begins).await.ok();
    assert!(begins.new_cookie().is_some());
    assert_eq!(begins.header("clear-site-data"), Some("\"cache\", \"storage\", \"prefetchCache\""));
    let ends = stand.user("alice").await.run(log_out).await.ok();
    assert_eq!(
        ends.header("clear-site-data"),
        Some("\"cache\", \"cookies\", \"storage\", \"prefetchCache\"")
    );
}

async fn r22_what_the_application_says_of_the_sites_data_stays(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut user = stand.user("alice").await;
    let script = async |session: Session| {
        session.log_out();
        Ok([("clear-site-data", "\"cache\"")])
    };
    let ends = user.run(script).await.ok();
    assert_eq!(lines(&ends, HeaderName::from_static("clear-site-data")), ["\"cache\"", FETCHED_AHEAD]);
}

/// Returns the jars of the lines that remove the session's cookie, and of those that set it.
fn jars(answer: &Answer) -> (Vec<bool>, Vec<bool>) {
    let lines = lines(answer, SET_COOKIE);
    let (removed, set): (Vec<&str>, Vec<&str>) = lines.iter().partition(|line| line.contains("Max-Age=0"));
    let jars = |lines: Vec<&str>| lines.iter().map(|line| line.contains("; Partitioned")).collect();
    (jars(removed), jars(set))
}

async fn r20_a_removal_reaches_both_jars_while_partitioned_is_switched(kind: Kind) {
    for partitioned in [true, false] {
        let stand = Stand::with(kind, |config| {
            let config = config.secure(Secure::Always).same_site(SameSite::None);
            config.partitioned(partitioned).switching_partitioned(true)
        })
        .await;
        let browser = stand.browser();
        let begins =
            browser.start(async |session: Session| Ok(session.insert("coat", "red")?)).answer().await;
        assert_eq!(jars(&begins), (vec![!partitioned], vec![partitioned]));
        let cookie = lines(&begins, SET_COOKIE).into_iter().find(|line| !line.contains("Max-Age=0")).unwrap();
        let mut browser = stand.browser();
        browser.plant(cookie.split_once('=').unwrap().1.split(';').next().unwrap());
        let reads = browser.start(read_coat).answer().await.ok();
        assert_eq!((reads.body.as_str(), jars(&reads)), ("red", (vec![], vec![])));
        let ends = browser.start(log_out).answer().await.ok();
        let (mut removed, set) = jars(&ends);
        removed.sort_unstable();
        assert_eq!((removed, set), (vec![false, true], vec![]));
        for line in lines(&ends, SET_COOKIE) {
            assert!(line.contains("; Secure") && line.contains("; Path=/;"), "{line}");
        }
    }
}

async fn cookies_of_a_former_library_are_taken_away_once(kind: Kind) {
    let stand = Stand::with(kind, |config| config.remove_old_cookies(["connect.sid", "PHPSESSID"])).await;
    let guest = stand.guest().await;
    let brought = ask(&guest, &[("cookie", "theme=dark; connect.sid=s%3Aabc")], read_coat).await.ok();
    let expected = "connect.sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly";
    assert_eq!((lines(&brought, SET_COOKIE), brought.body.as_str()), (vec![expected], "red"));
    assert_eq!(lines(&brought, CACHE_CONTROL), [NO_STORE]);
    let without = ask(&guest, &[("cookie", "theme=dark")], read_coat).await.ok();
    assert_eq!(lines(&without, SET_COOKIE), [""; 0]);
    let untouched =
        stand.browser().send(stand.browser().request("/still").header("cookie", "connect.sid=x")).await;
    assert_eq!(lines(&untouched, SET_COOKIE), [""; 0]);
}

const AHEAD: [(&str, &str); 1] = [("sec-purpose", "prefetch;prerender")];

async fn r34_a_page_that_is_fetched_ahead_moves_nothing(kind: Kind) {
    let configure =
        |config: Config| config.renew_every(Duration::from_secs(60)).save_unchanged(true).save_empty(true);
    let stand = Stand::with(kind, configure).await;
    let guest = stand.guest().await;
    stand.wait(20 * 60);
    let before = stand.store.trips(Op::Update) + stand.store.trips(Op::Create) + stand.store.trips(Op::Touch);
    let sees = ask(&guest, &AHEAD, read_coat).await.ok();
    assert_eq!((sees.body.as_str(), sees.leaves_cookie()), ("red", true));
    let stranger = ask(&stand.browser(), &AHEAD, read_coat).await.ok();
    assert!(stranger.leaves_cookie());
    let after = stand.store.trips(Op::Update) + stand.store.trips(Op::Create) + stand.store.trips(Op::Touch);
    assert_eq!(after, before);
    stand.wait(11 * 60);
    assert!(!guest.is_known().await, "looking does not make a session live longer");
}

async fn r34_a_page_that_is_fetched_ahead_and_would_change_something_is_asked_for_again(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut user = stand.user("alice").await;
    let refusals = [
        ask(&user, &AHEAD, log_out).await,
        ask(&user, &AHEAD, renew).await,
        ask(&user, &AHEAD, async |session: Session| Ok(session.insert("coat", "blue")?)).await,
        ask(&user, &AHEAD, async |session: Session| Ok(session.save().await?)).await,
        ask(&stand.browser(), &AHEAD, async |session: Session| Ok(session.csrf_token()?)).await,
        ask(&stand.browser(), &AHEAD, log_in).await,
    ];
    for (at, refused) in refusals.iter().enumerate() {
        if at == 3 {
            assert_eq!(refused.status, 200, "nothing was to be saved");
            continue;
        }
        assert_eq!((refused.status.as_u16(), lines(refused, RETRY_AFTER)), (503, vec![]), "{at}");
        assert!(refused.leaves_cookie());
        assert_is_not_stored(refused);
    }
    assert_eq!(user.run(read_coat).await.ok().body, "red");
    assert_eq!(user.user().await.as_deref(), Some("alice"));
    let failures = stand.events.count(|event| matches!(event, Event::Failed { .. } | Event::UnsavedChanges));
    assert_eq!(failures, 0, "nothing has failed");
    let posted = user.scripted(async |lazy: LazySession| Ok(lazy.load().await?.insert("coat", "blue")?));
    user.send(posted.method("POST").header("sec-purpose", "prefetch")).await.ok();
    assert_eq!(user.run(read_coat).await.ok().body, "blue", "only a GET is fetched ahead");
}

async fn r34_a_page_that_is_fetched_ahead_uses_up_no_flash_value(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    guest.run(async |session: Session| Ok(session.flash("notice", "saved")?)).await.ok();
    let notice = async |session: Session| Ok(session.get::<String>("notice")?.unwrap_or_default());
    assert_eq!(ask(&guest, &AHEAD, notice).await.status, 503, "it would be shown twice");
    assert_eq!(guest.run(notice).await.ok().body, "saved");
    assert_eq!(ask(&guest, &AHEAD, notice).await.ok().body, "");
}

async fn r34_fetching_ahead_can_be_refused_or_be_like_any_request(kind: Kind) {
    let stand = Stand::with(kind, |config| config.prefetch(Prefetch::Refuse)).await;
    let guest = stand.guest().await;
    let refused = ask(&guest, &AHEAD, read_coat).await;
    assert_eq!(refused.status, 503);
    assert_is_not_stored(&refused);
    let still = guest.send(guest.request("/still").header("sec-purpose", "prefetch")).await;
    assert_eq!(still.status, 200, "it has no session");
    let usual = stand.beside(|config| config.prefetch(Prefetch::AsUsual)).await;
    let begins = ask(&usual.browser(), &AHEAD, log_in).await.ok();
    assert!(begins.new_cookie().is_some());
}

/// What a browser says of a page that another site makes it open.
const FROM_ELSEWHERE: [(&str, &str); 2] = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];

/// Sends a request that another site made the browser send, without a cookie.
async fn sent_from_elsewhere<F, Fut, T>(stand: &Stand, method: &str, script: F) -> Answer
where
    F: FnOnce(Session) -> Fut + Send + 'static,
    Fut: Future<Output = Result<T, SessionError>> + Send + 'static,
    T: axum::response::IntoResponse + 'static,
{
    let browser = stand.browser();
    let request =
        browser.scripted(async move |lazy: LazySession| script(lazy.load().await?).await).method(method);
    let request = FROM_ELSEWHERE.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    browser.send(request).await
}

async fn put(session: Session) -> Handled {
    Ok(session.insert("state", "wrong")?)
}

async fn r35_a_post_of_another_site_without_its_cookie_replaces_no_session(kind: Kind) {
    let stand = Stand::new(kind).await;
    for script in [true, false] {
        let answer = if script {
            sent_from_elsewhere(&stand, "POST", put).await
        } else {
            sent_from_elsewhere(&stand, "POST", log_out).await
        };
        assert!(answer.ok().leaves_cookie(), "{script}");
    }
    assert_eq!(stand.records().await, 0);
    assert!(
        sent_from_elsewhere(&stand, "POST", log_in).await.ok().new_cookie().is_some(),
        "a user proved who they are"
    );
    assert!(
        sent_from_elsewhere(&stand, "GET", put).await.ok().new_cookie().is_some(),
        "a link brings Lax cookies"
    );
    let own = stand.browser();
    let posted = own.scripted(async |lazy: LazySession| put(lazy.load().await?).await).method("POST");
    let own_site = posted.header("sec-fetch-site", "same-origin").header("sec-fetch-mode", "navigate");
    assert!(own.send(own_site).await.ok().new_cookie().is_some());
    let told = stand.beside(|config| config.cross_site_sessions(true)).await;
    assert!(sent_from_elsewhere(&told, "POST", put).await.ok().new_cookie().is_some());
    let to_all = stand.beside(|config| config.secure(Secure::Always).same_site(SameSite::None)).await;
    assert!(sent_from_elsewhere(&to_all, "POST", put).await.ok().new_cookie().is_some());
    let strict = stand.beside(|config| config.fail_on_dropped_write(true)).await;
    assert_eq!(sent_from_elsewhere(&strict, "POST", put).await.status, 409);
}

async fn r35_a_link_of_another_site_replaces_no_strict_session(kind: Kind) {
    let stand = Stand::with(kind, |config| config.same_site(SameSite::Strict)).await;
    assert!(sent_from_elsewhere(&stand, "GET", put).await.ok().leaves_cookie());
    assert_eq!(stand.records().await, 0);
    let user = stand.user("alice").await;
    let with_cookie = ask(&user, &FROM_ELSEWHERE, put).await.ok();
    assert!(with_cookie.leaves_cookie());
    assert_eq!(user.read::<String>("state").await.as_deref(), Some("wrong"), "its cookie came");
}

async fn r35_an_identity_provider_that_posts_finds_the_session_by_one_redirect(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut browser = stand.browser();
    let begin = async |session: Session| {
        session.insert("cart", ["coat"])?;
        Ok(session.insert("state", "s-1")?)
    };
    browser.run(begin).await.ok();
    // The provider's page posts: a browser holds a Lax cookie back, and the handler does not ask for a session.
    let elsewhere = stand.browser();
    let redirect =
        elsewhere.scripted(async |_: LazySession| Ok([("location", "/finish?state=s-1")])).method("POST");
    let redirect =
        FROM_ELSEWHERE.iter().fold(redirect, |request, (name, value)| request.header(*name, *value));
    let redirects = elsewhere.send(redirect).await;
    assert!(redirects.leaves_cookie());
    // The redirect is followed by a GET, which carries it.
    let finish = async |session: Session| {
        let is_ours = session.take::<String>("state")?.as_deref() == Some("s-1");
        if is_ours {
            session.log_in("alice")?;
        }
        Ok(is_ours.to_string())
    };
    let finished = ask(&browser, &FROM_ELSEWHERE, finish).await.ok();
    assert_eq!(finished.body, "true");
    browser.obey(&finished);
    assert_eq!(browser.user().await.as_deref(), Some("alice"));
    assert_eq!(browser.read::<Vec<String>>("cart").await.unwrap(), ["coat"]);
}

/// Returns whether the session is found by these `Cookie` lines, in which `ID` stands for our cookie.
async fn is_found(stand: &Stand, guest: &Browser, cookie_lines: &[&str]) -> bool {
    let ours = format!("{}={}", stand.engine.cookie_name(), guest.cookie().unwrap());
    let request = cookie_lines.iter().fold(stand.browser().request("/look"), |request, line| {
        request.header("cookie", line.replace("ID", &ours))
    });
    stand.browser().send(request).await.ok().body == "known"
}

async fn cookie_lines_that_a_proxy_joined_with_a_comma_are_read(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    for line in ["theme=dark, ID", "ID, theme=dark", "a=1; theme=dark,ID,b=2; c=3"] {
        assert!(is_found(&stand, &guest, &[line]).await, "{line}");
    }
    let rejected = stand.events.count(|event| matches!(event, Event::Rejected { .. }));
    assert_eq!(rejected, 0);
    let prefixed = stand.beside(|config| config.secure(Secure::Always).cookie_base_name("x")).await;
    assert_eq!(prefixed.engine.cookie_name(), "__Host-x");
    assert!(is_found(&prefixed, &guest, &["ID, theme=dark"]).await);
    assert!(!is_found(&prefixed, &guest, &["theme=dark, ID"]).await, "another host may have set theme");
    let signed = Stand::with(kind, |config| config.signed(ring())).await;
    let signed_guest = signed.guest().await;
    for line in ["theme=dark, ID", "ID, theme=dark"] {
        assert!(is_found(&signed, &signed_guest, &[line]).await, "{line}");
    }
    let told = stand.beside(|config| config.secure(Secure::Always).read_behind_commas(true)).await;
    assert!(is_found(&told, &guest, &["theme=dark, ID"]).await);
}

async fn cookies_in_several_lines_and_of_several_jars_are_read_in_any_order(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let name = stand.engine.cookie_name();
    let (dead, tossed) = (format!("{name}={}", "A".repeat(43)), format!("{name}=tossed"));
    for lines in [
        ["theme=dark", "ID", "lang=de"],
        ["ID", &dead, &tossed],
        [&dead, &tossed, "ID"],
        [&tossed, "ID", &dead],
    ] {
        assert!(is_found(&stand, &guest, &lines).await, "{lines:?}");
        assert!(is_found(&stand, &guest, &[&lines.join("; ")]).await, "{lines:?}");
    }
}
