//! The methods of node-session's store, its cookie, its ids and its encrypter.

use cloakroom::ErrorKind;
use cloakroom::store::{BodyStore as _, Timestamp};
use cloakroom_node::MemoryBodies;
use cloakroom_node::body::Object;
use cloakroom_node::cookie::{Attributes, CookieError, NodeSessionCookie, Presented};
use cloakroom_node::node_session::{Encrypter, is_session_id, set_token, token};

use crate::stage::{Browser, Stage};

const NOW: i64 = 1_767_225_600_000;

fn cookie(secret: &str) -> NodeSessionCookie {
    NodeSessionCookie::new("node_session", [secret]).unwrap()
}

fn written(max_age: Option<i64>) -> String {
    cookie("k").write(&"a".repeat(40), &Attributes { max_age, ..Attributes::default() }, NOW).unwrap()
}

/// Returns what a cookie with this id is read as.
fn read_back(id: &str) -> Presented {
    let header = cookie("k").write(id, &Attributes::default(), NOW).unwrap();
    cookie("k").read([header.split(';').next().unwrap().as_bytes()])
}

#[test]
fn n9_a_missing_secret_is_refused() {
    assert_eq!(NodeSessionCookie::new("node_session", [""; 0]).unwrap_err(), CookieError::Secret);
    assert_eq!(NodeSessionCookie::new("node_session", [""]).unwrap_err(), CookieError::Secret);
}

#[test]
fn n12_a_cookie_is_not_read_with_another_secret() {
    let header = written(None);
    let pair = header.split(';').next().unwrap();
    assert_eq!(cookie("other").read([pair.as_bytes()]), Presented::Forged);
    let signed = Presented::Signed { sid: "a".repeat(40), key: 0 };
    assert_eq!(cookie("k").read([pair.as_bytes()]), signed);
}

#[test]
fn n21_a_cookie_with_a_lifetime_names_its_end() {
    let header = written(Some(300_000));
    let end = "; Max-Age=300; Path=/; Expires=Thu, 01 Jan 2026 00:05:00 GMT; HttpOnly";
    assert!(header.ends_with(end), "{header}");
}

#[test]
fn n22_a_cookie_that_ends_with_the_browser_names_no_end() {
    let header = written(None);
    assert!(header.ends_with("; Path=/; HttpOnly") && !header.contains("Max-Age"), "{header}");
}

#[test]
fn n40_an_id_of_40_characters_is_kept() {
    let id = "0123456789-_abcdefghijABCDEFGHIJ01234567";
    assert!(is_session_id(id));
    assert_eq!(read_back(id), Presented::Signed { sid: id.to_owned(), key: 0 });
}

#[test]
fn n41_another_id_is_refused_though_it_is_signed() {
    for id in ["a".repeat(39), "a".repeat(41), "a".repeat(39) + ".", String::from("a")] {
        assert!(!is_session_id(&id));
        assert_eq!(read_back(&id), Presented::Forged, "{id}");
    }
}

#[tokio::test]
async fn n45_a_key_that_was_never_set_is_not_there() {
    with_values(async |session| assert!(!session.contains("nothing"))).await;
}

#[tokio::test]
async fn n46_a_key_that_was_set_is_there() {
    with_values(async |session| assert!(session.contains("name"))).await;
}

#[tokio::test]
async fn n47_a_key_with_dots_leads_into_objects() {
    with_values(async |session| {
        assert!(session.path("user.address.city").contains());
        assert!(!session.path("user.address.street").contains());
    })
    .await;
}

#[tokio::test]
async fn n48_a_value_that_is_taken_is_returned_and_removed() {
    with_values(async |session| {
        assert_eq!(session.take::<String>("name").unwrap().as_deref(), Some("Zo"));
        assert!(!session.contains("name"));
    })
    .await;
}

#[tokio::test]
async fn n49_a_value_that_is_not_there_cannot_be_taken() {
    with_values(async |session| assert_eq!(session.take::<String>("nothing").unwrap(), None)).await;
}

#[tokio::test]
async fn n51_a_value_is_read() {
    with_values(async |session| {
        assert_eq!(session.get::<String>("name").unwrap().as_deref(), Some("Zo"));
        assert_eq!(session.path("user.address.city").get::<String>().unwrap().as_deref(), Some("Oslo"));
    })
    .await;
}

#[tokio::test]
async fn n52_a_value_that_is_not_there_reads_as_none() {
    with_values(async |session| assert_eq!(session.get::<String>("nothing").unwrap(), None)).await;
}

#[tokio::test]
async fn n53_a_value_that_is_not_there_reads_as_the_default_that_is_given() {
    with_values(async |session| {
        assert_eq!(session.get_or("nothing", 7).unwrap(), 7);
        assert_eq!(session.get_or("list", vec![0]).unwrap(), [1]);
    })
    .await;
}

#[tokio::test]
async fn n54_all_values_are_read_at_once() {
    let stage = Stage::new();
    stage
        .visit(&mut Browser::default(), async |session| {
            session.insert("a", 1).unwrap();
            session.insert("b", 2).unwrap();
            let all = session.entries::<u32>().unwrap();
            assert_eq!(all, [("a".to_owned(), 1), ("b".to_owned(), 2)]);
        })
        .await;
}

