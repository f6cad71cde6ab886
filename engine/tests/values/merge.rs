//! What removals and changes in lists do when another request commits first.

use cloakroom::{ErrorKind, Session};

use super::Site;

/// Two requests use the session, then `theirs` commits, then `mine`. Returns what `key` is then.
async fn merged(
    site: &Site,
    mine: impl FnOnce(&Session),
    theirs: impl FnOnce(&Session),
    key: &str,
) -> Option<String> {
    let (a, my_session) = site.request().await;
    let (b, their_session) = site.request().await;
    mine(&my_session);
    theirs(&their_session);
    let _ = b.commit().await.unwrap();
    let _ = a.commit().await.unwrap();
    site.stored(key).await
}

async fn inbox() -> Site {
    Site::new(|session| {
        session.insert("inbox", ["a", "b"]).unwrap();
        session.path("user.inbox").insert(["a", "b"]).unwrap();
        session.insert("code", 1).unwrap();
    })
    .await
}

#[tokio::test]
async fn f02_what_is_pushed_while_a_list_is_taken_stays() {
    let site = inbox().await;
    let take = |session: &Session| {
        assert_eq!(session.take::<Vec<String>>("inbox").unwrap().unwrap(), ["a", "b"]);
    };
    let push = |session: &Session| assert_eq!(session.push("inbox", "x").unwrap(), 3);
    assert_eq!(merged(&site, take, push, "inbox").await.as_deref(), Some(r#"["x"]"#));
}

#[tokio::test]
async fn f02_what_is_pushed_while_a_list_inside_a_value_is_taken_stays() {
    let site = inbox().await;
    let take = |session: &Session| {
        assert_eq!(session.path("user.inbox").take::<Vec<String>>().unwrap().unwrap(), ["a", "b"]);
    };
    let push = |session: &Session| assert_eq!(session.path("user.inbox").push("x").unwrap(), 3);
    assert_eq!(merged(&site, take, push, "user").await.as_deref(), Some(r#"{"inbox":["x"]}"#));
}

#[tokio::test]
async fn f02_what_is_written_while_a_value_is_removed_stays() {
    let site = inbox().await;
    let remove = |session: &Session| assert!(session.remove("code"));
    let insert = |session: &Session| session.insert("code", 2).unwrap();
    assert_eq!(merged(&site, remove, insert, "code").await.as_deref(), Some("2"));
    let nothing = |_: &Session| {};
    assert_eq!(merged(&site, remove, nothing, "code").await, None);
}

#[tokio::test]
async fn f02_taking_the_first_item_of_a_queue_twice_loses_no_other_item() {
    let site = Site::new(|session| session.insert("queue", ["a", "b", "c"]).unwrap()).await;
    let take = |session: &Session| {
        assert_eq!(session.path("queue.0").take::<String>().unwrap().unwrap(), "a");
    };
    assert_eq!(merged(&site, take, take, "queue").await.as_deref(), Some(r#"["b","c"]"#));
}

#[tokio::test]
async fn f02_a_change_by_index_is_made_to_the_item_that_was_seen() {
    let site = Site::new(|session| session.insert("list", [10, 20, 30]).unwrap()).await;
    let increment = |session: &Session| assert_eq!(session.path("list.2").increment(1).unwrap(), 31);
    let remove = |session: &Session| assert!(session.path("list.0").remove());
    assert_eq!(merged(&site, increment, remove, "list").await.as_deref(), Some("[20,31]"));
}

#[tokio::test]
async fn f02_nothing_is_removed_twice_or_where_there_is_nothing() {
    let (_, session) = inbox().await.request().await;
    assert!(session.remove("code") && !session.remove("code"));
    for path in ["code", "inbox.2", "inbox.x", "inbox.0.x", "user.x.y", "nothing.at.all"] {
        assert!(!session.path(path).remove(), "{path}");
        assert_eq!(session.path(path).take::<u8>().unwrap(), None, "{path}");
    }
    session.insert("text", "no number").unwrap();
    assert_eq!(session.take::<u8>("text").unwrap_err().kind(), ErrorKind::Decode);
    assert!(session.contains("text"), "what cannot be read stays");
}

#[tokio::test]
async fn a_value_that_only_this_request_shows_is_removed_without_a_write() {
    let (pending, session) = inbox().await.request().await;
    session.flash_now("now", 1).unwrap();
    assert_eq!(session.take("now").unwrap(), Some(1));
    assert_eq!((session.remove("now"), session.contains("now")), (false, false));
    assert!(pending.try_finish().is_some(), "there is nothing to store");
}
