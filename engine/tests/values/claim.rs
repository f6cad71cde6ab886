//! One-time values, and requests that want the same one.

use std::sync::Arc;

use cloakroom::ErrorKind;
use tokio::sync::Barrier;

use super::Site;

/// Lets 32 requests, which have all seen the session, claim what is at `path` at once. Returns what they get.
async fn claimed(site: Site, path: &'static str) -> Vec<String> {
    let (site, barrier) = (Arc::new(site), Arc::new(Barrier::new(32)));
    let requests = (0..32).map(|_| {
        let (site, barrier) = (site.clone(), barrier.clone());
        tokio::spawn(async move {
            let (pending, session) = site.request().await;
            barrier.wait().await;
            let got = if path.contains('.') {
                session.path(path).claim::<String>().await.unwrap()
            } else {
                session.claim::<String>(path).await.unwrap()
            };
            let _ = pending.commit().await.unwrap();
            got
        })
    });
    let mut got = Vec::new();
    for request in requests.collect::<Vec<_>>() {
        got.extend(request.await.unwrap());
    }
    got.sort();
    got
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn f02_exactly_one_of_32_parallel_requests_claims_a_value() {
    let site = Site::new(|session| session.insert("code", "once").unwrap()).await;
    assert_eq!(claimed(site, "code").await, ["once"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn f02_every_item_of_a_queue_goes_to_exactly_one_of_32_parallel_requests() {
    let items: Vec<String> = (10..30).map(|item| item.to_string()).collect();
    let site = Site::new(|session| session.insert("queue", &items).unwrap()).await;
    assert_eq!(claimed(site, "queue.0").await, items);
}

#[tokio::test]
async fn f02_a_claim_that_is_missed_gets_what_is_there_now() {
    let site = Site::new(|session| session.insert("code", "old").unwrap()).await;
    let (_, mine) = site.request().await;
    let (other, theirs) = site.request().await;
    theirs.insert("code", "new").unwrap();
    let _ = other.commit().await.unwrap();
    assert_eq!(mine.claim::<String>("code").await.unwrap().as_deref(), Some("new"));
    assert_eq!(site.stored("code").await, None);
}

#[tokio::test]
async fn f02_a_value_of_another_type_is_not_claimed() {
    let site = Site::new(|session| session.insert("code", "text").unwrap()).await;
    let (_, session) = site.request().await;
    assert_eq!(session.claim::<u8>("code").await.unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(session.claim::<String>("code").await.unwrap().as_deref(), Some("text"));
}

#[tokio::test]
async fn f02_a_claim_that_cannot_be_saved_leaves_the_value() {
    let site = Site::new(|session| session.insert("code", "once").unwrap()).await;
    let (pending, session) = site.request().await;
    session.insert("big", "x".repeat(2 << 20)).unwrap();
    assert_eq!(session.claim::<String>("code").await.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(session.get::<String>("code").unwrap().as_deref(), Some("once"));
    session.remove("big");
    let _ = pending.commit().await.unwrap();
    assert_eq!(site.stored("code").await.as_deref(), Some("\"once\""));
}
