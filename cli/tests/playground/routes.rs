//! Every route, on every store.

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::server::{MEMORY, Playground, SQLITE, on_every_store};

on_every_store![
    untouched_answers_an_empty_object_and_never_looks,
    session_shows_a_session_that_is_not_there,
    session_shows_a_session_that_is_there,
    do_answers_with_the_status_that_was_asked_for_and_saves_all_the_same,
    sessions_lists_those_of_a_user,
    revoke_by_user_ends_all_of_them,
    revoke_by_handle_ends_one_of_the_callers,
    revoke_by_handle_ends_a_strangers_and_an_anonymous_one,
    revoke_others_spares_the_caller,
];

async fn untouched_answers_an_empty_object_and_never_looks(playground: &Playground) {
    let client = playground.client();
    client.run(json!([{"flash": ["f", 1]}])).await;
    let answer = client.get("/api/untouched").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "{}"));
    assert_eq!((answer.header("vary"), answer.header("set-cookie")), (None, None));
    assert_eq!(client.session().await["data"], json!({"f": 1}), "the flash value was not used up");
}

async fn session_shows_a_session_that_is_not_there(playground: &Playground) {
    let client = playground.client();
    client.set_cookie("session", &"A".repeat(43));
    let answer = client.get("/api/session").await;
    assert_eq!((answer.header("vary"), answer.header("set-cookie")), (Some("Cookie"), None));
    let mut seen = answer.json();
    assert!(seen["session"]["expires_in"].take().is_number());
    let nobody = json!({
        "exists": false, "new": true, "handle": null, "user": null, "data": {}, "expires_in": null
    });
    assert_eq!(seen, json!({"results": [], "session": nobody}));
}

async fn session_shows_a_session_that_is_there(playground: &Playground) {
    let client = playground.client();
    let made = client.run(json!([{"insert": ["n", 3]}])).await;
    assert_eq!((&made["session"]["exists"], &made["session"]["new"]), (&json!(true), &json!(true)));
    let seen = client.session().await;
    assert_eq!(
        (&seen["exists"], &seen["new"], &seen["data"]),
        (&json!(true), &json!(false), &json!({"n": 3}))
    );
    assert_eq!(seen["handle"], made["session"]["handle"]);
    let left = seen["expires_in"].as_f64().unwrap();
    assert!((1700.0..1800.0).contains(&left), "{left}");
    let id = client.cookie().unwrap();
    assert!(!id.contains(seen["handle"].as_str().unwrap()));
}

async fn do_answers_with_the_status_that_was_asked_for_and_saves_all_the_same(playground: &Playground) {
    let client = playground.client();
    for (count, status) in [200, 201, 404, 418, 500, 599].into_iter().enumerate() {
        let script = json!({"do": [{"increment": ["n", 1]}], "status": status}).to_string();
        let answer = client.post("/api/do", script).await;
        assert_eq!((answer.status.as_u16(), answer.json()["results"].clone()), (status, json!([count + 1])));
    }
    assert_eq!(client.session().await["data"], json!({"n": 6}));
}

/// Logs a new browser in and says its session's handle.
async fn log_in(playground: &Playground, user: &str) -> (crate::client::Client, Value) {
    let client = playground.client().header("user-agent", "test browser");
    let handle = client.run(json!([{"log_in": user}])).await["session"]["handle"].take();
    (client, handle)
}

async fn sessions_lists_those_of_a_user(playground: &Playground) {
    let (_first, old) = log_in(playground, "alice & bob").await;
    let (second, new) = log_in(playground, "alice & bob").await;
    log_in(playground, "carol").await;
    let listed = second.get("/api/sessions?user=alice%20%26%20bob").await.json();
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.iter().map(|session| &session["handle"]).collect::<Vec<_>>(), [&new, &old]);
    assert_eq!((&sessions[0]["current"], &sessions[1]["current"]), (&json!(true), &json!(false)));
    for session in sessions {
        assert_eq!((&session["user"], &session["device"]), (&json!("alice & bob"), &json!("test browser")));
        let moment = |name: &str| session[name].as_f64().unwrap();
        assert!(moment("started_at") <= moment("last_seen") && moment("last_seen") < moment("expires_at"));
        assert!(moment("started_at") > 1.7e9, "seconds since 1970");
    }
    assert_eq!(playground.client().get("/api/sessions?user=nobody").await.json(), json!({"sessions": []}));
    playground.client().get("/api/sessions").await.assert_error(400, "malformed");
}

