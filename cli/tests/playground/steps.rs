//! Every step of a script, on every store.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Playground, on_every_store};

on_every_store![
    read_answers_a_value_or_null,
    insert_sets_a_value_and_keeps_its_bytes,
    remove_removes_a_value,
    take_reads_and_removes,
    increment_counts,
    push_appends_and_answers_the_length,
    path_insert_makes_parents,
    clear_removes_all_values_and_keeps_the_session,
    flash_is_there_for_one_more_request,
    reflash_keeps_flash_values_for_one_more,
    keep_flash_keeps_those_that_it_names,
    csrf_answers_a_token_that_forms_accept,
    log_in_gives_a_user_a_new_id_and_the_old_one_is_dead,
    log_out_ends_the_session_and_removes_the_cookie,
    renew_id_changes_the_id_and_excuses_the_old_one,
    reset_begins_an_empty_session,
    destroy_ends_the_session,
    discard_forgets_the_changes,
    save_saves_in_the_middle,
    reload_forgets_what_was_not_saved,
    set_max_age_gives_an_idle_time_of_its_own,
    sleep_ms_holds_the_request_open_and_nothing_is_lost_meanwhile,
    steps_run_in_order_and_the_first_that_fails_is_the_last,
];

/// The results of a script.
async fn results(client: &crate::client::Client, steps: Value) -> Value {
    client.run(steps).await["results"].take()
}

async fn read_answers_a_value_or_null(playground: &Playground) {
    let client = playground.client();
    assert_eq!(results(&client, json!([{"read": "k"}])).await, json!([null]));
    client.run(json!([{"insert": ["k", {"a": [1, "x", null]}]}])).await;
    assert_eq!(results(&client, json!([{"read": "k"}])).await, json!([{"a": [1, "x", null]}]));
}

