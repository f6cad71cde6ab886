//! The methods of node-session's store.

use cloakroom::ErrorKind;
use cloakroom_node::NodeValues as _;

use crate::stage::{Browser, Stage};

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
    let stage = Stage::node_session(|preset| preset);
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
    assert!(body.contains(r#""name":"Bo""#) && !body.contains("\"Zo\""), "{body}");
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
async fn n61_a_value_is_not_added_to_a_value_that_is_not_a_list() {
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
    assert!(!body.contains("\"Zo\"") && !body.contains("list") && !body.contains("user"), "{body}");
}

#[tokio::test]
async fn n68_a_new_id_keeps_the_values() {
    let (stage, mut browser) = with_values(async |_| {}).await;
    let id = browser.id();
    stage.visit(&mut browser, async |session| session.cycle_id()).await;
    assert_ne!(browser.id(), id);
    assert!(stage.body(&browser).contains(r#""name":"Zo""#), "{}", stage.body(&browser));
}

#[tokio::test]
async fn n69_what_stays_under_the_old_id_has_no_values() {
    let (stage, mut browser) = with_values(async |_| {}).await;
    let id = browser.id();
    stage.visit(&mut browser, async |session| session.cycle_id()).await;
    let old = stage.bodies.body(&id).unwrap();
    assert!(!old.contains("\"Zo\"") && !old.contains(&browser.id()), "{old}");
}

#[tokio::test]
async fn n77_a_renewed_id_leads_to_the_session_for_a_moment() {
    let (stage, mut browser) = with_values(async |_| {}).await;
    let mut old = browser.clone();
    stage.visit(&mut browser, async |session| session.cycle_id()).await;
    stage.visit(&mut old, async |session| assert!(session.contains("name"))).await;
    stage.clock.advance(std::time::Duration::from_secs(11));
    stage.visit(&mut old, async |session| assert!(!session.contains("name"))).await;
}

#[tokio::test]
async fn n57_a_token_that_was_removed_is_made_anew() {
    with_values(async |session| {
        let old = session.node_session_token().unwrap();
        assert!(session.remove("_token"));
        let new = session.node_session_token().unwrap();
        assert_ne!(new, old);
        assert!(session.node_session_verify(&new).unwrap() && !session.node_session_verify(&old).unwrap());
    })
    .await;
}

#[tokio::test]
async fn n76_the_token_is_a_member_of_the_body() {
    let mut token = String::new();
    let (stage, browser) = with_values(async |session| token = session.node_session_token().unwrap()).await;
    assert_eq!(token.len(), 40);
    let member = format!(r#""_token":"{token}""#);
    assert!(stage.body(&browser).contains(&member), "{}", stage.body(&browser));
}

/// Carries out two requests of a new browser: one that stores values, and one of the test's.
async fn with_values(test: impl AsyncFnOnce(&cloakroom::Session)) -> (Stage, Browser) {
    let stage = Stage::node_session(|preset| preset);
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
