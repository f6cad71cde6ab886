//! Values by typed keys, and a session as a struct.

use std::collections::BTreeMap;

use cloakroom::{Config, ErrorKind, Key, Session};
use serde::{Deserialize, Serialize};

use super::Site;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Visit {
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<String>,
    cart: Vec<String>,
    visits: u32,
    score: f64,
}

const CART: Key<Vec<String>> = Key::new("cart");
const VISITS: Key<u32> = Key::new("visits");

fn filled(session: &Session) {
    session.insert("theme", "dark").unwrap();
    session.insert("other", "no field").unwrap();
    session.insert(VISITS, 7).unwrap();
}

#[tokio::test]
async fn a_typed_key_reaches_its_value_by_every_method() {
    let (_, session) = Site::new(filled).await.request().await;
    assert_eq!(session.get(VISITS).unwrap(), Some(7));
    assert_eq!(session.increment(VISITS, 1).unwrap(), 8);
    assert_eq!(session.push(CART, "coat").unwrap(), 1);
    session.update(CART, |cart| cart.into_iter().flatten().chain(["hat".into()]).collect()).unwrap();
    assert_eq!(session.get_or(CART, Vec::new()).unwrap(), ["coat", "hat"]);
    session.insert(CART, vec!["cap".to_owned()]).unwrap();
    assert_eq!(session.claim(CART).await.unwrap().unwrap(), ["cap"]);
    assert_eq!(session.take(VISITS).unwrap(), Some(8));
    assert!(!session.contains(CART) && !session.remove(VISITS));
}

#[tokio::test]
async fn a_lenient_key_is_absent_in_every_method_and_a_strict_one_names_itself() {
    let site = Site::new(|session| session.insert("visits", "many").unwrap()).await;
    let (_, session) = site.request().await;
    for error in [session.get(VISITS).unwrap_err(), session.take(VISITS).unwrap_err()] {
        assert_eq!((error.kind(), error.key()), (ErrorKind::Decode, Some("visits")));
    }
    let lenient = VISITS.lenient();
    assert_eq!(session.get(lenient).unwrap(), None);
    assert_eq!(session.take(lenient).unwrap(), None);
    assert_eq!(session.claim(lenient).await.unwrap(), None);
    session.update(lenient, |old| old.map_or(1, |old| old + 1)).unwrap();
    assert_eq!(session.get(VISITS).unwrap(), Some(1));
}

#[tokio::test]
async fn a_struct_reads_its_fields_and_takes_what_is_missing_from_its_default() {
    let (_, session) = Site::new(filled).await.request().await;
    let visit = session.typed::<Visit>().unwrap().into_inner();
    assert_eq!(visit, Visit { theme: Some("dark".into()), visits: 7, ..Visit::default() });
}

#[tokio::test]
async fn parallel_requests_that_change_different_fields_lose_nothing() {
    let site = Site::new(filled).await;
    let ((one, first), (other, second)) = (site.request().await, site.request().await);
    let mut first = first.typed::<Visit>().unwrap();
    let mut second = second.typed::<Visit>().unwrap();
    first.change(|visit| visit.cart.push("coat".into())).unwrap();
    second.change(|visit| (visit.theme, visit.visits) = (None, 8)).unwrap();
    let _ = one.commit().await.unwrap();
    let _ = other.commit().await.unwrap();
    let (_, session) = site.request().await;
    let visit = session.typed::<Visit>().unwrap().into_inner();
    assert_eq!(visit, Visit { cart: vec!["coat".into()], visits: 8, ..Visit::default() });
    assert!(!session.contains("theme"), "a field that is not written is removed");
    assert!(!session.contains("score"), "a field that was never changed is not stored");
    assert_eq!(session.get::<String>("other").unwrap().as_deref(), Some("no field"));
}

#[tokio::test]
async fn a_field_of_another_type_is_an_error_with_its_key_unless_the_key_is_lenient() {
    let wrong = |session: &Session| session.insert("visits", "many").unwrap();
    let (_, session) = Site::new(wrong).await.request().await;
    let error = session.typed::<Visit>().unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Decode, Some("visits")));
    assert!(!format!("{error:?}").contains("many"), "an error shows no value");
    let (_, session) = Site::with(Config::default().lenient_key("visits"), wrong).await.request().await;
    assert_eq!(session.typed::<Visit>().unwrap().visits, 0);
}

#[tokio::test]
async fn a_change_that_cannot_be_stored_changes_nothing() {
    let (_, session) = Site::new(filled).await.request().await;
    let mut visit = session.typed::<Visit>().unwrap();
    let error = visit.change(|visit| (visit.visits, visit.score) = (9, f64::NAN)).unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Encode, Some("score")));
    assert_eq!((visit.visits, visit.score), (7, 0.0));
    assert_eq!(session.get(VISITS).unwrap(), Some(7));
}

#[tokio::test]
async fn a_map_is_all_values_and_what_is_not_a_struct_is_refused() {
    let (_, session) = Site::new(|session| session.insert("a", 1).unwrap()).await.request().await;
    let mut all = session.typed::<BTreeMap<String, u32>>().unwrap();
    all.change(|all| all.insert("b".into(), 2)).unwrap();
    assert_eq!(session.entries::<u32>().unwrap(), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    assert_eq!(session.typed::<u32>().unwrap_err().kind(), ErrorKind::Decode);
}
