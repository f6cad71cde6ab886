//! S11: a removal, a `take` or an edit of a list meets a write of the same key. What was acknowledged is never lost.

use cloakroom_races::{Browser, Gate, Kind, Op, Stand, races};
use cloakroom_tower::Session;
use serde_json::{Value, json};

races! {
    s11_a_take_leaves_what_others_pushed_meanwhile,
    s11_a_take_inside_a_value_leaves_what_others_pushed_meanwhile,
    s11_a_take_whose_answer_was_lost_leaves_what_others_pushed_meanwhile,
    s11_a_removal_leaves_a_value_that_another_request_wrote_meanwhile,
    s11_two_takes_of_the_first_item_of_a_queue_lose_no_other_item,
    s11_takes_from_a_queue_and_pushes_at_once_lose_no_item,
    s11_a_change_inside_a_list_finds_its_item_where_it_is_now,
    s11_a_change_inside_an_item_that_was_moved_and_changed_reaches_no_other_item,
    s11_a_change_inside_an_item_that_is_gone_is_an_error_and_changes_no_other,
}

/// A browser whose session holds `key`.
async fn holding(stand: &Stand, key: &'static str, value: Value) -> Browser {
    let mut browser = stand.browser();
    browser.run(async move |session: Session| Ok(session.insert(key, value)?)).await.ok();
    browser
}

/// Does `change` in a request of its own.
async fn change(browser: &Browser, change: fn(&Session) -> cloakroom::Result<()>) {
    browser.start(async move |session: Session| Ok(change(&session)?)).answer().await.ok();
}

/// Sends a request that takes what is at `path`, shows it, and stops before it commits.
async fn taking(browser: &Browser, path: &'static str) -> (Gate, cloakroom_races::Exchange) {
    let gate = Gate::new("a request has taken a value");
    let here = gate.clone();
    let exchange = browser.start(async move |session: Session| {
        let taken: Option<Value> = session.path(path).take()?;
        here.pass().await;
        Ok(taken.unwrap_or_default().to_string())
    });
    gate.reached().await;
    (gate, exchange)
}

async fn s11_a_take_leaves_what_others_pushed_meanwhile(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "inbox", json!(["a", "b"])).await;
    let (gate, taker) = taking(&guest, "inbox").await;
    change(&guest, |session| session.push("inbox", "c").map(drop)).await;
    change(&guest, |session| session.push("inbox", "d").map(drop)).await;
    gate.open();
    assert_eq!(taker.answer().await.ok().body, r#"["a","b"]"#);
    assert_eq!(guest.read::<Value>("inbox").await, Some(json!(["c", "d"])));
    let (gate, taker) = taking(&guest, "inbox").await;
    gate.open();
    assert_eq!(taker.answer().await.ok().body, r#"["c","d"]"#);
    assert_eq!(guest.read::<Value>("inbox").await, None);
}

async fn s11_a_take_inside_a_value_leaves_what_others_pushed_meanwhile(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "user", json!({"inbox": [1], "name": "Ann"})).await;
    let (gate, taker) = taking(&guest, "user.inbox").await;
    change(&guest, |session| session.path("user.inbox").push(2).map(drop)).await;
    gate.open();
    assert_eq!(taker.answer().await.ok().body, "[1]");
    assert_eq!(guest.read::<Value>("user").await, Some(json!({"inbox": [2], "name": "Ann"})));
}

/// The first try has removed the two items; the next one must not remove what came after them.
async fn s11_a_take_whose_answer_was_lost_leaves_what_others_pushed_meanwhile(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "inbox", json!(["a", "b"])).await;
    let (gate, taker) = taking(&guest, "inbox").await;
    let lost = stand.store.lose(Op::Update, "the answer to the take is about to be lost");
    gate.open();
    lost.reached().await;
    change(&guest, |session| session.push("inbox", "a").map(drop)).await;
    lost.open();
    assert_eq!(taker.answer().await.ok().body, r#"["a","b"]"#);
    assert_eq!(guest.read::<Value>("inbox").await, Some(json!(["a"])));
}

