//! What other sites and other names of this server may do: nothing.

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpStream;

use crate::client::{Answer, Client};
use crate::server::{MEMORY, Playground};

/// Every route that changes something.
const CHANGES: [&str; 13] = [
    "/api/do",
    "/api/revoke",
    "/page/increment",
    "/page/insert",
    "/page/remove",
    "/page/flash",
    "/page/log-in",
    "/page/log-out",
    "/page/renew",
    "/page/reset",
    "/page/revoke",
    "/page/revoke-others",
    "/page/csrf",
];
/// Every route that answers.
const LOOKS: [&str; 4] = ["/", "/api/untouched", "/api/session", "/api/sessions?user=alice"];
const FOREIGN_HOSTS: [&str; 8] = [
    "evil.example",
    "evil.example:3000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evillocalhost",
    "127.0.0.1@evil.example",
    "192.0.2.1",
    "",
];

/// What a revoking page of another site sends; the forms of the page do not get that far.
fn body(path: &str) -> &'static str {
    match path {
        "/api/do" => r#"{"do": [{"insert": ["from", "elsewhere"]}]}"#,
        _ => r#"{"user": "alice"}"#,
    }
}

async fn post(client: &Client, path: &str) -> Answer {
    client.send("POST", path, "text/plain", body(path).to_owned()).await.unwrap()
}

fn assert_refused(answer: &Answer, path: &str, why: &str) {
    assert_eq!(answer.status, 403, "{path} with {why}: {answer:?}");
    assert_eq!(answer.header("set-cookie"), None, "{path} with {why}");
    if path.starts_with("/api/") {
        answer.assert_error(403, "forbidden");
    } else {
        assert!(answer.header("content-type").unwrap().starts_with("text/html"), "{path}");
    }
}

async fn alice(playground: &Playground) -> Client {
    let client = playground.client();
    client.run(json!([{"log_in": "alice"}])).await;
    client
}

async fn assert_untouched(alice: &Client) {
    let session = alice.session().await;
    assert_eq!((&session["user"], &session["data"]), (&json!("alice"), &json!({})));
}

#[tokio::test]
async fn f30_what_a_page_of_another_site_sends_changes_nothing() {
    let playground = Playground::on(MEMORY).await;
    let alice = alice(&playground).await;
    for path in CHANGES {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "unknown"),
            ("origin", "http://evil.example"),
            ("origin", "http://localhost:1"),
            ("origin", "http://127.0.0.1"),
            ("origin", "https://127.0.0.1.evil.example"),
            ("origin", "null"),
            ("origin", ""),
        ] {
            assert_refused(&post(&alice.with(name, value), path).await, path, value);
        }
    }
    assert_untouched(&alice).await;
}

#[tokio::test]
async fn f30_a_foreign_host_is_refused_on_every_route() {
    let playground = Playground::on(MEMORY).await;
    let alice = alice(&playground).await;
    for host in FOREIGN_HOSTS {
        let foreign = alice.with("host", host);
        for path in CHANGES {
            assert_refused(&post(&foreign, path).await, path, host);
        }
        for path in LOOKS.into_iter().chain(["/api/nothing"]) {
            assert_refused(&foreign.get(path).await, path, host);
        }
    }
    assert_untouched(&alice).await;
}

#[tokio::test]
async fn f30_a_foreign_host_is_refused_over_http_2_too() {
    let playground = Playground::on(MEMORY).await;
    for (host, status) in [("evil.example", 403), ("localhost", 200)] {
        let stream = TcpStream::connect(&playground.server.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = hyper::Request::get(format!("http://{host}/api/session"));
        let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{host}");
        response.into_body().collect().await.unwrap();
    }
}

#[tokio::test]
async fn f30_names_of_this_machine_are_served() {
    let playground = Playground::on(MEMORY).await;
    for host in [
        "localhost",
        "LOCALHOST:3000",
        "app.localhost:8080",
        "127.0.0.1",
        "127.9.9.9:1",
        "[::1]:3000",
        "[::1]",
    ] {
        let client = playground.client().with("host", host);
        assert_eq!(client.run(json!([{"increment": ["n", 1]}])).await["results"], json!([1]), "{host}");
    }
}

#[tokio::test]
async fn f30_a_host_that_was_named_is_served_and_its_pages_may_change_things() {
    let flags = ["--store", MEMORY, "--host", "shop.example", "--host", "other.example:8443"];
    let playground = Playground::with(&flags).await;
    for (host, origin, status) in [
        ("shop.example", "https://shop.example", 200),
        ("Shop.Example:443", "https://shop.example", 200),
        ("other.example", "https://other.example:8443", 200),
        // A proxy that passes on its own name for the server.
        ("127.0.0.1:3000", "https://shop.example", 200),
        ("shop.example", "https://shop.example:8443", 403),
        ("other.example", "https://sub.other.example:8443", 403),
        ("sub.shop.example", "https://sub.shop.example", 403),
    ] {
        let client = playground.client().with("host", host).with("origin", origin);
        let answer = client.try_run(json!([{"insert": ["k", 1]}])).await.unwrap();
        assert_eq!(answer.status, status, "{host} from {origin}: {answer:?}");
    }
}

#[tokio::test]
async fn f30_the_pages_own_forms_work_as_browsers_send_them() {
    let playground = Playground::on(MEMORY).await;
    let address: &'static str = format!("http://{}", playground.server.address).leak();
    for (name, value) in [("origin", address), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")]
    {
        let client = playground.client();
        let page = client.get("/").await;
        let (_, rest) = page.body.split_once("id=\"csrf-token\"").unwrap();
        let token = rest.split_once("value=\"").unwrap().1.split('"').next().unwrap();
        let sent = client.with(name, value).submit("/page/increment", &format!("csrf={token}")).await;
        assert_eq!(sent.status, 303, "{name}: {value}: {sent:?}");
        // With `no-referrer`, browsers would send `Origin: null` with the page's own forms.
        assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    }
}
