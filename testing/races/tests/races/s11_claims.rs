//! S11: `claim` gives a value to exactly one request.

use cloakroom_races::{Browser, Exchange, Gate, Kind, Op, Stand, When, races};
use cloakroom_tower::Session;
use serde_json::{Value, json};

races! {
    s11_of_32_requests_that_claim_a_value_exactly_one_gets_it,
    s11_requests_that_claim_from_a_queue_get_an_item_each,
    s11_claims_from_a_queue_and_pushes_at_once_give_each_item_once,
    s11_a_claim_whose_answer_was_lost_gives_the_value_once,
    s11_a_claim_whose_session_has_ended_gives_nothing,
    s11_a_claim_that_the_store_refuses_leaves_the_value,
    s11_a_claim_of_a_value_that_another_request_replaced_gives_the_new_one,
}

/// A browser whose session holds `key`.
async fn holding(stand: &Stand, key: &'static str, value: Value) -> Browser {
    let mut browser = stand.browser();
    browser.run(async move |session: Session| Ok(session.insert(key, value)?)).await.ok();
    browser
}

/// Sends a request that claims what is at `path` and shows it.
fn claiming(browser: &Browser, path: &'static str) -> Exchange {
    claiming_behind(browser, path, None)
}

/// The same; it loads its session, and waits at the gate before it claims.
fn claiming_behind(browser: &Browser, path: &'static str, gate: Option<Gate>) -> Exchange {
    browser.start(async move |session: Session| {
        if let Some(gate) = gate {
            gate.pass().await;
        }
        let claimed: Option<Value> = session.path(path).claim().await?;
        Ok(claimed.unwrap_or_default().to_string())
    })
}

/// Sends so many requests that all have loaded before the first one claims; what they got.
async fn claim_at_once(browser: &Browser, path: &'static str, many: usize) -> Vec<Value> {
    let gate = Gate::new("all requests have loaded");
    let claimers: Vec<_> = (0..many).map(|_| claiming_behind(browser, path, Some(gate.clone()))).collect();
    for _ in 0..many {
        gate.reached().await;
    }
    gate.open_for_all();
    given(claimers).await
}

/// What these requests got, without those that got nothing.
async fn given(claimers: Vec<Exchange>) -> Vec<Value> {
    let mut given = Vec::new();
    for claimer in claimers {
        let answer = claimer.answer().await.ok();
        assert!(answer.leaves_cookie());
        given.extend(Some(serde_json::from_str(&answer.body).unwrap()).filter(|value| *value != Value::Null));
    }
    given
}

async fn s11_of_32_requests_that_claim_a_value_exactly_one_gets_it(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "voucher", json!("TEN-OFF")).await;
    assert_eq!(claim_at_once(&guest, "voucher", 32).await, [json!("TEN-OFF")]);
    assert_eq!(guest.read::<Value>("voucher").await, None);
}

async fn s11_requests_that_claim_from_a_queue_get_an_item_each(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "queue", json!([1, 2, 3, 4, 5])).await;
    let mut given: Vec<_> =
        claim_at_once(&guest, "queue.0", 8).await.iter().filter_map(Value::as_u64).collect();
    given.sort_unstable();
    assert_eq!(given, [1, 2, 3, 4, 5]);
    assert_eq!(guest.read::<Value>("queue").await, Some(json!([])));
}

async fn s11_claims_from_a_queue_and_pushes_at_once_give_each_item_once(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "queue", json!([])).await;
    let (mut pushers, mut claimers) = (Vec::new(), Vec::new());
    for item in 0..8_u64 {
        pushers.push(guest.start(async move |session: Session| Ok(session.push("queue", item).map(drop)?)));
        claimers.push(claiming(&guest, "queue.0"));
    }
    for pusher in pushers {
        pusher.answer().await.ok();
    }
    let mut given: Vec<_> = given(claimers).await.iter().filter_map(Value::as_u64).collect();
    given.extend(guest.read::<Vec<u64>>("queue").await.unwrap());
    given.sort_unstable();
    assert_eq!(given, [0, 1, 2, 3, 4, 5, 6, 7], "each item was given to one request, or is still there");
}

async fn s11_a_claim_whose_answer_was_lost_gives_the_value_once(kind: Kind) {
    for when in [When::Before, When::After] {
        let stand = Stand::new(kind).await;
        let guest = holding(&stand, "voucher", json!(7)).await;
        stand.store.fail(Op::Update, when);
        assert_eq!(given(vec![claiming(&guest, "voucher")]).await, [json!(7)], "{when:?}");
        assert!(stand.store.has_no_traps());
        assert_eq!(given(vec![claiming(&guest, "voucher")]).await, [Value::Null; 0], "{when:?}");
    }
}

async fn s11_a_claim_whose_session_has_ended_gives_nothing(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "voucher", json!(7)).await;
    let gate = Gate::new("a request has loaded");
    let claimer = claiming_behind(&guest, "voucher", Some(gate.clone()));
    gate.reached().await;
    let log_out = async |session: Session| {
        session.log_out();
        Ok(())
    };
    guest.start(log_out).answer().await.ok();
    gate.open();
    let answer = claimer.answer().await;
    assert!(!answer.status.is_success(), "{}", answer.body);
    assert_eq!(stand.records().await, 0);
}

async fn s11_a_claim_that_the_store_refuses_leaves_the_value(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "voucher", json!(7)).await;
    stand.store.fail_with(Op::Update, When::Before, cloakroom::store::ErrorKind::Full);
    let refused = claiming(&guest, "voucher").answer().await;
    assert!(refused.status.is_server_error(), "{}", refused.body);
    assert_eq!(guest.read::<Value>("voucher").await, Some(json!(7)));
    assert_eq!(given(vec![claiming(&guest, "voucher")]).await, [json!(7)]);
}

async fn s11_a_claim_of_a_value_that_another_request_replaced_gives_the_new_one(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = holding(&stand, "voucher", json!(7)).await;
    let gate = Gate::new("a request has loaded");
    let claimer = claiming_behind(&guest, "voucher", Some(gate.clone()));
    gate.reached().await;
    guest.clone().run(async |session: Session| Ok(session.insert("voucher", 8)?)).await.ok();
    gate.open();
    assert_eq!(given(vec![claimer]).await, [json!(8)]);
    assert_eq!(guest.read::<Value>("voucher").await, None);
}
