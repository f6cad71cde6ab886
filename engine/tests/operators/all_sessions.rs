//! All sessions of a store, of users and of none.

use std::collections::HashSet;

use cloakroom::format::MemberKind;
use cloakroom::{Config, ErrorKind, PublicId, Session, SessionManager};

use crate::odd_store::OddStore;
use crate::{Browser, engine};

/// Every public id, page by page, and the largest page.
async fn walk(engine: &SessionManager, user: Option<&str>, limit: usize) -> (Vec<PublicId>, usize) {
    let (mut found, mut largest, mut after) = (Vec::new(), 0, None);
    loop {
        let page = match user {
            Some(user) => engine.sessions().page(user, after.as_ref(), limit).await.unwrap(),
            None => engine.all_sessions().page(after.as_ref(), limit).await.unwrap(),
        };
        largest = largest.max(page.sessions.len());
        found.extend(page.sessions.iter().map(|found| found.info.public_id));
        after = page.next;
        if after.is_none() {
            return (found, largest);
        }
    }
}

#[tokio::test]
async fn sessions_of_a_user_and_of_all_come_in_small_pages_each_once() {
    let engine = engine(|config| config.max_sessions_per_user(None));
    for _ in 0..250 {
        Browser::logged_in(&engine, "alice").await;
        Browser::anonymous(&engine).await;
    }
    for (user, count) in [(Some("alice"), 250), (Some("bob"), 0), (None, 500)] {
        let (found, largest) = walk(&engine, user, 20).await;
        assert_eq!((found.len(), found.iter().collect::<HashSet<_>>().len()), (count, count), "{user:?}");
        assert!(largest <= 40, "{user:?}: {largest} in a page");
    }
    assert_eq!(engine.all_sessions().count().await.unwrap(), 500);
}

#[tokio::test]
async fn a_session_is_found_by_its_name_with_its_values_and_after_a_renewal() {
    let engine = engine(|config| config);
    let mut browser = Browser::anonymous(&engine).await;
    Browser::anonymous(&engine).await;
    let name = browser.visit(&engine, Session::public_id).await.unwrap();
    let all = engine.all_sessions();
    let found = all.find(&name).await.unwrap().unwrap();
    browser.visit(&engine, Session::cycle_id).await;
    let members = all.values(&found).await.unwrap().unwrap();
    let values: Vec<_> = members.iter().map(|it| (it.kind, it.key, it.value)).collect();
    assert_eq!(values, [(MemberKind::Value, "cart", b"1".as_slice())]);
    assert!(all.revoke(&found).await.unwrap(), "the renewed session is ended");
    assert!(!browser.is_alive(&engine).await);
    assert!(!all.revoke(&found).await.unwrap());
    assert!(all.values(&found).await.unwrap().is_none());
    assert!(all.find(&name).await.unwrap().is_none());
}

#[tokio::test]
async fn redirects_are_counted_apart_from_sessions() {
    let engine = engine(|config| config);
    let mut browser = Browser::anonymous(&engine).await;
    browser.visit(&engine, Session::cycle_id).await;
    browser.visit(&engine, |session| session.log_in("alice").unwrap()).await;
    let page = engine.all_sessions().page(None, 100).await.unwrap();
    assert_eq!((page.sessions.len(), page.redirects, page.unreadable), (1, 2, 0));
    assert!(page.payload_bytes > 200, "{page:?}");
}

#[tokio::test]
async fn a_revocation_of_all_ends_every_session_and_refuses_log_ins_under_way() {
    let engine = engine(|config| config);
    let mut alice = Browser::logged_in(&engine, "alice").await;
    let mut stranger = Browser::anonymous(&engine).await;
    let late = engine.begin(&Browser::default().request());
    late.load().await.unwrap().log_in("alice").unwrap();
    let writer = engine.begin(&stranger.request());
    writer.load().await.unwrap().insert("cart", 2).unwrap();

    assert_eq!(engine.all_sessions().revoke_all().await.unwrap(), 2);
    assert_eq!(late.commit().await.unwrap().set_cookie, None, "the log-in is refused");
    let _dropped = writer.commit().await.unwrap();
    assert!(!alice.is_alive(&engine).await && !stranger.is_alive(&engine).await);
    assert_eq!(engine.all_sessions().count().await.unwrap(), 0);
    let mut again = Browser::logged_in(&engine, "alice").await;
    assert!(again.is_alive(&engine).await, "a later log-in stands");
}

#[tokio::test]
async fn a_store_that_cannot_be_gone_through_says_so() {
    let engine = SessionManager::new(OddStore::bare(), Config::plain_http()).unwrap();
    let all = engine.all_sessions();
    assert_eq!(all.page(None, 10).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(all.revoke_all().await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(engine.sessions().page("alice", None, 10).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_session_whose_id_is_renewed_while_all_are_revoked_does_not_escape() {
    let store = OddStore::late();
    let config = Config::plain_http().cookie_name("sid").sweep_interval(None);
    let engine = SessionManager::new(store.clone(), config).unwrap();
    let mut browser = Browser::anonymous(&engine).await;
    let renewing = engine.begin(&browser.request());
    renewing.load().await.unwrap().cycle_id();
    // The first look at all sessions sees the record that the renewal turns into a redirect, and not the new one.
    store.at_the_first_scan(async move { renewing.commit().await.unwrap().set_cookie.unwrap() });
    assert_eq!(engine.all_sessions().revoke_all().await.unwrap(), 1);
    let header = store.result().unwrap();
    browser.0 = header.strip_prefix("sid=").and_then(|rest| rest.split(';').next()).map(str::to_owned);
    assert!(!browser.is_alive(&engine).await);
}