async fn s11_a_removal_leaves_a_value_that_another_request_wrote_meanwhile(kind: Kind) {
    let stand = Stand::new(kind).await;
    let writes: [fn(&Session) -> cloakroom::Result<()>; 3] = [
        |session| session.insert("n", 7),
        |session| session.increment("n", 6).map(drop),
        |session| session.update("n", |n: Option<u32>| n.unwrap_or(0) + 6),
    ];
    for write in writes {
        let guest = holding(&stand, "n", json!(1)).await;
        let remover = guest
            .hold(|session| {
                assert!(session.remove("n"));
                session.insert("removed", true)
            })
            .await;
        change(&guest, write).await;
        remover.release().await.ok();
        assert_eq!(guest.read::<u32>("n").await, Some(7));
        assert_eq!(guest.read::<bool>("removed").await, Some(true), "the rest of the request counts");
    }
}

async fn s11_two_takes_of_the_first_item_of_a_queue_lose_no_other_item(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "queue", json!(["a", "b", "c"])).await;
    let (one, other) = (taking(&guest, "queue.0").await, taking(&guest, "queue.0").await);
    for (gate, taker) in [one, other] {
        gate.open();
        assert_eq!(taker.answer().await.ok().body, r#""a""#, "both have seen it; `claim` is for one only");
    }
    assert_eq!(guest.read::<Value>("queue").await, Some(json!(["b", "c"])));
}

async fn s11_takes_from_a_queue_and_pushes_at_once_lose_no_item(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "queue", json!([])).await;
    let pushers: Vec<_> = (0..8)
        .map(|item| guest.start(async move |session: Session| Ok(session.push("queue", item).map(drop)?)))
        .collect();
    let take = async |session: Session| {
        Ok(session.path("queue.0").take::<u32>()?.map_or(String::new(), |item| item.to_string()))
    };
    let takers: Vec<_> = (0..8).map(|_| guest.start(take)).collect();
    let mut seen: Vec<u32> = Vec::new();
    for pusher in pushers {
        pusher.answer().await.ok();
    }
    for taker in takers {
        seen.extend(taker.answer().await.ok().body.parse::<u32>().ok());
    }
    seen.extend(guest.read::<Vec<u32>>("queue").await.unwrap());
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6, 7], "each item was taken, or is still there");
}

async fn s11_a_change_inside_a_list_finds_its_item_where_it_is_now(kind: Kind) {
    type Change = fn(&Session) -> cloakroom::Result<()>;
    let stand = Stand::new(kind).await;
    let changes: [(Change, Value); 2] = [
        (|session| session.path("cart.1.n").increment(1).map(drop), json!({"id": "milk", "n": 6})),
        (|session| session.path("cart.1.id").insert("oat milk"), json!({"id": "oat milk", "n": 5})),
    ];
    for (late, item) in changes {
        let guest = holding(&stand, "cart", json!([{"id": "tea", "n": 1}, {"id": "milk", "n": 5}])).await;
        let held = guest.hold(late).await;
        change(&guest, |session| {
            session.path("cart.0").remove();
            session.push("cart", json!({"id": "jam", "n": 9})).map(drop)
        })
        .await;
        held.release().await.ok();
        let cart = json!([item, {"id": "jam", "n": 9}]);
        assert_eq!(guest.read::<Value>("cart").await, Some(cart));
    }
}

/// It is not found by what it was, and what stands in its old place is another one: no item may be changed for it.
async fn s11_a_change_inside_an_item_that_was_moved_and_changed_reaches_no_other_item(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "cart", json!([{"id": "tea", "n": 1}, {"id": "milk", "n": 5}])).await;
    let held = guest.hold(|session| session.path("cart.1.n").increment(1).map(drop)).await;
    change(&guest, |session| {
        session.path("cart.1.id").insert("oat milk")?;
        session.path("cart.0").remove();
        session.push("cart", json!({"id": "jam", "n": 9})).map(drop)
    })
    .await;
    let _applied_or_not = held.release().await;
    let cart: Value = guest.read("cart").await.unwrap();
    assert_eq!(cart[1], json!({"id": "jam", "n": 9}), "{cart}");
}

async fn s11_a_change_inside_an_item_that_is_gone_is_an_error_and_changes_no_other(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "cart", json!([{"n": 1}, {"n": 5}])).await;
    let late = guest.hold(|session| session.path("cart.0.n").increment(1).map(drop)).await;
    change(&guest, |session| {
        session.path("cart.0").remove();
        Ok(())
    })
    .await;
    let answer = late.release().await;
    assert!(!answer.status.is_success(), "what was not applied is not acknowledged");
    assert!(answer.leaves_cookie());
    assert_eq!(guest.read::<Value>("cart").await, Some(json!([{"n": 5}])));
}
