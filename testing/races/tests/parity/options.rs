//! Rows b1 to b10: what can be configured.

use std::time::Duration;

use cloakroom::KeyRing;
use cloakroom_races::{Answer, Browser, Kind, Op, Stand, races};
use cloakroom_tower::{Config, SameSite, Secure, Session, SessionError};

races! {
    b1_the_cookie_has_the_name_that_it_was_given,
    b2_the_cookie_has_the_attributes_that_it_was_given,
    b3_same_site_secure_auto_and_partitioned_are_as_configured,
    b5_the_first_secret_signs_and_all_verify_while_it_serves,
    b7_an_unchanged_session_is_stored_again_only_if_that_was_asked_for,
    b8_an_empty_session_is_stored_only_if_that_was_asked_for,
    b9_rolling_sends_the_cookie_with_every_response_that_has_a_session,
    b10_the_idle_time_is_as_configured_and_the_cookie_may_end_with_the_browser,
}

async fn write(session: Session) -> Result<(), SessionError> {
    Ok(session.insert("coat", "red")?)
}

async fn read(session: Session) -> Result<String, SessionError> {
    Ok(session.get("coat")?.unwrap_or_default())
}

/// The header that a new session's cookie is set with, its value replaced by `*`.
async fn set_cookie(kind: Kind, change: impl FnOnce(Config) -> Config) -> String {
    let stand = Stand::with(kind, change).await;
    let answer = stand.browser().run(write).await.ok();
    shown(&answer)
}

fn shown(answer: &Answer) -> String {
    let value = answer.new_cookie().unwrap();
    answer.set_cookie().unwrap().replace(&value, "*")
}

async fn b1_the_cookie_has_the_name_that_it_was_given(kind: Kind) {
    for name in ["connect.sid", "koa.sid", "node_session", "s"] {
        let stand = Stand::with(kind, |config| config.cookie_name(name)).await;
        let mut browser = stand.browser();
        let answer = browser.run(write).await.ok();
        assert!(answer.set_cookie().unwrap().starts_with(&format!("{name}=")));
        assert_eq!(browser.run(read).await.ok().body, "red");
        assert_eq!(stand.engine.cookie_name(), name);
    }
}

async fn b2_the_cookie_has_the_attributes_that_it_was_given(kind: Kind) {
    let all = |config: Config| {
        let config = config.cookie_name("id").cookie_path("/shop").cookie_domain("example.org");
        config.secure(Secure::Always).http_only(true).same_site(SameSite::Strict)
    };
    let expected = "id=*; Max-Age=43200; Path=/shop; Domain=example.org; HttpOnly; Secure; SameSite=Strict";
    assert_eq!(set_cookie(kind, all).await, expected);
    let none = |config: Config| {
        config.without_cookie_path().http_only(false).same_site(None).persistent(false).secure(Secure::Never)
    };
    assert_eq!(set_cookie(kind, none).await, "session=*");
}

async fn b3_same_site_secure_auto_and_partitioned_are_as_configured(kind: Kind) {
    for (same_site, expected) in [
        (Some(SameSite::Lax), "; SameSite=Lax"),
        (Some(SameSite::Strict), "; SameSite=Strict"),
        (Some(SameSite::None), "; SameSite=None"),
        (None, "; Secure"),
    ] {
        let set = set_cookie(kind, |config| config.secure(Secure::Always).same_site(same_site)).await;
        assert!(set.ends_with(expected), "{set}");
    }
    let apart =
        set_cookie(kind, |config| config.secure(Secure::Always).same_site(SameSite::None).partitioned(true))
            .await;
    assert!(apart.ends_with("; Partitioned"));
    let auto = |config: Config| config.secure(Secure::Auto).trust_forwarded_proto(true);
    let stand = Stand::with(kind, auto).await;
    for (proto, secure) in [("https", true), ("http", false)] {
        let request = stand.browser().request("/visit").header("x-forwarded-proto", proto);
        let answer = stand.browser().send(request).await.ok();
        assert_eq!(shown(&answer).contains("; Secure"), secure);
    }
}

