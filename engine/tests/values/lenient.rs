//! A release that changes a value's type.

use cloakroom::{Config, ErrorKind};

use super::Site;

#[tokio::test]
async fn f21_one_call_takes_a_value_of_another_type_for_absent() {
    let (_, session) =
        Site::new(|session| session.path("user.cart").insert("text").unwrap()).await.request().await;
    assert_eq!(session.get_lenient::<Vec<u8>>("user"), None);
    assert_eq!(session.path("user.cart").get_lenient::<Vec<u8>>(), None);
    assert_eq!(session.path("user.cart").get_lenient::<String>().as_deref(), Some("text"));
    assert_eq!(session.path("user.cart").get::<Vec<u8>>().unwrap_err().kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn f21_a_lenient_key_is_absent_for_a_release_of_another_type() {
    let config = Config::default().lenient_key("cart").lenient_key("theme");
    let site = Site::with(config, |session| {
        session.insert("cart", "text").unwrap();
        session.insert("theme", "dark").unwrap();
        session.insert("strict", "text").unwrap();
    })
    .await;
    let (_, session) = site.request().await;
    assert_eq!(session.get::<Vec<u8>>("cart").unwrap(), None);
    assert_eq!(session.get_or("theme", 7).unwrap(), 7);
    assert_eq!(session.path("cart").get::<u8>().unwrap(), None);
    assert_eq!(session.take::<Vec<u8>>("cart").unwrap(), None);
    assert_eq!(session.claim::<Vec<u8>>("cart").await.unwrap(), None);
    assert_eq!(session.get::<u8>("strict").unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(
        session.get::<String>("cart").unwrap().as_deref(),
        Some("text"),
        "the other release's value stays"
    );
    session.update("cart", |old: Option<Vec<u8>>| old.unwrap_or_else(|| vec![1])).unwrap();
    assert_eq!(session.get::<Vec<u8>>("cart").unwrap(), Some(vec![1]));
}

#[tokio::test]
async fn f21_entries_leave_out_lenient_keys_of_another_type() {
    let config = Config::default().lenient_key("cart");
    let site = Site::with(config, |session| {
        session.insert("cart", "text").unwrap();
        session.insert("count", 1).unwrap();
    })
    .await;
    let (_, session) = site.request().await;
    assert_eq!(session.entries::<u8>().unwrap(), [("count".to_owned(), 1)]);
}