async fn revoke(client: &crate::client::Client, target: Value) -> Value {
    let answer = client.post("/api/revoke", target.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["revoked"].take()
}

async fn revoke_by_user_ends_all_of_them(playground: &Playground) {
    let (alice, _) = log_in(playground, "alice").await;
    let (again, _) = log_in(playground, "alice").await;
    let (carol, _) = log_in(playground, "carol").await;
    assert_eq!(revoke(&playground.client(), json!({"user": "alice"})).await, 2);
    assert_eq!(revoke(&playground.client(), json!({"user": "alice"})).await, 0);
    for (client, user) in [(alice, json!(null)), (again, json!(null)), (carol, json!("carol"))] {
        assert_eq!(client.session().await["user"], user);
    }
}

async fn revoke_by_handle_ends_one_of_the_callers(playground: &Playground) {
    let (caller, own) = log_in(playground, "alice").await;
    let (other, handle) = log_in(playground, "alice").await;
    assert_eq!(revoke(&caller, json!({"handle": handle})).await, 1);
    assert_eq!(revoke(&caller, json!({"handle": handle})).await, 0);
    assert_eq!(other.session().await["exists"], false);
    assert_eq!(caller.session().await["handle"], own);
    caller.post("/api/revoke", r#"{"handle": "no handle"}"#).await.assert_error(400, "invalid");
}

async fn revoke_by_handle_ends_a_strangers_and_an_anonymous_one(playground: &Playground) {
    let (alice, handle) = log_in(playground, "alice").await;
    assert_eq!(revoke(&playground.client(), json!({"handle": handle})).await, 1);
    assert_eq!(alice.session().await["exists"], false);
    let client = playground.client();
    let handle = client.run(json!([{"insert": ["k", 1]}])).await["session"]["handle"].take();
    assert_eq!(revoke(&playground.client(), json!({"handle": handle})).await, 1);
    assert_eq!(client.session().await["exists"], false);
}

async fn revoke_others_spares_the_caller(playground: &Playground) {
    let (one, _) = log_in(playground, "alice").await;
    let (two, _) = log_in(playground, "alice").await;
    let (caller, own) = log_in(playground, "alice").await;
    assert_eq!(revoke(&caller, json!({"others": true})).await, 2);
    assert_eq!(one.session().await["exists"], false);
    assert_eq!(two.session().await["exists"], false);
    assert_eq!(caller.session().await["handle"], own);
    playground.client().post("/api/revoke", r#"{"others": true}"#).await.assert_error(400, "invalid");
    caller.post("/api/revoke", r#"{"others": false}"#).await.assert_error(400, "malformed");
}

#[tokio::test]
async fn an_invalid_script_is_400_and_touches_no_session() {
    let playground = Playground::on(MEMORY).await;
    let client = playground.client();
    client.run(json!([{"flash": ["f", 1]}])).await;
    for wrong in ["", "{", "[]", r#"{"do": [{"dance": true}]}"#, r#"{"do": [], "status": 99}"#, "\u{0}"] {
        client.post("/api/do", wrong).await.assert_error(400, "malformed");
    }
    client.post("/api/revoke", "{}").await.assert_error(400, "malformed");
    assert_eq!(client.session().await["data"], json!({"f": 1}));
}

#[tokio::test]
async fn deep_json_and_deep_paths_bring_no_server_down() {
    let playground = Playground::on(MEMORY).await;
    let client = playground.client();
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let deep = client.post("/api/do", format!(r#"{{"do": [{{"insert": ["deep", {open}{close}]}}]}}"#)).await;
    deep.assert_error(400, "encode");
    for path in ["/api/session", "/"] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
    let path = vec!["a"; 100_000].join(".");
    client.try_run(json!([{"path_insert": [path, 1]}])).await.unwrap().assert_error(400, "invalid");
    client.post("/api/do", format!(r#"{{"do": {open}{close}}}"#)).await.assert_error(400, "malformed");
    client.run(json!([{"increment": ["n", 1]}])).await;
    assert_eq!(client.session().await["data"], json!({"n": 1}));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_400_and_its_sender_gets_to_read_that() {
    let playground = Playground::on(MEMORY).await;
    for size in [(1 << 20) + 1, 8 << 20] {
        playground.client().post("/api/do", "x".repeat(size)).await.assert_error(400, "too_large");
    }
}

#[tokio::test]
async fn a_session_that_is_too_large_is_400_and_what_was_there_stays() {
    let playground = Playground::on(MEMORY).await;
    let client = playground.client();
    client.run(json!([{"insert": ["a", "x".repeat(900_000)]}])).await;
    client
        .try_run(json!([{"insert": ["b", "x".repeat(900_000)]}]))
        .await
        .unwrap()
        .assert_error(400, "too_large");
    assert_eq!(client.session().await["data"].as_object().unwrap().keys().collect::<Vec<_>>(), ["a"]);
}

#[tokio::test]
async fn other_paths_and_methods_are_errors_in_the_same_form() {
    let playground = Playground::on(MEMORY).await;
    let client = playground.client();
    client.get("/api").await.assert_error(404, "not_found");
    let answer = client.get("/api/do").await;
    answer.assert_error(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("POST"));
    client.post("/api/session", "{}").await.assert_error(405, "method_not_allowed");
    client.post("/", "").await.assert_error(405, "method_not_allowed");
}

#[tokio::test]
async fn it_speaks_http_2_too() {
    let playground = Playground::on(MEMORY).await;
    let stream = TcpStream::connect(&playground.server.address).await.unwrap();
    let io = TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let uri = format!("http://{}/api/session", playground.server.address);
    let request = hyper::Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, hyper::Version::HTTP_2));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let seen: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(seen["session"]["exists"], false);
}

#[tokio::test]
async fn what_is_counted_is_served_as_prometheus_reads_it() {
    let playground = Playground::on(SQLITE).await;
    let client = playground.client();
    client.run(json!([{"insert": ["secret", "a value"]}])).await;
    client.run(json!([{"log_in": "alice"}])).await;
    let answer = client.get("/metrics").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "# TYPE cloakroom_sessions_begun_total counter",
        "cloakroom_sessions_begun_total 1",
        "cloakroom_ids_renewed_total{reason=\"log_in\"} 1",
        "cloakroom_operation_seconds_count{operation=\"commit\"} 2",
    ] {
        assert!(answer.body.lines().any(|it| it == line), "{line}: {}", answer.body);
    }
    assert!(!answer.body.contains(&client.cookie().unwrap()) && !answer.body.contains("alice"));
}