async fn insert_sets_a_value_and_keeps_its_bytes(playground: &Playground) {
    let client = playground.client();
    let script = r#"{"do": [{"insert": ["z", {"b":1e+21,"a":-0}]}, {"insert": ["a", 9007199254740993]}]}"#;
    let first = client.post("/api/do", script).await;
    assert!(first.body.contains(r#""data":{"z":{"b":1e+21,"a":-0},"a":9007199254740993}"#), "{first:?}");
    let second = client.get("/api/session").await;
    assert!(second.body.contains(r#""data":{"z":{"b":1e+21,"a":-0},"a":9007199254740993}"#), "{second:?}");
}

async fn remove_removes_a_value(playground: &Playground) {
    let client = playground.client();
    client.run(json!([{"insert": ["k", 1]}, {"insert": ["l", 2]}])).await;
    assert_eq!(results(&client, json!([{"remove": "k"}, {"remove": "absent"}])).await, json!([null, null]));
    assert_eq!(client.session().await["data"], json!({"l": 2}));
}

async fn take_reads_and_removes(playground: &Playground) {
    let client = playground.client();
    client.run(json!([{"insert": ["k", "coat"]}])).await;
    assert_eq!(results(&client, json!([{"take": "k"}, {"take": "k"}])).await, json!(["coat", null]));
    assert_eq!(client.session().await["data"], json!({}));
}

async fn increment_counts(playground: &Playground) {
    let client = playground.client();
    assert_eq!(
        results(&client, json!([{"increment": ["n", 3]}, {"increment": ["n", -1]}])).await,
        json!([3, 2])
    );
    assert_eq!(results(&client, json!([{"increment": ["n", 1]}])).await, json!([3]));
}

async fn push_appends_and_answers_the_length(playground: &Playground) {
    let client = playground.client();
    assert_eq!(
        results(&client, json!([{"push": ["l", "a"]}, {"push": ["l", {"b": 1}]}])).await,
        json!([1, 2])
    );
    assert_eq!(client.session().await["data"], json!({"l": ["a", {"b": 1}]}));
}

async fn path_insert_makes_parents(playground: &Playground) {
    let client = playground.client();
    assert_eq!(results(&client, json!([{"path_insert": ["a.b.c", 1]}])).await, json!([null]));
    client.run(json!([{"path_insert": ["a.b.d", 2]}])).await;
    assert_eq!(client.session().await["data"], json!({"a": {"b": {"c": 1, "d": 2}}}));
}

async fn clear_removes_all_values_and_keeps_the_session(playground: &Playground) {
    let client = playground.client();
    let before = client.run(json!([{"insert": ["k", 1]}, {"log_in": "alice"}])).await;
    let after = client.run(json!([{"clear": true}])).await;
    assert_eq!(after["session"]["data"], json!({}));
    assert_eq!(after["session"]["user"], "alice");
    assert_eq!(after["session"]["handle"], before["session"]["handle"]);
}

async fn flash_is_there_for_one_more_request(playground: &Playground) {
    let client = playground.client();
    let first = client.run(json!([{"flash": ["hello", "world"]}])).await;
    assert_eq!(first["session"]["data"], json!({"hello": "world"}));
    assert_eq!(client.session().await["data"], json!({"hello": "world"}));
    assert_eq!(client.session().await["data"], json!({}));
}

async fn reflash_keeps_flash_values_for_one_more(playground: &Playground) {
    let client = playground.client();
    client.run(json!([{"flash": ["a", 1]}, {"flash": ["b", 2]}])).await;
    client.run(json!([{"reflash": true}])).await;
    assert_eq!(client.session().await["data"], json!({"a": 1, "b": 2}));
    assert_eq!(client.session().await["data"], json!({}));
}

async fn keep_flash_keeps_those_that_it_names(playground: &Playground) {
    let client = playground.client();
    client.run(json!([{"flash": ["a", 1]}, {"flash": ["b", 2]}])).await;
    client.run(json!([{"keep_flash": ["b"]}])).await;
    assert_eq!(client.session().await["data"], json!({"b": 2}));
    assert_eq!(client.session().await["data"], json!({}));
}

async fn csrf_answers_a_token_that_forms_accept(playground: &Playground) {
    let client = playground.client();
    let tokens = results(&client, json!([{"csrf": true}, {"csrf": true}])).await;
    assert_ne!(tokens[0], tokens[1], "each under a mask of its own");
    for token in tokens.as_array().unwrap() {
        let form = format!("csrf={}&text=x", token.as_str().unwrap());
        assert_eq!(client.submit("/page/csrf", &form).await.status, 303);
        assert_eq!(client.stranger().submit("/page/csrf", &form).await.status, 403);
    }
}

async fn log_in_gives_a_user_a_new_id_and_the_old_one_is_dead(playground: &Playground) {
    let client = playground.client();
    let before = client.run(json!([{"insert": ["cart", 1]}])).await;
    let thief = client.copy();
    let after = client.run(json!([{"log_in": "alice"}])).await;
    assert_eq!(after["session"]["user"], "alice");
    assert_ne!(client.cookie(), thief.cookie());
    assert_ne!(after["session"]["handle"], before["session"]["handle"]);
    assert_eq!(client.session().await["data"], json!({"cart": 1}));
    let seen = thief.session().await;
    assert_eq!((&seen["exists"], &seen["user"], &seen["data"]), (&json!(false), &json!(null), &json!({})));
    client.try_run(json!([{"log_in": ""}])).await.unwrap().assert_error(400, "invalid");
}

async fn log_out_ends_the_session_and_removes_the_cookie(playground: &Playground) {
    let client = playground.client();
    client.run(json!([{"log_in": "alice"}, {"insert": ["k", 1]}])).await;
    let thief = client.copy();
    let after = client.run(json!([{"log_out": true}])).await;
    assert_eq!((&after["session"]["exists"], &after["session"]["handle"]), (&json!(false), &json!(null)));
    assert_eq!(client.cookie(), None);
    assert_eq!(thief.session().await["exists"], false);
}

async fn renew_id_changes_the_id_and_excuses_the_old_one(playground: &Playground) {
    let client = playground.client();
    let before = client.run(json!([{"log_in": "alice"}, {"insert": ["k", 1]}])).await;
    let late = client.copy();
    client.run(json!([{"cycle_id": true}])).await;
    assert_ne!(client.cookie(), late.cookie());
    for client in [client, late] {
        let seen = client.session().await;
        assert_eq!((&seen["user"], &seen["data"]), (&json!("alice"), &json!({"k": 1})));
        assert_eq!(seen["handle"], before["session"]["handle"]);
    }
}

async fn reset_begins_an_empty_session(playground: &Playground) {
    let client = playground.client();
    let before = client.run(json!([{"log_in": "alice"}, {"insert": ["k", 1]}])).await;
    let old = client.copy();
    let after = client.run(json!([{"reset": true}])).await;
    assert_eq!((&after["session"]["exists"], &after["session"]["new"]), (&json!(true), &json!(true)));
    assert_eq!((&after["session"]["user"], &after["session"]["data"]), (&json!(null), &json!({})));
    assert_ne!(after["session"]["handle"], before["session"]["handle"]);
    let seen = client.session().await;
    assert_eq!((&seen["exists"], &seen["handle"]), (&json!(true), &after["session"]["handle"]));
    assert_eq!(old.session().await["exists"], false);
}

async fn destroy_ends_the_session(playground: &Playground) {
    let client = playground.client();
    client.run(json!([{"insert": ["k", 1]}])).await;
    let old = client.copy();
    assert_eq!(client.run(json!([{"destroy": true}])).await["session"]["exists"], false);
    assert_eq!(client.cookie(), None);
    assert_eq!(old.session().await["exists"], false);
}

async fn discard_forgets_the_changes(playground: &Playground) {
    let client = playground.client();
    client.run(json!([{"insert": ["k", 1]}])).await;
    let after = client.run(json!([{"insert": ["k", 2]}, {"log_out": true}, {"discard": true}])).await;
    assert_eq!(after["session"]["data"], json!({"k": 1}));
    assert_eq!(client.session().await["data"], json!({"k": 1}));
}

async fn save_saves_in_the_middle(playground: &Playground) {
    let client = playground.client();
    let after = client
        .run(json!([{"insert": ["k", 1]}, {"save": true}, {"insert": ["k", 2]}, {"discard": true}]))
        .await;
    assert_eq!((&after["session"]["new"], &after["session"]["data"]), (&json!(false), &json!({"k": 1})));
    assert_eq!(client.session().await["data"], json!({"k": 1}));
}

async fn reload_forgets_what_was_not_saved(playground: &Playground) {
    let client = playground.client();
    client.run(json!([{"insert": ["k", 1]}])).await;
    let steps = json!([{"insert": ["k", 2]}, {"reload": true}, {"read": "k"}]);
    assert_eq!(results(&client, steps).await, json!([null, null, 1]));
    client.stranger().try_run(json!([{"reload": true}])).await.unwrap().assert_error(409, "gone");
}

async fn set_max_age_gives_an_idle_time_of_its_own(playground: &Playground) {
    let client = playground.client();
    client.run(json!([{"insert": ["k", 1]}, {"set_idle_timeout": 90.5}])).await;
    let left = client.session().await["expires_in"].as_f64().unwrap();
    assert!((60.0..=90.5).contains(&left), "{left}");
    let steps = json!({"do": [{"set_idle_timeout": null}]}).to_string();
    let answer = client.post("/api/do", steps).await;
    assert!(!answer.header("set-cookie").unwrap().contains("Max-Age"), "ends with the browser: {answer:?}");
    assert!(client.session().await["expires_in"].as_f64().unwrap() > 1700.0);
}

async fn sleep_ms_holds_the_request_open_and_nothing_is_lost_meanwhile(playground: &Playground) {
    let client = playground.client();
    client.run(json!([{"insert": ["n", 0]}])).await;
    let (slow, begun) = (client.clone(), Instant::now());
    let slow =
        tokio::spawn(async move { slow.run(json!([{"increment": ["n", 1]}, {"sleep_ms": 400}])).await });
    for _ in 0..5 {
        client.run(json!([{"increment": ["n", 1]}])).await;
    }
    assert_eq!(slow.await.unwrap()["results"][1], json!(null));
    assert!(begun.elapsed() >= Duration::from_millis(400));
    assert_eq!(client.session().await["data"], json!({"n": 6}));
}

async fn steps_run_in_order_and_the_first_that_fails_is_the_last(playground: &Playground) {
    let client = playground.client();
    let steps = json!([{"insert": ["k", "text"]}, {"increment": ["k", 1]}, {"insert": ["later", 1]}]);
    client.try_run(steps).await.unwrap().assert_error(400, "mismatch");
    assert_eq!(client.session().await["data"], json!({"k": "text"}));
    client.try_run(json!([{"push": ["k", 1]}])).await.unwrap().assert_error(400, "mismatch");
    client.try_run(json!([{"path_insert": ["k.a", 1]}])).await.unwrap().assert_error(400, "mismatch");
}
