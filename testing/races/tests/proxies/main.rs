//! Two users through one cache: real proxies in front of an application, each with a lifetime of its own for every page.
//!
//! A proxy that is not installed is not tested, and the test says so.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod proxy;

use cloakroom_races::{Browser, Kind, Stand, run};
use cloakroom_tower::{LazySession, Session};

use crate::proxy::{APACHE, CADDY, HAPROXY, NGINX, Proxy, Running, SQUID, VARNISH};

/// Makes a test of each proxy.
macro_rules! behind {
    ($($test:ident: $proxy:ident),* $(,)?) => {
        $(#[test] fn $test() { run(Box::pin(two_users_through(&$proxy))); })*
    };
}

behind! {
    f3_no_user_sees_a_page_of_another_behind_nginx: NGINX,
    f3_no_user_sees_a_page_of_another_behind_haproxy: HAPROXY,
    f3_no_user_sees_a_page_of_another_behind_varnish: VARNISH,
    f3_no_user_sees_a_page_of_another_behind_squid: SQUID,
    f3_no_user_sees_a_page_of_another_behind_apache: APACHE,
    f3_no_user_sees_a_page_of_another_behind_caddy: CADDY,
}

async fn two_users_through(proxy: &Proxy) {
    let stand = Stand::new(Kind::Memory).await;
    let Some(running) = Running::start(proxy, stand.address()).await else { return };
    let browser = || stand.browser().through(running.address);
    assert_caches(proxy, &browser()).await;
    // All of these ask for one address.
    let mut users = [("alice", browser()), ("bob", browser())];
    for (user, browser) in &mut users {
        let user = *user;
        browser.run(async move |session: Session| Ok(session.log_in(user)?)).await.ok();
    }
    for _ in 0..2 {
        for (user, browser) in &users {
            assert_eq!(browser.user().await.as_deref(), Some(*user));
        }
        assert_eq!(browser().user().await, None);
    }
    let [(_, mut alice), (_, bob)] = users;
    let as_before = alice.clone();
    assert_eq!(public_page(&as_before).await, "alice");
    let out = alice.run(async |session: Session| {
        session.log_out();
        Ok(())
    });
    assert!(out.await.ok().removes_cookie());
    assert_eq!(as_before.user().await, None, "the page outlives the log-out");
    assert_eq!(bob.user().await.as_deref(), Some("bob"));
    let shown = if proxy.stores_by_cookie { "alice" } else { "" };
    assert_eq!(
        public_page(&as_before).await,
        shown,
        "a page that says so is stored, so the test would notice"
    );
    let mut guests = [browser(), browser()];
    for guest in &mut guests {
        guest.run(async |session: Session| Ok(session.insert("coat", "red")?)).await.ok();
    }
    assert_ne!(guests[0].cookie().unwrap(), guests[1].cookie().unwrap(), "two users share a session");
}

/// Returns the user that a page names which says, against all advice, that caches may store it.
async fn public_page(browser: &Browser) -> String {
    let script = async |session: Session| {
        Ok(([("cache-control", "public, max-age=60")], session.user().unwrap_or_default()))
    };
    browser.clone().at("/?public").start(script).answer().await.ok().body
}

/// Asks twice for a page without a session: a cache answers the second request from the first.
async fn assert_caches(proxy: &Proxy, browser: &Browser) {
    let browser = browser.clone().at("/?still");
    let mut seen = Vec::new();
    for number in ["1", "2"] {
        let script = async move |_: LazySession| Ok(([("cache-control", "max-age=60")], number));
        seen.push(browser.start_lazily(script).answer().await.ok().body);
    }
    let expected = if proxy.is_cache { ["1", "1"] } else { ["1", "2"] };
    assert_eq!(seen, expected, "{} is not set up as this test wants it", proxy.program);
}