#[tokio::test]
async fn n55_a_value_is_set_and_in_the_body() {
    let (stage, browser) = with_values(async |session| session.insert("other", true).unwrap()).await;
    assert!(stage.body(&browser).contains(r#""other":true"#), "{}", stage.body(&browser));
}

#[tokio::test]
async fn n56_a_key_with_dots_makes_the_objects_on_its_way() {
    let (stage, browser) = with_values(async |session| session.path("x.y.z").insert(1).unwrap()).await;
    assert!(stage.body(&browser).contains(r#""x":{"y":{"z":1}}"#), "{}", stage.body(&browser));
}

#[tokio::test]
async fn n58_a_value_is_replaced() {
    let (stage, browser) = with_values(async |session| session.insert("name", "Bo").unwrap()).await;
    let body = stage.body(&browser);
    assert!(body.contains(r#""name":"Bo""#) && !body.contains("Zo"), "{body}");
}

#[tokio::test]
async fn n60_a_value_is_added_to_a_list() {
    let (stage, browser) = with_values(async |session| {
        assert_eq!(session.push("list", 2).unwrap(), 2);
    })
    .await;
    assert!(stage.body(&browser).contains(r#""list":[1,2]"#), "{}", stage.body(&browser));
}

#[tokio::test]
async fn n61_a_value_is_not_added_to_what_is_no_list() {
    with_values(async |session| {
        assert_eq!(session.push("name", 2).unwrap_err().kind(), ErrorKind::Mismatch);
        assert_eq!(session.get::<String>("name").unwrap().as_deref(), Some("Zo"));
    })
    .await;
}

#[tokio::test]
async fn n66_a_value_is_removed() {
    let (stage, browser) = with_values(async |session| assert!(session.remove("name"))).await;
    let body = stage.body(&browser);
    assert!(!body.contains("name\":\"Zo") && body.contains("\"list\""), "{body}");
}

#[tokio::test]
async fn n67_all_values_are_removed() {
    let (stage, browser) = with_values(async |session| session.clear()).await;
    let body = stage.body(&browser);
    assert!(!body.contains("Zo") && !body.contains("list") && !body.contains("user"), "{body}");
}

#[tokio::test]
async fn n68_a_new_id_keeps_the_values() {
    let (stage, mut browser) = with_values(async |_| {}).await;
    let id = browser.id();
    stage.visit(&mut browser, async |session| session.renew_id()).await;
    assert_ne!(browser.id(), id);
    assert!(stage.body(&browser).contains(r#""name":"Zo""#), "{}", stage.body(&browser));
}

#[tokio::test]
async fn n69_what_stays_under_the_old_id_has_no_values() {
    let (stage, mut browser) = with_values(async |_| {}).await;
    let id = browser.id();
    stage.visit(&mut browser, async |session| session.renew_id()).await;
    let old = stage.bodies.body(&id).unwrap();
    assert!(!old.contains("Zo") && !old.contains(&browser.id()), "{old}");
}

#[tokio::test]
async fn n77_a_renewed_id_leads_to_the_session_for_a_moment() {
    let (stage, mut browser) = with_values(async |_| {}).await;
    let mut old = browser.clone();
    stage.visit(&mut browser, async |session| session.renew_id()).await;
    stage.visit(&mut old, async |session| assert!(session.contains("name"))).await;
    stage.clock.advance(std::time::Duration::from_secs(11));
    stage.visit(&mut old, async |session| assert!(!session.contains("name"))).await;
}

#[tokio::test]
async fn n6_what_is_written_in_memory_is_read() {
    let bodies = MemoryBodies::new();
    assert!(bodies.insert("id", b"{}", Timestamp::NEVER).await.unwrap().is_some());
    assert_eq!(&*bodies.read("id").await.unwrap().unwrap().bytes, b"{}");
}

#[tokio::test]
async fn n7_what_has_ended_in_memory_is_not_read() {
    let bodies = MemoryBodies::new();
    bodies.set("id", "{}", Timestamp::NEVER);
    bodies.end("id", None).await.unwrap();
    assert_eq!(bodies.read("id").await.unwrap(), None);
}

#[test]
fn n57_a_new_token_takes_the_place_of_the_old_one() {
    let mut body = Object::parse(br#"{"_token":"old","views":1}"#).unwrap();
    let made = set_token(&mut body, &[7; 30]);
    assert_eq!(made.len(), 40);
    assert_eq!(body.to_text(), format!(r#"{{"_token":"{made}","views":1}}"#));
}

#[test]
fn n76_the_token_is_a_member_of_the_body() {
    let body = Object::parse(br#"{"_token":"abc"}"#).unwrap();
    assert_eq!(token(&body).as_deref(), Some("abc"));
}

#[test]
fn n37_an_encrypted_body_differs_from_what_was_given() {
    let sealed = Encrypter::new("secret").seal(r#"{"name":"Zo"}"#);
    assert!(sealed.starts_with(r#"{"ct":""#) && !sealed.contains("Zo"), "{sealed}");
}

#[test]
fn n38_an_encrypted_body_opens_with_the_same_secret_only() {
    let sealed = Encrypter::new("secret").seal(r#"{"name":"Zo"}"#);
    assert_eq!(Encrypter::new("secret").open(&sealed).unwrap(), r#"{"name":"Zo"}"#);
    assert!(Encrypter::new("other").open(&sealed).is_err());
}

/// Carries out two requests of a new browser: one that stores values, and one of the test's.
async fn with_values(test: impl AsyncFnOnce(&cloakroom::Session)) -> (Stage, Browser) {
    let stage = Stage::new();
    let mut browser = Browser::default();
    stage
        .visit(&mut browser, async |session| {
            session.insert("name", "Zo").unwrap();
            session.insert("list", [1]).unwrap();
            session.path("user.address.city").insert("Oslo").unwrap();
        })
        .await;
    stage.visit(&mut browser, test).await;
    (stage, browser)
}
