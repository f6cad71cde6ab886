//! Rows a1 to a5: what a session holds.

use std::collections::BTreeMap;

use cloakroom_races::{Kind, Stand, races};
use cloakroom_tower::{ErrorKind, Session};
use serde::{Deserialize, Serialize};
use serde_json::json;

races! {
    a1_any_value_that_serde_writes_is_read_back_as_it_was,
    a2_a_default_stands_in_for_a_missing_value_only,
    a3_a_value_is_read_and_forgotten,
    a4_lists_grow_and_dotted_paths_reach_nested_values,
    a5_all_values_are_listed_asked_for_forgotten_and_flushed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cart {
    items: Vec<Item>,
    coupon: Option<String>,
    totals: BTreeMap<String, f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Item {
    Coat { size: u8 },
    Hat(String),
    Nothing,
}

fn cart() -> Cart {
    Cart {
        items: vec![Item::Coat { size: 52 }, Item::Hat("Zylinder, schön \"hoch\"\n".into()), Item::Nothing],
        coupon: None,
        totals: BTreeMap::from([("€".into(), 0.1), ("$".into(), -1e300)]),
    }
}

async fn a1_any_value_that_serde_writes_is_read_back_as_it_was(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut browser = stand.browser();
    let script = async |session: Session| {
        session.insert("cart", cart())?;
        session.insert("big", u64::MAX)?;
        session.insert("small", i64::MIN)?;
        session.insert("nothing", ())?;
        session.insert("truth", (true, 'ß', "text", [0_u8; 3]))?;
        Ok(session.insert("nested", json!({"a": [{"b": {"c": [1, 2.5, null]}}]}))?)
    };
    browser.run(script).await.ok();
    let script = async |session: Session| {
        assert_eq!(session.get("cart")?, Some(cart()));
        assert_eq!(session.get("big")?, Some(u64::MAX));
        assert_eq!(session.get("small")?, Some(i64::MIN));
        assert_eq!(session.get("nothing")?, Some(()));
        assert_eq!(session.get("truth")?, Some((true, 'ß', "text".to_owned(), [0_u8; 3])));
        assert_eq!(session.get("nested")?, Some(json!({"a": [{"b": {"c": [1, 2.5, null]}}]})));
        assert_eq!(session.get::<Cart>("missing")?, None);
        Ok(())
    };
    browser.run(script).await.ok();
}

async fn a2_a_default_stands_in_for_a_missing_value_only(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let script = async |session: Session| {
        assert_eq!(session.get_or("coat", "green".to_owned())?, "red");
        assert_eq!(session.get_or("hat", "green".to_owned())?, "green");
        assert!(!session.contains("hat"), "a default is not stored");
        assert_eq!(session.get_or("coat", 7).unwrap_err().kind(), ErrorKind::Decode);
        Ok(())
    };
    guest.run(script).await.ok();
}

async fn a3_a_value_is_read_and_forgotten(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    let script = async |session: Session| {
        assert_eq!(session.take::<String>("coat")?.as_deref(), Some("red"));
        assert_eq!(session.take::<String>("coat")?, None);
        assert_eq!(session.take::<u32>("visits")?.unwrap_or(7), 7);
        Ok(())
    };
    guest.run(script).await.ok();
    assert_eq!(guest.read::<String>("coat").await, None);
}

async fn a4_lists_grow_and_dotted_paths_reach_nested_values(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut browser = stand.browser();
    let script = async |session: Session| {
        assert_eq!((session.push("seen", 1)?, session.push("seen", 2)?), (1, 2));
        session.path("user.teams").push("red")?;
        session.path("user.name.first").insert("Ada")?;
        session.path("user.logins").increment(2)?;
        Ok(session.path("user.best").update(|best: Option<u32>| best.unwrap_or(0).max(9))?)
    };
    browser.run(script).await.ok();
    let script = async |session: Session| {
        assert_eq!(session.path("user.teams").push("blue")?, 2);
        assert_eq!(session.path("user.teams.1").get::<String>()?.as_deref(), Some("blue"));
        assert!(session.path("user.name").contains() && !session.path("user.age").contains());
        assert_eq!(session.path("user.best").take::<u32>()?, Some(9));
        assert!(session.path("user.name.first").remove() && !session.path("user.name.first").remove());
        Ok(())
    };
    browser.run(script).await.ok();
    assert_eq!(browser.read("seen").await, Some([1, 2]));
    let left = json!({"teams": ["red", "blue"], "name": {}, "logins": 2});
    assert_eq!(browser.read("user").await, Some(left));
}

async fn a5_all_values_are_listed_asked_for_forgotten_and_flushed(kind: Kind) {
    let stand = Stand::new(kind).await;
    let mut guest = stand.guest().await;
    guest.run(async |session: Session| Ok(session.insert("hat", "blue")?)).await.ok();
    let script = async |session: Session| {
        let pairs = [("coat".to_owned(), "red".to_owned()), ("hat".to_owned(), "blue".to_owned())];
        assert_eq!(session.entries::<String>()?, pairs, "in the order of their first insertion");
        assert!(session.contains("hat") && session.remove("hat"));
        assert!(!session.contains("hat") && !session.remove("hat"));
        Ok(())
    };
    guest.run(script).await.ok();
    assert_eq!(guest.read::<String>("hat").await, None);
    let before = guest.clone();
    let flush = async |session: Session| {
        session.clear();
        Ok(session.entries::<String>()?.len().to_string())
    };
    assert_eq!(guest.run(flush).await.ok().body, "0");
    assert_eq!(guest.read::<String>("coat").await, None);
    assert!(guest.is_known().await && guest.cookie() == before.cookie(), "the session stays");
}