async fn b5_the_first_secret_signs_and_all_verify_while_it_serves(kind: Kind) {
    let [first, second, third] =
        ["first", "second", "third"].map(|word| format!("the {word} secret, quite long enough"));
    let ring = KeyRing::new([&second, &first]).unwrap();
    let given = ring.clone();
    let stand = Stand::with(kind, |config| config.signed(given)).await;
    let old = stand.beside(|config| config.signed(KeyRing::new([&first]).unwrap())).await;
    let mut by_first = stand.browser();
    by_first.plant(old.guest().await.cookie().unwrap());
    let by_second = stand.guest().await;
    ring.rotate(&third).unwrap();
    let by_third = stand.guest().await;
    let known = async |browser: &Browser| browser.is_known().await;
    assert!(known(&by_first).await && known(&by_second).await && known(&by_third).await);
    let mut elsewhere = old.browser();
    elsewhere.plant(by_third.cookie().unwrap());
    assert!(!known(&elsewhere).await, "which does not have the third secret");
    ring.retire();
    assert!(!known(&by_first).await && known(&by_second).await && known(&by_third).await);
}

async fn b7_an_unchanged_session_is_stored_again_only_if_that_was_asked_for(kind: Kind) {
    for resave in [true, false] {
        let stand = Stand::with(kind, |config| config.save_unchanged(resave)).await;
        let mut guest = stand.guest().await;
        let writes = stand.store.trips(Op::Update);
        assert_eq!(guest.run(read).await.ok().body, "red");
        guest.start_lazily(async |_| Ok("never looked")).answer().await.ok();
        assert_eq!(stand.store.trips(Op::Update) - writes, u64::from(resave));
    }
}

async fn b8_an_empty_session_is_stored_only_if_that_was_asked_for(kind: Kind) {
    for save_empty in [true, false] {
        let stand = Stand::with(kind, |config| config.save_empty(save_empty)).await;
        let looked = stand.browser().run(read).await.ok();
        let never_looked = stand.browser().start_lazily(async |_| Ok("never looked")).answer().await.ok();
        for answer in [&looked, &never_looked] {
            assert_eq!(answer.new_cookie().is_some(), save_empty);
        }
        assert_eq!(stand.records().await, if save_empty { 2 } else { 0 });
    }
}

async fn b9_rolling_sends_the_cookie_with_every_response_that_has_a_session(kind: Kind) {
    let stand = Stand::with(kind, |config| config.rolling(true)).await;
    let mut guest = stand.guest().await;
    let id = guest.cookie().unwrap().to_owned();
    for minutes in [1, 10, 20] {
        stand.wait(minutes * 60);
        let looked = guest.run(read).await.ok();
        let never_looked = guest.start_lazily(async |_| Ok("never looked")).answer().await.ok();
        for answer in [&looked, &never_looked] {
            assert_eq!(answer.new_cookie().as_deref(), Some(id.as_str()));
        }
    }
    let nobody = stand.browser().run(read).await.ok();
    assert!(nobody.leaves_cookie(), "there is no session to send a cookie for");
}

async fn b10_the_idle_time_is_as_configured_and_the_cookie_may_end_with_the_browser(kind: Kind) {
    let minutes = Duration::from_secs(5 * 60);
    for persistent in [true, false] {
        let stand = Stand::with(kind, |config| config.idle_timeout(minutes).persistent(persistent)).await;
        let mut guest = stand.browser();
        let answer = guest.run(write).await.ok();
        assert_eq!(answer.max_age(), persistent.then_some(12 * 3_600));
        stand.wait(5 * 60 - 1);
        assert_eq!(guest.run(read).await.ok().body, "red");
        stand.wait(5 * 60);
        assert_eq!(guest.run(read).await.ok().body, "");
    }
}
