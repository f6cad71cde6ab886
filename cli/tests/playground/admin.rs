//! `cloakroom admin`: the page of operators.

use serde_json::json;

use crate::client::{Answer, Client};
use crate::server::{Playground, SQLITE, Server, command};

const PASSWORD: &str = "correct horse battery";

/// The admin's page on a store that a playground uses.
struct Scene {
    playground: Playground,
    admin: Server,
}

impl Scene {
    async fn new() -> Self {
        let playground = Playground::on(SQLITE).await;
        let mut admin = command(playground.folder.path());
        admin.args(["admin", "--store", SQLITE, "--every", "20ms"]).env("CLOAKROOM_ADMIN_PASSWORD", PASSWORD);
        let admin = Server::start_command(&mut admin).await;
        Self { playground, admin }
    }

    async fn operator(&self) -> Client {
        let client = self.admin.client();
        let token = token(&client.get("/log-in").await);
        let answer =
            client.submit("/log-in", &format!("csrf={token}&password={}", PASSWORD.replace(' ', "+"))).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/")), "{answer:?}");
        client
    }
}

/// The token of the forms of a page.
fn token(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("{page:?}"));
    rest.split('"').next().unwrap().to_owned()
}

async fn name(client: &Client) -> String {
    client.session().await["handle"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_operator_sees_who_is_online_and_ends_a_session_with_a_reason() {
    let scene = Scene::new().await;
    let (alice, stranger) = (scene.playground.client(), scene.playground.client());
    alice.run(json!([{"insert": ["secret", "a value"]}, {"log_in": "alice"}])).await;
    stranger.run(json!([{"insert": ["k", 1]}])).await;
    let (id, other) = (name(&alice).await, name(&stranger).await);
    let operator = scene.operator().await;
    let page = operator.get("/").await;
    assert!(page.body.contains(&id) && page.body.contains(&other) && page.body.contains("alice"), "{page:?}");
    assert!(!page.body.contains("a value") && !page.body.contains(&alice.cookie().unwrap()), "{page:?}");
    let devices = operator.get("/?user=alice").await;
    assert!(devices.body.contains(&id) && !devices.body.contains(&other), "{devices:?}");

    let order = format!("csrf={}&public_id={id}&user=alice", token(&page));
    assert_eq!(operator.submit("/revoke", &order).await.status, 400, "a reason is needed");
    let answer = operator.submit("/revoke", &format!("{order}&reason=a+stolen+laptop")).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(alice.session().await["exists"], false);
    let endings = operator.get("/endings").await;
    assert!(endings.body.contains(&id) && endings.body.contains("revoked: a stolen laptop"), "{endings:?}");

    let order = format!("csrf={}&public_id={other}&user=&reason=spam", token(&page));
    assert_eq!(operator.submit("/revoke", &order).await.status, 303);
    assert_eq!(stranger.session().await["exists"], false);
    alice.run(json!([{"log_in": "alice"}])).await;
    let order = format!("csrf={}&user=alice&reason=left", token(&page));
    assert_eq!(operator.submit("/revoke-all", &order).await.status, 303);
    assert_eq!(alice.session().await["exists"], false);
}

#[tokio::test]
async fn endings_are_shown_as_they_happen() {
    let scene = Scene::new().await;
    let operator = scene.operator().await;
    loop {
        let alice = scene.playground.client();
        alice.run(json!([{"log_in": "alice"}])).await;
        let id = name(&alice).await;
        // The watch has seen it when it is on the page of endings: a session that no look has seen leaves no trace.
        alice.run(json!([{"log_out": true}])).await;
        let page = operator.get("/endings").await;
        if page.body.contains(" · alice · ") {
            assert!(
                page.header("refresh").is_some() && !page.body.contains(&alice.cookie().unwrap_or(id)),
                "{page:?}"
            );
            break;
        }
    }
}

#[tokio::test]
async fn nothing_is_shown_or_done_without_the_password() {
    let scene = Scene::new().await;
    let alice = scene.playground.client();
    alice.run(json!([{"log_in": "alice"}])).await;
    let stranger = scene.admin.client();
    for path in ["/", "/endings", "/?user=alice"] {
        let answer = stranger.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/log-in")), "{answer:?}");
    }
    let token = token(&stranger.get("/log-in").await);
    let wrong = stranger.submit("/log-in", &format!("csrf={token}&password=wrong")).await;
    assert_eq!(wrong.status, 403, "{wrong:?}");
    let order = format!("csrf={token}&user=alice&reason=none");
    assert_eq!(stranger.submit("/revoke-all", &order).await.status, 403);
    // A page of another site knows no token, and is known as such.
    let operator = scene.operator().await;
    assert_eq!(operator.submit("/revoke-all", "csrf=none&user=alice&reason=none").await.status, 403);
    let evil = operator.with("origin", "https://evil.example");
    assert_eq!(evil.submit("/revoke-all", &order).await.status, 403);
    assert_eq!(operator.with("host", "evil.example").get("/").await.status, 403);
    assert_eq!(alice.session().await["user"], "alice");
}

#[tokio::test]
async fn a_public_address_and_a_short_password_are_refused() {
    let playground = Playground::on(SQLITE).await;
    for (arguments, password, said) in [
        (&["--listen", "0.0.0.0:0"][..], PASSWORD, "plain http shows them the password"),
        (&["--listen", "127.0.0.1:0"], "short", "fewer than 12 letters"),
        (&["--listen", "127.0.0.1:0", "--password-file", "missing"], PASSWORD, "--password-file missing"),
    ] {
        let mut admin = command(playground.folder.path());
        admin.args(["admin", "--store", SQLITE]).args(arguments).env("CLOAKROOM_ADMIN_PASSWORD", password);
        let output = tokio::time::timeout(std::time::Duration::from_secs(20), admin.output()).await;
        let output = output.expect("it serves").unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains(PASSWORD), "{output:?}");
    }
}
